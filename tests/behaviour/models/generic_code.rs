//! Code that is generic over the connection names the models it stores.

use noclobber::prelude::*;
use noclobber::{Result, Store};

use crate::support::{Document, on_every_shared_database};

fn retitle<C: Store<Document>>(id: i64, title: &str, conn: &mut C) -> Result<Document> {
    noclobber::transaction(conn, |conn| {
        let document = Document::find(id, conn)?;
        Document { title: title.into(), ..document }.save(conn)
    })
}

on_every_shared_database! {
    fn it_works_through_a_connection_and_through_a_pooled_one(database) {
        let conn = &mut database.connect();
        let id = document("draft", conn).id;
        assert_eq!(retitle(id, "first", conn).unwrap().version, 2);
        let pooled = &mut database.pool(1).get().unwrap();
        assert_eq!(retitle(id, "second", pooled).unwrap().version, 3);
        assert_eq!(Document::find(id, &mut **pooled).unwrap().title, "second");
        assert_eq!(row(id, conn).unwrap().title, "second");
    }
}
