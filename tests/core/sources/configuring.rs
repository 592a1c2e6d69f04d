//! Mistakes in sources and realms are errors when they are configured, with a remedy.

use keygate::error::ConfigError;
use keygate::{Authenticator, Source};

use crate::common::keys::Keys;

fn sources(sources: impl IntoIterator<Item = Source>) -> Result<(), ConfigError> {
    let sources: Vec<_> = sources.into_iter().collect();
    let in_headers = Authenticator::new(Keys).with_sources(sources.clone()).map(drop);
    let in_parts = Authenticator::new(Keys).with_sources_in_parts(sources).map(drop);
    assert_eq!(in_headers, in_parts);
    in_headers
}

fn assert_refused(source: Source, error: &ConfigError, message: &str) {
    assert_eq!(sources([source.clone()]).as_ref(), Err(error));
    assert_eq!(sources([Source::header("x-api-key"), source]).as_ref(), Err(error));
    assert_eq!(error.to_string(), message);
}

#[test]
fn header_source_needs_a_valid_header_name() {
    let long = "x".repeat(70_000);
    for name in ["", "x api key", "x-api-key:", "schlüssel", "x\n", &long] {
        assert_refused(
            Source::header(name),
            &ConfigError::HeaderName,
            "the text given to `Source::header` is not the name of a header, such as `x-api-key`",
        );
    }
}

#[test]
fn header_that_carries_more_than_a_key_is_refused() {
    let names = [
        ("Authorization", "authorization"),
        ("authorization", "authorization"),
        ("COOKIE", "cookie"),
        ("Sec-WebSocket-Protocol", "sec-websocket-protocol"),
    ];
    for (name, known) in names {
        assert_refused(
            Source::header(name),
            &ConfigError::SharedHeader(known),
            &format!(
                "`{known}` carries more than a key: use `Source::bearer()`, `Source::scheme(..)`, \
                 `Source::basic()`, `Source::header_raw(..)`, `Source::cookie(..)` or \
                 `Source::websocket_protocol(..)`"
            ),
        );
        let raw = sources([Source::header_raw(name)]);
        let is_shared = known != "authorization";
        assert_eq!(raw, if is_shared { Err(ConfigError::SharedHeader(known)) } else { Ok(()) });
    }
    assert_eq!(sources([Source::header_raw("x y")]), Err(ConfigError::HeaderName));
}

#[test]
fn websocket_protocol_needs_a_token() {
    for prefix in ["", "key gate", "keygate/", "keygate,", "schlüssel", "keygate="] {
        assert_refused(
            Source::websocket_protocol(prefix),
            &ConfigError::ProtocolPrefix,
            "the text given to `Source::websocket_protocol` must be a token, such as `keygate.`",
        );
    }
}

#[test]
fn prefix_is_visible_ascii() {
    let long = "x".repeat(65);
    for prefix in ["", " ", "acme ", "ac me", "größe", "acme\n", "\0", &long] {
        for source in [Source::bearer(), Source::basic(), Source::cookie("key")] {
            assert_refused(
                source.with_prefix(prefix),
                &ConfigError::SourcePrefix,
                "the text given to `Source::with_prefix` must have 1 to 64 visible ASCII \
                 characters, such as `acme_`",
            );
        }
    }
    for prefix in ["acme_", "a", "~", &long[1..]] {
        assert_eq!(sources([Source::bearer().with_prefix(prefix)]), Ok(()));
    }
    // The first fault is reported.
    let source = Source::cookie("").with_prefix("");
    assert_eq!(sources([source]), Err(ConfigError::CookieName));
}

