//! Keys beside other credentials, which their prefix distinguishes.

use keygate::{Source, WrongReason};

use super::{Case, admitted, get, wrong, wrong_by_bearer};
use crate::common::keys::{RIGHT, RIGHT_TOO, WRONG};
use crate::entrances::open::Outcome;

const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl";
/// The beginning of [`RIGHT`].
const PREFIX: &str = "08zE";

pub(super) fn by_bearer() -> Vec<Case> {
    let case = |name, value: &str, outcome| {
        Case::new(name, get("/").header("authorization", value), outcome)
    };
    let two = |name, one: String, other: String, outcome| {
        Case::new(
            name,
            get("/").header("authorization", one).header("authorization", other),
            outcome,
        )
    };
    let bearer = |key: &str| format!("Bearer {key}");
    let ambiguous = || wrong_by_bearer(WrongReason::Ambiguous);
    let cases = vec![
        case("prefix, right", &bearer(RIGHT), admitted("User 1", RIGHT)),
        case("prefix, wrong", &bearer("08zEx"), wrong_by_bearer(WrongReason::Unknown)),
        case("prefix, alone", &bearer(PREFIX), wrong_by_bearer(WrongReason::Unknown)),
        case("prefix, too long", &bearer(&format!("{PREFIX}{}", "k".repeat(509))), {
            wrong_by_bearer(WrongReason::Malformed)
        }),
        case("prefix, a JWT", &bearer(JWT), Outcome::NoCredentials),
        case("prefix, key of another prefix", &bearer(RIGHT_TOO), Outcome::NoCredentials),
        case("prefix, in another case", &bearer(&RIGHT.to_lowercase()), Outcome::NoCredentials),
        case("prefix, cut short", &bearer(&RIGHT[1..]), Outcome::NoCredentials),
        case("prefix, a JWT of any length", &bearer(&"j".repeat(5000)), Outcome::NoCredentials),
        two("prefix, two JWTs", bearer(JWT), bearer(JWT), Outcome::NoCredentials),
        two("prefix, a JWT and a key", bearer(JWT), bearer(RIGHT), ambiguous()),
        two("prefix, two keys", bearer(RIGHT), bearer(RIGHT), ambiguous()),
    ];
    let source = Source::bearer().with_prefix(PREFIX);
    cases.into_iter().map(|case| case.from(std::slice::from_ref(&source), &["Bearer"])).collect()
}

pub(super) fn by_websocket_protocol() -> Vec<Case> {
    let case = |name, lines: &[&str], outcome| {
        let mut request = get("/");
        for line in lines {
            request = request.header("sec-websocket-protocol", *line);
        }
        Case::new(name, request, outcome)
    };
    let right = || admitted("User 1", RIGHT);
    let protocol = &*format!("keygate.{RIGHT}");
    let cases = vec![
        case("protocol, absent", &[], Outcome::NoCredentials),
        case("protocol, others", &["chat, superchat", "Keygate.x"], Outcome::NoCredentials),
        case("protocol, right", &[protocol], right()).with_key(RIGHT),
        case("protocol, among others", &[&format!("chat,{protocol} , b")], right()).with_key(RIGHT),
        case("protocol, on its own line", &["chat, b", protocol, "c"], right()).with_key(RIGHT),
        case("protocol, wrong", &[&format!("keygate.{WRONG}")], wrong(WrongReason::Unknown)),
        case("protocol, in another case", &[&format!("Keygate.{RIGHT}")], Outcome::NoCredentials),
        case("protocol, empty", &["chat, keygate."], Outcome::NoCredentials),
        case("protocol, too long", &[&format!("keygate.{}", "k".repeat(513))], {
            wrong(WrongReason::Malformed)
        }),
        case("protocol, twice", &[&format!("{protocol}, {protocol}")], {
            wrong(WrongReason::Ambiguous)
        }),
        case("protocol, twice on two lines", &[protocol, protocol], {
            wrong(WrongReason::Ambiguous)
        }),
        case("protocol, one empty", &["keygate.", protocol], wrong(WrongReason::Ambiguous)),
    ];
    let source = Source::websocket_protocol("keygate.");
    let challenge = "ApiKey in=header name=sec-websocket-protocol";
    cases.into_iter().map(|case| case.from(std::slice::from_ref(&source), &[challenge])).collect()
}
