//! The library's own tables: run by the Diesel command line, from a copy, and embedded; and what they
//! take.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sqlite::Sqlite;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use noclobber::migrations;
use noclobber::schema::{lock_events, locks};

use crate::support::{on_every_database, sqlite};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The Diesel command line on a database file, configured by the project's `diesel.toml` or by
/// another file.
fn diesel_cli(arguments: &[&str], config: &Path, database: &Path) {
    let program = std::env::var_os("NOCLOBBER_DIESEL_CLI").unwrap_or_else(|| "diesel".into());
    let output = Command::new(&program)
        .args(arguments)
        .arg("--config-file")
        .arg(config)
        .current_dir(ROOT)
        .env("DATABASE_URL", database)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "the Diesel command line does not start ({error}): run the tests by \
                 `cargo xtask test`, which installs it, or install it by \
                 `cargo install diesel_cli --no-default-features --features sqlite-bundled`"
            )
        });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "diesel {arguments:?}: {errors}");
}

fn own_config() -> PathBuf {
    Path::new(ROOT).join("diesel.toml")
}

/// What a host copies.
fn own_folder(database: &str) -> PathBuf {
    Path::new(ROOT).join("migrations").join(database)
}

/// A folder with a migration of a host's own, which makes the table `mine`.
fn hosts_folder(parent: &Path) -> PathBuf {
    let hosts = parent.join("migrations");
    let mine = hosts.join("2020-01-01-000000_mine");
    std::fs::create_dir_all(&mine).unwrap();
    std::fs::write(mine.join("up.sql"), "CREATE TABLE mine (id INTEGER PRIMARY KEY)").unwrap();
    std::fs::write(mine.join("down.sql"), "DROP TABLE mine").unwrap();
    hosts
}

/// A host's configuration, which leaves the schema file of this project alone.
fn hosts_config(parent: &Path, migrations: &Path) -> PathBuf {
    let config = parent.join("diesel.toml");
    std::fs::write(&config, format!("[migrations_directory]\ndir = {migrations:?}\n")).unwrap();
    config
}

#[derive(Debug, Clone, PartialEq, Insertable, HasQuery)]
#[diesel(table_name = locks)]
struct Lock {
    entity: String,
    record: String,
    fence: i64,
    token: Option<String>,
    owner: Option<String>,
    session: Option<String>,
    mode: String,
    note: Option<String>,
    acquired_at: Option<i64>,
    renewed_at: Option<i64>,
    expires_at: Option<i64>,
    deadline_at: Option<i64>,
    renewals: i64,
    version: Option<String>,
}

/// A lock that somebody holds.
fn held(record: &str) -> Lock {
    Lock {
        entity: "documents".into(),
        record: record.into(),
        fence: 1,
        token: Some("67e55044-10b1-426f-9247-bb680e5fe0c8".into()),
        owner: Some("ann".into()),
        session: Some("tab 1".into()),
        mode: "exclusive".into(),
        note: Some("Grüße, 日本, 🦀 ".into()),
        acquired_at: Some(1_753_000_000_123),
        renewed_at: Some(1_753_000_001_456),
        expires_at: Some(1_753_000_060_789),
        deadline_at: Some(1_753_003_600_000),
        renewals: 2,
        version: Some("7".into()),
    }
}

/// A lock that nobody holds any more.
fn released(record: &str) -> Lock {
    Lock {
        token: None,
        owner: None,
        session: None,
        note: None,
        acquired_at: None,
        renewed_at: None,
        expires_at: None,
        deadline_at: None,
        renewals: 0,
        version: None,
        ..held(record)
    }
}

#[derive(Debug, Clone, PartialEq, Insertable, HasQuery)]
#[diesel(table_name = lock_events)]
struct Event {
    #[diesel(skip_insertion)]
    id: i64,
    entity: String,
    record: String,
    fence: i64,
    event: String,
    actor: String,
    holder: Option<String>,
    reason: Option<String>,
    at: i64,
    renewals: i64,
}

fn event(event: &str) -> Event {
    Event {
        id: 0,
        entity: "documents".into(),
        record: "a".into(),
        fence: 2,
        event: event.into(),
        actor: "bob".into(),
        holder: Some("ann".into()),
        reason: Some("Grüße, 日本, 🦀 ".into()),
        at: 1_753_000_000_123,
        renewals: 2,
    }
}

