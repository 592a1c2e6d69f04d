//! Keys in `x-api-key`, the default source.

use keygate::WrongReason;
use keygate::error::StoreErrorKind;

use super::{Case, admitted, get, wrong, wrong_known};
use crate::common::keys::{
    BEGINNING, DISABLED, EXPIRED, EXPIRING, MIXED_UP, REVOKED, RIGHT, RIGHT_NON_ASCII, RIGHT_TOO,
    UNANSWERABLE, WRONG,
};
use crate::entrances::open::Outcome;

pub(super) fn cases() -> Vec<Case> {
    let case = |name, key: &[u8], outcome| {
        Case::new(name, get("/").header("x-api-key", key), outcome).with_key(key)
    };
    let long = "k".repeat(513);
    vec![
        Case::new("no key", get("/"), Outcome::NoCredentials),
        case("empty", b"", Outcome::NoCredentials),
        case("blanks", b" \t ", Outcome::NoCredentials),
        case("right", RIGHT.as_bytes(), admitted("User 1", RIGHT)),
        case("right, of another", RIGHT_TOO.as_bytes(), admitted("User 2", RIGHT_TOO)),
        case("right, not ASCII", RIGHT_NON_ASCII.as_bytes(), admitted("Größe 1", RIGHT_NON_ASCII)),
        case("right, not yet expired", EXPIRING.as_bytes(), admitted("Expiring", EXPIRING)),
        case("wrong", WRONG.as_bytes(), wrong(WrongReason::Unknown)),
        case("in another case", RIGHT.to_lowercase().as_bytes(), wrong(WrongReason::Unknown)),
        case("cut short", &RIGHT.as_bytes()[1..], wrong(WrongReason::Unknown)),
        case("wrong, not UTF-8", b"\x80\xfe\xff key", wrong(WrongReason::Unknown)),
        case(
            "not valid yet",
            BEGINNING.as_bytes(),
            wrong_known(WrongReason::NotYetValid, BEGINNING),
        ),
        case("expired", EXPIRED.as_bytes(), wrong_known(WrongReason::Expired, EXPIRED)),
        case("revoked", REVOKED.as_bytes(), wrong_known(WrongReason::Revoked, REVOKED)),
        case("disabled", DISABLED.as_bytes(), wrong_known(WrongReason::Disabled, DISABLED)),
        case("as long as can be", &long.as_bytes()[1..], wrong(WrongReason::Unknown)),
        case("too long", long.as_bytes(), wrong(WrongReason::Malformed)),
        case("store fails", UNANSWERABLE.as_bytes(), Outcome::Unavailable(StoreErrorKind::Failed)),
        case(
            "wrong record",
            MIXED_UP.as_bytes(),
            Outcome::Unavailable(StoreErrorKind::WrongRecord),
        ),
        Case::new(
            "two lines",
            get("/").header("x-api-key", RIGHT).header("x-api-key", RIGHT_TOO),
            wrong(WrongReason::Ambiguous),
        ),
        Case::new(
            "two lines of one key",
            get("/").header("x-api-key", RIGHT).header("x-api-key", RIGHT),
            wrong(WrongReason::Ambiguous),
        ),
        Case::new(
            "two lines, one blank",
            get("/").header("x-api-key", "").header("x-api-key", RIGHT),
            wrong(WrongReason::Ambiguous),
        ),
        Case::new(
            "two lines of something else",
            get("/").header("accept", "a").header("accept", "b").header("x-api-key", RIGHT),
            admitted("User 1", RIGHT),
        ),
        Case::new(
            "only where nobody looks",
            get(&format!("/?x-api-key={RIGHT}"))
                .header("authorization", format!("Bearer {RIGHT}"))
                .header("cookie", format!("x-api-key={RIGHT}")),
            Outcome::NoCredentials,
        ),
        case(
            "Bearer is part of the key",
            format!("Bearer {RIGHT}").as_bytes(),
            wrong(WrongReason::Unknown),
        ),
    ]
}
