//! Issuing a key: the form, the review, and the response that shows the key once.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{ClientInfo, Expiry, KeyFacts, ManageError, Policy, Version, rules};
use keygate::{KeyDigest, NewKey};
use maud::{Markup, html};

use super::conflict;
use super::facts::Facts;
use super::key_form::{self, KeyDraft, KeyTexts};
use super::lifetime::{LifetimeTexts, Lifetimes, Purpose};
use super::reveal::{self, New};
use super::{must_change, refusal};
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with};
use crate::operator::Operator;
use crate::view::field::{Errors, hidden};
use crate::view::time::relative;
use crate::view::{ClientName, client_url};

/// The form in one of its states.
struct Issue<'a> {
    app: &'a App,
    operator: &'a Operator,
    client: &'a ClientInfo,
    lifetimes: Lifetimes,
    nonce: String,
    typed: KeyTexts,
    lifetime: LifetimeTexts,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    ClientName(name): ClientName,
) -> PageResult {
    must_change(&operator)?;
    let client = app.store.find_client(&name).await?;
    let lifetimes = lifetimes(&app, app.store.policy().await?);
    let lifetime = lifetimes.first();
    let (nonce, typed) = (reveal::open(&app)?, KeyTexts::default());
    let issue = Issue {
        app: &app,
        operator: &operator,
        client: &client,
        lifetimes,
        nonce,
        typed,
        lifetime,
    };
    Ok(issue.form(StatusCode::OK, &Errors::default()))
}

fn lifetimes(app: &App, policy: Policy) -> Lifetimes {
    Lifetimes::new(policy, Purpose::Issue, app.now(), app.now())
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    ClientName(name): ClientName,
    form: Form,
) -> PageResult {
    let client = app.store.find_client(&name).await?;
    let policy = app.store.policy().await?;
    let nonce = form.text("nonce");
    let slot = app.nonces.form(nonce, app.now());
    if let Some(slot) = &slot
        && let Some(outcome) = reveal::earlier(&app, *slot.lock().await).await?
    {
        return Ok(reveal::made_already(&app, &operator, outcome));
    }
    let raw = KeyTexts::typed(&form, "");
    let mut issue = Issue {
        app: &app,
        operator: &operator,
        client: &client,
        lifetimes: lifetimes(&app, policy),
        nonce: if slot.is_some() { nonce.to_owned() } else { reveal::open(&app)? },
        typed: raw.kept(&KeyTexts::default()),
        lifetime: LifetimeTexts::typed(&form),
    };
    let mut errors = Errors::default();
    let draft = raw.parse(&KeyTexts::default(), &mut errors);
    let expiry = errors.take("lifetime", issue.lifetimes.expiry(&issue.lifetime)).flatten();
    let (Some(draft), Some(expiry)) = (draft, expiry) else {
        return Ok(issue.form(StatusCode::UNPROCESSABLE_ENTITY, &errors));
    };
    // Check the store's rules before a key is generated.
    let facts = match rules::issue(
        &client.profile,
        draft.new_key(KeyDigest::of(b""), expiry),
        &policy,
        app.now(),
    ) {
        Ok(facts) => facts,
        Err(error) => {
            let (status, errors) = refusal(error)?;
            return Ok(issue.form(status, &errors));
        }
    };
    let slot = match (form.text("step"), slot) {
        ("edit", _) => return Ok(issue.form(StatusCode::OK, &errors)),
        ("issue", Some(slot)) => slot,
        ("issue", None) => return Ok(issue.review(StatusCode::OK, &facts, &reveal::too_old())),
        _ => return Ok(issue.review(StatusCode::OK, &facts, &html! {})),
    };
    if form.text("version").parse::<Version>() != Ok(client.version()) {
        return Ok(issue.conflict(&form, &facts).await);
    }
    let key = reveal::generate(&app)?;
    let new = draft.new_key(key.digest(), expiry);
    let store = operator.store(&app)?.if_version(client.version());
    let making = async move { store.issue(&name, new).await };
    match reveal::once(&app, slot, key.key_id(), making).await {
        Ok(Ok(issued)) => {
            let title = "Your new key";
            let new = New { key, client: &client, issued: &issued, note: html! {} };
            reveal::respond(&app, &operator, title, new).await
        }
        Ok(Err(outcome)) => Ok(reveal::made_already(&app, &operator, outcome)),
        Err(ManageError::ClientChanged { current }) => {
            issue.client = &current;
            Ok(issue.conflict(&form, &facts).await)
        }
        Err(error) => {
            let (status, errors) = reveal::refusal(error)?;
            Ok(issue.form(status, &errors))
        }
    }
}

