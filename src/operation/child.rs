//! Writes of a child in an aggregate.
//!
//! Each has the root's key in its condition, so that a child which was moved meanwhile is not hit. Alone, it
//! is sent behind a bump of the root, in one transaction. The root always comes first: whoever writes a
//! child and then wants its root waits for somebody who holds the root and wants the child.

use super::create::{inserted, inserted_with};
use super::delete::deleted;
use super::find;
use super::outcome::{self, Attempt, Write};
use super::save::{raised, touched};
use super::store::{Seen, Store, StoreChanges, StoreNewChild};
use crate::error::{ConcurrentModificationError, Error, Found, Result};
use crate::key::Key;
use crate::model::{Child, RootKey, Versioned, record};
use crate::transaction::{is_alone, of_statements};
use crate::version::Version;

/// Moves the version of a root on, from whatever it is.
///
/// A counter is added to. Any other version is one that the record has never had, which only its present
/// one can tell: the row is held, and then written from what was read.
pub(super) fn bump<R, C>(root: &R::Key, child: &'static str, conn: &mut C) -> Result<()>
where
    R: Versioned,
    C: Store<R>,
{
    match R::Version::LAST {
        Some(last) if !R::BY_TRIGGER => match conn.__bump(root, &last)? {
            1 => Ok(()),
            0 => Err(not_bumped::<R, C>(root, &last, child, conn)),
            rows => Err(Error::KeyNotUnique { record: record::<R>(root), rows }),
        },
        _ => match conn.__hold_to_write(root)? {
            Some(held) => touched::<R, C>(root, &held, conn).map(drop),
            None => Err(no_root::<R>(root, child)),
        },
    }
}

#[cold]
fn not_bumped<R, C>(root: &R::Key, last: &R::Version, child: &'static str, conn: &mut C) -> Error
where
    R: Versioned,
    C: Store<R>,
{
    match conn.__look_inside(root) {
        Ok(Seen::Version(present) | Seen::InSnapshot(present)) if present == *last => {
            let version = present.text().into_owned();
            Error::VersionExhausted { record: record::<R>(root), version }
        }
        Ok(Seen::Version(present) | Seen::InSnapshot(present)) => {
            outcome::conflict::<R>(root, &present, Found::Vetoed)
        }
        Ok(Seen::Nothing | Seen::Hidden) => no_root::<R>(root, child),
        Err(error) => error.into(),
    }
}

fn no_root<R: Versioned>(root: &R::Key, child: &'static str) -> Error {
    Error::RootNotFound { root: record::<R>(root), child }
}

pub(super) fn save<M, C>(model: &M, root: &RootKey<M>, conn: &mut C) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    lone::<M, C, _>(&model.key(), model.version(), &[root], conn, |conn, left| {
        update_in(model, root, conn, left)
    })
}

pub(super) fn touch<M, C>(mut model: M, root: &RootKey<M>, conn: &mut C) -> Result<M>
where
    M: Versioned,
    C: Store<M>,
{
    let (key, expected) = (model.key(), model.version());
    let version = lone::<M, C, _>(&key, expected, &[root], conn, |conn, left| {
        touch_in::<M, C>(&key, expected, root, conn, left)
    })?;
    model.__set_version(version);
    Ok(model)
}

pub(super) fn delete<M, C>(model: &M, root: &RootKey<M>, conn: &mut C) -> Result<()>
where
    M: Versioned,
    C: Store<M>,
{
    let (key, expected) = (model.key(), model.version());
    lone::<M, C, _>(&key, expected, &[root], conn, |conn, left| {
        *left = Attempt::NoRow;
        delete_in(model, root, conn)
    })
}

/// Which root it is that a patch has to bump, only the row can tell. It is read without a lock: whoever moves
/// the child in between makes its version another one.
pub(super) fn patch<M, Changes, C>(
    key: &M::Key,
    expected: &M::Version,
    changes: Changes,
    conn: &mut C,
) -> Result<M::Version>
where
    M: Versioned,
    C: StoreChanges<M, Changes>,
{
    let present = find::present::<M, C>(key, conn)?;
    let Some(root) = present.and_then(|model| model.__root_key()) else {
        let alone = is_alone(conn);
        let look = if alone { conn.__look(key) } else { conn.__look_inside(key) };
        // Who has just appeared at the expected version was not kept from being written.
        let look = look.map(|seen| match seen {
            Seen::Version(present) if present == *expected => Seen::Hidden,
            seen => seen,
        });
        return Err(outcome::refusal::<M>(look, key, expected, alone));
    };
    lone::<M, C, _>(key, expected, &[&root], conn, |conn, left| {
        patch_in::<M, Changes, C>(key, expected, changes, &root, conn, left)
    })
}

pub(crate) fn create<M, New, C>(root: RootKey<M>, new: New, conn: &mut C) -> Result<M>
where
    M: Child,
    C: StoreNewChild<M, New>,
{
    of_statements(conn, |conn| {
        conn.__bump_root(&root)?;
        inserted((M::__foreign_key(root), new), conn)
    })
}

pub(crate) fn create_with<M, New, C>(
    root: RootKey<M>,
    key: &M::Key,
    new: New,
    conn: &mut C,
) -> Result<M>
where
    M: Child,
    C: StoreNewChild<M, New>,
{
    of_statements(conn, |conn| {
        conn.__bump_root(&root)?;
        created_in(&root, key, new, conn)
    })
}

/// Where the key holds the root's as well, the two may differ, and then it is another record that is loaded.
/// To be called in a transaction that is rolled back on an error.
pub(super) fn created_in<M, New, C>(
    root: &RootKey<M>,
    key: &M::Key,
    new: New,
    conn: &mut C,
) -> Result<M>
where
    M: Child,
    C: StoreNewChild<M, New>,
{
    let created = inserted_with(key, (M::__foreign_key(root.clone()), new), conn)?;
    if conn.__is_in(key, root)? { Ok(created) } else { Err(of_another_root::<M>(key, root)) }
}

/// Saves a child as one of another root.
pub(crate) fn move_to<M, C>(mut model: M, to: RootKey<M>, conn: &mut C) -> Result<M>
where
    M: Child,
    C: Store<M>,
{
    let (key, from) = (model.key(), model.root_key());
    // In an order that all moves share, or two that cross would wait for each other in a circle.
    let mut roots = [(from.text(), &from), (to.text(), &to)];
    roots.sort_by(|(one, _), (other, _)| one.cmp(other));
    let [(first, one), (second, other)] = &roots;
    let roots: &[_] = if first == second { &[*one] } else { &[*one, *other] };
    let version = lone::<M, C, _>(&key, model.version(), roots, conn, |conn, left| {
        let raised = raised::<M, C>(&key, model.version(), conn, |conn, next| {
            note::<M>(next, left);
            conn.__move(&model, next, &key, (&from, &to))
        });
        raised.map_err(|error| or_of_another_root::<M, C>(error, &key, &from, conn))
    })?;
    model.__set_version(version);
    model.__set_root_key(to);
    Ok(model)
}

/// A write of a child by itself: in one transaction, behind the bumps of its roots.
///
/// `write` is told where to note what it leaves behind.
fn lone<M, C, R>(
    key: &M::Key,
    expected: &M::Version,
    roots: &[&RootKey<M>],
    conn: &mut C,
    write: impl FnOnce(&mut C, &mut Attempt<M::Version>) -> Result<R>,
) -> Result<R>
where
    M: Versioned,
    C: Store<M>,
{
    let alone = is_alone(conn);
    let mut left = Attempt::AnotherVersion;
    let answer = of_statements(conn, |conn| {
        roots.iter().try_for_each(|root| conn.__bump_root(root))?;
        write(conn, &mut left)
    });
    answer.map_err(|error| match error {
        // Whoever deletes a root deletes its children, or moves them: that is the conflict.
        Error::RootNotFound { .. } => {
            let write = Write { key, expected, next: None, alone };
            match outcome::missed::<M, C>(write, conn) {
                Error::ConcurrentModification(conflict) if is_told(&conflict) => {
                    Error::ConcurrentModification(conflict)
                }
                // The transaction is gone with it.
                unavailable @ Error::Unavailable(_) => unavailable,
                _ => error,
            }
        }
        error if alone => outcome::of_a_lone_transaction::<M, C>(error, key, expected, left, conn),
        error => error,
    })
}

fn is_told(conflict: &ConcurrentModificationError) -> bool {
    matches!(conflict.found(), Found::Version(_) | Found::Deleted)
}

/// What a trigger will leave, nobody knows.
fn note<M: Versioned>(next: &M::Version, left: &mut Attempt<M::Version>) {
    if !M::BY_TRIGGER {
        *left = Attempt::Version(next.clone());
    }
}

/// The version that a child has once it is saved in its root. Bumps nothing, as the others that follow.
pub(super) fn update_in<M, C>(
    model: &M,
    root: &RootKey<M>,
    conn: &mut C,
    left: &mut Attempt<M::Version>,
) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    let key = model.key();
    let raised = raised::<M, C>(&key, model.version(), conn, |conn, next| {
        note::<M>(next, left);
        conn.__update_in(model, next, &key, root)
    });
    raised.map_err(|error| or_of_another_root::<M, C>(error, &key, root, conn))
}

