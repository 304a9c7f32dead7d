-- Leases on records of any table. Times are integer milliseconds since 1970, UTC.
-- Text is compared byte by byte, which is SQLite's default. Lengths are in bytes.

CREATE TABLE locks (
    -- The record: its table, and its key as canonical text. An empty key stands for no record: such a
    -- row keeps the highest fence of those that were purged, and nobody holds it.
    entity      TEXT    NOT NULL CHECK (length(CAST(entity AS BLOB)) BETWEEN 1 AND 128),
    record      TEXT    NOT NULL CHECK (length(CAST(record AS BLOB)) <= 512),
    -- Grows with every new holder and is never reset.
    fence       BIGINT  NOT NULL CHECK (fence >= 0),
    -- The holder. All three are NULL once the lock is released; the row stays, for its fence.
    -- The token is a UUID in its hyphenated form.
    token       TEXT    CHECK (length(CAST(token AS BLOB)) = 36),
    owner       TEXT    CHECK (length(CAST(owner AS BLOB)) <= 255),
    session     TEXT    CHECK (length(CAST(session AS BLOB)) <= 255),
    mode        TEXT    NOT NULL DEFAULT 'exclusive' CHECK (mode IN ('exclusive')),
    note        TEXT    CHECK (length(CAST(note AS BLOB)) <= 2000),
    acquired_at BIGINT,
    renewed_at  BIGINT,
    expires_at  BIGINT,
    -- No renewal goes beyond this.
    deadline_at BIGINT,
    renewals    BIGINT  NOT NULL DEFAULT 0,
    -- The record's version as the holder knows it, as canonical text.
    version     TEXT    CHECK (length(CAST(version AS BLOB)) <= 255),
    PRIMARY KEY (entity, record),
    CHECK ((token IS NULL) = (owner IS NULL)),
    CHECK (token IS NULL OR (acquired_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK (token IS NULL OR record <> '')
) WITHOUT ROWID;

CREATE INDEX locks_by_owner ON locks (owner) WHERE owner IS NOT NULL;
CREATE INDEX locks_by_expiry ON locks (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE lock_events (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    entity   TEXT    NOT NULL CHECK (length(CAST(entity AS BLOB)) BETWEEN 1 AND 128),
    record   TEXT    NOT NULL CHECK (length(CAST(record AS BLOB)) <= 512),
    fence    BIGINT  NOT NULL,
    event    TEXT    NOT NULL
             CHECK (event IN ('acquired', 'released', 'expired', 'broken', 'stolen', 'denied')),
    -- Who did it, and who held the lock then.
    actor    TEXT    NOT NULL CHECK (length(CAST(actor AS BLOB)) <= 255),
    holder   TEXT    CHECK (length(CAST(holder AS BLOB)) <= 255),
    reason   TEXT    CHECK (length(CAST(reason AS BLOB)) <= 2000),
    at       BIGINT  NOT NULL,
    renewals BIGINT  NOT NULL DEFAULT 0
);

CREATE INDEX lock_events_by_record ON lock_events (entity, record, id);
-- For what is purged.
CREATE INDEX lock_events_by_time ON lock_events (at);
