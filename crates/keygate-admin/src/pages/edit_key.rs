//! Changing a key's label, expiry, scopes and networks.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{
    ClientInfo, EventQuery, Expiry, KeyChange, KeyInfo, ManageError, Policy, Version,
};
use maud::{Markup, html};

use super::conflict::{self, Conflict};
use super::key_form::{KeyDraft, KeyTexts};
use super::lifetime::{LifetimeTexts, Lifetimes, Purpose};
use super::revoke::named;
use super::{must_change, newest, refusal};
use crate::app::App;
use crate::error::{PageError, PageResult};
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::field::{Errors, hidden};
use crate::view::time::utc;
use crate::view::{KeyIdInPath, badge, key_url};

/// The text fields: their labels and accessors.
type Fact = (&'static str, fn(&mut KeyTexts) -> &mut String);
const FACTS: [Fact; 3] = [
    ("Label", |texts| &mut texts.label),
    ("Scopes", |texts| &mut texts.scopes),
    ("Networks", |texts| &mut texts.networks),
];

/// The form in one of its states.
struct Edit<'a> {
    app: &'a App,
    operator: &'a Operator,
    client: &'a ClientInfo,
    key: KeyInfo,
    policy: Policy,
    typed: KeyTexts,
    /// The values and the expiry when the form was opened.
    was: (KeyTexts, String),
    lifetime: LifetimeTexts,
}

async fn read(
    app: &App,
    key_id: &keygate::KeyId,
) -> Result<(KeyInfo, ClientInfo, Policy), PageError> {
    let key = app.store.find_key(key_id).await?;
    let client = app.store.find_client(&key.client).await?;
    Ok((key, client, app.store.policy().await?))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
) -> PageResult {
    must_change(&operator)?;
    let (key, client, policy) = read(&app, &key_id).await?;
    let edit = Edit::open(&app, &operator, &client, key, policy);
    Ok(edit.form(StatusCode::OK, &html! {}, &Errors::default()))
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    KeyIdInPath(key_id): KeyIdInPath,
    form: Form,
) -> PageResult {
    let (key, client, policy) = read(&app, &key_id).await?;
    let mut edit = Edit::open(&app, &operator, &client, key, policy);
    let stored = edit.typed.clone();
    let raw = KeyTexts::typed(&form, "");
    edit.typed = raw.kept(&stored);
    edit.lifetime = LifetimeTexts::typed(&form);
    if form.text("version").parse::<Version>() != Ok(edit.key.version()) {
        edit.was = (KeyTexts::typed(&form, "was-"), form.text("was-expiry").to_owned());
        return Ok(edit.conflict().await);
    }
    let mut errors = Errors::default();
    let draft = raw.parse(&stored, &mut errors);
    let expiry = errors.take("lifetime", edit.lifetimes().expiry(&edit.lifetime));
    let (Some(draft), Some(expiry)) = (draft, expiry) else {
        return Ok(edit.form(StatusCode::UNPROCESSABLE_ENTITY, &html! {}, &errors));
    };
    let change = change(&edit.key, draft, expiry);
    if change.is_empty() {
        let notice = html! { div.notice role="status" { p { "You have not changed anything." } } };
        return Ok(edit.form(StatusCode::OK, &notice, &errors));
    }
    let store = operator.store(&app)?.if_version(edit.key.version());
    match store.update_key(&key_id, change).await {
        Ok(_) => Ok(see_other(&app, &format!("/keys/{key_id}?done=key-changed"))),
        Err(ManageError::KeyChanged { current }) => {
            edit.key = *current;
            Ok(edit.conflict().await)
        }
        Err(error) => {
            let (status, errors) = refusal(error)?;
            Ok(edit.form(status, &html! {}, &errors))
        }
    }
}

