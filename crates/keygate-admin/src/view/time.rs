//! Human-readable times and durations.

use std::time::{Duration, SystemTime};

use keygate::key::Timestamp;
use keygate::manage::LastUsed;
use maud::{Markup, html};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Renders a time relative to now, with the full time as its title.
pub(crate) fn relative(time: SystemTime, now: SystemTime) -> Markup {
    html! { time datetime=(rfc3339(time)) title=(utc(time)) { (from_now(time, now)) } }
}

/// Renders a time relative to now, or `missing` if there is none.
pub(crate) fn optional(time: Option<SystemTime>, now: SystemTime, none: &str) -> Markup {
    html! {
        @if let Some(time) = time { (relative(time, now)) }
        @else { span.muted { (none) } }
    }
}

/// Renders when a key was last used.
pub(crate) fn last_used(last_used: LastUsed, now: SystemTime) -> Markup {
    match last_used {
        LastUsed::At(time) => relative(time, now),
        LastUsed::Never => html! { span.muted { "never" } },
        _ => html! { span.muted { "not known" } },
    }
}

/// Formats a time in whole seconds, as in `2027-01-31 08:00:00 UTC`.
pub(crate) fn utc(time: SystemTime) -> String {
    rfc3339(time).replace('T', " ").replace('Z', " UTC")
}

/// Formats a time as its date in UTC, as in `2027-01-31`.
pub(crate) fn day(time: SystemTime) -> String {
    rfc3339(time)[..10].to_owned()
}

/// Parses a date, and returns the start of that day in UTC.
pub(crate) fn parse_day(text: &str) -> Option<SystemTime> {
    let is_day = text.len() == 10;
    let time = format!("{text}T00:00:00Z").parse::<Timestamp>();
    time.ok().filter(|_| is_day).map(Timestamp::system_time)
}

fn rfc3339(time: SystemTime) -> String {
    Timestamp::nearest(time).whole_second().to_string()
}

const UNITS: [(Duration, &str); 4] = [
    (Duration::from_secs(365 * 24 * 60 * 60), "year"),
    (DAY, "day"),
    (HOUR, "hour"),
    (MINUTE, "minute"),
];

/// Formats a time relative to now: `in 3 days`, `5 minutes ago`, `just now`.
pub(crate) fn from_now(time: SystemTime, now: SystemTime) -> String {
    match time.duration_since(now) {
        Ok(ahead) if ahead.as_secs() == 0 => "now".to_owned(),
        Ok(ahead) => format!("in {}", length(ahead)),
        Err(behind) if behind.duration() < MINUTE => "just now".to_owned(),
        Err(behind) => format!("{} ago", length(behind.duration())),
    }
}

/// Formats a duration in its largest unit, rounded down; days up to two years.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    // A duration up to a sixtieth of a unit short is rounded up, so that a key issued for 90 days shows 90 days at
    // first.
    let count = |unit: Duration| seconds.saturating_add(unit.as_secs() / 60) / unit.as_secs();
    let least = |name: &str| if name == "year" { 2 } else { 1 };
    let found = UNITS.iter().map(|(unit, name)| (count(*unit), *name));
    match found.clone().find(|(count, name)| *count >= least(name)) {
        Some((count, name)) => counted(count, name),
        None => counted(seconds, "second"),
    }
}

/// Formats a number with a noun, as in `1 key` or `2 keys`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// Formats a number in groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn durations_are_shown_in_the_largest_unit() {
        let cases = [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "1 minute"),
            (60, "1 minute"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (90 * 86_400 - 300, "90 days"),
            (700 * 86_400, "700 days"),
            (800 * 86_400, "2 years"),
        ];
        for (seconds, text) in cases {
            assert_eq!(length(Duration::from_secs(seconds)), text, "{seconds}");
        }
    }

    #[test]
    fn times_are_relative_and_numbers_are_grouped() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(from_now(now + 3 * DAY, now), "in 3 days");
        assert_eq!(from_now(now - 5 * HOUR, now), "5 hours ago");
        assert_eq!(from_now(now - Duration::from_secs(30), now), "just now");
        assert_eq!(utc(now), "2027-01-15 08:00:00 UTC");
        assert_eq!(day(now), "2027-01-15");
        assert_eq!([1, 999, 1_000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn only_whole_days_parse() {
        assert_eq!(parse_day("1970-01-02"), Some(UNIX_EPOCH + DAY));
        for text in ["", "1970-13-02", "1970-01-02T00:00:00Z", "1970-1-2", "today", "1969-01-01"] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }
}
