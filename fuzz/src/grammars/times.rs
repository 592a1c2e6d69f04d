use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::YamlStore;

/// The range of valid times, from 1970 to the end of 9999.
const KEPT: Duration = Duration::from_secs(253_402_300_800);

/// A time in a key file, which is the only public parser of times.
pub(super) fn time(text: &str) {
    if text.contains(['\'', '\\']) || text.chars().any(|char| !(' '..='~').contains(&char)) {
        return;
    }
    let digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    let file = format!(
        "clients:\n  App 1:\n    keys:\n      - digest: sha256:{digest}\n        expires: '{text}'\n"
    );
    let loaded = file.parse::<YamlStore>().ok();
    let expires = loaded.map(|store| store.list_keys(None).expect("a list")[0].expires());
    let expected = instant(text).filter(|time| (UNIX_EPOCH..UNIX_EPOCH + KEPT).contains(time));
    match (expires, expected) {
        (None, None) => {}
        (Some(Some(loaded)), Some(expected)) => {
            // Digits below the microsecond are cut.
            let cut = expected.duration_since(loaded).expect("no time is moved into the future");
            assert!(cut < Duration::from_micros(1), "{text}: {loaded:?}");
        }
        (loaded, expected) => panic!("{text}: {loaded:?}, not {expected:?}"),
    }
}

/// An instant of RFC 3339, from the beginning of 1970.
fn instant(text: &str) -> Option<SystemTime> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let is = |at: usize, signs: &str| text.get(at..=at).is_some_and(|sign| signs.contains(sign));
    let shape = is(4, "-") && is(7, "-") && is(10, "Tt") && is(13, ":") && is(16, ":");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !shape || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(behind) => {
            let end = behind.find(|char: char| !char.is_ascii_digit())?;
            if end == 0 {
                return None;
            }
            (format!("{:0<9}", &behind[..end.min(9)]).parse::<u32>().ok()?, &behind[end..])
        }
        None => (0, rest),
    };
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let sign = match offset.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let two = |text: &str| {
                let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                digits.then(|| text.parse::<i64>().ok())?
            };
            let (hours, minutes) = (two(hours)?, two(minutes)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 60 + minutes)
        }
    };
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let days_before = (year * 365 + leaps(year - 1)) - (1970 * 365 + leaps(1969));
    let months: i64 = lengths[..usize::try_from(month - 1).ok()?].iter().sum();
    let clock = (hour * 60 + minute - offset) * 60 + second;
    let seconds = (days_before + months + day - 1) * 86_400 + clock;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let start =
        if seconds < 0 { UNIX_EPOCH.checked_sub(whole)? } else { UNIX_EPOCH.checked_add(whole)? };
    start.checked_add(Duration::from_nanos(fraction.into()))
}
