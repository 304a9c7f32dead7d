-- Leases on records of any table. Times are integer milliseconds since 1970, UTC.
--
-- Names are bytes: MySQL and MariaDB have no collation in common that tells 'a' from 'a '. Only what
-- is read by people alone is text.
--
-- Lengths are in bytes, and each column has room for more than its CHECK admits. Without a strict
-- sql_mode the server cuts a value to its column's room and only warns; what was cut is then still too
-- long, and the CHECK refuses it. A MySQL before 8.0.16 reads a CHECK and does not keep it: there,
-- nothing but the library and a strict sql_mode watches over the lengths.
--
-- Each statement commits by itself. So each table is made whole, with its indexes, by one statement,
-- and all of this can be run again after it has stopped half way. Since a table that is there already
-- may also be somebody else's, its columns are then asked for: a missing one is an error.

CREATE TABLE IF NOT EXISTS locks (
    -- The record: its table, and its key as canonical text. An empty key stands for no record: such a
    -- row keeps the highest fence of those that were purged, and nobody holds it.
    entity      VARBINARY(129) NOT NULL CHECK (octet_length(entity) BETWEEN 1 AND 128),
    record      VARBINARY(513) NOT NULL CHECK (octet_length(record) <= 512),
    -- Grows with every new holder and is never reset.
    fence       BIGINT         NOT NULL CHECK (fence >= 0),
    -- The holder. All three are NULL once the lock is released; the row stays, for its fence.
    -- The token is a UUID in its hyphenated form.
    token       VARBINARY(37)  CHECK (octet_length(token) = 36),
    owner       VARBINARY(256) CHECK (octet_length(owner) <= 255),
    session     VARBINARY(256) CHECK (octet_length(session) <= 255),
    mode        VARBINARY(16)  NOT NULL DEFAULT 'exclusive' CHECK (mode IN ('exclusive')),
    note        VARCHAR(2001)  CHECK (octet_length(note) <= 2000),
    acquired_at BIGINT,
    renewed_at  BIGINT,
    expires_at  BIGINT,
    -- No renewal goes beyond this.
    deadline_at BIGINT,
    renewals    BIGINT         NOT NULL DEFAULT 0,
    -- The record's version as the holder knows it, as canonical text.
    version     VARBINARY(256) CHECK (octet_length(version) <= 255),
    PRIMARY KEY (entity, record),
    INDEX locks_by_owner (owner),
    INDEX locks_by_expiry (expires_at),
    CHECK ((token IS NULL) = (owner IS NULL)),
    CHECK (token IS NULL OR (acquired_at IS NOT NULL AND expires_at IS NOT NULL)),
    CHECK (token IS NULL OR record <> '')
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DO EXISTS (
    SELECT entity, record, fence, token, owner, session, mode, note,
           acquired_at, renewed_at, expires_at, deadline_at, renewals, version
      FROM locks WHERE FALSE
);

CREATE TABLE IF NOT EXISTS lock_events (
    id       BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    entity   VARBINARY(129) NOT NULL CHECK (octet_length(entity) BETWEEN 1 AND 128),
    record   VARBINARY(513) NOT NULL CHECK (octet_length(record) <= 512),
    fence    BIGINT         NOT NULL,
    event    VARBINARY(16)  NOT NULL
             CHECK (event IN ('acquired', 'released', 'expired', 'broken', 'stolen', 'denied')),
    -- Who did it, and who held the lock then.
    actor    VARBINARY(256) NOT NULL CHECK (octet_length(actor) <= 255),
    holder   VARBINARY(256) CHECK (octet_length(holder) <= 255),
    reason   VARCHAR(2001)  CHECK (octet_length(reason) <= 2000),
    at       BIGINT         NOT NULL,
    renewals BIGINT         NOT NULL DEFAULT 0,
    INDEX lock_events_by_record (entity, record, id),
    -- For what is purged.
    INDEX lock_events_by_time (at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DO EXISTS (
    SELECT id, entity, record, fence, event, actor, holder, reason, at, renewals
      FROM lock_events WHERE FALSE
);
