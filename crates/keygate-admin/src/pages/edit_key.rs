//! Changing a key's label, expiry, scopes and networks.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{ClientInfo, Expiry, KeyChange, KeyInfo, ManageError, Policy, Version};
use maud::{Markup, html};

use super::conflict;
use super::facts::Facts;
use super::key_form::{FACTS, KeyDraft, KeyTexts};
use super::lifetime::{LifetimeTexts, Lifetimes, Purpose};
use super::revoke::named;
use super::{must_change, refusal, texts};
use crate::app::App;
use crate::error::{PageError, PageResult};
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::field::{Errors, hidden};
use crate::view::{KeyIdInPath, badge, key_url};

/// The form in one of its states.
struct Edit<'a> {
    app: &'a App,
    operator: &'a Operator,
    client: &'a ClientInfo,
    key: KeyInfo,
    policy: Policy,
    typed: KeyTexts,
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
        return Ok(edit.conflict(&form).await);
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
            Ok(edit.conflict(&form).await)
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

impl<'a> Edit<'a> {
    fn open(
        app: &'a App,
        operator: &'a Operator,
        client: &'a ClientInfo,
        key: KeyInfo,
        policy: Policy,
    ) -> Self {
        let typed = KeyTexts::of(&key);
        let lifetime = LifetimeTexts { choice: "same".to_owned(), date: String::new() };
        Self { app, operator, client, key, policy, typed, lifetime }
    }

    fn lifetimes(&self) -> Lifetimes {
        let now = self.app.now();
        let created = self.key.created.unwrap_or(now);
        Lifetimes::new(self.policy, Purpose::Change(self.key.expires()), created, now)
    }

    fn form(&self, status: StatusCode, notice: &Markup, errors: &Errors) -> Response {
        let Self { app, operator, client, key, typed, lifetime, .. } = self;
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
                (Facts::of_key(key, app.now()).hidden())
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
    async fn conflict(mut self, form: &Form) -> Response {
        let notice = conflict::of_key(self.app, &self.key, form, &self.typed.by_field()).await;
        let mut was = KeyTexts::typed(form, "was-");
        let mut now = KeyTexts::of(&self.key);
        for (field, _, fact) in FACTS {
            let typed = fact(&mut self.typed);
            if texts::is_same(field, typed, fact(&mut was)) {
                typed.clone_from(fact(&mut now));
            }
        }
        let notice = html! { (notice) (conflict::kept_input()) };
        self.form(StatusCode::CONFLICT, &notice, &Errors::default())
    }
}
