//! Many writers append ids of their own to a few records, on every database, at random.
//!
//! Afterwards every acknowledged id is there once and no other is, no two acknowledged writes share a
//! base version, and there were as many of them as the version has moved.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use noclobber::Error;
use noclobber::prelude::*;
use noclobber::retry::{Policy, retry};

use crate::support::{Document, on_every_shared_database};

const WRITERS: u64 = 6;
const WRITES: u64 = 30;
const RECORDS: u64 = 3;

/// What was acknowledged: the record, the version that the write was based on, and the id.
type Acknowledged = Vec<(i64, i64, String)>;

fn patient() -> Policy {
    Policy::default()
        .attempts(10_000)
        .deadline(Duration::from_secs(120))
        .pauses(Duration::from_micros(200), Duration::from_millis(20))
        .on_conflict()
}

on_every_shared_database! {
    fn every_acknowledged_id_is_there_once(database) {
        let conn = &mut database.connect();
        let ids: Vec<i64> = (0..RECORDS).map(|_| document("start", conn).id).collect();
        let write = |writer: u64| -> Acknowledged {
            let conn = &mut database.connect();
            // A seed of its own for each writer: the choices repeat, the interleaving does not.
            let mut random = fastrand::Rng::with_seed(writer);
            let mut acknowledged = Acknowledged::new();
            for write in 0..WRITES {
                let id = ids[random.usize(..ids.len())];
                let mark = format!("[{writer}.{write}]");
                let append = |document: Document| Document {
                    body: Some(document.body.unwrap_or_default() + &mark),
                    ..document
                };
                let saved = match random.u8(..3) {
                    // Once, and without another try: refused ids must not be there.
                    0 => Document::find(id, conn).and_then(|document| append(document).save(conn)),
                    1 => Document::try_modify(id, &mut *conn, &patient(), |document| {
                        *document = append(document.clone());
                        Ok::<_, Error>(())
                    }),
                    _ => retry(&mut *conn, &patient(), |conn| {
                        append(Document::find(id, conn)?).save(conn)
                    }),
                };
                match saved {
                    Ok(saved) => acknowledged.push((id, saved.version - 1, mark)),
                    Err(error) => assert!(error.is_conflict() || error.is_retryable(), "{error}"),
                }
            }
            acknowledged
        };
        let acknowledged: Acknowledged = thread::scope(|scope| {
            let write = &write;
            let writers: Vec<_> =
                (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
        });

        let mut bases = BTreeMap::new();
        for (id, base, mark) in &acknowledged {
            let shared = bases.insert((*id, *base), mark);
            assert_eq!(shared, None, "{mark} is based on the same version of {id}");
        }
        for id in ids {
            let last = row(id, conn).unwrap();
            let body = last.body.unwrap();
            let of_record: Vec<_> = acknowledged.iter().filter(|write| write.0 == id).collect();
            for (_, _, mark) in &of_record {
                assert_eq!(body.matches(mark.as_str()).count(), 1, "{mark}");
            }
            assert_eq!(body.matches('[').count(), of_record.len(), "an id that was refused is there");
            assert_eq!(usize::try_from(last.version - 1), Ok(of_record.len()));
        }
    }
}
