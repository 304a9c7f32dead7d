//! Versions that a trigger of the database moves on: `#[versioned(trigger)]`.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found, transaction};

use crate::support::{Witness, documents, on_every_database};

/// A document whose trigger adds ten to the version.
#[derive(Debug, Clone, PartialEq, HasQuery, Versioned)]
#[diesel(table_name = documents)]
#[versioned(trigger)]
pub(crate) struct Kept {
    id: i64,
    title: String,
    #[versioned(unguarded)]
    views: i64,
    pub(crate) version: i64,
}

const UPDATE: &str = "UPDATE \"documents\" SET \"title\" = ?, \"version\" = \"version\" \
                      WHERE \"id\" = ? AND \"version\" = ?";

on_every_database! {
    fn what_the_trigger_made_of_the_version_is_read_back(conn) {
        run(MOVE_VERSION, conn);
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        assert_eq!(draft.version, 1);
        let witness = Witness::of(conn);
        let saved = Kept { title: "saved".into(), ..draft }.save(conn).unwrap();
        let read_back = format!("SELECT \"version\" FROM \"documents\" WHERE \"id\" = ?{LOOK}");
        let sent = witness.sent();
        let written = sent.iter().position(|sql| sql == UPDATE).unwrap();
        assert_eq!(sent[written + 1], read_back);
        assert_eq!((sent[0].as_str(), sent[sent.len() - 1].as_str()), ("BEGIN", "COMMIT"));
        assert_eq!(saved.version, 11);
        assert_eq!(Kept::find(saved.id, conn).unwrap(), saved);
        assert_eq!(saved.save(conn).unwrap().version, 21);
    }

    fn a_stale_write_is_refused(conn) {
        run(MOVE_VERSION, conn);
        let stale = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let saved = Kept { title: "first".into(), ..stale.clone() }.save(conn).unwrap();
        let conflict = |error: Error| error.conflict().unwrap().found().clone();
        let now = Found::Version("11".into());
        assert_eq!(conflict(stale.clone().save(conn).unwrap_err()), now);
        assert_eq!(conflict(stale.clone().touch(conn).unwrap_err()), now);
        let late = Kept::patch(stale.id, stale.version, documents::title.eq("late"), conn);
        assert_eq!(conflict(late.unwrap_err()), now);
        assert_eq!(conflict(stale.clone().delete(conn).unwrap_err()), now);
        assert_eq!(Kept::find(stale.id, conn).unwrap(), saved);
        saved.delete(conn).unwrap();
        assert_eq!(conflict(stale.save(conn).unwrap_err()), Found::Deleted);
    }

    fn an_update_of_diesels_sets_the_trigger_off_by_itself(conn) {
        run(MOVE_VERSION, conn);
        let stale = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let bump = Kept::bump_version();
        let witness = Witness::of(conn);
        diesel::update(documents::table).set(bump).execute(conn).unwrap();
        assert_eq!(
            witness.sent(),
            ["UPDATE \"documents\" SET \"version\" = \"documents\".\"version\""]
        );
        assert_eq!(stale.clone().reload(conn).unwrap().version, 11);
        assert!(stale.save(conn).unwrap_err().is_conflict());
    }

    fn a_batch_reads_each_version_back(conn) {
        run(MOVE_VERSION, conn);
        let mut create = |_| Kept::create(documents::title.eq("draft"), conn).unwrap();
        let drafts = [(), ()].map(&mut create);
        let saved = Kept::save_all(drafts.clone(), conn).unwrap();
        assert_eq!([saved[0].version, saved[1].version], [11, 11]);
        let error = Kept::delete_all(drafts, conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().others().len(), 1);
        Kept::delete_all(saved, conn).unwrap();
    }

    fn a_batch_whose_trigger_does_nothing_is_rolled_back(conn) {
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let changed = Kept { title: "changed".into(), ..draft.clone() };
        let error = Kept::save_each([changed], conn).unwrap_err();
        assert!(matches!(error, Error::VersionUnchanged { .. }), "{error:?}");
        assert_eq!(Kept::find(draft.id, conn).unwrap(), draft);
    }

    fn a_touch_and_a_patch_set_the_trigger_off_too(conn) {
        run(MOVE_VERSION, conn);
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let touched = draft.clone().touch(conn).unwrap();
        assert_eq!(touched, Kept { version: 11, ..draft.clone() });
        let version = Kept::patch(draft.id, 11, documents::title.eq("patched"), conn).unwrap();
        let patched = Kept { title: "patched".into(), version: 21, ..draft };
        assert_eq!(version, 21);
        assert_eq!(patched.reload(conn).unwrap(), patched);
        let modified = Kept::modify(patched.id, &mut *conn, |it| it.title.push('!')).unwrap();
        assert_eq!((modified.title.as_str(), modified.version), ("patched!", 31));
    }

    /// The next stale write would match.
    fn a_version_that_no_trigger_moves_on_is_an_error_and_nothing_is_written(conn) {
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let refused = |error: Error| matches!(error, Error::VersionUnchanged { version, .. } if version == "1");
        let changed = Kept { title: "never".into(), ..draft.clone() };
        assert!(refused(changed.clone().save(conn).unwrap_err()));
        assert!(refused(draft.clone().touch(conn).unwrap_err()));
        assert_eq!(draft.reload(conn).unwrap(), draft);
        assert!(is_outside(conn));

        // Also where the caller goes on after it.
        let ignored = transaction(conn, |conn| {
            assert!(refused(changed.save(conn).unwrap_err()));
            Ok::<_, Error>(())
        });
        ignored.unwrap();
        assert_eq!(draft.reload(conn).unwrap(), draft);
    }

    fn inside_a_transaction_it_is_rolled_back_with_it(conn) {
        run(MOVE_VERSION, conn);
        let draft = Kept::create(documents::title.eq("draft"), conn).unwrap();
        let rolled_back = transaction(conn, |conn| {
            let saved = draft.clone().save(conn)?.save(conn)?;
            assert_eq!(saved.version, 21);
            saved.verify(conn)?;
            Err::<(), _>(Error::NotCreated { table: "roll back" })
        });
        assert!(rolled_back.is_err());
        assert_eq!(draft.reload(conn).unwrap(), draft);
    }
}