/// Whether a CHECK has refused it. Diesel has no kind for the error of MariaDB.
fn is_by_check(result: QueryResult<usize>) -> bool {
    match result {
        Err(Error::DatabaseError(DatabaseErrorKind::CheckViolation, _)) => true,
        Err(Error::DatabaseError(DatabaseErrorKind::Unknown, information)) => {
            information.message().starts_with("CONSTRAINT ")
        }
        _ => false,
    }
}

fn bytes(count: usize) -> String {
    "x".repeat(count)
}

on_every_database! {
    fn they_run_once(conn) {
        let versions = migrations::run(conn).unwrap();
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        assert_eq!(versions, ["0000noclobber0001"]);
        assert!(migrations::run(conn).unwrap().is_empty());
        assert!(!conn.has_pending_migration(MIGRATIONS).unwrap());
    }

    fn a_revert_leaves_nothing_behind(conn) {
        let before = schema(conn);
        migrations::run(conn).unwrap();
        let up = schema(conn);
        assert_ne!(before, up);
        conn.revert_all_migrations(MIGRATIONS).unwrap();
        assert_eq!(schema(conn), before);
        migrations::run(conn).unwrap();
        assert_eq!(schema(conn), up);
    }

    fn copied_they_make_the_same_tables(conn) {
        let copied = || FileBasedMigrations::from_path(own_folder(FOLDER)).unwrap();
        let before = schema(conn);
        conn.run_pending_migrations(copied()).unwrap();
        let by_copy = schema(conn);
        assert!(!conn.has_pending_migration(MIGRATIONS).unwrap());
        conn.revert_all_migrations(copied()).unwrap();
        assert_eq!(schema(conn), before);
        migrations::run(conn).unwrap();
        assert_eq!(schema(conn), by_copy);
        assert!(!conn.has_pending_migration(copied()).unwrap());
    }

    fn a_hosts_own_migrations_are_not_disturbed(conn) {
        let folder = tempfile::tempdir().unwrap();
        let hosts = || FileBasedMigrations::from_path(hosts_folder(folder.path())).unwrap();
        let before = schema(conn);
        // The host's version is the later one; these run all the same, and once.
        conn.run_pending_migrations(hosts()).unwrap();
        assert_eq!(migrations::run(conn).unwrap().len(), 1);
        assert!(migrations::run(conn).unwrap().is_empty());
        let both = schema(conn);
        assert!(!conn.has_pending_migration(hosts()).unwrap());
        // It is the host's that a revert takes.
        conn.revert_last_migration(hosts()).unwrap();
        assert!(migrations::run(conn).unwrap().is_empty());
        conn.run_pending_migrations(hosts()).unwrap();
        assert_eq!(schema(conn), both);
        conn.revert_last_migration(hosts()).unwrap();
        conn.revert_last_migration(MIGRATIONS).unwrap();
        assert_eq!(schema(conn), before);
    }

    fn a_hosts_own_table_of_that_name_is_not_taken_for_theirs(conn) {
        run("CREATE TABLE locks (entity INTEGER, record INTEGER)", conn);
        let before = schema(conn);
        for _ in 0..2 {
            assert!(migrations::run(conn).is_err());
            assert_eq!(schema(conn), before);
        }
        assert!(conn.has_pending_migration(MIGRATIONS).unwrap());
        run("DROP TABLE locks", conn);
        assert_eq!(migrations::run(conn).unwrap().len(), 1);
    }

    fn a_lock_is_read_as_it_was_written(conn) {
        migrations::run(conn).unwrap();
        // The first one is the floor of its entity.
        let written = [released(""), held("a"), released("b")];
        for lock in written.iter().rev() {
            diesel::insert_into(locks::table).values(lock).execute(conn).unwrap();
        }
        let read = Lock::query().order_by(locks::record).load(conn).unwrap();
        assert_eq!(read, written);

        // What the database fills in.
        let name = (locks::entity.eq("documents"), locks::record.eq("c"), locks::fence.eq(1));
        diesel::insert_into(locks::table).values(name).execute(conn).unwrap();
        assert_eq!(Lock::query().find(("documents", "c")).first(conn), Ok(released("c")));
    }

    fn events_are_read_as_they_were_written_and_in_their_order(conn) {
        migrations::run(conn).unwrap();
        let events = ["acquired", "released", "expired", "broken", "stolen", "denied"].map(event);
        for event in &events {
            diesel::insert_into(lock_events::table).values(event).execute(conn).unwrap();
        }
        let mut read = Event::query().order_by(lock_events::id).load(conn).unwrap();
        read.iter_mut().for_each(|event| event.id = 0);
        assert_eq!(read, events);

        // A number is never given twice.
        let last = lock_events::table.select(diesel::dsl::max(lock_events::id));
        let before: Option<i64> = last.first(conn).unwrap();
        diesel::delete(lock_events::table).execute(conn).unwrap();
        diesel::insert_into(lock_events::table).values(event("denied")).execute(conn).unwrap();
        assert!(last.first::<Option<i64>>(conn).unwrap() > before);
    }

    fn names_are_compared_and_sorted_by_bytes(conn) {
        migrations::run(conn).unwrap();
        // An accent in both of its spellings; letters and blanks that collations fold.
        let names = ["A", "B", "a", "a ", "a\t", "a%20", "aa", "a\u{301}", "b", "á", "ß", "ss"];
        let mut names = names.map(str::to_owned).to_vec();
        names.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        for name in &names {
            let by_entity = Lock { entity: name.clone(), ..held("same") };
            let text = Some(name.clone());
            let by_record = Lock { owner: text.clone(), session: text.clone(), ..held(name) };
            for lock in [by_entity, by_record] {
                diesel::insert_into(locks::table).values(lock).execute(conn).unwrap();
            }
            let event = Event { actor: name.clone(), holder: text, ..event("denied") };
            diesel::insert_into(lock_events::table).values(event).execute(conn).unwrap();
        }
        let again = diesel::insert_into(locks::table).values(held("a ")).execute(conn);
        assert!(matches!(again, Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))));

        let documents = locks::table.filter(locks::entity.eq("documents"));
        let records = documents.order_by(locks::record).select(locks::record);
        assert_eq!(records.load(conn).as_ref(), Ok(&names));
        let by_owner = documents.order_by(locks::owner).select(locks::record);
        assert_eq!(by_owner.load(conn).as_ref(), Ok(&names));
        for name in &names {
            let this = Ok(vec![name.clone()]);
            let of_owner = documents.filter(locks::owner.eq(name)).select(locks::record);
            assert_eq!(of_owner.load(conn), this);
            let in_session = documents.filter(locks::session.eq(name)).select(locks::record);
            assert_eq!(in_session.load(conn), this);
            let of_actor = lock_events::actor.eq(name);
            let by_actor = lock_events::table.filter(of_actor).select(lock_events::actor);
            assert_eq!(by_actor.load(conn), this);
            let of_holder = lock_events::holder.eq(name);
            let from_holder = lock_events::table.filter(of_holder).select(lock_events::actor);
            assert_eq!(from_holder.load(conn), this);
        }
    }

    fn what_is_too_long_is_refused_and_never_cut(conn) {
        migrations::run(conn).unwrap();
        type Set<T> = fn(&mut T, String);
        let of_a_lock: [(usize, Set<Lock>); 6] = [
            (128, |lock, text| lock.entity = text),
            (512, |lock, text| lock.record = text),
            (255, |lock, text| lock.owner = Some(text)),
            (255, |lock, text| lock.session = Some(text)),
            (255, |lock, text| lock.version = Some(text)),
            (2000, |lock, text| lock.note = Some(text)),
        ];
        let of_an_event: [(usize, Set<Event>); 5] = [
            (128, |event, text| event.entity = text),
            (512, |event, text| event.record = text),
            (255, |event, text| event.actor = text),
            (255, |event, text| event.holder = Some(text)),
            (2000, |event, text| event.reason = Some(text)),
        ];
        // By one byte and by many; of as many characters as bytes, and of as few as can be.
        let too_long = |limit| {
            [bytes(limit + 1), bytes(5 * limit), "🦀".repeat(limit / 4 + 1), "🦀".repeat(2 * limit)]
        };
        for strictness in STRICTNESS {
            run(strictness, conn);
            for (limit, set) in of_a_lock {
                let mut lock = held("a");
                for text in too_long(limit) {
                    set(&mut lock, text);
                    let added = diesel::insert_into(locks::table).values(&lock).execute(conn);
                    assert!(added.is_err(), "{lock:?}, {strictness}");
                }
                set(&mut lock, bytes(limit));
                diesel::insert_into(locks::table).values(&lock).execute(conn).unwrap();
                assert_eq!(Lock::query().load(conn).unwrap(), [lock]);
                diesel::delete(locks::table).execute(conn).unwrap();
            }
            for (limit, set) in of_an_event {
                let mut event = event("denied");
                for text in too_long(limit) {
                    set(&mut event, text);
                    let added =
                        diesel::insert_into(lock_events::table).values(&event).execute(conn);
                    assert!(added.is_err(), "{event:?}, {strictness}");
                }
                set(&mut event, bytes(limit));
                diesel::insert_into(lock_events::table).values(&event).execute(conn).unwrap();
                let read = Event::query().load(conn).unwrap();
                assert_eq!(read, [Event { id: read[0].id, ..event }]);
                diesel::delete(lock_events::table).execute(conn).unwrap();
            }
        }
    }

    /// Each is wrong in one thing.
    fn what_is_no_lock_is_refused(conn) {
        migrations::run(conn).unwrap();
        let wrong = [
            Lock { entity: String::new(), ..held("a") },
            Lock { fence: -1, ..held("a") },
            Lock { mode: "shared".into(), ..held("a") },
            Lock { mode: "EXCLUSIVE".into(), ..held("a") },
            Lock { mode: "exclusive ".into(), ..held("a") },
            Lock { token: None, ..held("a") },
            Lock { owner: None, ..held("a") },
            Lock { token: Some(bytes(35)), ..held("a") },
            Lock { token: Some(bytes(37)), ..held("a") },
            Lock { acquired_at: None, ..held("a") },
            Lock { expires_at: None, ..held("a") },
            // A floor that somebody would hold.
            held(""),
        ];
        let right = [held("a"), Lock { fence: 0, session: None, ..held("b") }, released("")];
        for strictness in STRICTNESS {
            run(strictness, conn);
            for lock in &wrong {
                let added = diesel::insert_into(locks::table).values(lock).execute(conn);
                assert!(is_by_check(added), "{lock:?}, {strictness}");
            }
            for lock in &right {
                diesel::insert_into(locks::table).values(lock).execute(conn).unwrap();
            }
            diesel::delete(locks::table).execute(conn).unwrap();
        }
    }

    /// Each is wrong in one thing.
    fn what_is_no_event_is_refused(conn) {
        migrations::run(conn).unwrap();
        let wrong = [
            event("renewed"),
            event(""),
            event("Denied"),
            event("denied "),
            Event { entity: String::new(), ..event("denied") },
        ];
        for strictness in STRICTNESS {
            run(strictness, conn);
            for event in &wrong {
                let added = diesel::insert_into(lock_events::table).values(event).execute(conn);
                assert!(is_by_check(added), "{event:?}, {strictness}");
            }
        }
    }
}

