//! The web example, over a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

#[expect(dead_code, reason = "its `main` listens on a port of its own")]
#[path = "../examples/web.rs"]
mod web;

use serde_json::{Value, json};

/// The example's backend on a free port. It ends with the test process, and leaves its file in the
/// target directory.
fn listen() -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let backend = web::backend(&folder.path().join("web.db")).unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let _held = folder;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, backend).await.unwrap();
        });
    });
    format!("http://{address}/documents")
}

/// Status and body; a body that is no JSON is null.
fn send(request: impl FnOnce(ureq::Agent) -> ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut response = request(agent);
    let status = response.status().as_u16();
    (status, response.body_mut().read_json().unwrap_or(Value::Null))
}

fn get(url: &str) -> (u16, Value) {
    send(|agent| agent.get(url).call().unwrap())
}

fn put(url: &str, title: &str, version: i64) -> (u16, Value) {
    let change = json!({ "title": title, "version": version });
    send(|agent| agent.put(url).send_json(change).unwrap())
}

#[test]
fn of_two_writes_with_one_version_the_late_one_is_told_who_expected_what() {
    let documents = listen();
    let url = format!("{documents}/1");
    assert_eq!(get(&url), (200, json!({ "id": 1, "title": "Draft", "version": 1 })));

    assert_eq!(put(&url, "Mine", 1), (200, json!({ "id": 1, "title": "Mine", "version": 2 })));
    let (status, refusal) = put(&url, "Yours", 1);
    assert_eq!(status, 409);
    assert_eq!(refusal["expected"], "1");
    assert_eq!(refusal["found"], "2");
    assert_eq!(
        refusal["message"],
        "documents 1 was changed by somebody else: expected version 1, found version 2"
    );
    assert_eq!(get(&url).1["title"], "Mine");
}

#[test]
fn of_many_writes_at_once_with_one_version_exactly_one_is_accepted() {
    let documents = listen();
    let url = &format!("{documents}/1");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..8).map(|client| scope.spawn(move || put(url, &client.to_string(), 1).0)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[test]
fn what_is_not_there_is_not_found_to_a_reader() {
    let documents = listen();
    assert_eq!(get(&format!("{documents}/404")).0, 404);
}
