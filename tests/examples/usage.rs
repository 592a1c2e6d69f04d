//! The usage page: its counts, and its readers.

use super::curl::{self, Version};
use super::server::Server;

const USER_1: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const OPERATOR: &str = "Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1";

#[test]
fn usage_page_counts_each_client_and_needs_a_scope() {
    let server = Server::start("usage", None);
    let get = |path, key| curl::get(Version::Http1, &server.url(path), key);
    assert_eq!(get("/route1", Some(USER_1)).status, 200);
    assert_eq!(get("/usage", None).status, 401);
    assert_eq!(get("/usage", Some(USER_1)).status, 403);

    let response = get("/usage", Some(OPERATOR));
    assert_eq!(response.status, 200);
    let snapshot: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    let clients = snapshot["clients"].as_array().unwrap();
    let usage = clients.iter().find(|usage| usage["client"] == "User 1").unwrap();
    assert_eq!(usage["requests"], 2);
    assert_eq!(usage["refused"], serde_json::json!({ "insufficient_scope": 1 }));
    assert_eq!(snapshot["outcomes"]["no_credentials"], 1);
    assert!(![USER_1, OPERATOR].iter().any(|key| response.body.contains(key)));
}
