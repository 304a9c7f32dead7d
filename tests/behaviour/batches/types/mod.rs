//! What a batch stores is what single saves store, byte for byte, whatever the type.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;

/// Saves `values` twice, one after the other as the records from 1 on, and in a batch as those from 101 on,
/// and compares what is stored then: `$columns` is what a row is as text.
macro_rules! assert_stored_alike {
    ($model:ident, $table:literal, $columns:expr, $values:expr, $conn:expr) => {{
        let values: Vec<$model> = $values;
        let insert =
            |id| run(&format!(concat!("INSERT INTO ", $table, " (id) VALUES ({})"), id), $conn);
        (1..=values.len()).flat_map(|id| [id, id + 100]).for_each(insert);
        for (value, id) in values.iter().zip(1..) {
            let saved = $model { id, version: 1, ..value.clone() }.save($conn).unwrap();
            // What is written as NULL throughout shows nothing.
            assert_ne!(saved.version, 1);
        }
        let batch = values.iter().zip(101..);
        let batch = batch.map(|(value, id)| $model { id, version: 1, ..value.clone() });
        let saved = $model::save_all(batch, $conn).unwrap();
        assert!(saved.iter().all(|saved| saved.version == 2));
        let mut stored = |ids: &str| {
            let columns = $columns;
            let sql = format!(
                concat!("SELECT {} AS text FROM ", $table, " WHERE {} ORDER BY id"),
                columns, ids
            );
            texts(&sql, $conn)
        };
        let (singly, batched) = (stored("id < 100"), stored("id > 100"));
        assert_eq!(singly.len(), values.len());
        assert_eq!(singly, batched);
        singly
    }};
}

use assert_stored_alike;
