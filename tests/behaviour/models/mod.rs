//! Models of all shapes that Diesel knows: keys, names, parts, projections.

mod composite_keys;
mod generic_code;
mod keys;
mod names;
mod parts;

use crate::support::Witness;

/// The statements that begin with this word.
fn sent(witness: &Witness, word: &str) -> Vec<String> {
    witness.sent().into_iter().filter(|sql| sql.starts_with(word)).collect()
}
