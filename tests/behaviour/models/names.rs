//! Names that are not plain identifiers, and tables in a schema.

use diesel::prelude::*;
use noclobber::prelude::*;

use super::sent;
use crate::support::{Witness, neutral, on_every_database};

diesel::table! {
    // Both of the characters that databases quote names with.
    #[sql_name = "order \"`items"]
    order_items (item_id) {
        #[sql_name = "item id"]
        item_id -> BigInt,
        #[sql_name = "select"]
        choice -> Text,
        r#type -> Text,
        #[sql_name = "row \"`version"]
        row_version -> BigInt,
    }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
#[diesel(primary_key(item_id))]
struct OrderItem {
    item_id: i64,
    choice: String,
    #[diesel(column_name = "type")]
    kind: String,
    #[versioned(version)]
    row_version: i64,
}

diesel::table! {
    noclobber_other.users (id) { id -> BigInt, name -> Text, version -> BigInt }
}

#[derive(Debug, Clone, PartialEq, HasQuery, Identifiable, Versioned)]
struct User {
    id: i64,
    name: String,
    version: i64,
}

on_every_database! {
    fn names_that_need_quoting_are_quoted(conn) {
        let (table, version) = (quoted("order \"`items"), quoted("row \"`version"));
        let (id, choice, kind) = (quoted("item id"), quoted("select"), quoted("type"));
        run(
            &format!(
                "CREATE TABLE {table} ({id} {NUMBER_KEY}, {choice} VARCHAR(20) NOT NULL,
                                       {kind} VARCHAR(20) NOT NULL, {version} BIGINT NOT NULL)"
            ),
            conn,
        );
        let new = (order_items::choice.eq("a"), order_items::r#type.eq("b"));
        let item = OrderItem::create(new, conn).unwrap();
        let witness = Witness::of(conn);
        let saved = OrderItem { kind: "c".into(), ..item.clone() }.save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            [neutral(&format!(
                "UPDATE {table} SET {choice} = ?, {kind} = ?, {version} = {version} + 1 \
                 WHERE {id} = ? AND {version} = ?"
            ))]
        );
        assert_eq!(OrderItem::find(1, conn).unwrap(), saved);
        assert!(item.delete(conn).unwrap_err().is_conflict());
        let saved = OrderItem::save_all([saved], conn).unwrap();
        assert_eq!(OrderItem::find(1, conn).unwrap(), saved[0]);
        OrderItem::delete_all(saved, conn).unwrap();
    }

    fn a_table_stands_in_its_schema(conn) {
        run(OPEN_OTHER_SCHEMA, conn);
        for schema in ["", "noclobber_other."] {
            run(
                &format!(
                    "CREATE TABLE {schema}users (id {NUMBER_KEY}, name VARCHAR(20) NOT NULL,
                                                 version BIGINT NOT NULL)"
                ),
                conn,
            );
        }
        let user = User::create(users::name.eq("Ann"), conn).unwrap();
        let witness = Witness::of(conn);
        user.clone().save(conn).unwrap();
        assert_eq!(
            sent(&witness, "UPDATE"),
            ["UPDATE \"noclobber_other\".\"users\" SET \"name\" = ?, \"version\" = \"version\" + 1 \
              WHERE \"id\" = ? AND \"version\" = ?"]
        );
        assert!(user.save(conn).unwrap_err().is_conflict());
        let current = User::find(1, conn).unwrap();
        let saved = User::save_all([current], conn).unwrap();
        User::delete_all(saved, conn).unwrap();
        run(CLOSE_OTHER_SCHEMA, conn);
    }
}
