//! The derive macros of [noclobber](https://docs.rs/noclobber), which re-exports them: use that
//! crate and not this one.
//!
//! A derive runs in three steps. `parse` reads what the attributes say, `check` decides whether it
//! makes sense and what it means, `expand` writes the code. Only `expand` knows the library, and it
//! states facts to it, never SQL.

#![deny(missing_docs)]

mod check;
mod expand;
mod parse;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use self::parse::Model;

/// Guards the records of a Diesel model by a version.
///
/// The model derives Diesel's `HasQuery` as well, or `Queryable` and `Selectable`. Diesel's own
/// attributes are understood: `table_name` (inferred as Diesel does when it is absent),
/// `primary_key`, `column_name`, `embed`, `skip_update`, `select_expression`, `treat_none_as_null`.
/// A `base_query` is not: it does not hide records from `find`, `save` and the other operations,
/// which go by the key alone.
///
/// # Attributes of the struct
///
/// * `#[versioned(start = clock)]`: an `i64` version starts at the microseconds since 1970, so that
///   a key which is used again after a delete does not repeat the versions of its predecessor (as
///   long as the clock has moved on).
/// * `#[versioned(precision = s)]`, `ms`, or `us` (the default): how finely the database keeps a
///   version that is a timestamp.
/// * `#[versioned(trigger)]`: a trigger of the database moves the version on at each UPDATE. A save
///   leaves it to the trigger, and reads it back in the same transaction.
/// * `#[versioned(lock_columns)]`: leases on the model's records can be kept in columns of the records
///   themselves, by `lock_in_columns`. See below.
/// * `#[versioned(root(Order, order_id))]`: the model is a child in the aggregate of `Order`, whose key stands
///   in the field `order_id`. Each write of a record moves the version of its root on as well. Of a key with
///   several columns all fields are named, in its order: `root(Order, (tenant, order_id))`. A save compares
///   these columns and never sets them.
///
/// # Attributes of a field
///
/// * `#[versioned(version)]`: this field is the version. Needed only when it is not called
///   `version`.
/// * `#[versioned(unguarded)]`: the column is outside conflict detection. It is loaded and never
///   written by `save`; `increment` may change it. For counters that many raise at once, and for
///   columns that the database maintains itself (`updated_at`), which a save would write back stale.
///
/// # The columns of leases
///
/// With `#[versioned(lock_columns)]` the table has four more columns. On every database:
///
/// ```sql
/// ALTER TABLE documents ADD COLUMN locked_by VARCHAR(255);
/// ALTER TABLE documents ADD COLUMN locked_until BIGINT; -- milliseconds since 1970, UTC
/// ALTER TABLE documents ADD COLUMN lock_token VARCHAR(36);
/// ALTER TABLE documents ADD COLUMN lock_fence BIGINT NOT NULL DEFAULT 0;
/// ```
///
/// On MySQL and MariaDB, let `locked_by` have the character set `utf8mb4`: a name that its column cannot
/// keep is refused, or without a strict `sql_mode` changed.
///
/// The schema (`diesel print-schema`) names all four. The model may have fields for `locked_by`
/// (`Option<String>`) and `locked_until` (`Option<i64>`), to show them; no save writes them. It has none
/// for `lock_token` and `lock_fence`. A part that is embedded has none of the four, unless they are
/// `#[versioned(unguarded)]`.
///
/// To lock a record is then to update its row. A table with a trigger that keeps an `updated_at`, or with
/// a column that is `ON UPDATE CURRENT_TIMESTAMP`, does not suit it: who is only locked would look
/// changed. Such a table keeps its leases in `locks`, and so does a model with
/// `#[versioned(trigger)]`, where it does not compile.
#[proc_macro_derive(Versioned, attributes(versioned, diesel))]
pub fn derive_versioned(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut wrong = Vec::new();
    let model = parse::model(&input, "a versioned model", &mut wrong);
    let expanded = match understood(check::versioned, &model, &mut wrong) {
        Some(facts) => expand::versioned(&model, &facts),
        None => expand::fallback::versioned(&model),
    };
    with_errors(expanded, wrong)
}

/// Tells the columns of a part that is embedded in a versioned model by `#[diesel(embed)]`.
///
/// Understands Diesel's attributes and `#[versioned(unguarded)]` as the derive of `Versioned` does.
/// A part has neither a key nor a version. An unguarded column of a part is left alone by `save` as
/// well; `increment` takes only those of the model's own fields.
#[proc_macro_derive(Columns, attributes(versioned, diesel))]
pub fn derive_columns(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut wrong = Vec::new();
    let part = parse::model(&input, "an embedded part", &mut wrong);
    let expanded = match understood(check::part, &part, &mut wrong) {
        Some(()) => expand::columns(&part),
        None => expand::fallback::columns(&part),
    };
    with_errors(expanded, wrong)
}

/// What a model means; asked only of one that was read without an error, since what is missing
/// otherwise may be what could not be read.
fn understood<'a, Facts>(
    check: impl FnOnce(&'a Model) -> syn::Result<Facts>,
    model: &'a Model,
    wrong: &mut Vec<syn::Error>,
) -> Option<Facts> {
    if !wrong.is_empty() {
        return None;
    }
    check(model).map_err(|error| wrong.push(error)).ok()
}

fn with_errors(expanded: proc_macro2::TokenStream, wrong: Vec<syn::Error>) -> TokenStream {
    let errors = wrong.into_iter().map(syn::Error::into_compile_error);
    quote::quote! { #expanded #(#errors)* }.into()
}
