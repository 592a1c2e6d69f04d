//! The last use of a client's keys, and their requests today.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::KeyId;
use keygate::manage::{KeyInfo, LastUsed};
use keygate::observe::{LastUses, UsageQuery, UsageWatch};
use maud::{Markup, html};

use super::first_steps;
use crate::app::App;
use crate::error::sentence;
use crate::view::time::{self, DAY, counted};
use crate::view::with_code;

/// The usage of a client's keys.
pub(super) enum Uses {
    /// The page has no usage history.
    NotKept,
    /// The usage history could not be read.
    Unreadable(String),
    /// No service has recorded usage yet.
    NotWritten,
    Known {
        last: LastUses,
        today: HashMap<KeyId, u64>,
    },
}

impl Uses {
    /// Reads the usage. A failure is kept as a value, since the rest of the page can still be shown.
    pub(super) async fn of_client(app: &App, client: &str) -> Self {
        let Some(usage) = &app.usage else { return Self::NotKept };
        let today = UsageQuery::new().for_client(client).since(start_of_day(app.now()));
        let (last, today) = match (usage.last_uses(Some(client)).await, usage.keys(&today).await) {
            (Ok(last), Ok(today)) => (last, today),
            (Err(error), _) | (_, Err(error)) => return Self::Unreadable(error.to_string()),
        };
        if last.watch() == UsageWatch::Never {
            return Self::NotWritten;
        }
        let today = today.into_iter().filter(|key| key.client == client);
        let today = today.map(|key| (key.key_id, key.totals.requests)).collect();
        Self::Known { last, today }
    }

    /// Returns the last use of a key.
    pub(super) fn last_used(&self, key: &KeyInfo) -> LastUsed {
        if let Self::Known { last, .. } = self { last.of(key) } else { LastUsed::Unknown }
    }

    /// Returns the number of requests with a key today, or `None` if it is not known.
    pub(super) fn today(&self, key_id: KeyId) -> Option<u64> {
        match self {
            Self::Known { today, .. } => Some(today.get(&key_id).copied().unwrap_or_default()),
            Self::NotKept | Self::Unreadable(_) | Self::NotWritten => None,
        }
    }

    /// Returns the time during which last uses were watched.
    pub(super) fn watched(&self) -> Option<Range<SystemTime>> {
        if let Self::Known { last, .. } = self { last.watched() } else { None }
    }

    /// Returns whether a key was issued after usage was last recorded.
    fn is_new(&self, key: &KeyInfo) -> bool {
        self.watched().is_some_and(|watched| key.created.is_some_and(|time| watched.end < time))
    }

    /// Returns when the recording of usage ended, if it did.
    fn ended(&self) -> Option<SystemTime> {
        match self {
            Self::Known { last, .. } => match last.watch() {
                UsageWatch::Ended { until, .. } => Some(until),
                UsageWatch::Never | UsageWatch::Current { .. } => None,
            },
            Self::NotKept | Self::Unreadable(_) | Self::NotWritten => None,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known { .. })
    }

    /// Renders the total number of requests with the keys today.
    pub(super) fn of_all(&self, now: SystemTime) -> Markup {
        if let Some(until) = self.ended() {
            return html! { p { (ended(until, now)) } };
        }
        match self {
            Self::Known { today, .. } => {
                let requests = today.values().sum();
                html! { p { (counted(requests, "request")) " with these keys today (UTC)." } }
            }
            Self::NotKept | Self::Unreadable(_) | Self::NotWritten => self.why_unknown(now),
        }
    }

    /// Renders the last use of a key, and its number of requests today.
    pub(super) fn of_key(&self, key: &KeyInfo, now: SystemTime) -> Markup {
        let Some(today) = self.today(key.key_id) else { return self.why_unknown(now) };
        if let Some(until) = self.ended() {
            return html! {
                p {
                    @if let LastUsed::At(used) = self.last_used(key) {
                        "Last used " strong { (time::relative(used, now)) } ", as far as is known. "
                    }
                    (ended(until, now))
                }
            };
        }
        html! {
            p {
                @match self.last_used(key) {
                    LastUsed::At(used) => { "Last used " strong { (time::relative(used, now)) } ". " }
                    LastUsed::Never => { "Never used. " }
                    _ if self.is_new(key) => { "No use has been recorded yet. " }
                    _ => { "Not used since usage recording began. " }
                }
                strong { (counted(today, "request")) } " today (UTC)."
            }
        }
    }

    /// Renders the reason why the usage is not known, if there is one.
    pub(super) fn why_unknown(&self, now: SystemTime) -> Markup {
        match self {
            Self::Known { .. } => html! {
                @if let Some(until) = self.ended() { p.muted { (ended(until, now)) } }
            },
            Self::NotKept => first_steps::no_usage(),
            Self::NotWritten => not_written(),
            Self::Unreadable(why) => unreadable(why),
        }
    }
}

/// Renders the note that no service has recorded usage yet.
pub(super) fn not_written() -> Markup {
    html! { p.muted { "No service has recorded usage yet, so last uses and requests are not known." } }
}

/// Renders the note that services have stopped recording usage.
pub(super) fn ended(until: SystemTime, now: SystemTime) -> Markup {
    html! { "No service has recorded usage since " (time::relative(until, now)) ", so later use is not known." }
}

/// Renders the notice that usage cannot be read.
pub(super) fn unreadable(why: &str) -> Markup {
    html! {
        div.notice.warn role="status" {
            p { strong { "Usage cannot be read right now, so last uses and requests are not shown." } " "
                (with_code(&sentence(why))) }
        }
    }
}

/// Returns the start of the day in UTC.
pub(crate) fn start_of_day(now: SystemTime) -> SystemTime {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH + Duration::from_secs(since - since % DAY.as_secs())
}
