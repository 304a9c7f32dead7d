//! Keys of several columns.

use diesel::prelude::*;
use noclobber::Error;
use noclobber::prelude::*;

use super::sent;
use crate::support::{Witness, on_every_database};

diesel::table! {
    seats (row_name, number) {
        row_name -> Text,
        number -> Integer,
        guest -> Nullable<Text>,
        version -> Integer,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Insertable, Versioned)]
#[diesel(table_name = seats, primary_key(row_name, number))]
struct Seat {
    row_name: String,
    // Not where the key names it, which does not matter.
    guest: Option<String>,
    number: i32,
    version: i32,
}

#[derive(Clone, Copy, Insertable)]
#[diesel(table_name = seats)]
struct NewSeat<'a> {
    row_name: &'a str,
    number: i32,
}

const CREATE_SEATS: &str = "
    CREATE TABLE seats (row_name VARCHAR(20) NOT NULL, number INTEGER NOT NULL, guest VARCHAR(20),
                        version INTEGER NOT NULL, PRIMARY KEY (row_name, number))";

on_every_database! {
    fn all_of_the_key_is_compared(conn) {
        run(CREATE_SEATS, conn);
        for (row_name, number) in [("A", 1), ("A", 2), ("B", 1)] {
            let key = (row_name.to_owned(), number);
            Seat::create_with(key, NewSeat { row_name, number }, conn).unwrap();
        }
        let seat = Seat::find(("A".to_owned(), 2), conn).unwrap();
        let witness = Witness::of(conn);
        let taken = Seat { guest: Some("Ann".into()), ..seat.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"seats\" SET \"guest\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"row_name\" = ? AND \"number\" = ? AND \"version\" = ?"]
        );
        let error = Seat { guest: Some("Bob".into()), ..seat.clone() }.save(conn).unwrap_err();
        assert_eq!(error.conflict().unwrap().record().to_string(), "seats A,2");
        assert_eq!(Seat::find(("A".to_owned(), 2), conn).unwrap(), taken);
        let others = seats::table.filter(seats::guest.is_null()).count().get_result(conn);
        assert_eq!(others, Ok(2_i64));
        assert!(seat.delete(conn).unwrap_err().is_conflict());
        taken.delete(conn).unwrap();
        assert_eq!(seats::table.count().get_result(conn), Ok(2_i64));
    }

    fn all_of_the_key_is_inserted_by_an_upsert(conn) {
        run(CREATE_SEATS, conn);
        let seat = |number, guest: &str| {
            Seat { row_name: "A".into(), number, guest: Some(guest.into()), version: 0 }
        };
        let first = seat(1, "Ann").upsert(None, conn).unwrap();
        let witness = Witness::of(conn);
        let second = seat(2, "Bob").upsert(None, conn).unwrap();
        let unless = UNLESS_KEY_THERE.replace("\"id\"", "\"row_name\", \"number\"");
        assert_eq!(
            sent(&witness, "INSERT"),
            [format!(
                "INSERT INTO \"seats\" (\"guest\", \"row_name\", \"number\", \"version\") \
                 VALUES (?, ?, ?, ?){unless}"
            )]
        );
        assert_eq!(seats::table.count().get_result(conn), Ok(2_i64));
        assert_eq!(Seat::find(("A".to_owned(), 1), conn).unwrap(), first);
        assert_eq!(second, Seat { version: 1, ..seat(2, "Bob") });
        assert!(seat(2, "Eve").upsert(None, conn).unwrap_err().is_conflict());
    }

    fn all_of_the_key_is_compared_in_a_batch(conn) {
        run(CREATE_SEATS, conn);
        for (row_name, number) in [("A", 1), ("A", 2), ("B", 1), ("B", 2)] {
            let key = (row_name.to_owned(), number);
            Seat::create_with(key, NewSeat { row_name, number }, conn).unwrap();
        }
        let loaded = |conn: &mut Conn| -> Vec<Seat> {
            Seat::query().order((seats::row_name, seats::number)).load(conn).unwrap()
        };
        // Not those whose parts of the key make up the others'.
        let mut pair = loaded(conn);
        pair.retain(|seat| (seat.row_name == "A") == (seat.number == 1));
        pair.iter_mut().for_each(|seat| seat.guest = Some("Ann".into()));
        let saved = Seat::save_all(pair.clone(), conn).unwrap();
        let guests: Vec<bool> = loaded(conn).iter().map(|seat| seat.guest.is_some()).collect();
        assert_eq!(guests, [true, false, false, true]);
        let error = Seat::delete_all(pair, conn).unwrap_err();
        let stale = error.conflict().unwrap();
        assert_eq!(stale.record().to_string(), "seats A,1");
        assert_eq!(stale.others()[0].record().to_string(), "seats B,2");
        Seat::delete_all(saved, conn).unwrap();
        let left: Vec<_> = loaded(conn).into_iter().map(|seat| (seat.row_name, seat.number)).collect();
        assert_eq!(left, [("A".to_owned(), 2), ("B".to_owned(), 1)]);
    }

    /// By `RETURNING`. MySQL tells no key but a number of its own, and then nothing is created.
    fn all_of_the_key_is_told_by_an_insert(conn) {
        run(CREATE_SEATS, conn);
        let new = NewSeat { row_name: "A", number: 1 };
        let created = Seat::create(new, conn);
        if TELLS_EVERY_KEY {
            assert_eq!(Seat::find(("A".to_owned(), 1), conn).unwrap(), created.unwrap());
        } else {
            assert!(matches!(created, Err(Error::KeyUnknown { table: "seats" })), "{created:?}");
            assert_eq!(seats::table.count().get_result(conn), Ok(0_i64));
        }
    }
}
