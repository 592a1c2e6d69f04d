//! Every header of the responses to a missing scope and a spent quota.

use super::curl::{self, Reply, Version};
use super::server::Server;

const USER_1: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
const OPERATOR: &str = "Kp3xQm7Zr1Vt9Yw5Bn2Hc8Jd4Lf6Gs0Ta-Ue_Io3Rk1";

/// Added by the CORS layer to every response.
const CORS: [(&str, &str); 2] =
    [("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")];

#[track_caller]
fn assert_fields(response: &Reply, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> = CORS.iter().chain(expected).copied().collect();
    expected.sort_unstable();
    let seen = response.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn refusals_by_scope_and_quota_have_exactly_these_headers() {
    let server = Server::start("quotas", None);
    for version in Version::ALL {
        let get = |path, key| curl::get(version, &server.url(path), Some(key));

        let response = get("/usage", USER_1);
        assert_eq!(response.status, 403);
        let problem = ("content-type", "application/problem+json");
        let refused = [("cache-control", "no-store"), problem];
        assert_fields(&response, &refused);
        let body = r#"{"title":"Forbidden","status":403,"detail":"Scope usage:read needed"}"#;
        assert_eq!(response.body, body);

        let mut response = get("/orders", USER_1);

        if version == Version::Http1 {
            assert_eq!(response.status, 200);
            assert_fields(
                &response,
                &[
                    ("cache-control", "private"),
                    ("content-type", "text/plain; charset=utf-8"),
                    ("ratelimit", r#""minute";r=9;t=9"#),
                    ("ratelimit-policy", r#""minute";q=60;w=60"#),
                    ("vary", "x-api-key"),
                ],
            );
        }
        while response.status == 200 {
            response = get("/orders", USER_1);
        }
        assert_eq!(response.status, 429);
        let throttled = [
            refused[0],
            refused[1],
            ("ratelimit", r#""minute";r=0;t=1"#),
            ("ratelimit-policy", r#""minute";q=60;w=60"#),
            ("retry-after", "1"),
        ];
        assert_fields(&response, &throttled);
        let body = r#"{"title":"Too Many Requests","status":429,"detail":"Too many requests"}"#;
        assert_eq!(response.body, body);
    }

    let top = curl::get(Version::Http1, &server.url("/top"), Some(OPERATOR));
    let top: serde_json::Value = serde_json::from_str(&top.body).unwrap();
    assert_eq!(top[0]["client"], "User 1");
}
