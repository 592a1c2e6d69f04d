//! Keys in the query and in cookies.

use keygate::error::StoreErrorKind;
use keygate::{Source, WrongReason};

use super::{Case, admitted, get, wrong};
use crate::common::keys::{MIXED_UP, RIGHT, RIGHT_NON_ASCII, UNANSWERABLE};
use crate::entrances::open::Outcome;

pub(super) fn by_query() -> Vec<Case> {
    let case = |name, target: &str, outcome| Case::new(name, get(target), outcome);
    let right = || admitted("User 1", RIGHT);
    let cases = vec![
        case("query, absent", "/", Outcome::NoCredentials),
        case("query, others only", "/?key=1&api_keys=2", Outcome::NoCredentials),
        case("query, right", &format!("/?api_key={RIGHT}"), right()).with_key(RIGHT),
        case("query, among others", &format!("/?a=1&api_key={RIGHT}&b"), right()).with_key(RIGHT),
        case("query, escaped", &format!("/?%61pi%5fkey=%30{}", &RIGHT[1..]), right()),
        case(
            "query, not ASCII",
            "/?api_key=schl%C3%BCssel-mit-umlauten-%C3%A4%c3%B6%C3%BC",
            admitted("Größe 1", RIGHT_NON_ASCII),
        )
        .with_key(RIGHT_NON_ASCII),
        case("query, in another case", &format!("/?API_KEY={RIGHT}"), Outcome::NoCredentials),
        case("query, wrong", "/?api_key=%FF%00", wrong(WrongReason::Unknown)).with_key(b"\xff\0"),
        case(
            "query, too long once decoded",
            &format!("/?api_key={}", "%6B".repeat(513)),
            wrong(WrongReason::Malformed),
        ),
        case(
            "query, as long as can be once decoded",
            &format!("/?api_key={}", "%6B".repeat(512)),
            wrong(WrongReason::Unknown),
        ),
        case("query, empty", "/?api_key=", Outcome::NoCredentials),
        case("query, no value", "/?api_key", Outcome::NoCredentials),
        case("query, blank", "/?api_key=+%20", Outcome::NoCredentials),
        case(
            "query, twice",
            &format!("/?api_key={RIGHT}&api_key={RIGHT}"),
            wrong(WrongReason::Ambiguous),
        ),
        case(
            "query, twice, one escaped and blank",
            &format!("/?api%5Fkey&api_key={RIGHT}"),
            wrong(WrongReason::Ambiguous),
        ),
        case(
            "query, store fails",
            &format!("/?api_key={UNANSWERABLE}"),
            Outcome::Unavailable(StoreErrorKind::Failed),
        ),
    ];
    cases
        .into_iter()
        .map(|case| case.from(&[Source::query("api_key")], &["ApiKey in=query name=api_key"]))
        .collect()
}

pub(super) fn by_cookie() -> Vec<Case> {
    let case = |name, lines: &[&str], outcome| {
        let request = lines.iter().fold(get("/"), |request, line| request.header("cookie", *line));
        Case::new(name, request, outcome)
    };
    let right = || admitted("User 1", RIGHT);
    let (pair, quoted) = (format!("api_key={RIGHT}"), format!("api_key=\"{RIGHT}\""));
    let cases = vec![
        case("cookie, absent", &["theme=dark"], Outcome::NoCredentials),
        case("cookie, right", &[&pair], right()).with_key(RIGHT),
        case("cookie, among others", &[&format!("a=1;{pair} ; b=2")], right()),
        case("cookie, on a line of its own", &["a=1; a=2", &pair, "b=3"], right()),
        case("cookie, wrong", &["api_key=wrong"], wrong(WrongReason::Unknown)).with_key("wrong"),
        case("cookie, quotes are part of it", &[&quoted], wrong(WrongReason::Unknown)),
        case("cookie, in another case", &[&format!("API_KEY={RIGHT}")], Outcome::NoCredentials),
        case("cookie, empty", &["api_key="], Outcome::NoCredentials),
        case("cookie, twice", &[&format!("{pair}; {pair}")], wrong(WrongReason::Ambiguous)),
        case("cookie, twice on two lines", &[&pair, &pair], wrong(WrongReason::Ambiguous)),
        case("cookie, wrong record", &[&format!("api_key={MIXED_UP}")], {
            Outcome::Unavailable(StoreErrorKind::WrongRecord)
        }),
    ];
    cases
        .into_iter()
        .map(|case| case.from(&[Source::cookie("api_key")], &["ApiKey in=cookie name=api_key"]))
        .collect()
}
