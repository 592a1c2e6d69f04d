//! Rotating a key: issues a replacement, and sets how long the old key still works.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{ClientInfo, Expiry, KeyInfo, ManageError, Policy, Version};
use keygate::{KeyDigest, NewKey};
use maud::{Markup, html};

use super::conflict;
use super::facts::Facts;
use super::lifetime::{LifetimeTexts, Lifetimes, Purpose};
use super::must_change;
use super::reveal::{self, New};
use super::revoke::named;
use super::uses::Uses;
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::field::{Choice, Errors, Field, choices, hidden, kept};
use crate::view::time::{DAY, HOUR, MINUTE, utc};
use crate::view::{KeyIdInPath, key_url};

const PRESETS: [(&str, Duration, &str); 4] = [
    ("now", Duration::ZERO, "Not at all: the old key is refused at once"),
    ("1h", HOUR, "For 1 hour"),
    ("24h", DAY, "For 24 hours"),
    ("7d", Duration::from_secs(7 * 24 * 60 * 60), "For 7 days"),
];

const UNITS: [(&str, Duration); 3] = [("minutes", MINUTE), ("hours", HOUR), ("days", DAY)];

/// The form in one of its states.
struct Rotate<'a> {
    app: &'a App,
    operator: &'a Operator,
    old: &'a KeyInfo,
    policy: Policy,
    nonce: String,
    label: String,
    grace: GraceTexts,
    lifetime: LifetimeTexts,
}

/// The input for how long the old key still works.
struct GraceTexts {
    choice: String,
    count: String,
    unit: String,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
) -> PageResult {
    must_change(&operator)?;
    let old = app.store.find_key(&key_id).await?;
    let policy = app.store.policy().await?;
    let rotate = Rotate {
        app: &app,
        operator: &operator,
        old: &old,
        policy,
        nonce: reveal::open(&app)?,
        label: old.label.clone().unwrap_or_default(),
        grace: GraceTexts {
            choice: "24h".to_owned(),
            count: String::new(),
            unit: "days".to_owned(),
        },
        lifetime: LifetimeTexts { choice: "same".to_owned(), date: String::new() },
    };
    rotate.form(StatusCode::OK, &html! {}, &Errors::default()).await
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
    form: Form,
) -> PageResult {
    let nonce = form.text("nonce");
    let slot = app.nonces.form(nonce, app.now());
    if let Some(slot) = &slot
        && let Some(outcome) = reveal::earlier(&app, *slot.lock().await).await?
    {
        return Ok(reveal::made_already(&app, &operator, outcome));
    }
    let old = app.store.find_key(&key_id).await?;
    let stored = old.label.clone().unwrap_or_default();
    let typed = form.text("label");
    let mut rotate = Rotate {
        app: &app,
        operator: &operator,
        old: &old,
        policy: app.store.policy().await?,
        nonce: if slot.is_some() { nonce.to_owned() } else { reveal::open(&app)? },
        label: kept(typed, &stored),
        grace: GraceTexts::typed(&form),
        lifetime: LifetimeTexts::typed(&form),
    };
    let mut errors = Errors::default();
    if rotate.label != typed {
        errors.add(
            "label",
            "this looks like a key, and everyone can read it here: choose another text",
        );
    }
    let grace = errors.take("grace", rotate.grace.duration());
    let expiry = errors.take("lifetime", rotate.lifetimes().expiry(&rotate.lifetime)).flatten();
    let version = form.text("version").parse::<Version>();
    // The store checks a complete form, since the same form may have rotated the key a moment ago.
    let is_complete = errors.is_empty() && slot.is_some();
    if !is_complete && version != Ok(old.version()) {
        return rotate.conflict(&form).await;
    }
    let (Some(grace), Some(expiry), true) = (grace, expiry, errors.is_empty()) else {
        return rotate.form(StatusCode::UNPROCESSABLE_ENTITY, &html! {}, &errors).await;
    };
    let Some(slot) = slot else {
        return rotate.form(StatusCode::OK, &reveal::too_old(), &errors).await;
    };
    let Ok(version) = version else {
        return rotate.conflict(&form).await;
    };
    let client = app.store.find_client(&old.client).await?;
    let key = reveal::generate(&app)?;
    let new = rotate.new_key(key.digest(), expiry);
    let store = operator.store(&app)?.if_version(version);
    let making = async move { store.rotate(&key_id, new, grace).await };
    match reveal::once(&app, slot, key.key_id(), making).await {
        Ok(Ok(rotated)) => {
            let note = note(&app, &rotated.old, &client);
            let new = New { key, client: &client, issued: &rotated.new, note };
            reveal::respond(&app, &operator, "Your new key", new).await
        }
        Ok(Err(outcome)) => Ok(reveal::made_already(&app, &operator, outcome)),
        Err(ManageError::KeyChanged { current }) => {
            rotate.old = &current;
            rotate.conflict(&form).await
        }
        Err(error) => {
            let (status, errors) = reveal::refusal(error)?;
            rotate.form(status, &html! {}, &errors).await
        }
    }
}

/// Renders how long the old key still works.
fn note(app: &App, old: &KeyInfo, client: &ClientInfo) -> Markup {
    let end = old.expires();
    html! {
        h2 { "The old key" }
        p {
            "Key " a href=(key_url(app, old.key_id, "")) { code.id { (old.key_id.to_string()) } }
            @match end {
                Some(end) if end <= app.now() => { " is refused from now on." }
                Some(end) => {
                    " works until " (utc(end)) ". Its page shows whether " (client.profile.name()) " still uses it."
                }
                None => { " keeps working." }
            }
        }
    }
}

