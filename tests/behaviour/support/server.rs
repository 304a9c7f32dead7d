//! A place of its own on a server for each test: a schema, or a database.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use testserver::Product;

pub(crate) const LEVELS: [&str; 3] = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"];

/// How far transactions are kept from each other.
#[derive(Debug, Clone)]
pub(crate) struct Isolation {
    pub(crate) level: &'static str,
    /// What sets it for a connection.
    pub(crate) set: String,
    /// Whether a transaction ends that writes a row which has changed since it first read.
    pub(crate) snapshot_ends_transaction: bool,
}

/// Defines `Place` and `Server` for the module's type of connection. The statements have `{}` for the
/// place's name.
macro_rules! server {
    (place: $place:ident, url: $url:literal, create: $create:literal, enter: $enter:literal, drop: $drop:literal) => {
        /// A place on the server: what another process needs to know to work there as well.
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        pub(crate) struct Place {
            url: String,
            name: String,
        }

        impl Place {
            pub(crate) fn connect(&self) -> Conn {
                self.connect_to(&self.url)
            }

            /// The URL of the place itself, for what connects by one.
            pub(crate) fn url(&self) -> String {
                inside(&self.url, &self.name)
            }

            pub(crate) fn place(&self) -> $crate::support::place::Place {
                $crate::support::place::Place::$place(self.clone())
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
                run(&self.enter(), &mut conn);
                conn
            }

            fn enter(&self) -> String {
                format!($enter, self.name)
            }
        }

        /// A place of its own on the server, gone when this is dropped.
        pub(crate) struct Server(Place);

        impl Server {
            /// A place with the table of documents.
            pub(crate) fn new() -> Self {
                Server::empty().with_documents()
            }

            /// The same on a server of the test's own.
            pub(crate) fn at(url: String) -> Self {
                Server::empty_at(url).with_documents()
            }

            pub(crate) fn empty() -> Self {
                Server::empty_at(std::env::var($url).unwrap_or_else(|_| {
                    panic!(concat!($url, " is not set: run the tests by `cargo xtask test`"))
                }))
            }

            fn empty_at(url: String) -> Self {
                let place = Place { url, name: $crate::support::server::unique() };
                let conn = &mut <Conn as diesel::Connection>::establish(&place.url).unwrap();
                run(&format!($create, place.name), conn);
                Server(place)
            }

            fn with_documents(self) -> Self {
                run(CREATE_DOCUMENTS, &mut self.connect());
                self
            }
        }

        impl std::ops::Deref for Server {
            type Target = Place;

            fn deref(&self) -> &Place {
                &self.0
            }
        }

        impl Drop for Server {
            fn drop(&mut self) {
                if let Ok(mut conn) = <Conn as diesel::Connection>::establish(&self.url) {
                    let drop = format!($drop, self.name);
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

/// A server of a test's own, which may crash.
pub(crate) struct OwnServer<P> {
    product: Adjusted<P>,
    server: testserver::Server,
}

impl<P: Product> OwnServer<P> {
    /// `adjust` adds what the test needs to the command that serves.
    pub(crate) fn start(
        product: Option<P>,
        adjust: impl Fn(&mut Command) + 'static,
    ) -> Option<Self> {
        let product = Adjusted { product: product?, adjust: Box::new(adjust) };
        let server = testserver::Server::start(&product).unwrap();
        Some(OwnServer { product, server })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url().to_owned()
    }

    pub(crate) fn crash(&mut self) {
        self.server.crash(&self.product).unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.server.start_again(&self.product).unwrap();
    }
}

/// A server that is served a little differently.
struct Adjusted<P> {
    product: P,
    adjust: Box<dyn Fn(&mut Command)>,
}

impl<P: Product> Product for Adjusted<P> {
    const NAME: &'static str = P::NAME;
    const ACCOUNTS: &'static [&'static str] = P::ACCOUNTS;
    const READY: &'static str = P::READY;
    const STOP: &'static str = P::STOP;

    fn create(&self, data: &Path) -> Command {
        self.product.create(data)
    }

    fn serve(&self, data: &Path, port: u16) -> Command {
        let mut command = self.product.serve(data, port);
        (self.adjust)(&mut command);
        command
    }

    fn url(port: u16) -> String {
        P::url(port)
    }
}
