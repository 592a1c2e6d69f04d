//! Changing a client: the form, the review, and the change.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{ClientChange, ClientInfo, KeyQuery, ManageError, Version};
use keygate::{ClientProfile, ManageKeys};
use maud::{Markup, html};

use super::client_form::{ClientTexts, FACTS};
use super::conflict;
use super::facts::Facts;
use super::{must_change, refusal, texts};
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::field::{Errors, hidden};
use crate::view::time::counted;
use crate::view::{ClientName, client_path, client_url};

/// The form in one of its states.
struct Edit<'a> {
    app: &'a App,
    operator: &'a Operator,
    client: &'a ClientInfo,
    typed: ClientTexts,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    operator: Operator,
    ClientName(name): ClientName,
) -> PageResult {
    must_change(&operator)?;
    let client = app.store.find_client(&name).await?;
    let edit = Edit::open(&app, &operator, &client);
    Ok(edit.form(StatusCode::OK, &html! {}, &Errors::default()))
}

pub(super) async fn send(
    State(app): State<Arc<App>>,
    operator: Operator,
    ClientName(name): ClientName,
    form: Form,
) -> PageResult {
    let client = app.store.find_client(&name).await?;
    let mut edit = Edit::open(&app, &operator, &client);
    let stored = edit.typed.clone();
    let raw = ClientTexts::typed(&form, &name, "");
    edit.typed = raw.kept(&stored);

    let version = form.text("version").parse::<Version>();
    if version != Ok(client.version()) {
        return Ok(edit.conflict(&form).await);
    }
    let mut errors = Errors::default();
    let Some(profile) = raw.parse(&stored, &mut errors) else {
        return Ok(edit.form(StatusCode::UNPROCESSABLE_ENTITY, &html! {}, &errors));
    };
    let nothing_differs =
        html! { div.notice role="status" { p { "You have not changed anything." } } };
    match form.text("step") {
        "edit" => return Ok(edit.form(StatusCode::OK, &html! {}, &errors)),
        _ if profile == client.profile => {
            return Ok(edit.form(StatusCode::OK, &nothing_differs, &errors));
        }
        "apply" => {}
        _ => {
            edit.typed = ClientTexts::of(&profile);
            let effects = effects(&*app.store, &client, &profile).await?;
            return Ok(edit.review(&effects));
        }
    }
    let store = operator.store(&app)?.if_version(client.version());
    match store.update_client(&name, change(&client.profile, &profile)).await {
        Ok(_) => Ok(see_other(&app, &format!("{}?done=changed", client_path(&name, "")))),
        Err(ManageError::ClientChanged { current }) => {
            let edit = Edit { client: &current, ..edit };
            Ok(edit.conflict(&form).await)
        }
        Err(error) => {
            let (status, errors) = refusal(error)?;
            Ok(edit.form(status, &html! {}, &errors))
        }
    }
}

/// Returns a change of only the values that differ.
fn change(old: &ClientProfile, new: &ClientProfile) -> ClientChange {
    let mut change = ClientChange::new();
    if old.title() != new.title() {
        change = match new.title() {
            Some(title) => change.with_title(title),
            None => change.without_title(),
        };
    }
    if old.quota() != new.quota() {
        change = match new.quota() {
            Some(quota) => change.with_quota(quota.clone()),
            None => change.without_quota(),
        };
    }
    if old.scopes() != new.scopes() {
        change = change.with_scopes(new.scopes().iter().cloned());
    }
    if old.networks() != new.networks() {
        change = change.with_networks(new.networks().iter().copied());
    }
    if old.metadata() != new.metadata() {
        change = change.with_metadata(new.metadata().clone());
    }
    change
}