pub(super) fn touch_in<M, C>(
    key: &M::Key,
    expected: &M::Version,
    root: &RootKey<M>,
    conn: &mut C,
    left: &mut Attempt<M::Version>,
) -> Result<M::Version>
where
    M: Versioned,
    C: Store<M>,
{
    let raised = raised::<M, C>(key, expected, conn, |conn, next| {
        note::<M>(next, left);
        conn.__touch_in(next, key, expected, root)
    });
    raised.map_err(|error| or_of_another_root::<M, C>(error, key, root, conn))
}

pub(super) fn delete_in<M, C>(model: &M, root: &RootKey<M>, conn: &mut C) -> Result<()>
where
    M: Versioned,
    C: Store<M>,
{
    let (key, expected) = (model.key(), model.version());
    deleted::<M, C>(&key, expected, conn, |conn| conn.__delete_in(&key, expected, root))
        .map_err(|error| or_of_another_root::<M, C>(error, &key, root, conn))
}

/// A changeset may name any column, so the child is looked for in its root afterwards: to be called in a
/// transaction that is rolled back on an error.
pub(super) fn patch_in<M, Changes, C>(
    key: &M::Key,
    expected: &M::Version,
    changes: Changes,
    root: &RootKey<M>,
    conn: &mut C,
    left: &mut Attempt<M::Version>,
) -> Result<M::Version>
where
    M: Versioned,
    C: StoreChanges<M, Changes>,
{
    let raised = raised::<M, C>(key, expected, conn, |conn, next| {
        note::<M>(next, left);
        conn.__patch_in(changes, next, key, expected, root)
    });
    let version = raised.map_err(|error| or_of_another_root::<M, C>(error, key, root, conn))?;
    if conn.__is_in(key, root)? { Ok(version) } else { Err(of_another_root::<M>(key, root)) }
}

/// A child that is there at the expected version, and that was not written, may be another root's.
#[cold]
fn or_of_another_root<M, C>(error: Error, key: &M::Key, root: &RootKey<M>, conn: &mut C) -> Error
where
    M: Versioned,
    C: Store<M>,
{
    let is_there = error.conflict().is_some_and(|conflict| *conflict.found() == Found::Vetoed);
    match is_there.then(|| conn.__is_in(key, root)) {
        Some(Ok(false)) => of_another_root::<M>(key, root),
        _ => error,
    }
}

fn of_another_root<M: Versioned>(key: &M::Key, root: &RootKey<M>) -> Error {
    Error::OfAnotherRoot { record: record::<M>(key), root: record::<M::Root>(root) }
}
