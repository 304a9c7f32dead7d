//! Chinook on a server: a schema or database of its own for each test.

/// Defines `Chinook` on the server of this module's kind, from its script, its `BEFORE_SCRIPT`
/// and `adapt`, and what [`looks!`](super::looks::looks) asks for.
macro_rules! chinook_on_server {
    (script: $script:literal, place: $Place:ident) => {
        /// A copy of Chinook that goes away with the test.
        pub(crate) struct Chinook(Server);

        impl Chinook {
            /// A copy with a version in every table.
            pub(crate) fn fresh() -> Option<Self> {
                let chinook = Self::as_it_comes()?;
                add_versions(&mut chinook.connect());
                Some(chinook)
            }

            /// What the script makes, with the names that the models know, without versions.
            fn as_it_comes() -> Option<Self> {
                let script = $crate::chinook::database::script($script)?;
                let chinook = Chinook(Server::empty());
                let conn = &mut chinook.connect();
                run(&format!("{BEFORE_SCRIPT}{script}"), conn);
                adapt(conn);
                Some(chinook)
            }

            pub(crate) fn connect(&self) -> Conn {
                self.0.connect()
            }

            pub(crate) fn pool(
                &self,
                connections: u32,
            ) -> diesel::r2d2::Pool<diesel::r2d2::ConnectionManager<Conn>> {
                self.0.pool(connections)
            }

            pub(crate) fn place(&self) -> $crate::chinook::worker::Place {
                $crate::chinook::worker::Place::$Place(Place::clone(&self.0))
            }
        }

        $crate::chinook::looks::looks!();
    };
}

pub(crate) use chinook_on_server;

/// The columns that the changes of the hot rows are appended to. On SQLite no text is too long for
/// its column; on a server they are given room.
pub(crate) const GROWING: [(&str, &str); 3] =
    [("Customer", "Company"), ("Invoice", "BillingAddress"), ("Track", "Composer")];
