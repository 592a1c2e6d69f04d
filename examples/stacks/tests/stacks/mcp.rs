//! Calls the MCP server.

use std::net::SocketAddr;

use keygate_stacks::{READER, WRITER, auth, mcp};

use crate::{cases_of_one_route, check, start};

pub(crate) const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;

const METADATA: &str =
    r#", resource_metadata="https://api.example/.well-known/oauth-protected-resource""#;

/// Posts a message to the MCP server.
pub(crate) fn post(address: SocketAddr, body: &'static str) -> reqwest::RequestBuilder {
    reqwest::Client::new()
        .post(format!("http://{address}/mcp"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(body)
}

#[tokio::test]
async fn rmcp_passes() {
    let address = start(mcp::app(auth())).await;
    let passed = check("rmcp", async |case| {
        let mut request = post(address, INITIALIZE);
        if let Some((name, value)) = &case.header {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        let (status, mut headers) = (response.status(), response.headers().clone());
        headers.remove("www-authenticate");
        // The Bearer challenge also names the metadata of the resource.
        for line in response.headers().get_all("www-authenticate") {
            let line = line.to_str().unwrap();
            assert_eq!(line.starts_with("Bearer "), line.contains(METADATA), "{line}");
            let line = line.replacen(METADATA, "", 1).parse().unwrap();
            headers.append("www-authenticate", line);
        }
        (status, headers, response.text().await.unwrap())
    });
    assert_eq!(passed.await, cases_of_one_route());
}

#[tokio::test]
async fn session_of_mcp_belongs_to_the_client_that_opened_it() {
    let address = start(mcp::app(auth())).await;
    let send = async |key: &str, session: Option<&str>, body: &'static str| {
        let mut request = post(address, body).header("x-api-key", key);
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.unwrap()
    };
    let opened = send(READER, None, INITIALIZE).await;
    assert_eq!(opened.status(), 200);
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    for (key, session, status) in
        [(WRITER, &*session, 404), (READER, "unknown", 404), (READER, &session, 202)]
    {
        let response = send(key, Some(session), initialized).await;
        assert_eq!(response.status(), status, "{key} {session}");
    }
}
