//! The library's own tables: run by the Diesel command line, and embedded.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::MigrationHarness;
use noclobber::migrations;

use crate::support::sqlite::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Everything that the database holds, but for what Diesel and SQLite keep for themselves.
fn schema(conn: &mut SqliteConnection) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_master
               WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
                     AND tbl_name <> '__diesel_schema_migrations'
               ORDER BY sql";
    #[derive(QueryableByName)]
    struct Object {
        #[diesel(sql_type = Text)]
        sql: String,
    }
    let objects: Vec<Object> = diesel::sql_query(sql).load(conn).unwrap();
    objects.into_iter().map(|object| object.sql).collect()
}

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

#[test]
fn the_diesel_command_line_runs_them_up_and_down() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    // A host's configuration, which leaves the schema file of this project alone.
    let config = folder.path().join("diesel.toml");
    let migrations = Path::new(ROOT).join("migrations").join("sqlite");
    std::fs::write(&config, format!("[migrations_directory]\ndir = {migrations:?}\n")).unwrap();

    run("CREATE TABLE host (id INTEGER PRIMARY KEY)", conn);
    let before = schema(conn);
    diesel_cli(&["migration", "run"], &config, &file);
    let up = schema(conn);
    assert_ne!(before, up);
    diesel_cli(&["migration", "revert", "--all"], &config, &file);
    assert_eq!(schema(conn), before);
    diesel_cli(&["migration", "run"], &config, &file);
    assert_eq!(schema(conn), up);
}

#[test]
fn the_projects_configuration_finds_them_and_prints_the_schema_that_they_make() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.db");
    // `--locked-schema`: a schema that differs from the one in `src/schema.rs` is an error.
    diesel_cli(&["migration", "run", "--locked-schema"], &own_config(), &file);
    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    assert!(!schema(conn).is_empty());
}

#[test]
fn embedded_they_make_the_same_tables() {
    let embedded = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(embedded).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    diesel_cli(&["migration", "run", "--locked-schema"], &own_config(), &file);
    let by_command_line = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    assert_eq!(schema(embedded), schema(by_command_line));

    embedded.revert_all_migrations(migrations::SQLITE).unwrap();
    assert!(schema(embedded).is_empty());
}

#[test]
fn their_versions_cannot_collide_with_a_hosts() {
    let all = MigrationSource::<Sqlite>::migrations(&migrations::SQLITE).unwrap();
    assert!(!all.is_empty());
    for migration in all {
        // Those that Diesel generates are all digits, and begin with a year.
        let version = migration.name().version().to_string();
        assert!(version.starts_with("0000noclobber"), "{version}");
    }
}

#[test]
fn a_revert_takes_the_hosts_own_last_migration_and_not_ours() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.db");
    let hosts = folder.path().join("migrations");
    let mine = hosts.join("2020-01-01-000000_mine");
    std::fs::create_dir_all(&mine).unwrap();
    std::fs::write(mine.join("up.sql"), "CREATE TABLE mine (id INTEGER PRIMARY KEY)").unwrap();
    std::fs::write(mine.join("down.sql"), "DROP TABLE mine").unwrap();
    let config = folder.path().join("diesel.toml");
    std::fs::write(&config, format!("[migrations_directory]\ndir = {hosts:?}\n")).unwrap();

    let conn = &mut SqliteConnection::establish(&file.display().to_string()).unwrap();
    diesel_cli(&["migration", "run"], &config, &file);
    migrations::run(conn).unwrap();
    let names = |conn: &mut SqliteConnection| schema(conn).join("\n");
    diesel_cli(&["migration", "revert"], &config, &file);
    assert!(!names(conn).contains("TABLE mine"));
    assert!(names(conn).contains("TABLE locks"));
}

#[test]
fn beside_a_hosts_own_only_the_missing_ones_run() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(conn).unwrap();
    run("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')", conn);
    assert!(migrations::run(conn).unwrap().is_empty());
}

#[test]
fn a_lock_is_named_by_bytes_and_never_too_long() {
    let conn = &mut SqliteConnection::establish(":memory:").unwrap();
    migrations::run(conn).unwrap();
    let lock = |entity: &str, record: &str, conn: &mut SqliteConnection| {
        use noclobber::schema::locks;
        let name = (locks::entity.eq(entity), locks::record.eq(record), locks::fence.eq(1));
        diesel::insert_into(locks::table).values(name).execute(conn)
    };
    for record in ["a", "A", "a ", &"x".repeat(512)] {
        lock("documents", record, conn).unwrap();
    }
    assert!(lock("documents", "a", conn).is_err());
    assert!(lock("documents", &"x".repeat(513), conn).is_err());
    assert!(lock("documents", &"ä".repeat(257), conn).is_err());
    assert!(lock("", "a", conn).is_err());
    assert!(lock(&"x".repeat(129), "a", conn).is_err());
}
