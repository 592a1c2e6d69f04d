//! The parts of an OpenAPI document.

use http::Method;
use keygate::error::ConfigError;
use keygate::{Authenticator, Client, MemoryStore, RouteScopes, Scope, Source};
use serde::Serialize;
use serde_json::{Value, json};

use crate::common::challenge::Challenge;
use crate::common::sources::{self, Constructor};

fn value(part: impl Serialize) -> Value {
    serde_json::to_value(part).unwrap()
}

fn auth(
    sources: impl IntoIterator<Item = Source>,
) -> Authenticator<MemoryStore, http::request::Parts> {
    Authenticator::new(MemoryStore::new()).with_sources_in_parts(sources).unwrap()
}

/// A scheme has the words of the challenge, except that of Basic: see `basic_is_a_scheme_whatever_its_challenge`.
#[test]
fn each_source_has_a_security_scheme() {
    let cases = || sources::all().into_iter().filter(|case| case.constructor != Constructor::Basic);
    let schemes = cases().map(|case| {
        let challenge = Challenge::parse(case.challenge).unwrap();
        if let [(_, place), (_, name)] = &challenge.parameters[1..] {
            let scheme = json!({ "type": "apiKey", "in": place, "name": name });
            (format!("{place}-{name}"), scheme)
        } else {
            let name = challenge.scheme.to_lowercase();
            (name.clone(), json!({ "type": "http", "scheme": name }))
        }
    });
    let schemes: Vec<_> = schemes.collect();
    let openapi = auth(cases().map(|case| case.source)).openapi();
    assert!(openapi.names().eq(schemes.iter().map(|(name, _)| name)));
    assert_eq!(value(openapi.security_schemes()), Value::from_iter(schemes));
}

#[test]
fn name_of_a_scheme_has_only_allowed_characters() {
    let schemes = value(auth([Source::query("key of ä")]).openapi().security_schemes());
    let scheme = json!({ "type": "apiKey", "in": "query", "name": "key of ä" });
    assert_eq!(schemes, json!({ "query-key_of__": scheme }));
}

#[test]
fn every_kind_of_source_is_valid_in_openapi() {
    for case in sources::all() {
        let schemes = value(auth([case.source]).openapi().security_schemes());
        let (name, scheme) = schemes.as_object().unwrap().iter().next().unwrap();
        let allowed = |char: char| char.is_ascii_alphanumeric() || ".-_".contains(char);
        assert!(name.chars().all(allowed), "{name}");
        match scheme["type"].as_str().unwrap() {
            "http" => assert!(scheme["scheme"].is_string(), "{scheme}"),
            "apiKey" => {
                let place = scheme["in"].as_str().unwrap();
                assert!(["header", "query", "cookie"].contains(&place), "{scheme}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn basic_is_a_scheme_whatever_its_challenge() {
    for source in [Source::basic(), Source::basic().with_basic_challenge()] {
        let schemes = value(auth([source]).openapi().security_schemes());
        assert_eq!(schemes, json!({ "basic": { "type": "http", "scheme": "basic" } }));
    }
}

#[test]
fn any_source_with_the_scope_satisfies_security() {
    let auth = auth([Source::header("x-api-key"), Source::bearer()]);
    let security = value(auth.openapi().security(Some(&Scope::from_static("orders:read"))));
    let expected = json!([{ "header-x-api-key": ["orders:read"] }, { "bearer": ["orders:read"] }]);
    assert_eq!(security, expected);
    let security = value(auth.openapi().security(None));
    assert_eq!(security, json!([{ "header-x-api-key": [] }, { "bearer": [] }]));
}

#[test]
fn responses_are_the_refusals_with_their_headers() {
    let responses = value(auth([Source::bearer()]).openapi().responses());
    let responses = responses.as_object().unwrap();
    let headers = |status: &str| -> Vec<_> {
        responses[status]["headers"].as_object().unwrap().keys().map(String::as_str).collect()
    };
    assert_eq!(responses.keys().collect::<Vec<_>>(), ["401", "403", "429", "503"]);
    assert_eq!(headers("401"), ["WWW-Authenticate"]);
    assert_eq!(headers("403"), ["WWW-Authenticate"]);
    assert_eq!(headers("429"), ["RateLimit", "RateLimit-Policy", "Retry-After"]);
    assert_eq!(headers("503"), ["Retry-After"]);
    for response in responses.values() {
        let problem = &response["content"]["application/problem+json"]["schema"]["properties"];
        let fields: Vec<_> = problem.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["detail", "status", "title"]);
    }
}

#[test]
fn paths_have_the_scopes_of_the_table() {
    let read = Scope::from_static("orders:read");
    let scopes = RouteScopes::new()
        .require(Method::GET, "/orders/{id}", read)
        .and_then(|scopes| scopes.any_client(Method::DELETE, "/orders/{id}"))
        .and_then(|scopes| scopes.any_client(Method::GET, "/me"))
        .unwrap();
    let openapi = auth([Source::bearer()]).openapi();
    let paths = value(openapi.paths(&scopes));
    assert_eq!(paths.as_object().unwrap().len(), 2);
    assert_eq!(paths["/orders/{id}"]["get"]["security"], json!([{ "bearer": ["orders:read"] }]));
    assert_eq!(paths["/orders/{id}"]["delete"]["security"], json!([{ "bearer": [] }]));
    assert_eq!(paths["/me"]["get"]["responses"], value(openapi.responses()));
}

#[test]
fn challenges_of_bearer_name_the_metadata_of_the_resource() {
    const URL: &str = "https://api.example/.well-known/oauth-protected-resource";
    let auth =
        Authenticator::new(MemoryStore::from_keys([("right-3I0kPwSF1g4XU9R5", "A")]).unwrap())
            .with_resource_metadata(URL)
            .unwrap()
            .with_sources([Source::header("x-api-key"), Source::bearer()])
            .unwrap()
            .with_realm("orders")
            .unwrap();
    let verify = |key: &str| -> Result<Client, _> {
        let headers = [("authorization", format!("Bearer {key}"))];
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        auth.verify_headers(headers, None, None)
    };
    let wrong = verify("wrong").unwrap_err();
    let missing = verify("right-3I0kPwSF1g4XU9R5").unwrap().require("a").unwrap_err();
    let header = r#"ApiKey realm="orders", in="header", name="x-api-key""#;
    let bearer =
        format!(r#"Bearer realm="orders", resource_metadata="{URL}", error="invalid_token""#);
    let scope = format!(
        r#"Bearer realm="orders", error="insufficient_scope", scope="a", resource_metadata="{URL}""#
    );
    for (error, expected) in [(wrong, vec![&*bearer, header]), (missing, vec![&*scope])] {
        let response = auth.respond::<String>(&error);
        let lines: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(lines, expected);
    }
    for url in
        ["", "api.example", "ftp://a", "https://a b", "https://a\"", "https://a\\", "https://ä"]
    {
        let refused = Authenticator::new(MemoryStore::new()).with_resource_metadata(url);
        assert_eq!(refused.map(|_| ()), Err(ConfigError::ResourceMetadata), "{url}");
    }
}
