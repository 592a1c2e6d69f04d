//! Challenges name the place of a key as an OpenAPI security scheme does.

use keygate::{AuthError, Authenticator, Source};

use crate::common::challenge::Challenge;
use crate::common::keys::Keys;
use crate::common::reply::lines;
use crate::common::sources::all;

fn challenges(sources: impl IntoIterator<Item = Source>) -> Vec<String> {
    let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
    let response = auth.respond::<String>(&AuthError::NoCredentials);
    lines(&response, "www-authenticate").into_iter().map(str::to_owned).collect()
}

#[test]
fn each_source_has_one_challenge_line_in_order() {
    let is_bearer = |challenge: &&str| challenge.starts_with("Bearer ");
    let written = all().into_iter().map(|case| case.challenge);
    let (mut expected, others): (Vec<_>, Vec<_>) = written.partition(is_bearer);
    expected.extend(others);
    // `basic` and `header_raw` have the same challenge.
    expected.dedup();
    assert_eq!(challenges(all().into_iter().map(|case| case.source)), expected);
}

#[test]
fn duplicate_source_is_challenged_once() {
    let sources = [
        Source::header("X-API-KEY"),
        Source::header("x-api-key"),
        Source::scheme("token"),
        Source::scheme("Token"),
        Source::query("key"),
        Source::query("Key"),
        Source::query("key"),
        Source::cookie("key"),
    ];
    let expected = [
        r#"ApiKey realm="api", in="header", name="x-api-key""#,
        r#"token realm="api""#,
        r#"ApiKey realm="api", in="query", name="key""#,
        r#"ApiKey realm="api", in="query", name="Key""#,
        r#"ApiKey realm="api", in="cookie", name="key""#,
    ];
    assert_eq!(challenges(sources), expected);
}

#[test]
fn query_name_in_a_challenge_is_escaped() {
    for (name, written) in [
        ("api key", r"api key"),
        ("a\"b\\c", r#"a\"b\\c"#),
        ("a\", error=\"x", r#"a\", error=\"x"#),
        ("[key],=&", "[key],=&"),
        ("schlüssel", "schl%C3%BCssel"),
        ("a\r\nb\0\x7f\t", "a%0D%0Ab%00%7F%09"),
        ("50%", "50%25"),
    ] {
        let [line] = &challenges([Source::query(name)])[..] else { panic!("one line") };
        assert_eq!(*line, format!(r#"ApiKey realm="api", in="query", name="{written}""#));
        let challenge = Challenge::parse(line).unwrap();
        let unescaped = &challenge.parameters[2].1;
        let decoded = percent_encoding::percent_decode_str(unescaped).decode_utf8().unwrap();
        assert_eq!(decoded, name);
    }
}
