//! What all or nothing, and best effort, promise.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{ConcurrentModificationError, Error, Found, transaction};

use super::{all_of, documents, retitled, stale};
use crate::support::{Document, Witness, documents, on_every_database};

/// How many documents have this title.
#[diesel::dsl::auto_type(no_type_alias)]
fn titled<'a>(title: &'a str) -> _ {
    documents::table.filter(documents::title.eq(title)).count()
}

fn told(outcome: &Result<Document, ConcurrentModificationError>) -> (i64, String) {
    match outcome {
        Ok(document) => (document.version, document.title.clone()),
        Err(conflict) => (0, conflict.found().to_string()),
    }
}

#[cfg(feature = "postgres")]
crate::support::on_postgres! {
    /// The form of a batch is an error there for all rows. Each is judged as a single save is.
    fn a_rule_that_drops_the_write_of_a_row_is_a_veto(conn) {
        run("CREATE RULE keep AS ON UPDATE TO documents WHERE old.id = 2 DO INSTEAD NOTHING", conn);
        let documents = documents!(3, conn);
        let error = Document::save_all(retitled(&documents, "new"), conn).unwrap_err();
        assert_eq!(stale(&error), [("2".into(), "the expected version".into())]);
        assert_eq!(all_of!(conn), documents);
        let saved = transaction(conn, |conn| {
            let outcomes = Document::save_each(retitled(&documents, "new"), conn)?;
            Ok::<_, Error>(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>())
        });
        assert_eq!(saved.unwrap(), [true, false, true]);
        assert_eq!(titled("new").get_result::<i64>(conn), Ok(2));
    }
}

/// A model that declares what is no key.
#[derive(Debug, Clone, HasQuery, Versioned)]
#[diesel(table_name = documents, primary_key(title))]
struct ByTitle {
    title: String,
    body: Option<String>,
    version: i64,
}