/// Describes the effect of the change on the client's keys.
async fn effects(
    store: &dyn ManageKeys,
    client: &ClientInfo,
    new: &ClientProfile,
) -> Result<Vec<String>, ManageError> {
    let keys = u64::try_from(client.keys).unwrap_or(u64::MAX);
    let mut effects = vec![match keys {
        0 => "The client has no keys yet, so the change has no effect on requests.".to_owned(),
        _ => format!(
            "The change applies to {} of this client from the next request on.",
            counted(keys, "key")
        ),
    }];
    let lost = |scope: &&_| !new.scopes().iter().any(|kept| kept.covers(scope));
    let lost: Vec<_> =
        client.profile.scopes().iter().filter(lost).map(ToString::to_string).collect();
    if !lost.is_empty() && keys > 0 {
        effects
            .push(format!("From then on, requests that need {} will be refused.", lost.join(", ")));
    }
    // Counts the keys that have a scope or network that the client loses, up to a thousand.
    let page = store.keys(&KeyQuery::new().with_client(new.name()).with_limit(1_000)).await?;
    let narrowed = page.found.iter().filter(|key| {
        let scope = |scope| !new.scopes().iter().any(|kept| kept.covers(scope));
        let network = |network| {
            !new.networks().is_empty() && !new.networks().iter().any(|kept| kept.covers(network))
        };
        key.revoked.is_none()
            && (key.scopes.iter().any(scope) || key.networks.iter().copied().any(network))
    });
    match u64::try_from(narrowed.count()).unwrap_or(u64::MAX) {
        0 => {}
        count => effects.push(format!(
            "{} with narrower scopes or networks will lose some of them.",
            counted(count, "key")
        )),
    }
    if client.profile.networks() != new.networks() && !new.networks().is_empty() && keys > 0 {
        effects.push("From then on, requests from other networks will be refused.".to_owned());
    }
    Ok(effects)
}

impl<'a> Edit<'a> {
    fn open(app: &'a App, operator: &'a Operator, client: &'a ClientInfo) -> Self {
        Self { app, operator, client, typed: ClientTexts::of(&client.profile) }
    }

    fn name(&self) -> &str {
        self.client.profile.name()
    }

    fn title(&self) -> String {
        format!("Change {}", self.client.profile.title().unwrap_or(self.name()))
    }

    fn respond(&self, status: StatusCode, body: Markup) -> Response {
        page_with(status, self.app, self.operator, &self.title(), Section::Clients, body)
    }

    /// The hidden fields: the version, and its values.
    fn base(&self) -> Markup {
        html! {
            (form::csrf(self.operator))
            (hidden("version", &self.client.version().to_string()))
            (Facts::of_client(self.client).hidden())
        }
    }

    fn form(&self, status: StatusCode, notice: &Markup, errors: &Errors) -> Response {
        let url = client_url(self.app, self.name(), "");
        let keys = counted(u64::try_from(self.client.keys).unwrap_or(u64::MAX), "key");
        self.respond(status, html! {
            (notice)
            (errors.summary())
            p { "These settings apply to " (keys) " of " strong { (self.name()) } ". You can review "
            "the change on the next page." }
            form method="post" action=(client_url(self.app, self.name(), "/edit")) {
                (self.base())
                (self.typed.fields(errors))
                div.actions {
                    button.button.primary type="submit" name="step" value="review" { "Review the change" }
                    a.button.quiet href=(url) { "Cancel" }
                }
            }
        })
    }

    fn review(&self, effects: &[String]) -> Response {
        let (mut was, mut typed) = (ClientTexts::of(&self.client.profile), self.typed.clone());
        self.respond(StatusCode::OK, html! {
            div.table tabindex="0" { table {
                caption { "Changes" }
                thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody { @for (_, label, fact) in FACTS {
                    @let (was, typed) = (&*fact(&mut was), &*fact(&mut typed));
                    @if was != typed {
                        tr { th scope="row" { (label) } td { (conflict::text(was)) } td { (conflict::text(typed)) } }
                    }
                } }
            } }
            ul { @for effect in effects { li { (effect) } } }
            form method="post" action=(client_url(self.app, self.name(), "/edit")) {
                (self.base())
                @for (field, _, fact) in FACTS { (hidden(field, fact(&mut typed))) }
                div.actions {
                    button.button.primary type="submit" name="step" value="apply" { "Make the change" }
                    button.button.quiet type="submit" name="step" value="edit" { "Back to the form" }
                }
            }
        })
    }

    /// Shows the differences above the form. Edited fields keep the input, and all others show the stored values.
    async fn conflict(mut self, form: &Form) -> Response {
        let notice = conflict::of_client(self.app, self.client, form, &self.typed.by_field()).await;
        let mut was = ClientTexts::typed(form, self.name(), "was-");
        let mut now = ClientTexts::of(&self.client.profile);
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
