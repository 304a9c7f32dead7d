//! Many records at once: all or nothing, and best effort.

mod contending;
mod modes;
mod random;
mod sent;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod types;

use noclobber::Error;

use crate::support::Document;

/// The documents with new titles, so that each write shows.
fn retitled(documents: &[Document], title: &str) -> Vec<Document> {
    let retitled = |document: &Document| Document { title: title.into(), ..document.clone() };
    documents.iter().map(retitled).collect()
}

/// The stale records that an error names, and what was found instead.
fn stale(error: &Error) -> Vec<(String, String)> {
    let first = error.conflict().unwrap_or_else(|| panic!("{error:?}"));
    std::iter::once(first)
        .chain(first.others())
        .map(|conflict| (conflict.record().key().to_owned(), conflict.found().to_string()))
        .collect()
}

/// `count` documents at version 1, by plain SQL.
macro_rules! documents {
    ($count:expr, $conn:expr) => {{
        let values: Vec<String> = (1..=$count).map(|id| format!("({id}, 'draft')")).collect();
        run(&format!("INSERT INTO documents (id, title) VALUES {}", values.join(", ")), $conn);
        all_of!($conn)
    }};
}

/// All documents as they stand, in the order of their keys.
macro_rules! all_of {
    ($conn:expr) => {{
        let query = <crate::support::Document as diesel::HasQuery<_>>::query();
        let query = diesel::QueryDsl::order(query, crate::support::documents::id);
        diesel::RunQueryDsl::load::<crate::support::Document>(query, $conn).unwrap()
    }};
}

use {all_of, documents};
