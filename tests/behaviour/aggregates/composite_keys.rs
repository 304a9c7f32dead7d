//! Keys of several columns: the root's, and children whose own key begins with it.

use diesel::prelude::*;
use noclobber::Error;
use noclobber::aggregate::Child;
use noclobber::prelude::*;

use super::writes;
use crate::support::{Witness, on_every_database};

diesel::table! {
    bills (tenant, number) { tenant -> Text, number -> Integer, paid -> Bool, version -> BigInt }
}

diesel::table! {
    items (tenant, bill, place) {
        tenant -> Text, bill -> Integer, place -> Integer, text -> Text, version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = bills, primary_key(tenant, number))]
struct Bill {
    tenant: String,
    number: i32,
    paid: bool,
    version: i64,
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(table_name = items, primary_key(tenant, bill, place))]
#[versioned(root(Bill, (tenant, of_bill)))]
struct Item {
    tenant: String,
    #[diesel(column_name = bill)]
    of_bill: i32,
    place: i32,
    text: String,
    version: i64,
}

const CREATE: &str = "
    CREATE TABLE bills (tenant VARCHAR(20) NOT NULL, number INTEGER NOT NULL, paid BOOLEAN NOT NULL,
                        version BIGINT NOT NULL, PRIMARY KEY (tenant, number));
    CREATE TABLE items (tenant VARCHAR(20) NOT NULL, bill INTEGER NOT NULL, place INTEGER NOT NULL,
                        text VARCHAR(20) NOT NULL, version BIGINT NOT NULL,
                        PRIMARY KEY (tenant, bill, place),
                        FOREIGN KEY (tenant, bill) REFERENCES bills (tenant, number));
    INSERT INTO bills VALUES ('a', 1, FALSE, 1);
    INSERT INTO bills VALUES ('a', 2, FALSE, 1);
    INSERT INTO bills VALUES ('b', 1, FALSE, 1)";

fn of(tenant: &str, number: i32) -> (String, i32) {
    (tenant.to_owned(), number)
}

fn item(place: i32, conn: &mut impl noclobber::operation::StoreNewChild<Item, NewItem>) -> Item {
    let new = (items::place.eq(place), items::text.eq("text"));
    Item::create_in_with(of("a", 1), ("a".to_owned(), 1, place), new, conn).unwrap()
}

type NewItem = (diesel::dsl::Eq<items::place, i32>, diesel::dsl::Eq<items::text, &'static str>);

on_every_database! {
    fn all_of_the_roots_key_is_added_compared_and_bumped(conn) {
        run(CREATE, conn);
        let first = item(7, conn);
        assert_eq!((first.root_key(), first.version), (of("a", 1), 1));
        let witness = Witness::of(conn);
        let saved = Item { text: "saved".into(), ..first.clone() }.save(conn).unwrap();
        assert_eq!(
            writes(&witness),
            ["UPDATE \"bills\" SET \"version\" = \"version\" + 1 \
              WHERE \"tenant\" = ? AND \"number\" = ? AND \"version\" <> ?",
             "UPDATE \"items\" SET \"text\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"tenant\" = ? AND \"bill\" = ? AND \"place\" = ? AND \"version\" = ? \
              AND \"tenant\" = ? AND \"bill\" = ?"]
        );
        assert!(first.save(conn).unwrap_err().is_conflict());
        let versions = bills::table.select(bills::version).order((bills::tenant, bills::number));
        assert_eq!(versions.load(conn), Ok(vec![3_i64, 1, 1]));

        let bill = Bill::find(of("a", 1), conn).unwrap();
        let other = Bill::find(of("b", 1), conn).unwrap();
        let refused = other.save_with(conn, |bill| bill.save_child(saved.clone()));
        assert!(matches!(refused, Err(Error::OfAnotherRoot { .. })), "{refused:?}");
        let (bill, saved) = bill.save_with(conn, |bill| bill.save_child(saved)).unwrap();
        assert_eq!((bill.version, saved.version), (4, 3));
        bill.delete_with(conn, |bill| bill.delete_child(saved)).unwrap();
        assert_eq!(items::table.count().get_result(conn), Ok(0_i64));
    }

    fn a_move_takes_all_of_the_key_along(conn) {
        run(CREATE, conn);
        let mine = item(7, conn);
        let theirs = mine.clone();
        let moved = mine.move_to(of("b", 1), conn).unwrap();
        assert_eq!((moved.root_key(), moved.key()), (of("b", 1), ("b".to_owned(), 1, 7)));
        assert_eq!(Item::find(moved.key(), conn).unwrap(), moved);
        let versions = bills::table.select(bills::version).order((bills::tenant, bills::number));
        assert_eq!(versions.load(conn), Ok(vec![3_i64, 1, 2]));
        // Its key was that of the old root.
        let gone = theirs.save(conn).unwrap_err();
        assert_eq!(*gone.conflict().unwrap().found(), noclobber::Found::Deleted);
        moved.save(conn).unwrap();
    }

    /// Inserted would be another record than the one that is loaded.
    fn a_child_whose_key_says_another_root_is_not_created(conn) {
        run(CREATE, conn);
        let there = item(7, conn);
        let new = || (items::place.eq(7), items::text.eq("other"));
        let refused = Item::create_in_with(of("b", 1), there.key(), new(), conn);
        assert!(matches!(refused, Err(Error::OfAnotherRoot { .. })), "{refused:?}");
        let bill = Bill::find(of("b", 1), conn).unwrap();
        let refused = bill.save_with(conn, |bill| bill.create_child_with::<Item, _>(there.key(), new()));
        assert!(matches!(refused, Err(Error::OfAnotherRoot { .. })), "{refused:?}");
        assert_eq!(Item::query().load(conn), Ok(vec![there]));
        let versions = bills::table.select(bills::version).order((bills::tenant, bills::number));
        assert_eq!(versions.load(conn), Ok(vec![2_i64, 1, 1]));
    }
}
