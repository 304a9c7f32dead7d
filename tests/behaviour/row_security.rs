//! What accounts with few rights are answered, and those whose rows PostgreSQL's policies guard: a
//! refused write is never taken for a delete.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction, verify_all};

use crate::support::postgres::{Conn, Server, VETO, document, row, run};
use crate::support::{Document, documents};

/// An account with rights of its own on the documents of one test.
struct Account {
    server: Server,
    name: String,
}

impl Account {
    /// What is granted to it, by statements that have `{}` for its name.
    fn with(rights: &str) -> Self {
        let server = Server::new();
        let owner = &mut server.connect();
        let schema = diesel::select(sql::<Text>("current_schema()"));
        let schema: String = schema.get_result(owner).unwrap();
        let name = format!("account_{schema}");
        let grant = format!("CREATE ROLE {{}}; GRANT USAGE ON SCHEMA {schema} TO {{}};");
        run(&(grant + rights).replace("{}", &name), owner);
        Account { server, name }
    }

    fn owner(&self) -> Conn {
        self.server.connect()
    }

    fn connect(&self) -> Conn {
        let mut conn = self.server.connect();
        run(&format!("SET ROLE {}", self.name), &mut conn);
        conn
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let name = &self.name;
        run(&format!("DROP OWNED BY {name}; DROP ROLE {name}"), &mut self.owner());
    }
}

/// Every row may be seen, and those that are not closed may be written.
const POLICY_FOR_UPDATES: &str = "
    GRANT SELECT, UPDATE, DELETE ON documents TO {};
    ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
    CREATE POLICY seen ON documents FOR SELECT USING (true);
    CREATE POLICY written ON documents FOR UPDATE
        USING (title <> 'closed') WITH CHECK (title <> 'not allowed');";

/// Rows with the title `secret` may not even be seen.
const POLICY_FOR_READS: &str = "
    GRANT SELECT, UPDATE, DELETE ON documents TO {};
    ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
    CREATE POLICY open ON documents USING (title <> 'secret');";

fn found(error: Error) -> Found {
    error.conflict().unwrap_or_else(|| panic!("{error:?}")).found().clone()
}

fn renamed(document: &Document, title: &str) -> Document {
    Document { title: title.into(), ..document.clone() }
}

#[test]
fn a_veto_is_told_to_who_may_select_only_key_and_version() {
    let account = Account::with(
        "GRANT SELECT (id, version), UPDATE (title, body, version) ON documents TO {};",
    );
    let owner = &mut account.owner();
    let draft = document("draft", owner);
    let conn = &mut account.connect();
    let saved = renamed(&draft, "saved").save(conn).unwrap();
    assert_eq!(found(draft.clone().save(conn).unwrap_err()), Found::Version("2".into()));
    run(VETO, owner);
    assert_eq!(found(renamed(&saved, "never").save(conn).unwrap_err()), Found::Vetoed);
    assert_eq!(row(saved.id, owner), Some(saved));
}

#[test]
fn a_write_that_a_policy_for_updates_withholds_is_vetoed() {
    let account = Account::with(POLICY_FOR_UPDATES);
    let owner = &mut account.owner();
    let closed = document("closed", owner);
    let conn = &mut account.connect();
    assert_eq!(found(renamed(&closed, "never").save(conn).unwrap_err()), Found::Vetoed);
    assert_eq!(found(closed.clone().touch(conn).unwrap_err()), Found::Vetoed);
    let patched = Document::patch(closed.id, 1, documents::title.eq("never"), conn);
    assert_eq!(found(patched.unwrap_err()), Found::Vetoed);
    // There is no policy for deletes, and so nothing may be deleted.
    assert_eq!(found(closed.clone().delete(conn).unwrap_err()), Found::Vetoed);
    let vetoed = Document::modify(closed.id, conn, |it| it.title.push('!'));
    assert_eq!(found(vetoed.unwrap_err()), Found::Vetoed);
    assert_eq!(row(closed.id, owner), Some(closed));
}

#[test]
fn a_stale_write_under_a_policy_for_updates_finds_the_other_version() {
    let account = Account::with(POLICY_FOR_UPDATES);
    let owner = &mut account.owner();
    let draft = document("draft", owner);
    renamed(&draft, "closed").save(owner).unwrap();
    let conn = &mut account.connect();
    assert_eq!(found(draft.clone().save(conn).unwrap_err()), Found::Version("2".into()));
    let current = transaction(conn, |conn| draft.verify(conn)).unwrap_err();
    assert_eq!(found(current), Found::Version("2".into()));
}

