//! Code that is generic over the connection, through every kind of connection there is: bare ones,
//! an enum of all three, and pools of it.

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use noclobber::backend::HasDialect;
use noclobber::operation::{StoreBatch, StoreChanges, StoreIncrement, StoreNew};
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};
use noclobber::{Error, Found, RowLock, transaction, verify_all};

use crate::support::{Database, Document, Journal, documents, mysql, postgres};

/// By a URL it is the first that accepts it, and SQLite takes any for the name of a file.
#[derive(diesel::MultiConnection)]
#[expect(missing_debug_implementations, reason = "Diesel's connections have none")]
pub enum AnyConnection {
    Postgres(PgConnection),
    Mysql(MysqlConnection),
    Sqlite(SqliteConnection),
}

noclobber::multi_connection!(AnyConnection { Postgres, Mysql, Sqlite });

#[derive(Insertable)]
#[diesel(table_name = documents)]
struct New {
    title: &'static str,
}

#[derive(AsChangeset)]
#[diesel(table_name = documents)]
struct Rename {
    title: &'static str,
}

/// What user code asks of a connection that it knows nothing else of.
trait Everything:
    StoreBatch<Document>
    + StoreNew<Document, New>
    + StoreChanges<Document, Rename>
    + StoreIncrement<Document, documents::views, i64>
{
}

impl<C> Everything for C where
    C: StoreBatch<Document>
        + StoreNew<Document, New>
        + StoreChanges<Document, Rename>
        + StoreIncrement<Document, documents::views, i64>
{
}

fn every_operation(conn: &mut impl Everything) {
    let draft = Document::create(New { title: "draft" }, conn).unwrap();
    assert_eq!((draft.title.as_str(), draft.version), ("draft", 1));
    let draft = Document::find_at(draft.id, draft.version, conn).unwrap();

    let saved = Document { title: "saved".into(), body: None, ..draft.clone() }.save(conn).unwrap();
    assert_eq!(Document::find(draft.id, conn).unwrap(), saved);
    let error = draft.clone().save(conn).unwrap_err();
    assert_eq!(*error.conflict().unwrap().found(), Found::Version("2".into()));
    let touched = saved.touch(conn).unwrap();
    assert_eq!(Document::patch(draft.id, 3, Rename { title: "patched" }, conn).unwrap(), 4);
    assert!(touched.clone().delete(conn).unwrap_err().is_conflict());
    Document::increment(draft.id, documents::views, 2, conn).unwrap();

    let current = transaction(conn, |conn| {
        let current = touched.reload(conn)?;
        current.verify(conn)?;
        verify_all(&[&current], conn)?;
        Ok::<_, Error>(current)
    });
    let current = current.unwrap();
    assert_eq!((current.title.as_str(), current.views, current.version), ("patched", 2, 4));

    // Rolled back with everything in it, the savepoint first.
    let rolled_back = transaction(conn, |conn| {
        let inside = current.clone().touch(conn)?;
        let savepoint = transaction(conn, |conn| {
            inside.clone().touch(conn)?;
            draft.clone().touch(conn)
        });
        assert!(savepoint.unwrap_err().is_conflict());
        assert_eq!(inside.reload(conn)?, inside);
        draft.clone().touch(conn)
    });
    assert!(rolled_back.unwrap_err().is_conflict());
    assert_eq!(current.reload(conn).unwrap(), current);

    let mut runs = 0;
    let policy = Policy::default().attempts(3).on_conflict();
    let retried = retry(&mut *conn, &policy, |conn| {
        runs += 1;
        let loaded = if runs == 1 { draft.clone() } else { current.reload(conn)? };
        loaded.save(conn)
    });
    assert_eq!((retried.unwrap().version, runs), (5, 2));
    let last = Document::modify(current.id, &mut *conn, |it| it.title.push('!')).unwrap();
    assert_eq!((last.title.as_str(), last.version), ("patched!", 6));

    let last = Document::save_all([last], conn).unwrap().remove(0);
    let stale = Document { version: 1, ..last.clone() };
    assert!(Document::delete_each([stale], conn).unwrap()[0].is_err());
    let escalated = Policy::default().escalate_after(0);
    let last = Document::try_modify(last.id, &mut *conn, &escalated, |it| {
        it.title.push('!');
        Ok::<_, Error>(())
    });
    let last = last.unwrap();
    let locked = transaction(conn, |conn| {
        Document::find_for_share(last.id).skip_locked().load(conn)?;
        Document::find_for_update_at(last.id, last.version).no_wait().load(conn)
    });
    assert_eq!(locked.unwrap(), last);
    assert!(last.clone().upsert(None, conn).unwrap_err().is_conflict());
    let another = Document { id: last.id + 1, ..last.clone() }.upsert(None, conn).unwrap();
    assert_eq!(another.version, 1);
    another.delete(conn).unwrap();

    last.clone().delete(conn).unwrap();
    assert!(Document::find(last.id, conn).unwrap_err().is_not_found());
    assert_eq!(*last.save(conn).unwrap_err().conflict().unwrap().found(), Found::Deleted);
}

