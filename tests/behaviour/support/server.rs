//! A place of its own on a server for each test: a schema, or a database.

use std::sync::atomic::{AtomicU32, Ordering};

/// Defines `Server` for the module's type of connection. The statements have `{}` for the place's
/// name.
macro_rules! server {
    (url: $url:literal, create: $create:literal, enter: $enter:literal, drop: $drop:literal) => {
        /// A place of its own on the server, gone when this is dropped.
        pub(crate) struct Server {
            url: String,
            place: String,
        }

        impl Server {
            pub(crate) fn new() -> Self {
                let url = std::env::var($url).unwrap_or_else(|_| {
                    panic!(concat!($url, " is not set: run the tests by `cargo xtask test`"))
                });
                let server = Server { url, place: $crate::support::server::unique() };
                let conn = &mut <Conn as diesel::Connection>::establish(&server.url).unwrap();
                run(&format!($create, server.place), conn);
                run(CREATE_DOCUMENTS, &mut server.connect());
                server
            }

            pub(crate) fn connect(&self) -> Conn {
                self.connect_to(&self.url)
            }

            /// The URL of the place itself, for what connects by one.
            pub(crate) fn url(&self) -> String {
                inside(&self.url, &self.place)
            }

            pub(crate) fn pool(
                &self,
                size: u32,
            ) -> diesel::r2d2::Pool<diesel::r2d2::ConnectionManager<Conn>> {
                diesel::r2d2::Pool::builder()
                    .max_size(size)
                    .build(diesel::r2d2::ConnectionManager::new(self.url()))
                    .unwrap()
            }

            /// A connection through a proxy on this port.
            pub(crate) fn connect_through(&self, port: u16) -> Conn {
                self.connect_to(&self.url.replace(self.address(), &format!("127.0.0.1:{port}")))
            }

            /// Host and port.
            pub(crate) fn address(&self) -> &str {
                $crate::support::server::address(&self.url)
            }

            fn connect_to(&self, url: &str) -> Conn {
                let mut conn = <Conn as diesel::Connection>::establish(url).unwrap();
                run(&format!($enter, self.place), &mut conn);
                conn
            }
        }

        impl Drop for Server {
            fn drop(&mut self) {
                if let Ok(mut conn) = <Conn as diesel::Connection>::establish(&self.url) {
                    let drop = format!($drop, self.place);
                    let _ = diesel::connection::SimpleConnection::batch_execute(&mut conn, &drop);
                }
            }
        }
    };
}

pub(crate) use server;

/// A name that no other test has, in this process or another one.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// `host:port` of `scheme://user@host:port/database`.
pub(crate) fn address(url: &str) -> &str {
    let behind_user = url.split_once('@').map_or(url, |(_, behind)| behind);
    behind_user.split(['/', '?']).next().unwrap_or_default()
}
