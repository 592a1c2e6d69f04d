//! When the keys of a client were last used, and how often today.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::KeyId;
use keygate::manage::{KeyInfo, LastUsed};
use keygate::observe::{LastUses, UsageQuery};
use maud::{Markup, html};

use super::first_steps;
use crate::app::App;
use crate::view::time::{self, DAY, counted};

/// What the usage says about the keys of a client.
pub(super) enum Uses {
    /// No usage is given to the page.
    NotKept,
    /// The usage could not be read.
    Unreadable(String),
    Known {
        last: LastUses,
        today: HashMap<KeyId, u64>,
    },
}

impl Uses {
    /// Reads the uses. A failure is no reason to show nothing.
    pub(super) async fn of_client(app: &App, client: &str) -> Self {
        let Some(usage) = &app.usage else { return Self::NotKept };
        let today = UsageQuery::new().for_client(client).since(start_of_day(app.now()));
        let (last, today) = match (usage.last_uses(Some(client)).await, usage.keys(&today).await) {
            (Ok(last), Ok(today)) => (last, today),
            (Err(error), _) | (_, Err(error)) => return Self::Unreadable(error.to_string()),
        };
        let today = today.into_iter().filter(|key| key.client == client);
        let today = today.map(|key| (key.key_id, key.totals.requests)).collect();
        Self::Known { last, today }
    }

    /// Returns when a key was last used.
    pub(super) fn last_used(&self, key: &KeyInfo) -> LastUsed {
        if let Self::Known { last, .. } = self { last.of(key) } else { LastUsed::Unknown }
    }

    /// Returns the number of requests with a key today, if it is known.
    pub(super) fn today(&self, key_id: KeyId) -> Option<u64> {
        match self {
            Self::Known { today, .. } => Some(today.get(&key_id).copied().unwrap_or_default()),
            _ => None,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known { .. })
    }

    /// Says how often the keys were used today, all together.
    pub(super) fn of_all(&self, _now: SystemTime) -> Markup {
        match self {
            Self::Known { today, .. } => {
                let requests = today.values().sum();
                html! { p { (counted(requests, "request")) " came with them today (UTC)." } }
            }
            _ => self.why_unknown(),
        }
    }

    /// Says when a key was last used, and how often today.
    pub(super) fn of_key(&self, key: &KeyInfo, now: SystemTime) -> Markup {
        let Some(today) = self.today(key.key_id) else { return self.why_unknown() };
        html! {
            p {
                @match self.last_used(key) {
                    LastUsed::At(used) => { "It was last used " strong { (time::relative(used, now)) } ", and by " }
                    LastUsed::Never => { "It was never used, and by " }
                    _ => { "It was not used since usage is watched, and by " }
                }
                strong { (counted(today, "request")) } " today (UTC)."
            }
        }
    }

    /// Says why nothing is known, if so.
    pub(super) fn why_unknown(&self) -> Markup {
        match self {
            Self::Known { .. } => html! {},
            Self::NotKept => first_steps::no_usage(),
            Self::Unreadable(why) => html! {
                div.notice.warn role="status" { p { "The usage cannot be read now (" (why) "), so that last uses "
                    "are missing here." } }
            },
        }
    }
}

/// Returns the beginning of the day in UTC.
pub(crate) fn start_of_day(now: SystemTime) -> SystemTime {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    UNIX_EPOCH + Duration::from_secs(since - since % DAY.as_secs())
}
