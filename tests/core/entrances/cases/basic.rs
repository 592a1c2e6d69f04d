//! Keys in `Authorization: Basic`, and keys without a scheme.

use keygate::error::StoreErrorKind;
use keygate::{Source, WrongReason};

use super::{Case, admitted, get, wrong, wrong_known};
use crate::common::keys::{REVOKED, RIGHT, RIGHT_NON_ASCII, UNANSWERABLE};
use crate::common::sources::base64;
use crate::entrances::open::Outcome;

const CHALLENGE: &str = "ApiKey in=header name=authorization";

fn authorization(name: &'static str, value: &str, outcome: Outcome) -> Case {
    Case::new(name, get("/").header("authorization", value), outcome)
}

pub(super) fn by_basic() -> Vec<Case> {
    let mut cases = of_basic(&Source::basic(), CHALLENGE);
    cases.extend(of_basic(&Source::basic().with_basic_challenge(), "Basic"));
    cases
}

fn of_basic(source: &Source, challenge: &'static str) -> Vec<Case> {
    let encoded = |name, value: &str, outcome| {
        authorization(name, &format!("Basic {}", base64(value.as_bytes())), outcome)
    };
    let right = || admitted("User 1", RIGHT);
    let malformed = |name, value: &str| authorization(name, value, wrong(WrongReason::Malformed));
    let padded = base64(format!(":{RIGHT}").as_bytes());
    assert!(padded.ends_with('='));
    let cases = vec![
        Case::new("Basic, absent", get("/"), Outcome::NoCredentials),
        encoded("Basic, password", &format!("git:{RIGHT}"), right()).with_key(RIGHT),
        encoded("Basic, password alone", &format!(":{RIGHT}"), right()).with_key(RIGHT),
        encoded("Basic, user name", &format!("{RIGHT}:"), right()).with_key(RIGHT),
        encoded(
            "Basic, not ASCII",
            &format!("Größe:{RIGHT_NON_ASCII}"),
            admitted("Größe 1", RIGHT_NON_ASCII),
        ),
        encoded("Basic, password with a colon", "git:a:b", wrong(WrongReason::Unknown))
            .with_key("a:b"),
        encoded("Basic, wrong password, right name", &format!("{RIGHT}:x"), {
            wrong(WrongReason::Unknown)
        }),
        encoded("Basic, revoked", &format!("git:{REVOKED}"), {
            wrong_known(WrongReason::Revoked, REVOKED)
        }),
        encoded("Basic, store fails", &format!("git:{UNANSWERABLE}"), {
            Outcome::Unavailable(StoreErrorKind::Failed)
        }),
        encoded("Basic, too long", &format!("git:{}", "k".repeat(513)), {
            wrong(WrongReason::Malformed)
        }),
        encoded("Basic, as long as can be", &format!("git:{}", "k".repeat(512)), {
            wrong(WrongReason::Unknown)
        }),
        encoded("Basic, both empty", ":", Outcome::NoCredentials),
        encoded("Basic, blank password", "git: \t", Outcome::NoCredentials),
        encoded("Basic, no colon", RIGHT, wrong(WrongReason::Malformed)),
        authorization("Basic, nothing", "Basic", Outcome::NoCredentials),
        authorization(
            "Basic, any case",
            &format!("bAsIc  {}", base64(format!(":{RIGHT}").as_bytes())),
            right(),
        ),
        authorization("Basic, padded", &format!("Basic {padded}"), right()),
        authorization(
            "Basic, without padding",
            &format!("Basic {}", padded.trim_end_matches('=')),
            right(),
        ),
        malformed("Basic, too much padding", &format!("Basic {padded}=")),
        malformed("Basic, no base64", &format!("Basic :{RIGHT}")),
        malformed("Basic, base64url", "Basic Oi0_Pz8_"),
        malformed("Basic, bits left over", "Basic Ojp="),
        malformed("Basic, one digit too many", "Basic OjoxO"),
        malformed("Basic, words", "Basic OjEy OjEy"),
        authorization("Basic, Bearer", &format!("Bearer {RIGHT}"), Outcome::NoCredentials),
        authorization("Basic, key alone", RIGHT, Outcome::NoCredentials),
        Case::new(
            "Basic, two lines",
            get("/")
                .header("authorization", format!("Basic {padded}"))
                .header("authorization", "Negotiate a2V5"),
            wrong(WrongReason::Ambiguous),
        ),
    ];
    cases.into_iter().map(|case| case.from(std::slice::from_ref(source), &[challenge])).collect()
}

pub(super) fn by_header_raw() -> Vec<Case> {
    let case = authorization;
    let right = || admitted("User 1", RIGHT);
    let cases = vec![
        Case::new("raw, absent", get("/"), Outcome::NoCredentials),
        case("raw, right", RIGHT, right()).with_key(RIGHT),
        case("raw, blanks around", &format!(" {RIGHT}\t"), right()).with_key(RIGHT),
        case("raw, not ASCII", RIGHT_NON_ASCII, admitted("Größe 1", RIGHT_NON_ASCII)),
        case("raw, wrong", "wrong", wrong(WrongReason::Unknown)).with_key("wrong"),
        case("raw, too long", &"k".repeat(513), wrong(WrongReason::Malformed)),
        case("raw, empty", "", Outcome::NoCredentials),
        case("raw, Bearer", &format!("Bearer {RIGHT}"), Outcome::NoCredentials),
        case("raw, scheme alone", "bearer", Outcome::NoCredentials),
        case("raw, two words", &format!("{RIGHT} x"), Outcome::NoCredentials),
        Case::new(
            "raw, two lines",
            get("/").header("authorization", RIGHT).header("authorization", RIGHT),
            wrong(WrongReason::Ambiguous),
        ),
    ];
    let source = Source::header_raw("Authorization");
    cases.into_iter().map(|case| case.from(std::slice::from_ref(&source), &[CHALLENGE])).collect()
}
