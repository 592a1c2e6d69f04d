//! Keys in `Authorization`.

use keygate::error::StoreErrorKind;
use keygate::{Source, WrongReason};

use super::{Case, admitted, get, wrong, wrong_by_bearer};
use crate::common::keys::{DISABLED, EXPIRED, REVOKED, RIGHT, UNANSWERABLE, id_of};
use crate::entrances::open::Outcome;

pub(super) fn by_bearer() -> Vec<Case> {
    let case = |name, value: &str, outcome| {
        Case::new(name, get("/").header("authorization", value), outcome)
    };
    let refused =
        |reason, key| Outcome::Wrong { reason, key_id: Some(id_of(key)), by_bearer: true };
    let right = || admitted("User 1", RIGHT);
    let cases = vec![
        Case::new("Bearer, absent", get("/"), Outcome::NoCredentials),
        Case::new("Bearer, x-api-key", get("/").header("x-api-key", RIGHT), Outcome::NoCredentials),
        case("Bearer, right", &format!("Bearer {RIGHT}"), right()),
        case("Bearer, lowercase scheme", &format!("bearer {RIGHT}"), right()),
        case("Bearer, mixed case", &format!("bEaReR {RIGHT}"), right()),
        case("Bearer, many blanks", &format!("Bearer  \t {RIGHT}"), right()),
        case("Bearer, wrong", "Bearer wrong", wrong_by_bearer(WrongReason::Unknown)),
        case(
            "Bearer, two words",
            &format!("Bearer {RIGHT} x"),
            wrong_by_bearer(WrongReason::Unknown),
        ),
        case(
            "Bearer, expired",
            &format!("Bearer {EXPIRED}"),
            refused(WrongReason::Expired, EXPIRED),
        ),
        case(
            "Bearer, revoked",
            &format!("Bearer {REVOKED}"),
            refused(WrongReason::Revoked, REVOKED),
        ),
        case(
            "Bearer, disabled",
            &format!("Bearer {DISABLED}"),
            refused(WrongReason::Disabled, DISABLED),
        ),
        case(
            "Bearer, too long",
            &format!("Bearer {}", "k".repeat(513)),
            wrong_by_bearer(WrongReason::Malformed),
        ),
        case("Bearer, no token", "Bearer", Outcome::NoCredentials),
        case("Bearer, blank token", "Bearer  ", Outcome::NoCredentials),
        case("Bearer, empty field", "", Outcome::NoCredentials),
        case("Bearer, Basic", "Basic dXNlcjpwYXNz", Outcome::NoCredentials),
        case("Bearer, key alone", RIGHT, Outcome::NoCredentials),
        case("Bearer, longer scheme", &format!("Bearers {RIGHT}"), Outcome::NoCredentials),
        case(
            "Bearer, store fails",
            &format!("Bearer {UNANSWERABLE}"),
            Outcome::Unavailable(StoreErrorKind::Failed),
        ),
        Case::new(
            "Bearer, two lines",
            get("/")
                .header("authorization", format!("Bearer {RIGHT}"))
                .header("authorization", format!("Bearer {RIGHT}")),
            wrong_by_bearer(WrongReason::Ambiguous),
        ),
        Case::new(
            "Bearer, two lines, one of another scheme",
            get("/")
                .header("authorization", "Basic dXNlcjpwYXNz")
                .header("authorization", format!("Bearer {RIGHT}")),
            wrong_by_bearer(WrongReason::Ambiguous),
        ),
    ];
    cases.into_iter().map(|case| case.from(&[Source::bearer()], &["Bearer"])).collect()
}

pub(super) fn by_scheme() -> Vec<Case> {
    let case = |name, value: &str, outcome| {
        Case::new(name, get("/").header("authorization", value), outcome)
    };
    let cases = vec![
        case("scheme, right", &format!("Token {RIGHT}"), admitted("User 1", RIGHT)).with_key(RIGHT),
        case("scheme, any case", &format!("TOKEN {RIGHT}"), admitted("User 1", RIGHT)),
        case("scheme, wrong", "Token wrong", wrong(WrongReason::Unknown)).with_key("wrong"),
        case("scheme, Bearer", &format!("Bearer {RIGHT}"), Outcome::NoCredentials),
        case("scheme, blank", "Token", Outcome::NoCredentials),
    ];
    cases.into_iter().map(|case| case.from(&[Source::scheme("Token")], &["Token"])).collect()
}