#[test]
fn basic_challenge_is_only_for_basic() {
    for source in [Source::bearer(), Source::scheme("Token"), Source::header_raw("authorization")] {
        assert_refused(
            source.with_basic_challenge(),
            &ConfigError::BasicChallenge,
            "only `Source::basic()` can have a `Basic` challenge: call \
             `with_basic_challenge` on it",
        );
    }
    let prefixed = Source::basic().with_prefix("acme_").with_basic_challenge();
    assert_eq!(format!("{prefixed:?}"), r#"basic().with_basic_challenge().with_prefix("acme_")"#);
}

#[test]
fn debug_of_a_source_is_its_constructor() {
    for (source, expected) in [
        (Source::header("x-key"), r#"header("x-key")"#),
        (Source::bearer(), r#"scheme("Bearer")"#),
        (Source::basic(), "basic()"),
        (Source::header_raw("authorization"), r#"header_raw("authorization")"#),
        (Source::websocket_protocol("keygate."), r#"websocket_protocol("keygate.")"#),
        (Source::cookie("key").with_prefix("acme_"), r#"cookie("key").with_prefix("acme_")"#),
    ] {
        assert_eq!(format!("{source:?}"), expected);
    }
}

#[test]
fn scheme_needs_a_token() {
    for name in ["", "Api Key", "ApiKey,", "Schlüssel", "a/b", "\"a\""] {
        assert_refused(
            Source::scheme(name),
            &ConfigError::SchemeName,
            "the text given to `Source::scheme` is not the name of a scheme, such as `ApiKey`",
        );
    }
}

#[test]
fn scheme_for_passwords_is_refused() {
    for (name, known) in [("basic", "Basic"), ("Basic", "Basic"), ("DIGEST", "Digest")] {
        assert_refused(
            Source::scheme(name),
            &ConfigError::PasswordScheme(known),
            &format!(
                "the scheme `{known}` carries passwords: use `Source::basic()` or `Source::bearer()`"
            ),
        );
    }
}

#[test]
fn cookie_needs_a_token() {
    for name in ["", "api key", "api;key", "api=key", "schlüssel"] {
        assert_refused(
            Source::cookie(name),
            &ConfigError::CookieName,
            "the text given to `Source::cookie` is not the name of a cookie, such as `api_key`",
        );
    }
}

#[test]
fn parameter_of_the_query_needs_a_name() {
    let message = "a query parameter needs a name, such as `api_key`";
    let parts = Authenticator::new(Keys).with_sources_in_parts([Source::query("")]);
    assert_eq!(parts.map(drop), Err(ConfigError::QueryName));
    assert_refused(Source::query(""), &ConfigError::QueryName, message);
}

#[test]
fn list_of_sources_is_not_empty() {
    assert_eq!(sources([]), Err(ConfigError::NoSources));
    let message = "there are no sources, so every request would be refused: add at least one";
    assert_eq!(ConfigError::NoSources.to_string(), message);
}

#[test]
fn query_source_needs_more_than_headers() {
    for place in [&[] as &[Source], &[Source::bearer()]] {
        let sources = place.iter().cloned().chain([Source::query("key")]);
        let error = Authenticator::new(Keys).with_sources(sources).unwrap_err();
        assert_eq!(error, ConfigError::QueryInHeaders);
        assert_eq!(
            error.to_string(),
            "`Source::query` reads the request's URI, which `verify(&HeaderMap)` does not have: \
             name the sources with `with_sources_in_parts`"
        );
    }
}

#[test]
fn first_fault_in_the_list_is_reported() {
    let faults = [Source::cookie(""), Source::scheme("basic")];
    assert_eq!(sources(faults), Err(ConfigError::CookieName));
}

#[test]
fn valid_names_are_accepted() {
    let fine = [
        Source::header("X-API-Key"),
        Source::header("proxy-key"),
        Source::bearer(),
        Source::scheme("Api-Key"),
        Source::cookie("__Host-key"),
    ];
    assert_eq!(sources(fine), Ok(()));
    for name in ["api_key", "api key", "schlüssel", "&=", "[key]"] {
        let parts = Authenticator::new(Keys).with_sources_in_parts([Source::query(name)]);
        assert_eq!(parts.map(drop), Ok(()), "{name}");
    }
}

#[test]
fn realm_is_quoted_unchanged() {
    let message = "a realm must be ASCII and not empty, and must not contain quotes, backslashes or control characters";
    assert_eq!(ConfigError::Realm.to_string(), message);
    for realm in ["", " ", "  ", "a\"b", "a\\b", "a\nb", "a\tb", "a\0", "\x7f", "Größe", "a\u{a0}b"]
    {
        let auth = Authenticator::new(Keys).with_realm(realm);
        assert_eq!(auth.map(drop), Err(ConfigError::Realm), "{realm:?}");
    }
    for realm in ["api", "orders and stock", "a, b=c; d", "~!#$%&'()*+-./:<>?@[]^_`{|}"] {
        let auth = Authenticator::new(Keys).with_realm(realm).unwrap();
        let response = auth.respond::<String>(&keygate::AuthError::NoCredentials);
        let challenge = format!("ApiKey realm=\"{realm}\", in=\"header\", name=\"x-api-key\"");
        assert_eq!(response.headers()["www-authenticate"], *challenge);
    }
}

#[test]
fn realm_and_sources_may_come_in_any_order() {
    let one = Authenticator::new(Keys)
        .with_realm("orders")
        .unwrap()
        .with_sources([Source::bearer()])
        .unwrap();
    let other = Authenticator::new(Keys)
        .with_sources([Source::bearer()])
        .unwrap()
        .with_realm("orders")
        .unwrap();
    for auth in [one, other] {
        let response = auth.respond::<String>(&keygate::AuthError::NoCredentials);
        let lines: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(lines, [r#"Bearer realm="orders""#]);
    }
}