fn through_a_pool(url: &str) {
    let pool: Pool<ConnectionManager<AnyConnection>> =
        Pool::builder().max_size(1).build(ConnectionManager::new(url)).unwrap();
    every_operation(&mut pool.get().unwrap());
    let none = transaction(&mut pool.get().unwrap(), |conn| {
        Document::query().lock_rows(RowLock::for_update().skip_locked()).load::<Document, _>(conn)
    });
    assert!(none.unwrap().is_empty());
    let counted =
        retry(&pool, &Policy::default(), |conn| Document::create(New { title: "draft" }, conn));
    let counted = Document::modify(counted.unwrap().id, &pool, |it| it.body = None);
    assert_eq!(counted.unwrap().version, 2);
    assert_eq!(noclobber::migrations::run(&mut pool.get().unwrap()).unwrap().len(), 1);
}

#[test]
fn on_sqlite() {
    let database = Database::file(Journal::Wal);
    every_operation(&mut database.connect());
    every_operation(&mut AnyConnection::Sqlite(database.connect()));
    through_a_pool(database.url());
}

#[test]
fn on_postgres() {
    let server = postgres::Server::new();
    every_operation(&mut server.connect());
    every_operation(&mut AnyConnection::Postgres(server.connect()));
    through_a_pool(&server.url());
}

#[test]
fn on_mysql() {
    let server = mysql::Server::new();
    every_operation(&mut server.connect());
    every_operation(&mut AnyConnection::Mysql(server.connect()));
    through_a_pool(&server.url());
}

/// What the enum cannot tell by its type.
#[test]
fn an_enum_has_the_dialect_of_its_variant() {
    fn dialect<C: noclobber::SupportedConnection>(conn: &C) -> &'static str
    where
        C::Backend: HasDialect<C>,
    {
        C::Backend::dialect(conn).name()
    }
    let (postgres, mysql) = (postgres::Server::new(), mysql::Server::new());
    let conn = AnyConnection::Sqlite(Database::in_memory().connect());
    assert_eq!(dialect(&conn), "SQLite");
    assert_eq!(dialect(&AnyConnection::Postgres(postgres.connect())), "PostgreSQL");
    assert_eq!(dialect(&AnyConnection::Mysql(mysql.connect())), "MySQL");
}

#[test]
fn tables_of_the_library_come_through_an_enum() {
    let (postgres, mysql) = (postgres::Server::new(), mysql::Server::new());
    let connections = [
        AnyConnection::Sqlite(Database::in_memory().connect()),
        AnyConnection::Postgres(postgres.connect()),
        AnyConnection::Mysql(mysql.connect()),
    ];
    for mut conn in connections {
        assert_eq!(noclobber::migrations::run(&mut conn).unwrap().len(), 1);
        assert!(noclobber::migrations::run(&mut conn).unwrap().is_empty());
        let taken = noclobber::schema::locks::table.count().get_result(&mut conn);
        assert_eq!(taken, Ok(0_i64));
    }
}
