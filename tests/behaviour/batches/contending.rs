//! Batches of many writers, over the same records.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use super::{all_of, documents};
use crate::support::{Document, documents, on_every_shared_database};
#[cfg(any(feature = "postgres", feature = "mysql"))]
use {
    super::stale,
    crate::support::{on_shared_servers, server::Isolation, wait_until},
};

const WRITERS: u64 = 5;
const BATCHES: usize = 12;
const RECORDS: usize = 12;

fn patient() -> Policy {
    Policy::default()
        .attempts(10_000)
        .deadline(Duration::from_secs(60))
        .pauses(Duration::from_micros(200), Duration::from_millis(20))
        .on_conflict()
}

on_every_shared_database! {
    /// Each marks records of its choice, in an order of its choice. Afterwards each mark that was
    /// acknowledged is there once, and each version has moved on once for each of its record.
    fn overlapping_batches_lose_nothing(database) {
        documents!(RECORDS, &mut database.connect());
        let write = |writer: u64| -> Vec<(i64, String)> {
            let conn = &mut database.connect();
            let mut random = fastrand::Rng::with_seed(writer);
            let mut acknowledged = Vec::new();
            for batch in 0..BATCHES {
                let mark = format!("[{writer}.{batch}]");
                let mut ids: Vec<i64> = (1..=RECORDS).map(|id| i64::try_from(id).unwrap()).collect();
                random.shuffle(&mut ids);
                ids.truncate(random.usize(1..6));
                let load = |conn: &mut Conn| -> QueryResult<Vec<Document>> {
                    let found = documents::id.eq_any(ids.iter().copied());
                    let mut loaded = Document::query().filter(found).load(conn)?;
                    loaded.iter_mut().for_each(|it| it.body = Some(it.body.take().unwrap_or_default() + &mark));
                    loaded.sort_by_key(|document| ids.iter().position(|id| *id == document.id));
                    Ok(loaded)
                };
                let marked: Vec<i64> = if random.bool() {
                    let saved = retry(&mut *conn, &patient(), |conn| {
                        let loaded = load(conn)?;
                        Document::save_all(loaded, conn)
                    });
                    saved.unwrap().into_iter().map(|document| document.id).collect()
                } else {
                    // Once: what is refused must not be there.
                    let saved = retry(&mut *conn, &patient(), |conn| {
                        let loaded = load(conn)?;
                        Document::save_each(loaded, conn)
                    });
                    saved.unwrap().into_iter().filter_map(|it| it.ok().map(|it| it.id)).collect()
                };
                acknowledged.extend(marked.into_iter().map(|id| (id, mark.clone())));
            }
            acknowledged
        };
        let acknowledged: Vec<(i64, String)> = thread::scope(|scope| {
            let write = &write;
            let writers: Vec<_> = (0..WRITERS).map(|it| scope.spawn(move || write(it))).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });
        let mut marks: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for (id, mark) in acknowledged {
            marks.entry(id).or_default().push(mark);
        }
        assert!(marks.values().map(Vec::len).sum::<usize>() > 60, "{marks:?}");
        for document in all_of!(&mut database.connect()) {
            let body = document.body.unwrap_or_default();
            let marks = marks.remove(&document.id).unwrap_or_default();
            assert_eq!(document.version, 1 + i64::try_from(marks.len()).unwrap(), "{body}");
            assert_eq!(body.matches('[').count(), marks.len());
            assert!(marks.iter().all(|mark| body.matches(mark.as_str()).count() == 1), "{body}: {marks:?}");
        }
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
on_shared_servers! {
    /// A transaction may see the past, and a batch by itself is asked again when it is over.
    fn a_batch_that_was_stale_before_it_began_is_told_of_what_is_there(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        documents!(3, one);
        for Isolation { set, .. } in isolations(one) {
            run(&set, other);
            run("DELETE FROM documents", one);
            let before = documents!(3, one);
            before[1].clone().touch(one).unwrap();
            before[2].clone().delete(one).unwrap();
            let found = [("2".into(), "version 2".into()), ("3".into(), "no row".into())];
            let error = Document::save_all(before.clone(), other).unwrap_err();
            assert_eq!(stale(&error), found, "{set}");
            let error = Document::delete_all(before.clone(), other).unwrap_err();
            assert_eq!(stale(&error), found, "{set}");
            let outcomes = Document::save_each(before, other).unwrap();
            let told = outcomes.iter().filter_map(|it| it.as_ref().err());
            let told: Vec<_> =
                told.map(|it| (it.record().key().to_owned(), it.found().to_string())).collect();
            assert_eq!(told, found, "{set}");
        }
    }

    /// Also where the database refuses who waited by ending the transaction.
    fn a_batch_that_waited_for_a_faster_writer_is_told_of_it(database) {
        let (one, other) = (&mut database.connect(), &mut database.connect());
        let watcher = &mut database.connect();
        let documents = documents!(3, one);
        for Isolation { set, .. } in isolations(one) {
            run(&set, other);
            let before = all_of!(one);
            run(BEGIN, one);
            run("UPDATE documents SET title = 'faster', version = version + 1 WHERE id = 2", one);
            let late_session = session(other);
            let late = thread::scope(|scope| {
                let late = scope.spawn(|| Document::save_all(before.clone(), &mut *other));
                wait_until("the batch waits", || is_waiting(late_session, watcher));
                run("COMMIT", one);
                late.join().unwrap()
            });
            let error = late.unwrap_err();
            let found = format!("version {}", before[1].version + 1);
            assert_eq!(stale(&error), [("2".to_owned(), found)], "{set}");
            let versions: Vec<i64> = all_of!(one).iter().map(|document| document.version).collect();
            assert_eq!(versions, [1, before[1].version + 1, 1], "{set}");
        }
        assert_eq!(documents.len(), 3);
    }
}