/// Returns a change of only the values that differ.
fn change(key: &KeyInfo, draft: KeyDraft, expiry: Option<Expiry>) -> KeyChange {
    let KeyDraft { label, mut scopes, mut networks } = draft;
    scopes.sort();
    scopes.dedup();
    networks.sort();
    networks.dedup();
    let mut change = KeyChange::new();
    if label != key.label {
        change = match label {
            Some(label) => change.with_label(label),
            None => change.without_label(),
        };
    }
    if scopes != key.scopes {
        change = change.with_scopes(scopes);
    }
    if networks != key.networks {
        change = change.with_networks(networks);
    }
    match expiry {
        Some(Expiry::Never) if key.expires().is_some() => change.with_expiry(None),
        Some(Expiry::At(end)) if key.expires() != Some(end) => change.with_expiry(end),
        _ => change,
    }
}

fn expiry(expires: Option<SystemTime>) -> String {
    expires.map_or_else(|| "never".to_owned(), utc)
}

impl<'a> Edit<'a> {
    fn open(
        app: &'a App,
        operator: &'a Operator,
        client: &'a ClientInfo,
        key: KeyInfo,
        policy: Policy,
    ) -> Self {
        let (texts, expires) = (KeyTexts::of(&key), expiry(key.expires()));
        let lifetime = LifetimeTexts { choice: "same".to_owned(), date: String::new() };
        Self {
            app,
            operator,
            client,
            key,
            policy,
            typed: texts.clone(),
            was: (texts, expires),
            lifetime,
        }
    }

    fn lifetimes(&self) -> Lifetimes {
        let now = self.app.now();
        let created = self.key.created.unwrap_or(now);
        Lifetimes::new(self.policy, Purpose::Change(self.key.expires()), created, now)
    }

    fn form(&self, status: StatusCode, notice: &Markup, errors: &Errors) -> Response {
        let Self { app, operator, client, key, typed, was: (was, expiry), lifetime, .. } = self;
        let url = key_url(app, key.key_id, "");
        let body = html! {
            (notice)
            (errors.summary())
            p {
                "This changes one key of " strong { (key.client) } ", " code.id { (key.key_id.to_string()) } " " (badge::key(key.status(app.now())))
                ", from the next request on. The key itself stays the same."
            }
            form method="post" action=(key_url(app, key.key_id, "/edit")) {
                (form::csrf(operator))
                (hidden("version", &key.version().to_string()))
                (hidden("was-label", &was.label))
                (hidden("was-scopes", &was.scopes))
                (hidden("was-networks", &was.networks))
                (hidden("was-expiry", expiry))
                (typed.fields(&client.profile, errors))
                (self.lifetimes().fields(lifetime, errors))
                div.actions {
                    button.button.primary type="submit" { "Change the key" }
                    a.button.quiet href=(url) { "Cancel" }
                }
            }
        };
        let title = format!("Change {}", named(key));
        page_with(status, app, operator, &title, Section::Clients, body)
    }

    /// Shows the differences above the form. Edited fields keep the input, and all others show the stored values.
    async fn conflict(mut self) -> Response {
        let now = KeyTexts::of(&self.key);
        let mut conflicts = Vec::new();
        let mut stored = now.clone();
        for (label, fact) in FACTS {
            let [was, typed, now] = [&mut self.was.0, &mut self.typed, &mut stored].map(fact);
            if was == now && typed == now {
                continue;
            }
            let [was, now] = [was, now].map(|text| text.clone());
            conflicts.push(Conflict {
                fact: label,
                was: was.clone(),
                now: now.clone(),
                typed: Some(typed.clone()),
            });
            if was == *typed {
                *typed = now;
            }
        }
        let expires = expiry(self.key.expires());
        if expires != self.was.1 {
            conflicts.push(Conflict {
                fact: "Expires",
                was: self.was.1,
                now: expires.clone(),
                typed: None,
            });
        }
        self.was = (now, expires);
        let event = newest(&*self.app.store, EventQuery::new().with_key(self.key.key_id)).await;
        let notice = html! {
            (conflict::notice("key", event.as_ref(), &conflicts, self.app.now()))
            p { "In the form below, the fields that you edited have your input. All others have the stored values." }
        };
        self.form(StatusCode::CONFLICT, &notice, &Errors::default())
    }
}