#[cfg(feature = "postgres")]
mod on_postgres {
    use super::*;
    use crate::support::postgres::{Server, texts};

    /// A server may sort by bytes on its own, and then cannot tell what the tables ask for.
    #[test]
    fn names_have_a_collation_of_their_own() {
        let server = Server::new();
        let conn = &mut server.connect();
        migrations::run(conn).unwrap();
        let others = "
            SELECT concat_ws('.', table_name, column_name) AS text FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name IN ('locks', 'lock_events')
                  AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
            ORDER BY text";
        assert_eq!(texts(others, conn), ["lock_events.reason", "locks.note"]);
    }
}

#[cfg(feature = "mysql")]
mod on_mysql {
    use super::*;
    use crate::support::mysql::{Server, run, schema};

    /// From every state that a failure can leave.
    #[test]
    fn a_migration_that_stopped_half_way_runs_again() {
        let server = Server::new();
        let conn = &mut server.connect();
        migrations::run(conn).unwrap();
        let up = schema(conn);
        for undone in ["DO 1", "DROP TABLE lock_events", "DROP TABLE lock_events, locks"] {
            run("DELETE FROM __diesel_schema_migrations", conn);
            run(undone, conn);
            assert_eq!(migrations::run(conn).unwrap().len(), 1);
            assert_eq!(schema(conn), up);
        }
        for done in ["DROP TABLE lock_events", "DROP TABLE lock_events, locks"] {
            run(done, conn);
            conn.revert_all_migrations(migrations::MYSQL).unwrap();
            migrations::run(conn).unwrap();
            assert_eq!(schema(conn), up);
        }
    }

