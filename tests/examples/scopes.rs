//! Scopes of routes and of handlers.

use super::curl::{self, Version};
use super::server::Server;

const USER_1: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const USER_2: &str = "ZtRE7FXwZdtCLMfFHWPTom7_d-4XFbXEkHR5bIdG2TM";
const OPERATOR: &str = "Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1";

#[test]
fn clients_can_only_do_what_their_scopes_cover() {
    let server = Server::start("scopes", None);
    let get = |path, key| {
        let response = curl::get(Version::Http1, &server.url(path), Some(key));
        let missing = serde_json::from_str::<serde_json::Value>(&response.body)
            .map_or(String::new(), |problem| problem["detail"].as_str().unwrap().to_owned());
        (response.status, missing)
    };
    let missing = |scope: &str| (403, format!("Scope {scope} needed"));
    assert_eq!(get("/orders", USER_1), (200, String::new()));
    assert_eq!(get("/orders", USER_2), missing("orders:read"));
    assert_eq!(get("/orders", OPERATOR), (200, String::new()));
    assert_eq!(get("/orders?all", USER_1), missing("orders:all"));
    assert_eq!(get("/orders?all", OPERATOR), (200, String::new()));
}
