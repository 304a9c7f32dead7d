//! Every operation through a pooled connection, as a web backend has it in its hands.

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, TestCustomizer};
use noclobber::prelude::*;
use noclobber::retry::{Nested, Policy, retry};
use noclobber::{Error, transaction, verify_all};

use crate::support::{Document, documents, on_every_shared_database};

on_every_shared_database! {
    fn every_operation_takes_a_pooled_connection(database) {
        let pool = database.pool(1);
        let conn = &mut pool.get().unwrap();
        let draft = Document::create(documents::title.eq("draft"), conn).unwrap();
        let draft = Document::find_at(draft.id, draft.version, conn).unwrap();
        let saved = Document { title: "saved".into(), ..draft.clone() }.save(conn).unwrap();
        assert!(draft.save(conn).unwrap_err().is_conflict());
        let touched = saved.touch(conn).unwrap();
        let version = Document::patch(touched.id, 3, documents::body.eq("body"), conn).unwrap();
        Document::increment(touched.id, documents::views, 2, conn).unwrap();
        let current = transaction(conn, |conn| {
            let current = touched.reload(conn)?;
            current.verify(conn)?;
            verify_all(&[&current], conn)?;
            Ok::<_, Error>(current)
        });
        let current = current.unwrap();
        assert_eq!((current.version, current.views), (version, 2));
        let modified = Document::modify(current.id, &mut *conn, |it| it.body = None).unwrap();
        let retried = retry(&mut *conn, &Policy::default(), |conn| modified.clone().touch(conn));
        retried.unwrap().delete(conn).unwrap();
        assert!(Document::find(current.id, conn).unwrap_err().is_not_found());
    }

    /// A host's tests: the pool's only connection is inside a transaction that is never committed.
    fn a_pool_of_test_transactions_lets_everything_run_once(database) {
        let pool = Pool::builder()
            .max_size(1)
            .connection_customizer(Box::new(TestCustomizer))
            .build(ConnectionManager::<Conn>::new(database.url()))
            .unwrap();
        let policy = Policy::default().nested(Nested::RunOnce);
        let create = |conn: &mut Conn| Document::create(documents::title.eq("a"), conn);
        let created = retry(&pool, &policy, create).unwrap();
        let change = |document: &mut Document| {
            document.title.push('b');
            Ok::<_, Error>(())
        };
        let modified = Document::try_modify(created.id, &pool, &policy, change).unwrap();
        assert_eq!((modified.title.as_str(), modified.version), ("ab", 2));

        // Without the word, as everywhere.
        assert!(matches!(retry(&pool, &Policy::default(), create), Err(Error::InTransaction)));
        let refused = Document::modify(created.id, &pool, |_| ());
        assert!(matches!(refused, Err(Error::InTransaction)));

        // Nobody else ever sees it.
        drop(pool);
        assert_eq!(row(created.id, &mut database.connect()), None);
    }
}