impl GraceTexts {
    fn typed(form: &Form) -> Self {
        let text = |name| kept(form.text(name), "");
        Self { choice: text("grace"), count: text("grace-count"), unit: text("grace-unit") }
    }

    fn duration(&self) -> Result<Duration, &'static str> {
        if let Some((_, time, _)) = PRESETS.iter().find(|(name, ..)| *name == self.choice) {
            return Ok(*time);
        }
        if self.choice != "custom" {
            return Err("choose how long the old key still works");
        }
        let unit = UNITS.iter().find(|(name, _)| *name == self.unit);
        let count = self.count.parse::<u32>().ok().filter(|count| *count > 0);
        let (Some((_, unit)), Some(count)) = (unit, count) else {
            return Err("enter a whole number of minutes, hours or days");
        };
        unit.checked_mul(count).ok_or("choose a shorter time")
    }

    fn fields(&self, old: &KeyInfo, now: SystemTime, errors: &Errors) -> Markup {
        let until = |time: Duration| {
            let end = now.checked_add(time).filter(|_| !time.is_zero());
            let end = end.map(|end| old.expires().map_or(end, |expires| expires.min(end)));
            end.map(|end| format!(", until {}", utc(end))).unwrap_or_default()
        };
        let mut all: Vec<_> = PRESETS
            .iter()
            .map(|(value, time, label)| Choice { value, label: html! { (label) (until(*time)) } })
            .collect();
        all.push(Choice { value: "custom", label: html! { "For another time, entered below" } });
        html! {
            (choices("grace", "How long the old key still works", &self.choice, &all, errors))
            div.row {
                (Field::new("grace-count", "Other time").value(&self.count).line(errors))
                div.field {
                    label for="grace-unit" { "Unit" }
                    select id="grace-unit" name="grace-unit" {
                        @for (unit, _) in UNITS { option value=(unit) selected[unit == self.unit] { (unit) } }
                    }
                }
            }
        }
    }
}

impl Rotate<'_> {
    fn lifetimes(&self) -> Lifetimes {
        let now = self.app.now();
        let end = self.policy.inherited_expiry(self.old, now);
        Lifetimes::new(self.policy, Purpose::Rotate(end), now, now)
    }

    fn new_key(&self, digest: KeyDigest, expiry: Expiry) -> NewKey {
        let key = NewKey::new(digest).with_expiry(expiry);
        if self.label.is_empty() { key } else { key.with_label(&*self.label) }
    }

    fn respond(&self, status: StatusCode, body: Markup) -> Response {
        let title = format!("Rotate {}", named(self.old));
        page_with(status, self.app, self.operator, &title, Section::Clients, body)
    }

    async fn form(&self, status: StatusCode, notice: &Markup, errors: &Errors) -> PageResult {
        let Self { app, operator, old, .. } = self;
        let now = app.now();
        let url = key_url(app, old.key_id, "");
        if let Some(why) = old.rotation_conflict(now) {
            return Ok(self.respond(
                status,
                html! {
                    (notice) (errors.summary())
                    p { "This key " (why.to_string()) "." }
                    div.actions { a.button href=(url) { "Back to the key" } }
                },
            ));
        }
        let uses = Uses::of_client(app, &old.client).await;
        Ok(self.respond(status, html! {
            (notice)
            (errors.summary())
            p {
                "This issues a new key for " strong { (old.client) } ". It is shown once, on the next page. "
                "The old key " code.id { (old.key_id.to_string()) } " keeps working for the time that you choose, so "
                "that the client can switch without an interruption. No other key changes."
            }
            section {
                h2 { "Who still uses the old key" }
                (uses.of_key(old, now))
            }
            form method="post" action=(key_url(app, old.key_id, "/rotate")) {
                (form::csrf(operator))
                (hidden("nonce", &self.nonce))
                (hidden("version", &old.version().to_string()))
                (Facts::of_key(old, now).hidden())
                (self.grace.fields(old, now, errors))
                (Field::new("label", "Label of the new key").value(&self.label)
                    .hint("Leave it empty to keep the old key’s label. The new key also gets the old key’s scopes and \
                           networks.").line(errors))
                (self.lifetimes().fields(&self.lifetime, errors))
                div.actions {
                    button.button.primary type="submit" { "Rotate the key" }
                    a.button.quiet href=(url) { "Cancel" }
                }
            }
        }))
    }

    /// Shows the form again, since the key has changed meanwhile. If the label is not edited, it follows the key's.
    async fn conflict(&mut self, form: &Form) -> PageResult {
        let notice = conflict::of_key(self.app, self.old, form, &[]).await;
        if self.label == form.text("was-label") {
            self.label = self.old.label.clone().unwrap_or_default();
        }
        self.form(StatusCode::CONFLICT, &notice, &Errors::default()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grace_is_a_preset_or_a_whole_number_of_units() {
        let grace = |choice: &str, count: &str, unit: &str| {
            let [choice, count, unit] = [choice, count, unit].map(str::to_owned);
            GraceTexts { choice, count, unit }.duration()
        };
        assert_eq!(grace("now", "", ""), Ok(Duration::ZERO));
        assert_eq!(grace("7d", "x", ""), Ok(7 * DAY));
        assert_eq!(grace("custom", "90", "minutes"), Ok(90 * MINUTE));
        for (choice, count, unit) in [
            ("", "", ""),
            ("2d", "", ""),
            ("custom", "0", "days"),
            ("custom", "1.5", "days"),
            ("custom", "1", "weeks"),
        ] {
            assert!(grace(choice, count, unit).is_err(), "{choice} {count} {unit}");
        }
    }
}
