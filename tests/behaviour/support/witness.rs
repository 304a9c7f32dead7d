//! Sees what Diesel sends, through its own instrumentation.

use std::sync::{Arc, Mutex};

use diesel::connection::{Connection, InstrumentationEvent};

/// A record of the statements that a connection sends, and of those it begins to keep prepared.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    sent: Vec<String>,
    cached: Vec<String>,
}

impl Witness {
    pub(crate) fn of<C: Connection>(conn: &mut C) -> Self {
        let witness = Witness::default();
        let seen = witness.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            let mut seen = seen.0.lock().unwrap();
            match event {
                InstrumentationEvent::StartQuery { query, .. } => {
                    let text = query.to_string();
                    // The binds stand behind the statement.
                    let statement = text.split(" -- binds").next().unwrap_or_default();
                    seen.sent.push(neutral(statement));
                }
                InstrumentationEvent::CacheQuery { sql, .. } => {
                    seen.cached.push(neutral(sql));
                }
                _ => {}
            }
        });
        witness
    }

    /// What was sent since the last call.
    pub(crate) fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().sent)
    }

    /// What began to be kept prepared since the last call.
    pub(crate) fn cached(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().cached)
    }
}

/// A statement in one spelling for all databases: `"name"` for `` `name` ``, `?` for `$1`.
pub(crate) fn neutral(sql: &str) -> String {
    let mut neutral = String::with_capacity(sql.len());
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '`' => neutral.push('"'),
            '$' if characters.peek().is_some_and(char::is_ascii_digit) => {
                while characters.next_if(char::is_ascii_digit).is_some() {}
                neutral.push('?');
            }
            other => neutral.push(other),
        }
    }
    neutral
}