    #[test]
    fn a_hosts_own_table_of_events_is_not_taken_for_theirs() {
        let server = Server::new();
        let conn = &mut server.connect();
        run("CREATE TABLE lock_events (id BIGINT, entity TEXT, record TEXT)", conn);
        for _ in 0..2 {
            assert!(migrations::run(conn).is_err());
        }
        assert!(conn.has_pending_migration(migrations::MYSQL).unwrap());
    }

    #[test]
    fn the_tables_do_not_depend_on_defaults() {
        let defaults = [
            "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            "ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci;
             SET SESSION default_storage_engine = 'MyISAM', SESSION sql_mode = 'ANSI'",
        ];
        let [one, other] = defaults.map(|set| {
            let server = Server::new();
            let conn = &mut server.connect();
            run("DROP TABLE documents", conn);
            run(set, conn);
            migrations::run(conn).unwrap();
            // The mode shows in what is printed, too.
            run("SET SESSION sql_mode = DEFAULT", conn);
            schema(conn)
        });
        assert_eq!(one, other);
        assert!(one.iter().all(|table| table.contains("ENGINE=InnoDB")), "{one:?}");
    }
}

#[test]
fn the_diesel_command_line_runs_them_up_and_down() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    let config = hosts_config(folder.path(), &own_folder("sqlite"));

    sqlite::run("CREATE TABLE host (id INTEGER PRIMARY KEY)", conn);
    let before = sqlite::schema(conn);
    diesel_cli(&["migration", "run"], &config, &file);
    let up = sqlite::schema(conn);
    assert_ne!(before, up);
    diesel_cli(&["migration", "revert", "--all"], &config, &file);
    assert_eq!(sqlite::schema(conn), before);
    diesel_cli(&["migration", "run"], &config, &file);
    assert_eq!(sqlite::schema(conn), up);
}

