use std::time::{Duration, SystemTime};

const UNITS: [(u64, &str); 4] =
    [(365 * 24 * 60 * 60, "years"), (24 * 60 * 60, "days"), (60 * 60, "hours"), (60, "minutes")];

/// Formats a time relative to now: `in 3 days`, `5 minutes ago`, `now`.
pub(crate) fn from_now(time: SystemTime, now: SystemTime) -> String {
    match time.duration_since(now) {
        Ok(ahead) if ahead.as_secs() == 0 => "now".to_owned(),
        Ok(ahead) => format!("in {}", length(ahead)),
        Err(behind) if behind.duration().as_secs() == 0 => "now".to_owned(),
        Err(behind) => format!("{} ago", length(behind.duration())),
    }
}

/// Formats a duration in the largest unit with a count of at least 2, rounded down.
pub(crate) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    // A duration up to a sixtieth of a unit short is rounded up, so that a key issued for 90 days shows 90 days at
    // first.
    let count = |unit: u64| seconds.saturating_add(unit / 60) / unit;
    let found =
        UNITS.iter().map(|(unit, name)| (count(*unit), *name)).find(|(count, _)| *count >= 2);
    match found {
        Some((count, name)) => format!("{count} {name}"),
        None if seconds == 1 => "1 second".to_owned(),
        None => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn duration_is_shown_in_the_largest_unit_above_one() {
        let cases = [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (119, "2 minutes"),
            (2 * HOUR - 61, "119 minutes"),
            (2 * HOUR - 60, "2 hours"),
            (36 * HOUR, "36 hours"),
            (3 * DAY - HOUR, "2 days"),
            (90 * DAY - 5 * 60, "90 days"),
            (90 * DAY, "90 days"),
            (700 * DAY, "700 days"),
            (800 * DAY, "2 years"),
        ];
        for (seconds, text) in cases {
            assert_eq!(length(Duration::from_secs(seconds)), text, "{seconds}");
        }
        assert!(length(Duration::MAX).ends_with(" years"));
    }

    #[test]
    fn time_is_ahead_ago_or_now() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        assert_eq!(from_now(now + Duration::from_secs(3 * DAY), now), "in 3 days");
        assert_eq!(from_now(now - Duration::from_secs(5 * HOUR), now), "5 hours ago");
        assert_eq!(from_now(now - Duration::from_secs(1), now), "1 second ago");
        assert_eq!(from_now(now, now), "now");
        assert_eq!(from_now(now - Duration::from_millis(999), now), "now");
        assert_eq!(from_now(now + Duration::from_millis(999), now), "now");
    }
}