on_every_database! {
    fn all_are_saved_and_given_back_in_their_order(conn) {
        let mut documents = documents!(5, conn);
        documents.swap(0, 3);
        let saved = Document::save_all(retitled(&documents, "new"), conn).unwrap();
        let expected: Vec<Document> = retitled(&documents, "new")
            .into_iter()
            .map(|document| Document { version: 2, ..document })
            .collect();
        assert_eq!(saved, expected);
        let mut sorted = expected;
        sorted.sort_by_key(|document| document.id);
        assert_eq!(all_of!(conn), sorted);
        // At the versions that they were given back with.
        Document::save_all(saved, conn).unwrap();
    }

    fn each_is_saved_and_given_back_in_its_place(conn) {
        let documents = documents!(3, conn);
        let saved = Document::save_each(retitled(&documents, "new"), conn).unwrap();
        let saved: Vec<Document> = saved.into_iter().map(Result::unwrap).collect();
        assert_eq!(all_of!(conn), saved);
        assert!(saved.iter().all(|document| (document.version, document.title.as_str()) == (2, "new")));
    }

    fn of_all_nothing_is_saved_when_some_are_stale_and_each_of_those_is_named(conn) {
        let documents = documents!(5, conn);
        documents[1].clone().touch(conn).unwrap();
        documents[4].clone().delete(conn).unwrap();
        let before = all_of!(conn);
        let error = Document::save_all(retitled(&documents, "new"), conn).unwrap_err();
        assert_eq!(stale(&error), [("2".into(), "version 2".into()), ("5".into(), "no row".into())]);
        assert_eq!(
            error.to_string(),
            "documents 2 was changed by somebody else: expected version 1, found version 2; \
             so were documents 5"
        );
        assert_eq!(all_of!(conn), before);
    }

    fn of_each_those_that_are_current_are_saved_and_the_others_told(conn) {
        let documents = documents!(5, conn);
        documents[1].clone().touch(conn).unwrap();
        documents[4].clone().delete(conn).unwrap();
        let outcomes = Document::save_each(retitled(&documents, "new"), conn).unwrap();
        let told: Vec<_> = outcomes.iter().map(told).collect();
        let new = || (2, "new".to_owned());
        assert_eq!(told, [new(), (0, "version 2".into()), new(), new(), (0, "no row".into())]);
        let titles: Vec<String> = all_of!(conn).into_iter().map(|document| document.title).collect();
        assert_eq!(titles, ["new", "draft", "new", "new"]);
    }

    fn all_are_deleted_or_none(conn) {
        let documents = documents!(4, conn);
        let current = documents[2].clone().touch(conn).unwrap();
        let error = Document::delete_all(documents.clone(), conn).unwrap_err();
        assert_eq!(stale(&error), [("3".into(), "version 2".into())]);
        assert_eq!(all_of!(conn).len(), 4);
        let [one, two, _, four] = documents.try_into().unwrap();
        Document::delete_all([one, two, current, four], conn).unwrap();
        assert_eq!(all_of!(conn), []);
    }

    fn each_is_deleted_that_is_current(conn) {
        let documents = documents!(4, conn);
        let current = documents[2].clone().touch(conn).unwrap();
        documents[0].clone().delete(conn).unwrap();
        let outcomes = Document::delete_each(documents, conn).unwrap();
        let found: Vec<Option<Found>> =
            outcomes.iter().map(|it| it.as_ref().err().map(|it| it.found().clone())).collect();
        assert_eq!(found, [Some(Found::Deleted), None, Some(Found::Version("2".into())), None]);
        assert_eq!(all_of!(conn), [current]);
    }

    fn an_empty_batch_sends_nothing(conn) {
        let witness = Witness::of(conn);
        assert_eq!(Document::save_all([], conn).unwrap(), []);
        assert!(Document::save_each([], conn).unwrap().is_empty());
        Document::delete_all([], conn).unwrap();
        assert!(Document::delete_each([], conn).unwrap().is_empty());
        assert_eq!(witness.sent(), [""; 0]);
    }

    fn the_same_key_twice_is_refused_before_anything_is_sent(conn) {
        let documents = documents!(2, conn);
        let doubled = || [documents.clone(), retitled(&documents[1..], "other")].concat();
        let witness = Witness::of(conn);
        let answers = [
            Document::save_all(doubled(), conn).map(drop),
            Document::save_each(doubled(), conn).map(drop),
            Document::delete_all(doubled(), conn),
            Document::delete_each(doubled(), conn).map(drop),
        ];
        for answer in answers {
            let Err(Error::TwiceInBatch(record)) = answer else { panic!("{answer:?}") };
            assert_eq!(record.to_string(), "documents 2");
        }
        assert_eq!(witness.sent(), [""; 0]);
    }

    fn a_version_without_a_successor_is_told_before_anything_is_sent(conn) {
        let mut documents = documents!(2, conn);
        documents[1].version = i64::MAX;
        let witness = Witness::of(conn);
        let error = Document::save_all(documents.clone(), conn).unwrap_err();
        assert!(matches!(&error, Error::VersionExhausted { record, .. } if record.key() == "2"), "{error:?}");
        assert_eq!(witness.sent(), [""; 0]);
    }

    /// Best effort is about staleness alone.
    fn another_error_aborts_both(conn) {
        let documents = documents!(3, conn);
        let mut wrong = retitled(&documents, "new");
        wrong[1].title = "forbidden".into();
        let error = Document::save_each(wrong.clone(), conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(all_of!(conn), documents);
        let error = Document::save_all(wrong, conn).unwrap_err();
        assert!(matches!(error, Error::Database(_)), "{error:?}");
        assert_eq!(all_of!(conn), documents);
    }

    /// It is a savepoint there: what was written before stays, and the transaction can go on.
    fn inside_a_transaction_only_the_batch_is_undone(conn) {
        let documents = documents!(3, conn);
        let touched = transaction(conn, |conn| {
            let touched = documents[0].clone().touch(conn)?;
            let error = Document::save_all(retitled(&documents, "new"), conn).unwrap_err();
            assert_eq!(stale(&error), [("1".into(), "version 2".into())]);
            Document::save_all(retitled(&documents[1..], "new"), conn)?;
            Ok::<_, Error>(touched)
        });
        let titles: Vec<(i64, String)> =
            all_of!(conn).into_iter().map(|document| (document.version, document.title)).collect();
        assert_eq!(titles, [(2, "draft".into()), (2, "new".into()), (2, "new".into())]);
        assert_eq!(touched.unwrap().version, 2);
    }

    fn the_chunks_of_a_large_batch_are_one_transaction(conn) {
        let documents = documents!(5_003, conn);
        documents[5_001].clone().touch(conn).unwrap();
        let error = Document::save_all(retitled(&documents, "new"), conn).unwrap_err();
        assert_eq!(stale(&error), [("5002".into(), "version 2".into())]);
        assert_eq!(titled("draft").get_result::<i64>(conn), Ok(5_003));
        let outcomes = Document::save_each(retitled(&documents, "new"), conn).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1);
        assert!(outcomes[5_001].is_err());
        assert_eq!(titled("new").get_result::<i64>(conn), Ok(5_002));
        let current = all_of!(conn);
        Document::delete_all(current, conn).unwrap();
        assert_eq!(all_of!(conn), []);
    }

    fn a_key_that_names_several_rows_is_told_and_nothing_is_written(conn) {
        run("INSERT INTO documents (title) VALUES ('one'), ('twin'), ('twin')", conn);
        let before = all_of!(conn);
        let by_title = |title: &str| ByTitle { title: title.into(), body: Some("new".into()), version: 1 };
        let batch = || [by_title("one"), by_title("twin")];
        let answers = [
            ByTitle::save_all(batch(), conn).map(drop),
            ByTitle::save_each(batch(), conn).map(drop),
            ByTitle::delete_all(batch(), conn),
        ];
        for answer in answers {
            let Err(Error::KeyNotUnique { record, rows: 2 }) = answer else { panic!("{answer:?}") };
            assert_eq!(record.to_string(), "documents twin");
        }
        assert_eq!(all_of!(conn), before);
    }

    fn unguarded_columns_are_left_alone(conn) {
        let documents = documents!(2, conn);
        Document::increment(1, documents::views, 5, conn).unwrap();
        Document::save_all(documents, conn).unwrap();
        let views: Vec<i64> = all_of!(conn).into_iter().map(|document| document.views).collect();
        assert_eq!(views, [5, 0]);
    }
}
