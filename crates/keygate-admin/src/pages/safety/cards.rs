use keygate::manage::AuditKind;
use maud::{Markup, html};

use super::counts::Counts;
use crate::app::App;
use crate::view::time::grouped;

/// A card and the list that it links to.
pub(super) struct Card {
    /// The last segment of its URL, as in `/safety/never-expires`.
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// What the findings are, and what to do about them.
    pub(super) text: &'static str,
    pub(super) kinds: &'static [AuditKind],
    pub(super) needs: Needs,
    /// Whether the list shows keys.
    pub(super) of_keys: bool,
}

/// The data that a card needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Only the clients and keys of the store.
    Lists,
    /// The last use of keys.
    Usage,
    /// The last use of keys over 90 days, the period of [`Audit`](keygate::manage::Audit).
    LongUsage,
    /// The key file.
    File,
}

const fn card(
    path: &'static str,
    title: &'static str,
    text: &'static str,
    kinds: &'static [AuditKind],
) -> Card {
    Card { path, title, text, kinds, needs: Needs::Lists, of_keys: true }
}

/// All cards, the most urgent first.
pub(super) const CARDS: &[Card] = &[
    Card {
        needs: Needs::File,
        of_keys: false,
        ..card(
            "weak",
            "Weak or plaintext",
            "Keys in the file that are easy to guess, or that are stored in plaintext. Replace weak keys. `keygate \
             hash` turns plaintext keys into digests.",
            &[AuditKind::WeakKey, AuditKind::Plaintext],
        )
    },
    Card {
        needs: Needs::Usage,
        ..card(
            "replaced-but-used",
            "Replaced but still in use",
            "Rotated keys that have been used since. Their clients have not switched to the new key.",
            &[AuditKind::ReplacedButUsed],
        )
    },
    card(
        "never-expires",
        "Never expires",
        "Working keys without an expiry. Set an expiry, or rotate them.",
        &[AuditKind::NeverExpires],
    ),
    card(
        "beyond-policy",
        "Beyond the policy",
        "Keys with a longer lifetime than the store’s policy allows. Set an earlier expiry, or rotate them.",
        &[AuditKind::BeyondPolicy],
    ),
    Card {
        needs: Needs::LongUsage,
        ..card(
            "unused",
            "Unused for 90 days",
            "Working keys that nobody has used for 90 days. Revoke the keys that are no longer needed.",
            &[AuditKind::Unused],
        )
    },
    Card {
        needs: Needs::Usage,
        ..card(
            "replaced-and-unused",
            "Replaced and no longer used",
            "Rotated keys that have not been used for at least a day since their successors began to work. Revoke them if \
             nothing needs them.",
            &[AuditKind::ReplacedAndUnused],
        )
    },
    Card {
        of_keys: false,
        ..card(
            "no-quota",
            "No quota",
            "Enabled clients for which no quota is set. Set a quota, or `unlimited`.",
            &[AuditKind::NoQuota],
        )
    },
    Card {
        of_keys: false,
        ..card(
            "no-keys",
            "Clients without keys",
            "Enabled clients without a working key. Issue a key, or disable the client.",
            &[AuditKind::NoKeys],
        )
    },
    card(
        "no-networks",
        "Valid from nowhere",
        "Keys whose clients have lost the networks of the key. Change the networks of the key or the client, or revoke \
         the key.",
        &[AuditKind::NoNetworks],
    ),
    card(
        "safe-to-remove",
        "Safe to remove",
        "Keys that were revoked or expired more than 90 days ago. `keygate key purge --revoked-before 90d \
        --expired-before 90d` removes them.",
        &[AuditKind::Removable],
    ),
];

impl Card {
    pub(super) fn show(&self, app: &App, counts: &Counts, count: usize) -> Markup {
        let what = if !self.of_keys && self.needs == Needs::Lists { "clients" } else { "keys" };
        html! {
            section.card {
                h2 { (self.title) }
                @if counts.knows(self.needs) {
                    p.count.found[count > 0] { (grouped(count as u64)) }
                    @if count > 0 {
                        p { a href=(app.url(&format!("/safety/{}", self.path))) {
                            @if self.needs == Needs::File { "Show where" }
                            @else { "Show " (if count == 1 { what.trim_end_matches('s') } else { what }) }
                            span.visually-hidden { ": " (self.title) }
                        } }
                    }
                } @else {
                    (not_known(self.needs))
                }
            }
        }
    }
}

/// Returns the reason why a card has no number.
pub(super) fn not_known(needs: Needs) -> Markup {
    html! {
        p.muted {
            @match needs {
                Needs::File => { "Not known, because this page was started without the key file. " code { "keygate audit" } " checks it." }
                Needs::Usage => { "Not known without the last use of keys." }
                Needs::LongUsage => { "Not known without the last use of keys over 90 days." }
                Needs::Lists => {}
            }
        }
    }
}