#[test]
fn the_projects_configuration_finds_them_and_prints_the_schema_that_they_make() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.db");
    // `--locked-schema`: a schema that differs from the one in `src/schema.rs` is an error.
    diesel_cli(&["migration", "run", "--locked-schema"], &own_config(), &file);
    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    assert!(!sqlite::schema(conn).is_empty());
}

#[test]
fn embedded_they_make_the_same_tables() {
    let embedded = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(embedded).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    diesel_cli(&["migration", "run", "--locked-schema"], &own_config(), &file);
    let by_command_line = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    assert_eq!(sqlite::schema(embedded), sqlite::schema(by_command_line));
}

#[test]
fn their_versions_cannot_collide_with_a_hosts() {
    for source in [migrations::SQLITE, migrations::POSTGRES, migrations::MYSQL] {
        let all = MigrationSource::<Sqlite>::migrations(&source).unwrap();
        assert!(!all.is_empty());
        for migration in all {
            // Those that Diesel generates are all digits, and begin with a year.
            let version = migration.name().version().to_string();
            assert!(version.starts_with("0000noclobber"), "{version}");
        }
    }
}

#[test]
fn a_revert_takes_the_hosts_own_last_migration_and_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    let config = hosts_config(folder.path(), &hosts_folder(folder.path()));
    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    diesel_cli(&["migration", "run"], &config, &file);
    migrations::run(conn).unwrap();
    let names = |conn: &mut SqliteConnection| sqlite::schema(conn).join("\n");
    diesel_cli(&["migration", "revert"], &config, &file);
    assert!(!names(conn).contains("TABLE mine"));
    assert!(names(conn).contains("TABLE locks"));
}
