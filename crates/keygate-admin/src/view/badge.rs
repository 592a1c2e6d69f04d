//! The states of clients and keys, as short coloured words.

use keygate::manage::KeyStatus;
use maud::{Markup, html};

/// Renders the state of a client.
pub(crate) fn client(enabled: bool) -> Markup {
    if enabled { badge("ok", "enabled") } else { badge("muted", "disabled") }
}

/// Renders the status of a key.
pub(crate) fn key(status: KeyStatus) -> Markup {
    let class = match status {
        KeyStatus::Active => "ok",
        KeyStatus::NotYetValid | KeyStatus::Replaced => "warn",
        KeyStatus::Revoked => "bad",
        KeyStatus::Disabled | KeyStatus::Expired | _ => "muted",
    };
    badge(class, key_word(status))
}

/// Returns the word for the status of a key.
pub(crate) fn key_word(status: KeyStatus) -> &'static str {
    match status {
        KeyStatus::NotYetValid => "not yet valid",
        KeyStatus::Disabled => "client disabled",
        status => status.name(),
    }
}

fn badge(class: &str, word: &str) -> Markup {
    html! { span.badge.(class) { (word) } }
}
