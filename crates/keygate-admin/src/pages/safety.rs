//! Clients and keys that need attention: cards that count, and the lists behind them.
//!
//! `Audit::findings` of the library serves both, and `keygate audit`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use keygate::KeyId;
use keygate::manage::{Audit, AuditFinding, AuditKind, KeyInfo};
use maud::{Markup, html};

use crate::app::App;
use crate::error::{PageError, PageResult, sentence};
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::table::unreadable;
use crate::view::time::{DAY, grouped, relative};
use crate::view::{Params, with_code};

mod cards;
mod list;

use cards::{CARDS, Card, Needs};

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/safety", get(show)).route("/safety/{card}", get(show_card))
}

/// What was found, and what could not be looked for.
struct Safety {
    findings: Vec<AuditFinding>,
    keys: HashMap<KeyId, KeyInfo>,
    unreadable: Vec<String>,
    usage: KeptUsage,
    now: SystemTime,
    /// Whether the file of the keys was read, or the store has none.
    knows_file: bool,
}

/// What is known of last uses.
enum KeptUsage {
    NotGiven,
    Unreadable(String),
    NotWritten,
    Since(SystemTime),
}

impl KeptUsage {
    fn since(&self) -> Option<SystemTime> {
        if let Self::Since(since) = self { Some(*since) } else { None }
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
            .with_watched_since(usage.since())
            .with_file(in_file.unwrap_or_default());
        let now = app.now();
        let findings = audit.findings(&clients.found, &keys.found, now);
        let unreadable = [clients.unreadable, keys.unreadable].concat();
        let keys = keys.found.into_iter().map(|key| (key.key_id, key)).collect();
        Ok(Self { findings, keys, unreadable, usage, now, knows_file })
    }

    fn of<'s>(&'s self, card: &Card) -> impl Iterator<Item = &'s AuditFinding> {
        let kinds: &'static [AuditKind] = card.kinds;
        self.findings.iter().filter(move |finding| kinds.contains(&finding.kind))
    }

    /// Returns whether this can be known here.
    fn knows(&self, needs: Needs) -> bool {
        match needs {
            Needs::Lists => true,
            Needs::Usage => self.usage.since().is_some(),
            Needs::LongUsage => {
                self.usage.since().is_some_and(|since| since + 90 * DAY <= self.now)
            }
            Needs::File => self.knows_file,
        }
    }
}

async fn last_uses(app: &App, keys: &mut [KeyInfo]) -> KeptUsage {
    let Some(usage) = &app.usage else { return KeptUsage::NotGiven };
    match usage.last_uses(None).await {
        Err(error) => KeptUsage::Unreadable(sentence(&error.to_string())),
        Ok(uses) => {
            uses.add_to(keys);
            uses.watched_since().map_or(KeptUsage::NotWritten, KeptUsage::Since)
        }
    }
}

async fn show(State(app): State<Arc<App>>, operator: Operator) -> PageResult {
    let safety = Safety::read(&app).await?;
    let body = html! {
        p.muted { "What needs attention among " (grouped(safety.keys.len() as u64)) " keys. "
            code { "keygate audit" } " finds the same." }
        (unreadable(&safety.unreadable))
        (kept_usage(&app, &safety.usage))
        div.grid {
            @for card in CARDS { (card.show(&app, &safety)) }
        }
    };
    Ok(page(&app, &operator, "Key safety", Section::Safety, body))
}

/// Says what the cards about last uses are worth.
fn kept_usage(app: &App, usage: &KeptUsage) -> Markup {
    match usage {
        KeptUsage::NotGiven => super::first_steps::no_usage(),
        KeptUsage::NotWritten => html! {
            p.muted { "No service has written its usage yet, so that the last use of keys is not known." }
        },
        KeptUsage::Unreadable(why) => html! {
            div.notice.warn role="status" {
                p { "The last use of keys cannot be read, so that three cards are not known. The others are complete. " (why) }
            }
        },
        KeptUsage::Since(since) => html! {
            p.muted { "The last use of keys is known since " (relative(*since, app.now())) ". A key counts as unused only if it was watched for all that time." }
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
    let card = card.ok_or_else(|| PageError::NotFound("There is no such list.".to_owned()))?;
    let safety = Safety::read(&app).await?;
    let body = html! {
        p { a href=(app.url("/safety")) { "Back to key safety" } }
        p { (with_code(card.text)) }
        (unreadable(&safety.unreadable))
        @if safety.knows(card.needs) {
            (list::show(&app, &safety, card, params.text("page")))
        } @else {
            (cards::not_known(card.needs))
        }
    };
    Ok(page(&app, &operator, card.title, Section::Safety, body))
}
