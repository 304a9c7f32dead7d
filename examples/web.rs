//! The smallest honest web backend: read a document, change it under the version that the client
//! was shown, and be told when somebody else was faster.
//!
//! ```sh
//! cargo run --example web &
//! curl localhost:3000/documents/1
//! curl -X PUT localhost:3000/documents/1 --json '{"title": "Mine", "version": 1}'
//! curl -X PUT localhost:3000/documents/1 --json '{"title": "Yours", "version": 1}'
//! ```
//!
//! The last one is answered by 409, and by who expected what.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::ConnectionManager;
use noclobber::backend::sqlite::ConnectionOptions;
use noclobber::prelude::*;
use noclobber::{Error, Found};
use serde::{Deserialize, Serialize};
use serde_json::json;

type Pool = diesel::r2d2::Pool<ConnectionManager<SqliteConnection>>;
type Anything = Box<dyn std::error::Error + Send + Sync>;

mod schema {
    diesel::table! {
        documents (id) { id -> BigInt, title -> Text, version -> BigInt }
    }
}
use schema::documents;

#[derive(Debug, Clone, Serialize, HasQuery, Identifiable, Versioned)]
struct Document {
    id: i64,
    title: String,
    version: i64,
}

/// What a client sends: its change, and the version that it has seen.
#[derive(Deserialize)]
struct Change {
    title: String,
    version: i64,
}

async fn read(State(pool): State<Pool>, Path(id): Path<i64>) -> Result<Json<Document>, Refusal> {
    blocking(pool, move |conn| Document::find(id, conn)).await
}

async fn change(
    State(pool): State<Pool>,
    Path(id): Path<i64>,
    Json(change): Json<Change>,
) -> Result<Json<Document>, Refusal> {
    blocking(pool, move |conn| {
        let document = Document::find_at(id, change.version, conn)?;
        Document { title: change.title, ..document }.save(conn)
    })
    .await
}

/// Diesel blocks, so its work is done on a thread that may be blocked.
async fn blocking(
    pool: Pool,
    work: impl FnOnce(&mut SqliteConnection) -> noclobber::Result<Document> + Send + 'static,
) -> Result<Json<Document>, Refusal> {
    let run = move || Ok(work(&mut *pool.get()?)?);
    match tokio::task::spawn_blocking(run).await {
        Ok(answer) => answer.map(Json).map_err(Refusal),
        Err(panicked) => Err(Refusal(panicked.into())),
    }
}

/// An error as a client may see it: what it can act on, and nothing of what is inside.
struct Refusal(Anything);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let busy = || {
            let retry_after = [(header::RETRY_AFTER, "1")];
            (StatusCode::SERVICE_UNAVAILABLE, retry_after, "busy, try again").into_response()
        };
        match self.0.downcast_ref::<Error>() {
            Some(Error::ConcurrentModification(conflict)) => {
                let found = match conflict.found() {
                    Found::Version(version) => json!(version),
                    _ => json!(null),
                };
                let body = json!({
                    "message": conflict.to_string(),
                    "expected": conflict.expected(),
                    "found": found,
                });
                (StatusCode::CONFLICT, Json(body)).into_response()
            }
            Some(Error::Unavailable(_)) => busy(),
            Some(error) if error.is_not_found() => StatusCode::NOT_FOUND.into_response(),
            None if self.0.is::<diesel::r2d2::PoolError>() => busy(),
            _ => {
                anstream::eprintln!("error: {}", self.0);
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// The backend, on a new database file with one document.
pub(crate) fn backend(file: &std::path::Path) -> Result<Router, Anything> {
    let manager = ConnectionManager::new(file.display().to_string());
    let options = Box::new(ConnectionOptions::default());
    let pool = Pool::builder().connection_customizer(options).build(manager)?;
    pool.get()?.batch_execute(
        "CREATE TABLE documents (
             id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
             title TEXT NOT NULL,
             version BIGINT NOT NULL
         )",
    )?;
    Document::create(documents::title.eq("Draft"), &mut *pool.get()?)?;
    Ok(Router::new().route("/documents/{id}", get(read).put(change)).with_state(pool))
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let backend = backend(&folder.path().join("web.db"))?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3000)).await?;
    anstream::println!("http://{}/documents/1", listener.local_addr()?);
    axum::serve(listener, backend).await?;
    Ok(())
}
