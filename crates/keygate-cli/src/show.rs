//! Clients and keys as readable text and as JSON.

use std::fmt;
use std::time::{Duration, SystemTime};

use clap::builder::styling::Style;
use keygate::KeyId;
use keygate::key::Timestamp;
use keygate::manage::{ClientInfo, KeyInfo, KeyStatus, Policy};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::history::Watched;
use crate::output::{GREEN, Output, RED, YELLOW};
use crate::relative;

/// Keys that expire within this time are shown as expiring.
pub(crate) const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The status of a key in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownStatus {
    /// The key is active and expires soon.
    Expiring,
    Replaced {
        successor: KeyId,
    },
    Other(KeyStatus),
}

impl ShownStatus {
    /// Returns the status. A key that expires within `soon` is shown as expiring.
    pub(crate) fn of(key: &KeyInfo, now: SystemTime, soon: Duration) -> Self {
        let left = key.expires().and_then(|expires| expires.duration_since(now).ok());
        match (key.status(now), key.replaced_by) {
            (KeyStatus::Active, _) if left.is_some_and(|left| left <= soon) => Self::Expiring,
            (KeyStatus::Replaced, Some(successor)) => Self::Replaced { successor },
            (status, _) => Self::Other(status),
        }
    }

    pub(crate) fn style(self) -> Style {
        match self {
            Self::Other(KeyStatus::Active) => GREEN,
            Self::Replaced { .. } | Self::Other(KeyStatus::NotYetValid) | Self::Expiring => YELLOW,
            Self::Other(_) => RED,
        }
    }
}

impl fmt::Display for ShownStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expiring => f.write_str("expiring"),
            Self::Other(KeyStatus::NotYetValid) => f.write_str("not yet valid"),
            Self::Replaced { successor } => write!(f, "replaced by {successor}"),
            Self::Other(status) => status.fmt(f),
        }
    }
}

/// Describes a key in a sentence, by its ID, label and client.
pub(crate) fn named(key: &KeyInfo) -> String {
    with_details(&key.key_id.to_string(), key)
}

/// Describes a new key in a sentence. In a dry run, it has no ID.
pub(crate) fn named_new(key: &KeyInfo, out: &Output) -> String {
    if out.is_dry_run() { with_details("a key", key) } else { named(key) }
}

fn with_details(id: &str, key: &KeyInfo) -> String {
    let label = key.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
    format!("{id}{label} of {}", key.client)
}

/// Returns the key as JSON, with its current status as its state.
pub(crate) fn key_json(key: &KeyInfo, now: SystemTime) -> Value {
    let mut json = json!(key);
    json["state"] = json!(key.status(now));
    json
}

/// Returns whether a key works for longer than the policy allows. Expired keys do not count.
pub(crate) fn is_beyond(key: &KeyInfo, policy: &Policy, now: SystemTime) -> bool {
    !policy.allows(key) && !key.has_expired(now)
}

/// Returns the key as JSON, with a field for whether it is beyond the policy.
pub(crate) fn listed_json(key: &KeyInfo, policy: &Policy, now: SystemTime) -> Value {
    let mut json = key_json(key, now);
    json["beyond_policy"] = is_beyond(key, policy, now).into();
    json
}

/// Describes when a key works: `begins in 24 hours, expires in 3 days`. A beginning in the past is left out.
pub(crate) fn lifetime(key: &KeyInfo, now: SystemTime) -> String {
    let expiry = expiry(key, now);
    match key.not_before().filter(|begins| *begins > now) {
        Some(begins) => format!("begins {}, {expiry}", relative::from_now(begins, now)),
        None => expiry,
    }
}

/// Describes when a key expires: `expires in 3 days`, or `never expires`.
pub(crate) fn expiry(key: &KeyInfo, now: SystemTime) -> String {
    key.expires().map_or_else(
        || "never expires".to_owned(),
        |expires| format!("expires {}", relative::from_now(expires, now)),
    )
}

