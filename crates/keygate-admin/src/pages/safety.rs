//! Clients and keys that need attention: cards with counts, and the lists behind them.
//!
//! Both come from the library's `Audit::findings`, which `keygate audit` also uses.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use keygate::KeyId;
use keygate::manage::{Audit, AuditFinding, AuditKind, KeyInfo};
use keygate::observe::UsageWatch;
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageError, PageResult, sentence};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::table::unreadable;
use crate::view::time::{counted, relative};
use crate::view::{Params, with_code};

mod cards;
pub(crate) mod counts;
mod list;

use cards::{CARDS, Card, Needs};
use counts::Counts;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/safety", get(show)).route("/safety/{card}", get(show_card))
}

/// The findings, with the counts of the cards.
struct Safety {
    findings: Vec<AuditFinding>,
    keys: HashMap<KeyId, KeyInfo>,
    counts: Counts,
}

/// The state of the usage history.
enum KeptUsage {
    NotGiven,
    Unreadable(String),
    NotWritten,
    /// It was recorded during this time, and still is.
    Watched(Range<SystemTime>),
    /// No service has recorded usage since this time.
    Ended(SystemTime),
}

impl KeptUsage {
    fn watched(&self) -> Option<&Range<SystemTime>> {
        if let Self::Watched(watched) = self { Some(watched) } else { None }
    }
}

impl Safety {
    async fn read(app: &App) -> Result<Self, PageError> {
        let clients = app.store.list_readable_clients().await?;
        let mut keys = app.store.list_readable_keys(None).await?;
        let usage = last_uses(app, &mut keys.found).await;
        let report = match &app.health {
            Some(health) => Some(health.report().await),
            None => None,
        };
        let in_file = report.and_then(|report| report.findings);
        let knows_file = in_file.is_some();
        let audit = Audit::new()
            .with_policy(app.store.policy().await?)
            .with_watched(usage.watched().cloned())
            .with_file(in_file.unwrap_or_default());
        let now = app.now();
        let findings = audit.findings(&clients.found, &keys.found, now);
        let unreadable = [clients.unreadable, keys.unreadable].concat();
        let keys: HashMap<_, _> = keys.found.into_iter().map(|key| (key.key_id, key)).collect();
        let counts = Counts {
            keys: keys.len(),
            found: CARDS.iter().map(|card| of(&findings, card).count()).collect(),
            unreadable,
            usage,
            now,
            knows_file,
        };
        Ok(Self { findings, keys, counts })
    }

    fn of<'s>(&'s self, card: &Card) -> impl Iterator<Item = &'s AuditFinding> {
        of(&self.findings, card)
    }
}

fn of<'f>(findings: &'f [AuditFinding], card: &Card) -> impl Iterator<Item = &'f AuditFinding> {
    let kinds: &'static [AuditKind] = card.kinds;
    findings.iter().filter(move |finding| kinds.contains(&finding.kind))
}

async fn last_uses(app: &App, keys: &mut [KeyInfo]) -> KeptUsage {
    let Some(usage) = &app.usage else { return KeptUsage::NotGiven };
    match usage.last_uses(None).await {
        Err(error) => KeptUsage::Unreadable(sentence(&error.to_string())),
        Ok(uses) => {
            uses.add_to(keys);
            match uses.watch() {
                UsageWatch::Never => KeptUsage::NotWritten,
                UsageWatch::Current { since, until } => KeptUsage::Watched(since..until),
                UsageWatch::Ended { until, .. } => KeptUsage::Ended(until),
            }
        }
    }
}

async fn show(State(app): State<Arc<App>>, operator: Operator, params: Params) -> PageResult {
    let is_fresh = params.text("count") == "again";
    let (counts, are_kept) = app.safety.get(&app, is_fresh).await?;
    let body = html! {
        p.muted { "Findings among " (counted(counts.keys as u64, "key")) ". "
            code { "keygate audit" } " reports the same." }
        @if are_kept {
            p.muted { "Counted " (relative(counts.now, app.now())) ". "
                a href=(app.url("/safety?count=again")) { "Count again" } }
        }
        (unreadable(&app, &counts.unreadable))
        (kept_usage(&app, &counts.usage))
        div.grid {
            @for (card, found) in CARDS.iter().zip(&counts.found) { (card.show(&app, &counts, *found)) }
        }
    };
    Ok(page(&app, &operator, "Key safety", Section::Safety, body))
}

/// Describes how complete the cards about last use are.
fn kept_usage(app: &App, usage: &KeptUsage) -> Markup {
    match usage {
        KeptUsage::NotGiven => super::first_steps::no_usage(),
        KeptUsage::NotWritten => html! {
            p.muted { "No service has recorded usage yet, so the last use of keys is not known." }
        },
        KeptUsage::Ended(until) => html! {
            div.notice.warn role="status" {
                p { "No service has recorded usage since " (relative(*until, app.now())) ", so it is not known which keys \
                     are unused." }
            }
        },
        KeptUsage::Unreadable(why) => html! {
            div.notice.warn role="status" {
                p { "The last use of keys cannot be read, so three of the cards have no number. The others are \
                     complete. " (why) }
            }
        },
        KeptUsage::Watched(watched) => html! {
            p.muted { "The last use of keys is known since " (relative(watched.start, app.now())) ". A key counts as unused \
                only if usage was recorded for the whole time." }
        },
    }
}

async fn show_card(
    State(app): State<Arc<App>>,
    operator: Operator,
    Path(name): Path<String>,
    params: Params,
) -> PageResult {
    let card = CARDS.iter().find(|card| card.path == name);
    let card =
        card.ok_or_else(|| PageError::NotFound("There is no list with this name.".to_owned()))?;
    let safety = Safety::read(&app).await?;
    let body = html! {
        p { a href=(app.url("/safety")) { "Back to key safety" } }
        p { (with_code(card.text)) }
        (unreadable(&app, &safety.counts.unreadable))
        @if safety.counts.knows(card.needs) {
            (list::show(&app, &safety, card, params.text("page")))
        } @else {
            (cards::not_known(card.needs))
            @match &safety.counts.usage {
                _ if card.needs == Needs::File => {}
                KeptUsage::Unreadable(why) => { (super::uses::unreadable(why)) }
                usage => { (kept_usage(&app, usage)) }
            }
        }
    };
    Ok(page(&app, &operator, card.title, Section::Safety, body))
}
