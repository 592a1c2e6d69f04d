//! Keys in several places: the first one that is present and not blank decides.

use keygate::error::StoreErrorKind;
use keygate::{Source, WrongReason};

use super::{BY_HEADER, Case, admitted, get, wrong, wrong_by_bearer};
use crate::common::keys::{RIGHT, UNANSWERABLE, WRONG};
use crate::entrances::open::Outcome;

const HEADER_FIRST: [&str; 4] =
    ["Bearer", BY_HEADER, "ApiKey in=cookie name=key", "ApiKey in=query name=key"];
const QUERY_FIRST: [&str; 4] = [HEADER_FIRST[0], HEADER_FIRST[3], HEADER_FIRST[2], BY_HEADER];

pub(super) fn cases() -> Vec<Case> {
    let header_first = [
        Source::header("x-api-key"),
        Source::bearer(),
        Source::cookie("key"),
        Source::query("key"),
    ];
    let query_first: Vec<_> = header_first.iter().rev().cloned().collect();
    let bearer = |key| format!("Bearer {key}");
    let everywhere = |header, by_bearer, cookie, query| {
        get(&format!("/?key={query}"))
            .header("x-api-key", header)
            .header("authorization", bearer(by_bearer))
            .header("cookie", format!("key={cookie}"))
    };
    let right = || admitted("User 1", RIGHT);
    vec![
        Case::new("first is right", everywhere(RIGHT, WRONG, WRONG, WRONG), right())
            .from(&header_first, &HEADER_FIRST),
        Case::new(
            "first is wrong",
            everywhere(WRONG, RIGHT, RIGHT, RIGHT),
            wrong(WrongReason::Unknown),
        )
        .from(&header_first, &HEADER_FIRST),
        Case::new("first is query", everywhere(WRONG, WRONG, WRONG, RIGHT), right())
            .from(&query_first, &QUERY_FIRST),
        Case::new(
            "first is query, and wrong",
            everywhere(RIGHT, RIGHT, RIGHT, WRONG),
            wrong(WrongReason::Unknown),
        )
        .from(&query_first, &QUERY_FIRST),
        Case::new("blank ones are passed over", everywhere("", "", "", RIGHT), right())
            .from(&header_first, &HEADER_FIRST),
        Case::new("second is right", everywhere("", RIGHT, WRONG, WRONG), right())
            .from(&header_first, &HEADER_FIRST),
        Case::new(
            "second is wrong",
            everywhere("", WRONG, RIGHT, RIGHT),
            wrong_by_bearer(WrongReason::Unknown),
        )
        .from(&header_first, &HEADER_FIRST),
        Case::new("all are blank", everywhere("", "", "", ""), Outcome::NoCredentials)
            .from(&header_first, &HEADER_FIRST),
        Case::new("none is there", get("/"), Outcome::NoCredentials)
            .from(&header_first, &HEADER_FIRST),
        Case::new(
            "first is ambiguous",
            get("/")
                .header("x-api-key", RIGHT)
                .header("x-api-key", RIGHT)
                .header("authorization", bearer(RIGHT)),
            wrong(WrongReason::Ambiguous),
        )
        .from(&header_first, &HEADER_FIRST),
        Case::new(
            "first fails",
            everywhere(UNANSWERABLE, RIGHT, RIGHT, RIGHT),
            Outcome::Unavailable(StoreErrorKind::Failed),
        )
        .from(&header_first, &HEADER_FIRST),
        Case::new(
            "another scheme is passed over",
            get(&format!("/?key={RIGHT}")).header("authorization", "Basic dXNlcjpwYXNz"),
            right(),
        )
        .from(&header_first, &HEADER_FIRST),
        Case::new(
            "two schemes",
            get("/").header("authorization", format!("Token {RIGHT}")),
            right(),
        )
        .from(&[Source::bearer(), Source::scheme("Token")], &["Bearer", "Token"]),
        Case::new("three schemes", get("/"), Outcome::NoCredentials).from(
            &[Source::scheme("Token"), Source::header("x-api-key"), Source::bearer()],
            &["Bearer", "Token", BY_HEADER],
        ),
        Case::new(
            "ApiKey as a scheme and for a header",
            get("/").header("authorization", format!("apikey {RIGHT}")),
            right(),
        )
        .from(&[Source::header("x-api-key"), Source::scheme("ApiKey")], &[BY_HEADER, "ApiKey"]),
    ]
}