impl KeyDraft {
    pub(super) fn new_key(&self, digest: KeyDigest, expiry: Expiry) -> NewKey {
        let Self { label, scopes, networks } = self;
        let key = NewKey::new(digest).with_expiry(expiry);
        let key = key.with_scopes(scopes.iter().cloned()).with_networks(networks.iter().copied());
        match label {
            Some(label) => key.with_label(label),
            None => key,
        }
    }
}

impl Issue<'_> {
    fn name(&self) -> &str {
        self.client.profile.name()
    }

    fn respond(&self, status: StatusCode, body: Markup) -> Response {
        let title =
            format!("Issue a key to {}", self.client.profile.title().unwrap_or(self.name()));
        page_with(status, self.app, self.operator, &title, Section::Clients, body)
    }

    fn action(&self) -> String {
        client_url(self.app, self.name(), "/keys/new")
    }

    /// The hidden fields: the form's single-use number, and the client's values as they were shown.
    fn base(&self) -> Markup {
        html! {
            (form::csrf(self.operator))
            (hidden("nonce", &self.nonce))
            (hidden("version", &self.client.version().to_string()))
            (Facts::of_client(self.client).hidden())
        }
    }

    fn form(&self, status: StatusCode, errors: &Errors) -> Response {
        self.respond(status, html! {
            (errors.summary())
            @if !self.client.enabled {
                div.notice.warn { p { "This client is disabled. The key will be refused until you enable the "
                    "client." } }
            }
            form method="post" action=(self.action()) {
                (self.base())
                (self.typed.fields(&self.client.profile, errors))
                (self.lifetimes.fields(&self.lifetime, errors))
                div.actions {
                    button.button.primary type="submit" name="step" value="review" { "Review the key" }
                    a.button.quiet href=(client_url(self.app, self.name(), "")) { "Cancel" }
                }
            }
        })
    }

    fn review(&self, status: StatusCode, facts: &KeyFacts, notice: &Markup) -> Response {
        let Self { client, typed, lifetime, app, .. } = self;
        self.respond(status, html! {
            (notice)
            (summary(client, facts, app))
            p {
                "This issues one key. "
                @match client.keys {
                    0 => { "It is the client’s only key. " }
                    1 => { "The client’s other key does not change. " }
                    others => { "The client’s " (others) " other keys do not change. " }
                }
                "The key is shown once, on the next page."
            }
            form method="post" action=(self.action()) {
                (self.base())
                (hidden("label", &typed.label))
                (hidden("scopes", &typed.scopes))
                (hidden("networks", &typed.networks))
                (hidden("lifetime", &lifetime.choice))
                (hidden("date", &lifetime.date))
                div.actions {
                    button.button.primary type="submit" name="step" value="issue" { "Issue the key" }
                    button.button.quiet type="submit" name="step" value="edit" { "Back to the form" }
                }
            }
        })
    }

    /// Shows the review again, since the client has changed since it was shown.
    async fn conflict(&self, form: &Form, facts: &KeyFacts) -> Response {
        let notice = conflict::of_client(self.app, self.client, form, &[]).await;
        self.review(StatusCode::CONFLICT, facts, &notice)
    }
}

/// Renders the values of the key to be issued.
fn summary(client: &ClientInfo, facts: &KeyFacts, app: &App) -> Markup {
    let profile = &client.profile;
    html! {
        dl.facts {
            dt { "Client" } dd { (profile.name()) @if !client.enabled { " " span.muted { "(disabled)" } } }
            dt { "Label" } dd { @match &facts.label { Some(label) => { (label) } None => { span.muted { "none" } } } }
            dt { "Scopes" } dd { (key_form::scopes(profile, &facts.scopes)) }
            dt { "Networks" } dd { (key_form::networks(profile, &facts.networks)) }
            dt { "Expires" }
            dd {
                @match facts.lifetime.expires() {
                    Some(end) => { (crate::view::time::utc(end)) " (" (relative(end, app.now())) ")" }
                    None => { "never" }
                }
            }
        }
    }
}