/// Joins a list with spaces.
pub(crate) fn joined(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

pub(crate) fn scopes(client: &ClientInfo) -> Vec<&str> {
    client.profile.scopes().iter().map(keygate::Scope::as_str).collect()
}

/// Prints a note on when the recording of last uses began.
pub(crate) fn watched(watched: Option<&Watched>, out: &Output) {
    if let Some(watched) = watched {
        out.note(&since_when("last use", watched));
    }
}

/// Describes when something was recorded.
pub(crate) fn since_when(what: &str, watched: &Watched) -> String {
    match watched {
        Watched::Current { since, .. } => format!("{what} recorded since {}", time(*since)),
        Watched::Never => {
            format!("{what} was never recorded: start a `UsageWriter` in the service")
        }
        Watched::Ended { since, until } => format!(
            "{what} recorded from {} until {}, and not since: start a `UsageWriter` in the service",
            time(*since),
            time(*until)
        ),
    }
}

/// Warns about rows that are missing from a list, and fails if there are any.
pub(crate) fn unreadable(rows: &[String], out: &Output) -> Result<(), Failure> {
    const MAX_WARNINGS: usize = 20;
    rows.iter().take(MAX_WARNINGS).for_each(|row| out.warn(row));
    let rest = if rows.len() > MAX_WARNINGS {
        format!(" (see the first {MAX_WARNINGS} above)")
    } else {
        String::new()
    };
    match rows.len() {
        0 => Ok(()),
        1 => Err(Failure::refused(
            "1 row cannot be read and is not listed; its client or key is refused: repair it in the database",
        )),
        count => Err(Failure::refused(format!(
            "{count} rows cannot be read and are not listed{rest}; their clients or keys are refused: \
             repair them in the database"
        ))),
    }
}

/// Warns about events that are missing from a list, and fails if there are any.
pub(crate) fn unreadable_events(rows: &[String], out: &Output) -> Result<(), Failure> {
    for row in rows {
        out.warn(row);
    }
    match rows.len() {
        0 => Ok(()),
        count => {
            let counted = counted(count, "recorded change");
            Err(Failure::refused(format!(
                "{counted} cannot be read and not listed: see the warnings"
            )))
        }
    }
}

/// Formats a count with a noun: `1 key`, `2 keys`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Formats a time, followed by its distance from now: `2027-01-31T00:00:00Z (in 3 days)`.
pub(crate) fn moment(instant: Option<SystemTime>, none: &str, now: SystemTime) -> String {
    instant.map_or_else(
        || none.to_owned(),
        |instant| format!("{} ({})", time(instant), relative::from_now(instant, now)),
    )
}

/// Formats how long ago a key was used. Only the minute of the use is known, and it may have begun before the key was
/// issued.
pub(crate) fn last_minute(used: SystemTime, now: SystemTime) -> String {
    const RECENT: Duration = Duration::from_secs(2 * 60);
    match now.duration_since(used) {
        Ok(age) if age >= RECENT => relative::from_now(used, now),
        _ => "just now".to_owned(),
    }
}

/// Formats a time as RFC 3339 in UTC.
pub(crate) fn time(time: SystemTime) -> String {
    // Every time in a store can be formatted.
    Timestamp::try_from(time).map_or_else(|error| error.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use keygate::key::Lifetime;

    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn until(expires: SystemTime) -> Lifetime {
        Lifetime::default().with_expiry(expires)
    }

    fn key(change: impl FnOnce(&mut KeyInfo)) -> KeyInfo {
        let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        change(&mut key);
        key
    }

    #[test]
    fn active_key_near_its_end_is_shown_as_expiring() {
        let status =
            |change: &dyn Fn(&mut KeyInfo)| ShownStatus::of(&key(change), now(), WEEK).to_string();
        assert_eq!(status(&|_| {}), "active");
        assert_eq!(status(&|key| key.lifetime = until(now() + 2 * WEEK)), "active");
        assert_eq!(status(&|key| key.lifetime = until(now() + WEEK)), "expiring");
        let soon_and_replaced = status(&|key| {
            key.lifetime = until(now() + WEEK / 2);
            key.replaced_by = Some("08c1d5e2f3a4b596".parse().unwrap());
        });
        assert_eq!(soon_and_replaced, "replaced by 08c1d5e2f3a4b596");
    }

    #[test]
    fn key_that_begins_later_is_not_shown_as_ended() {
        let later = Lifetime::default().with_not_before(now() + WEEK);
        let status = ShownStatus::of(&key(|key| key.lifetime = later), now(), WEEK);
        assert_eq!((status.to_string(), status.style()), ("not yet valid".to_owned(), YELLOW));
    }

    #[test]
    fn use_of_the_last_two_minutes_is_just_now() {
        let ago = |seconds| last_minute(now() - Duration::from_secs(seconds), now());
        assert_eq!([ago(0), ago(119), ago(120)], ["just now", "just now", "2 minutes ago"]);
        assert_eq!(last_minute(now() + WEEK, now()), "just now");
    }

    #[test]
    fn quota_in_json_is_as_in_a_key_file() {
        let rate: keygate::client::Rate = "100/minute".parse().unwrap();
        let quota = rate.with_burst(20).unwrap().into();
        let client = ClientInfo::new(keygate::ClientProfile::new("App 1").with_quota(quota));
        assert_eq!(
            json!(client).to_string(),
            r#"{"enabled":true,"keys":0,"metadata":{},"name":"App 1","networks":[],"quota":{"burst":20,"rate":"100/minute"},"scopes":[],"title":null}"#
        );
    }

    #[test]
    fn json_of_a_key_holds_status_and_utc_times() {
        let key = key(|key| {
            key.lifetime = until(now() + WEEK);
            key.replaced_by = Some("08c1d5e2f3a4b596".parse().unwrap());
        });
        assert_eq!(
            key_json(&key, now()).to_string(),
            r#"{"client":"App 1","created":null,"expires":"2027-01-22T08:00:00Z","key_id":"1f0c2b7a9d3e4c58","label":null,"last_used":"unknown","networks":[],"not_before":null,"replaced_by":"08c1d5e2f3a4b596","revoked":null,"scopes":[],"state":"replaced"}"#
        );
    }
}
