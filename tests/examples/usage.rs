//! What the axum example tells of who is calling.

use super::curl::{self, Version};
use super::server::{CANARY, Server, key_file};

#[test]
fn usage_is_told_to_those_who_have_the_scope() {
    let [reader, caller] = ["reader", "caller"].map(|name| format!("{CANARY}-of-the-{name}-1"));
    let text = format!(
        "api_keys:\n  {reader}: Reader\n  {caller}: Caller\n\
         clients:\n  Reader:\n    scopes: [usage:read]\n"
    );
    let server = Server::start("axum", Some(&key_file("keys with a scope", &text)));
    let get = |path, key| curl::get(Version::Http1, &server.url(path), key);
    assert_eq!(get("/route1", Some(&caller)).status, 200);
    assert_eq!(get("/usage", None).status, 401);
    assert_eq!(get("/usage", Some(&caller)).status, 403);

    let answer = get("/usage", Some(&reader));
    assert_eq!(answer.status, 200);
    let snapshot: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let usage = &snapshot["clients"][0];
    assert_eq!((&usage["client"], &usage["requests"]), (&"Caller".into(), &2.into()));
    assert_eq!(usage["refused"], serde_json::json!({ "insufficient_scope": 1 }));
    assert_eq!(snapshot["outcomes"]["no_credentials"], 1);
    assert!(!answer.body.contains(CANARY));
}
