//! The earliest and latest times that a file can contain.

use std::time::{Duration, UNIX_EPOCH};

use super::check::{load, refused};

const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const LEAP: &str = "leap seconds (`:60`) are not supported: write `:59`, or remove the line";
const BEFORE: &str = "this time is before 1970 (in UTC), which is not supported: choose a later one, or remove the line";
const AFTER: &str = "this time is after the end of 9999 (in UTC), which is not supported: choose an earlier one, or remove the line";

const FIELDS: [&str; 4] = ["created", "expires", "revoked", "not_before"];

fn key(field: &str, time: &str) -> String {
    format!("clients:\n  A:\n    keys:\n      - digest: {DIGEST}\n        {field}: {time}\n")
}

#[test]
fn times_up_to_the_end_of_9999_are_kept_exactly() {
    let beginnings = [
        ("2027-01-15T08:00:00.1234560Z", 1_800_000_000_123_456),
        // Rounded up, so that no key works too early.
        ("2027-01-15T08:00:00.1234561Z", 1_800_000_000_123_457),
        ("2027-01-15T08:00:00.99999999Z", 1_800_000_001_000_000),
    ];
    for (time, kept) in beginnings {
        let listed = load(key("not_before", time)).list_keys(None).unwrap();
        let kept = UNIX_EPOCH + Duration::from_micros(kept);
        assert_eq!(listed[0].not_before(), Some(kept), "{time}");
    }
    for (time, kept) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("2116-02-20T23:53:38.427388Z", 4_611_686_018_427_388),
        ("4021-01-01T00:00:00Z", 64_723_363_200_000_000),
        ("9999-12-30T22:00:01Z", 253_402_207_201_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("9999-12-31T23:59:59.999999+23:59", 253_402_214_459_999_999),
        // Digits below the microsecond are cut towards the past.
        ("9999-12-31T23:59:59.999999999999Z", 253_402_300_799_999_999),
        ("2027-01-15T08:00:00.1234569Z", 1_800_000_000_123_456),
    ] {
        let is_finer = time.len() > "9999-12-31T23:59:59.999999Z".len() && time.ends_with('Z');
        for field in FIELDS.into_iter().filter(|field| !is_finer || *field != "not_before") {
            let listed = load(key(field, time)).list_keys(None).unwrap();
            let [key] = &listed[..] else { panic!("{listed:?}") };
            let found = [key.created, key.expires(), key.revoked, key.not_before()];
            let place = FIELDS.iter().position(|known| *known == field).unwrap();
            let kept = UNIX_EPOCH + Duration::from_micros(kept);
            assert_eq!(found[place], Some(kept), "{field}: {time}");
        }
    }
}

#[test]
fn times_out_of_range_are_refused_with_a_reason() {
    for field in FIELDS {
        let place = format!("5:{}", 9 + field.len() + 2);
        for (time, reason) in [
            ("1969-12-31T23:59:59.999999Z", BEFORE),
            ("1970-01-01T00:00:00+00:01", BEFORE),
            ("0000-01-01T00:00:00Z", BEFORE),
            ("9999-12-31T23:59:59-00:01", AFTER),
            ("9999-12-31T00:01:00-23:59", AFTER),
            ("2016-12-31T23:59:60Z", LEAP),
        ] {
            refused(&[(&key(field, time), &place, reason)]);
        }
    }
}
