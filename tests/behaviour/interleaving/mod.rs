//! Random interleavings of several actors, against a model in memory.
//!
//! The actors share two records. Each holds copies that grow stale, writes inside and outside
//! transactions and savepoints, and rolls back. The model knows what every row should be, what every
//! write should answer, and who has to wait for whom. Nobody waits here: one thread plays all the
//! actors, and a write that has to wait is refused at once.

mod model;
mod world;

use noclobber::Store;
use noclobber::operation::StoreChanges;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use self::model::Locks;
use self::world::World;
use crate::support::{Database, Document, Journal, documents};

const ACTORS: usize = 3;
const RECORDS: i64 = 2;

#[derive(Debug, Clone, Copy)]
enum Act {
    Load,
    Save,
    Touch,
    Patch,
    Modify,
    Delete,
    /// Open a transaction; when one is open, a savepoint.
    Begin,
    Commit,
    Rollback,
}

/// Who does what to which record.
type Step = (usize, i64, Act);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        6 => Just(Act::Load),
        8 => Just(Act::Save),
        2 => Just(Act::Touch),
        3 => Just(Act::Patch),
        2 => Just(Act::Modify),
        1 => Just(Act::Delete),
        3 => Just(Act::Begin),
        3 => Just(Act::Commit),
        3 => Just(Act::Rollback),
    ];
    prop::collection::vec((0..ACTORS, 1..=RECORDS, act), 1..80)
}

/// What `patch` is given.
#[derive(diesel::AsChangeset)]
#[diesel(table_name = documents)]
struct Title {
    title: String,
}

/// A connection that an actor can act through.
trait Conn: Store<Document> + StoreChanges<Document, Title> {}

impl<C: Store<Document> + StoreChanges<Document, Title>> Conn for C {}

/// One database, as the interleavings need it.
struct Stage<'a, C> {
    /// A connection that does not wait for others.
    connect: &'a dyn Fn() -> C,
    /// The row as it stands, read by Diesel alone.
    row: fn(i64, &mut C) -> Option<Document>,
    locks: Locks,
}

fn no_interleaving_loses_a_write<C: Conn>(cases: u32, stage: &Stage<'_, C>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let played = TestRunner::new(config).run(&steps(), |steps| {
        let mut world = World::new(stage);
        world.run(&mut steps.into_iter());
        world.check();
        Ok(())
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
}

fn in_a_file(journal: Journal) {
    let database = Database::file(journal);
    let connect = || database.connect_impatient();
    let row = crate::support::sqlite::row;
    no_interleaving_loses_a_write(100, &Stage { connect: &connect, row, locks: Locks::SQLITE });
}

#[test]
fn no_interleaving_loses_a_write_in_a_write_ahead_log() {
    in_a_file(Journal::Wal);
}

#[test]
fn no_interleaving_loses_a_write_in_a_rollback_journal() {
    in_a_file(Journal::Delete);
}

#[cfg(feature = "postgres")]
#[test]
fn no_interleaving_loses_a_write_on_postgres() {
    use crate::support::postgres::*;

    let server = Server::new();
    let connect = || {
        let mut conn = server.connect();
        run(SHORTEST_LOCK_WAIT, &mut conn);
        conn
    };
    no_interleaving_loses_a_write(100, &Stage { connect: &connect, row, locks: Locks::POSTGRES });
}

#[cfg(feature = "mysql")]
#[test]
fn no_interleaving_loses_a_write_on_mysql() {
    use crate::support::mysql::*;

    let server = Server::new();
    let connect = || {
        let mut conn = server.connect();
        run(SHORTEST_LOCK_WAIT, &mut conn);
        conn
    };
    no_interleaving_loses_a_write(100, &Stage { connect: &connect, row, locks: Locks::MYSQL });
}