/// What cannot be written cannot be held either.
#[test]
fn a_record_that_may_be_seen_and_not_held_is_not_deleted() {
    let account = Account::with(POLICY_FOR_UPDATES);
    let owner = &mut account.owner();
    let (open, closed) = (document("open", owner), document("closed", owner));
    let conn = &mut account.connect();
    transaction(conn, |conn| open.verify(conn)).unwrap();
    let refused = transaction(conn, |conn| closed.verify(conn)).unwrap_err();
    assert_eq!(found(refused), Found::Vetoed);
    let refused = transaction(conn, |conn| verify_all(&[&open, &closed.for_update()], conn));
    assert_eq!(found(refused.unwrap_err()), Found::Vetoed);
}

#[test]
fn a_record_that_may_be_seen_and_not_written_cannot_be_locked() {
    let account = Account::with(POLICY_FOR_UPDATES);
    let closed = document("closed", &mut account.owner());
    let conn = &mut account.connect();
    transaction(conn, |conn| {
        let refused = Document::find_for_update_at(closed.id, 1).load(conn);
        assert_eq!(found(refused.unwrap_err()), Found::Vetoed);
        let refused = Document::find_for_update_at(closed.id, 2).load(conn);
        assert_eq!(found(refused.unwrap_err()), Found::Version("1".into()));
        assert!(Document::find_for_update(closed.id).load(conn).unwrap_err().is_not_found());
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
fn a_row_that_a_policy_forbids_is_an_error_of_the_database() {
    let account = Account::with(POLICY_FOR_UPDATES);
    let owner = &mut account.owner();
    let draft = document("draft", owner);
    let refused = renamed(&draft, "not allowed").save(&mut account.connect()).unwrap_err();
    assert!(matches!(refused, Error::Database(_)), "{refused:?}");
    assert_eq!(row(draft.id, owner), Some(draft));
}

/// Somebody has closed it to this account. It is still there.
#[test]
fn a_record_that_may_not_be_seen_any_more_is_not_deleted() {
    let account = Account::with(POLICY_FOR_READS);
    let owner = &mut account.owner();
    let conn = &mut account.connect();
    let draft = document("draft", owner);
    let loaded = Document::find(draft.id, conn).unwrap();
    renamed(&draft, "secret").save(owner).unwrap();

    assert_eq!(found(renamed(&loaded, "never").save(conn).unwrap_err()), Found::Unknown);
    assert_eq!(found(loaded.clone().touch(conn).unwrap_err()), Found::Unknown);
    assert_eq!(found(loaded.clone().delete(conn).unwrap_err()), Found::Unknown);
    assert_eq!(found(Document::find_at(draft.id, 1, conn).unwrap_err()), Found::Unknown);
    let verified = transaction(conn, |conn| loaded.verify(conn)).unwrap_err();
    assert_eq!(found(verified), Found::Unknown);
    let verified = transaction(conn, |conn| verify_all(&[&loaded.for_update()], conn));
    assert_eq!(found(verified.unwrap_err()), Found::Unknown);
    assert_eq!(row(draft.id, owner).unwrap().title, "secret");
}

/// A name with every quote in it.
#[test]
fn a_table_of_any_name_is_looked_at() {
    diesel::table! {
        #[sql_name = "it's \"quoted\" $$"]
        quoted (id) { id -> BigInt, version -> BigInt }
    }

    #[derive(Debug, Clone, HasQuery, Versioned)]
    #[diesel(table_name = quoted)]
    struct Quoted {
        id: i64,
        version: i64,
    }

    let server = Server::new();
    let conn = &mut server.connect();
    run(
        r#"CREATE TABLE "it's ""quoted"" $$" (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)"#,
        conn,
    );
    let stale = Quoted::create(quoted::id.eq(1), conn).unwrap();
    stale.clone().touch(conn).unwrap();
    assert_eq!(found(stale.clone().touch(conn).unwrap_err()), Found::Version("2".into()));
    run(r#"DELETE FROM "it's ""quoted"" $$""#, conn);
    assert_eq!(found(stale.touch(conn).unwrap_err()), Found::Deleted);
}

/// To whom no policy applies, gone is gone; and so is what no policy guards.
#[test]
fn a_deleted_record_is_told_as_such_to_who_would_see_it() {
    let account = Account::with(POLICY_FOR_READS);
    let owner = &mut account.owner();
    let draft = document("draft", owner);
    draft.clone().delete(owner).unwrap();
    assert_eq!(found(draft.clone().save(owner).unwrap_err()), Found::Deleted);
    assert_eq!(found(draft.clone().save(&mut account.connect()).unwrap_err()), Found::Unknown);

    let account = Account::with("GRANT SELECT, UPDATE ON documents TO {};");
    assert_eq!(found(draft.save(&mut account.connect()).unwrap_err()), Found::Deleted);
}
