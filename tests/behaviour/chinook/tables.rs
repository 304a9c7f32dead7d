//! Every table of Chinook through its model: read, saved, refused.

use diesel::prelude::*;
use noclobber::prelude::*;
use noclobber::{Error, Found};

use super::database::on_every_copy;
use super::models::{
    Album, Artist, Customer, Employee, Genre, Invoice, InvoiceLine, MediaType, Playlist,
    PlaylistTrack, Track,
};

/// The same promises for each model, each in a module that is named after the table.
macro_rules! each_table {
    ($($module:ident: $Model:ident = $table:literal, first $key:expr, $text:literal;)*) => {$(
        mod $module {
            use super::*;

            on_every_copy! {
                fn every_row_loads(chinook) {
                    let conn = &mut chinook.connect();
                    let rows = $Model::query().load(conn).unwrap();
                    assert_eq!(rows.len(), bits($table, conn).len());
                    assert!(rows.iter().all(|row| row.version == 1));
                }

                fn a_save_changes_the_version_and_no_other_bit(chinook) {
                    let conn = &mut chinook.connect();
                    let before = bits($table, conn);
                    let rows = $Model::query().load(conn).unwrap();
                    let first = $Model::find($key, conn).unwrap();

                    let saved = first.clone().save(conn).unwrap();
                    assert_eq!(saved, $Model { version: 2, ..first });
                    assert_eq!(saved.reload(conn).unwrap(), saved);
                    assert_eq!(versions($table, conn), ["1", "2"]);
                    // Not the first row alone: each has other values.
                    let others = rows.into_iter().filter(|row| row.key() != saved.key());
                    let save = |conn: &mut Conn| {
                        others.map(|row| row.save(conn)).collect::<noclobber::Result<Vec<_>>>()
                    };
                    noclobber::transaction(conn, save).unwrap();

                    assert_eq!(versions($table, conn), ["2"]);
                    assert_eq!(bits($table, conn), before);
                }

                fn what_is_stale_is_neither_saved_nor_deleted(chinook) {
                    let conn = &mut chinook.connect();
                    let before = bits($table, conn);
                    let stale = $Model::find($key, conn).unwrap();
                    stale.clone().save(conn).unwrap();

                    let save = stale.clone().save(conn).unwrap_err();
                    assert_eq!(conflict(&save), (stringify!($module), $text, "1", "2"));
                    let delete = stale.delete(conn).unwrap_err();
                    assert_eq!(conflict(&delete), (stringify!($module), $text, "1", "2"));
                    assert_eq!(bits($table, conn), before);
                    assert_eq!(versions($table, conn), ["1", "2"]);
                }
            }
        }
    )*};
}

each_table! {
    album: Album = "Album", first 1, "1";
    artist: Artist = "Artist", first 1, "1";
    customer: Customer = "Customer", first 1, "1";
    employee: Employee = "Employee", first 1, "1";
    genre: Genre = "Genre", first 1, "1";
    invoice: Invoice = "Invoice", first 1, "1";
    invoice_line: InvoiceLine = "InvoiceLine", first 1, "1";
    media_type: MediaType = "MediaType", first 1, "1";
    playlist: Playlist = "Playlist", first 1, "1";
    playlist_track: PlaylistTrack = "PlaylistTrack", first (1, 3402), "1,3402";
    track: Track = "Track", first 1, "1";
}

/// Table, key, expected and found version of a conflict.
fn conflict(error: &Error) -> (&str, &str, &str, &str) {
    let Some(conflict) = error.conflict() else { return ("no conflict", "", "", "") };
    let found = match conflict.found() {
        Found::Version(version) => version,
        _ => "no version",
    };
    (conflict.record().table(), conflict.record().key(), conflict.expected(), found)
}
