//! Connections that are lost under a write: what nobody knows, and how to find out.

use std::time::Duration;

use diesel::prelude::*;
use noclobber::error::Reason;
use noclobber::operation::Resolution;
use noclobber::prelude::*;
use noclobber::retry::{Policy, Retry, Retryable, retry};
use noclobber::version::{Clock, UuidVersion, Version};
use noclobber::{Error, transaction};

use crate::support::proxy::{Cut, Proxy};

diesel::table! {
    notes (id) { id -> BigInt, text -> Text, views -> BigInt, version -> Binary }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
struct Note {
    id: i64,
    text: String,
    #[versioned(unguarded)]
    views: i64,
    version: UuidVersion,
}

impl Note {
    fn with(self, text: &str) -> Self {
        Note { text: text.into(), ..self }
    }
}

/// The tests of one body on both servers, with a connection through a proxy and one beside it.
macro_rules! through_a_proxy {
    ($($(#[$documentation:meta])* fn $name:ident($proxy:ident, $note:ident, $cut_off:ident, $beside:ident) $body:block)*) => {$(
        $(#[$documentation])*
        mod $name {
            through_a_proxy!(@ "postgres" postgres $proxy $note $cut_off $beside $body);
            through_a_proxy!(@ "mysql" mysql $proxy $note $cut_off $beside $body);
        }
    )*};
    (@ $feature:literal $database:ident $proxy:ident $note:ident $cut_off:ident $beside:ident
     $body:block) => {
        #[cfg(feature = $feature)]
        mod $database {
            use super::super::*;
            use crate::support::$database::*;

            #[test]
            fn server() {
                fn body($proxy: &Proxy, $note: Note, $cut_off: &mut Conn, $beside: &mut Conn) $body

                let server = Server::new();
                let proxy = Proxy::new(server.address());
                let beside = &mut server.connect();
                run(CREATE_NOTES, beside);
                let new = (notes::id.eq(1), notes::text.eq("draft"));
                let note = Note::create_with(1, new, beside).unwrap();
                let cut_off = &mut server.connect_through(proxy.port);
                // The statement is prepared now, and the next save is one message.
                let note = note.save(cut_off).unwrap();
                body(&proxy, note, cut_off, beside);
            }
        }
    };
}

fn unknown(error: Error) -> noclobber::error::UnknownOutcome {
    match error {
        Error::UnknownOutcome(unknown) => unknown,
        error => panic!("{error:?}"),
    }
}

through_a_proxy! {
    fn a_save_that_never_reached_the_server_was_not_applied(proxy, note, cut_off, beside) {
        proxy.cut(Cut::Before, "");
        let lost = unknown(note.clone().with("lost").save(cut_off).unwrap_err());
        assert_eq!(lost.record().unwrap().to_string(), "notes 1");
        assert_eq!(lost.expected(), Some(note.version.to_string().as_str()));
        assert_ne!(lost.attempted(), None);
        let (display, debug) = (lost.to_string(), format!("{lost:?}"));
        let version = note.version;
        let sentence = "notes 1 may be written or not: the connection was lost while its version";
        assert!(display.starts_with(&format!("{sentence} {version} was to be replaced (")), "{display}");
        let fields = format!(r#"key: "1" }}, expected: Some("{version}"), attempted: Some("#);
        assert!(debug.contains(&fields), "{debug}");
        assert_eq!(Note::resolve(&lost, beside).unwrap(), Resolution::NotApplied);
        assert_eq!(note.with("again").save(beside).unwrap().text, "again");
    }

    fn a_save_whose_answer_was_lost_was_applied(proxy, note, cut_off, beside) {
        proxy.cut(Cut::After, "");
        let lost = unknown(note.with("lost").save(cut_off).unwrap_err());
        assert_eq!(Note::resolve(&lost, beside).unwrap(), Resolution::Applied);
        let now = Note::find(1, beside).unwrap();
        assert_eq!(now.text, "lost");
        assert_eq!(lost.attempted(), Some(now.version.to_string().as_str()));
    }

    fn what_somebody_else_has_written_since_is_overtaken(proxy, note, cut_off, beside) {
        proxy.cut(Cut::After, "");
        let lost = unknown(note.with("lost").save(cut_off).unwrap_err());
        Note::find(1, beside).unwrap().touch(beside).unwrap();
        assert_eq!(Note::resolve(&lost, beside).unwrap(), Resolution::Overtaken);
    }

    fn a_commit_whose_answer_was_lost_is_unknown_and_never_tried_again(proxy, note, cut_off, beside) {
        let answer = transaction(cut_off, |cut_off| {
            let saved = note.with("committed").save(cut_off)?;
            proxy.cut(Cut::After, "COMMIT");
            Ok::<_, Error>(saved)
        });
        let error = answer.unwrap_err();
        assert_eq!(error.retry(), Retry::Never);
        let lost = unknown(error);
        let sentence = "the transaction may be committed or not: the connection was lost during COMMIT (";
        assert!(lost.to_string().starts_with(sentence), "{lost}");
        assert_eq!(lost.record(), None);
        assert!(matches!(Note::resolve(&lost, beside), Err(Error::NotOfThisModel { .. })));
        assert_eq!(Note::find(1, beside).unwrap().text, "committed");
    }

    fn an_increment_whose_answer_was_lost_is_unknown_and_never_tried_again(proxy, note, cut_off, beside) {
        Note::increment(1, notes::views, 1, cut_off).unwrap();
        proxy.cut(Cut::After, "");
        let error = Note::increment(1, notes::views, 1, cut_off).unwrap_err();
        assert_eq!(error.retry(), Retry::Never);
        let lost = unknown(error);
        assert_eq!(lost.record().unwrap().key(), "1");
        assert_eq!((lost.expected(), lost.attempted()), (None, None));
        let sentence = "notes 1 may be written or not: the connection was lost (";
        assert!(lost.to_string().starts_with(sentence), "{lost}");
        assert!(matches!(Note::resolve(&lost, beside), Err(Error::NotOfThisModel { .. })));
        // It was added, and a second try would have added it again.
        let now = Note::find(1, beside).unwrap();
        assert_eq!((now.views, now.version), (2, note.version));
    }

    fn a_commit_that_never_reached_the_server_is_unknown_too(proxy, note, cut_off, beside) {
        let answer = transaction(cut_off, |cut_off| {
            let saved = note.clone().with("never").save(cut_off)?;
            proxy.cut(Cut::Before, "COMMIT");
            Ok::<_, Error>(saved)
        });
        assert_eq!(unknown(answer.unwrap_err()).record(), None);
        assert_eq!(Note::find(1, beside).unwrap(), note);
    }

    fn a_connection_lost_at_the_end_of_a_savepoint_is_unavailable(proxy, note, cut_off, beside) {
        let answer = transaction(cut_off, |cut_off| {
            transaction(cut_off, |cut_off| {
                let saved = note.clone().with("inside").save(cut_off)?;
                proxy.cut(Cut::Before, "RELEASE SAVEPOINT");
                Ok::<_, Error>(saved)
            })
        });
        assert_eq!(answer.unwrap_err().retry(), Retry::Restart);
        assert_eq!(Note::find(1, beside).unwrap(), note);
    }

    /// A second attempt on the same connection meets what the first has left of it.
    fn a_lost_connection_is_told_as_such_also_by_the_last_attempt(proxy, note, cut_off, beside) {
        let policy = Policy::default().attempts(3).pauses(Duration::ZERO, Duration::ZERO);
        let answer = retry(&mut *cut_off, &policy, |cut_off| {
            let saved = note.clone().with("first").save(cut_off)?;
            proxy.cut(Cut::Before, "");
            saved.save(cut_off)
        });
        match answer.unwrap_err() {
            Error::Unavailable(unavailable) => {
                assert_eq!(unavailable.reason(), Reason::ConnectionLost);
                // A connection that is known to be lost is not tried for ever.
                assert_eq!(unavailable.attempts(), 2);
            }
            error => panic!("{error:?}"),
        }
        assert_eq!(Note::find(1, beside).unwrap(), note);
    }

    fn a_delete_whose_answer_was_lost_was_applied(proxy, note, cut_off, beside) {
        let lost = unknown({
            // Prepared by a delete that matches nothing.
            assert!(Note { version: UuidVersion::initial(&Clock::default()), ..note.clone() }.delete(cut_off).is_err());
            proxy.cut(Cut::After, "");
            note.delete(cut_off).unwrap_err()
        });
        assert_eq!((lost.attempted(), lost.record().unwrap().key()), (None, "1"));
        assert_eq!(Note::resolve(&lost, beside).unwrap(), Resolution::Applied);
    }

    fn a_connection_lost_inside_a_transaction_is_unavailable(proxy, note, cut_off, beside) {
        let answer = transaction(cut_off, |cut_off| {
            let saved = note.clone().with("first").save(cut_off)?;
            proxy.cut(Cut::Before, "");
            saved.with("second").save(cut_off)
        });
        assert_eq!(answer.unwrap_err().retry(), Retry::Restart);
        assert_eq!(Note::find(1, beside).unwrap(), note);
    }
}

// A word on a note, in its aggregate.
diesel::table! {
    words (id) { id -> BigInt, note_id -> BigInt, text -> Text, version -> Binary }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[versioned(root(Note, note_id))]
struct Word {
    id: i64,
    note_id: i64,
    text: String,
    version: UuidVersion,
}

/// The table of words, and the first word on the note.
macro_rules! word {
    ($conn:expr) => {{
        let columns = "note_id BIGINT NOT NULL, text VARCHAR(20) NOT NULL, version";
        let table =
            format!("CREATE TABLE words (id {NUMBER_KEY}, {columns} {UUID_BYTES} NOT NULL)");
        run(&table, $conn);
        Word::create_in(1, words::text.eq("first"), $conn).unwrap()
    }};
}

through_a_proxy! {
    fn a_lost_commit_of_an_aggregate_is_told_of_its_root(proxy, _note, cut_off, beside) {
        let word = word!(beside);
        let note = Note::find(1, cut_off).unwrap();
        let expected = note.version.to_string();
        proxy.cut(Cut::After, "COMMIT");
        let lost = note.save_with(cut_off, |note| note.touch_child(word)).unwrap_err();
        let lost = unknown(lost);
        assert_eq!(lost.record().unwrap().to_string(), "notes 1");
        assert_eq!(lost.expected(), Some(expected.as_str()));
        assert_eq!(Note::resolve(&lost, beside).unwrap(), Resolution::Applied);
        let now = Note::find(1, beside).unwrap();
        assert_eq!(lost.attempted(), Some(now.version.to_string().as_str()));
    }

    fn a_commit_of_an_aggregate_that_never_reached_the_server_was_not_applied(proxy, _note, cut_off, beside) {
        let word = word!(beside);
        let note = Note::find(1, beside).unwrap();
        proxy.cut(Cut::Before, "COMMIT");
        let lost = note.clone().save_with(cut_off, |note| note.touch_child(word)).unwrap_err();
        assert_eq!(Note::resolve(&unknown(lost), beside).unwrap(), Resolution::NotApplied);
        assert_eq!(Note::find(1, beside).unwrap(), note);
    }

    fn a_lost_commit_of_a_lone_child_is_told_of_the_child(proxy, _note, cut_off, beside) {
        let word = word!(beside);
        proxy.cut(Cut::After, "COMMIT");
        let lost = unknown(Word { text: "lost".into(), ..word }.save(cut_off).unwrap_err());
        assert_eq!(lost.record().unwrap().to_string(), "words 1");
        assert_eq!(Word::resolve(&lost, beside).unwrap(), Resolution::Applied);
        let now = Word::find(1, beside).unwrap();
        assert_eq!(lost.attempted(), Some(now.version.to_string().as_str()));
    }

    fn a_lost_commit_of_a_lone_delete_of_a_child_was_applied(proxy, _note, cut_off, beside) {
        let word = word!(beside);
        proxy.cut(Cut::After, "COMMIT");
        let lost = unknown(word.delete(cut_off).unwrap_err());
        assert_eq!((lost.attempted(), lost.record().unwrap().key()), (None, "1"));
        assert_eq!(Word::resolve(&lost, beside).unwrap(), Resolution::Applied);
    }
}

/// The write may still be running on the server, and the row is its until it ends.
macro_rules! resolve_waits_for_whoever_writes_the_record {
    ($feature:literal $database:ident) => {
        #[cfg(feature = $feature)]
        #[test]
        fn $database() {
            use crate::support::$database::*;

            let server = Server::new();
            let (beside, other) = (&mut server.connect(), &mut server.connect());
            run(CREATE_NOTES, beside);
            run(SHORT_LOCK_WAIT, other);
            let new = (notes::id.eq(1), notes::text.eq("draft"));
            let note = Note::create_with(1, new, beside).unwrap();
            let proxy = Proxy::new(server.address());
            let cut_off = &mut server.connect_through(proxy.port);
            let note = note.save(cut_off).unwrap();
            proxy.cut(Cut::After, "");
            let lost = unknown(note.with("lost").save(cut_off).unwrap_err());

            transaction(beside, |beside| {
                let current = Note::find(1, beside)?.touch(beside)?;
                match Note::resolve(&lost, other) {
                    Err(Error::Unavailable(it)) => assert_eq!(it.reason(), Reason::LockTimeout),
                    answer => panic!("{answer:?}"),
                }
                Ok::<_, Error>(current)
            })
            .unwrap();
            assert_eq!(Note::resolve(&lost, other).unwrap(), Resolution::Overtaken);
        }
    };
}

mod resolve_waits_for_whoever_writes_the_record {
    use super::*;

    resolve_waits_for_whoever_writes_the_record!("postgres" postgres);
    resolve_waits_for_whoever_writes_the_record!("mysql" mysql);
}
