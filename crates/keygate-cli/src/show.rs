//! Clients and keys as text for people and as JSON for programs.

use std::fmt;
use std::time::{Duration, SystemTime};

use clap::builder::styling::Style;
use keygate::KeyId;
use keygate::key::{KeyState, Timestamp};
use keygate::manage::{ClientInfo, KeyInfo};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{GREEN, Output, RED, YELLOW};

/// What a key is good for. Where several words apply, the first of the list is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Revoked,
    Expired,
    Disabled,
    Replaced(KeyId),
    Expiring,
    Active,
}

impl State {
    /// A key that ends before `soon` has passed is said to be expiring.
    pub(crate) fn of(key: &KeyInfo, now: SystemTime, soon: Duration) -> Self {
        let left = key.expires.and_then(|expires| expires.duration_since(now).ok());
        match (key.state, key.replaced_by) {
            (KeyState::Revoked, _) => Self::Revoked,
            _ if key.has_expired(now) => Self::Expired,
            (KeyState::Disabled, _) => Self::Disabled,
            (_, Some(successor)) => Self::Replaced(successor),
            _ if left.is_some_and(|left| left <= soon) => Self::Expiring,
            _ => Self::Active,
        }
    }

    pub(crate) fn style(self) -> Style {
        match self {
            Self::Revoked | Self::Expired | Self::Disabled => RED,
            Self::Replaced(_) | Self::Expiring => YELLOW,
            Self::Active => GREEN,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revoked => f.write_str("revoked"),
            Self::Expired => f.write_str("expired"),
            Self::Disabled => f.write_str("disabled"),
            Self::Replaced(successor) => write!(f, "replaced by {successor}"),
            Self::Expiring => f.write_str("expiring"),
            Self::Active => f.write_str("active"),
        }
    }
}

/// The key in a sentence.
pub(crate) fn named(key: &KeyInfo) -> String {
    let label = key.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
    format!("{}{label} of {}", key.key_id, key.client)
}

pub(crate) fn key_json(key: &KeyInfo, now: SystemTime) -> Value {
    let state = match State::of(key, now, Duration::ZERO) {
        State::Replaced(_) => "replaced".to_owned(),
        state => state.to_string(),
    };
    json!({
        "key_id": key.key_id.to_string(),
        "client": key.client,
        "label": key.label,
        "state": state,
        "created": key.created.map(time),
        "expires": key.expires.map(time),
        "revoked": key.revoked.map(time),
        "replaced_by": key.replaced_by.map(|successor| successor.to_string()),
    })
}

pub(crate) fn client_json(client: &ClientInfo) -> Value {
    let profile = &client.profile;
    json!({
        "name": profile.name(),
        "enabled": client.enabled,
        "keys": client.keys,
        "scopes": scopes(client),
        "quota": profile.quota().map(ToString::to_string),
        "metadata": profile.metadata(),
    })
}

pub(crate) fn scopes(client: &ClientInfo) -> Vec<&str> {
    client.profile.scopes().iter().map(keygate::Scope::as_str).collect()
}

/// Tells what a list lacks: a list that is not whole is no success.
pub(crate) fn unreadable(rows: &[String], out: &Output) -> Result<(), Failure> {
    /// Each of so many is named.
    const TOLD: usize = 20;
    rows.iter().take(TOLD).for_each(|row| out.warn(row));
    let rest =
        if rows.len() > TOLD { format!(" (the first {TOLD} are named)") } else { String::new() };
    match rows.len() {
        0 => Ok(()),
        1 => Err(Failure::refused(
            "1 row is not in the list, and what it is about is refused: mend it in the database",
        )),
        count => Err(Failure::refused(format!(
            "{count} rows are not in the list{rest}, and what they are about is refused: \
             mend them in the database"
        ))),
    }
}

/// `1 key`, `2 keys`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// RFC 3339, in UTC.
pub(crate) fn time(time: SystemTime) -> String {
    // Stores hold only times that can be written.
    Timestamp::try_from(time).map_or_else(|error| error.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000)
    }

    fn key(change: impl FnOnce(&mut KeyInfo)) -> KeyInfo {
        let mut key = KeyInfo::new("1f0c2b7a9d3e4c58".parse().unwrap(), "App 1");
        change(&mut key);
        key
    }

    #[test]
    fn state_is_what_the_key_is_good_for() {
        let other: KeyId = "08c1d5e2f3a4b596".parse().unwrap();
        let soon = Some(now() + WEEK / 2);
        let state = |change: &dyn Fn(&mut KeyInfo)| State::of(&key(change), now(), WEEK);

        assert_eq!(state(&|_| {}), State::Active);
        assert_eq!(state(&|key| key.expires = Some(now() + 2 * WEEK)), State::Active);
        assert_eq!(state(&|key| key.expires = Some(now() + WEEK)), State::Expiring);
        assert_eq!(state(&|key| key.expires = Some(now())), State::Expired);
        assert_eq!(state(&|key| key.state = KeyState::Disabled), State::Disabled);
        assert_eq!(
            state(&|key| (key.expires, key.replaced_by) = (soon, Some(other))),
            State::Replaced(other)
        );
        assert_eq!(
            state(&|key| (key.expires, key.replaced_by) = (Some(now()), Some(other))),
            State::Expired
        );
        assert_eq!(
            state(&|key| (key.expires, key.state) = (Some(now()), KeyState::Revoked)),
            State::Revoked
        );
    }

    #[test]
    fn json_of_a_key_says_times_in_utc_and_one_word_of_state() {
        let key = key(|key| {
            key.expires = Some(now() + WEEK);
            key.replaced_by = Some("08c1d5e2f3a4b596".parse().unwrap());
        });
        let expected = json!({
            "key_id": "1f0c2b7a9d3e4c58",
            "client": "App 1",
            "label": null,
            "state": "replaced",
            "created": null,
            "expires": "2027-01-22T08:00:00Z",
            "revoked": null,
            "replaced_by": "08c1d5e2f3a4b596",
        });
        assert_eq!(key_json(&key, now()), expected);
    }
}
