use keygate::manage::AuditKind;
use maud::{Markup, html};

use super::counts::Counts;
use crate::app::App;
use crate::view::time::grouped;

/// A card, and the list that it links to.
pub(super) struct Card {
    /// The end of its address: `/safety/never-expires`.
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// What was found, and the way out.
    pub(super) text: &'static str,
    pub(super) kinds: &'static [AuditKind],
    pub(super) needs: Needs,
    /// Whether the list is of keys.
    pub(super) of_keys: bool,
}

/// What a card is made from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// The clients and keys of the store.
    Lists,
    /// When keys were last used.
    Usage,
    /// The same for 90 days, the time of [`Audit`](keygate::manage::Audit).
    LongUsage,
    /// The text of the key file.
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
            "Weak or in plaintext",
            "Keys in the file that can be guessed, or that stand there as they are. Replace weak keys; `keygate hash` turns \
             keys into digests.",
            &[AuditKind::WeakKey, AuditKind::Plaintext],
        )
    },
    Card {
        needs: Needs::Usage,
        ..card(
            "replaced-but-used",
            "Replaced but still used",
            "Keys that were rotated, and have been used since. Their clients have not changed to the new key.",
            &[AuditKind::ReplacedButUsed],
        )
    },
    card(
        "never-expires",
        "Never expires",
        "Keys that work and have no expiry. Set one, or rotate them.",
        &[AuditKind::NeverExpires],
    ),
    card(
        "beyond-policy",
        "Beyond the policy",
        "Keys that work for longer than the policy of the store allows. Set an earlier expiry, or rotate them.",
        &[AuditKind::BeyondPolicy],
    ),
    Card {
        needs: Needs::LongUsage,
        ..card(
            "unused",
            "Unused for 90 days",
            "Keys that work, and that nobody has used for 90 days. Revoke those that nobody needs.",
            &[AuditKind::Unused],
        )
    },
    Card {
        needs: Needs::Usage,
        ..card(
            "safe-to-revoke",
            "Safe to revoke",
            "Keys that were rotated, and have not been used since. Nobody misses them.",
            &[AuditKind::ReplacedAndUnused],
        )
    },
    Card {
        of_keys: false,
        ..card(
            "no-quota",
            "No quota",
            "Enabled clients without a quota of their own. Set one, or `unlimited`.",
            &[AuditKind::NoQuota],
        )
    },
    Card {
        of_keys: false,
        ..card(
            "no-keys",
            "Client without keys",
            "Enabled clients without a key that works. Issue one, or disable the client.",
            &[AuditKind::NoKeys],
        )
    },
    card(
        "safe-to-remove",
        "Safe to remove",
        "Keys that were revoked or have expired more than 90 days ago. `keygate key purge --revoked-before 90d \
         --expired-before 90d` removes exactly these.",
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

/// Says why something is not known.
pub(super) fn not_known(needs: Needs) -> Markup {
    html! {
        p.muted {
            @match needs {
                Needs::File => { "Not known here: this page was started without the key file. " code { "keygate audit" } " reads it." }
                Needs::Usage => { "Not known here: this needs the last use of keys." }
                Needs::LongUsage => { "Not known here: this needs the last use of keys over 90 days." }
                Needs::Lists => {}
            }
        }
    }
}
