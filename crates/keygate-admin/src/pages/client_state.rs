//! Disabling, enabling and removing a client, with a confirmation that shows the effect.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use keygate::manage::{ClientInfo, KeyQuery, ManageError, Version};
use maud::{Markup, html};

use super::conflict;
use super::facts::Facts;
use super::uses::Uses;
use super::{must_change, refusal};
use crate::app::App;
use crate::error::PageResult;
use crate::form::{self, Form};
use crate::layout::{Section, page_with, see_other};
use crate::operator::Operator;
use crate::view::field::{Errors, Field, hidden};
use crate::view::time::counted;
use crate::view::{ClientName, client_path, client_url};

/// A change of a client that needs no fields.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Disable,
    Enable,
    Remove,
}

type Shown = (State<Arc<App>>, Operator, ClientName);

pub(super) async fn disable((app, operator, name): Shown) -> PageResult {
    show(&app, &operator, &name.0, Change::Disable).await
}

pub(super) async fn enable((app, operator, name): Shown) -> PageResult {
    show(&app, &operator, &name.0, Change::Enable).await
}

pub(super) async fn remove((app, operator, name): Shown) -> PageResult {
    show(&app, &operator, &name.0, Change::Remove).await
}

pub(super) async fn send_disable((app, operator, name): Shown, form: Form) -> PageResult {
    send(&app, &operator, &name.0, &form, Change::Disable).await
}

pub(super) async fn send_enable((app, operator, name): Shown, form: Form) -> PageResult {
    send(&app, &operator, &name.0, &form, Change::Enable).await
}

pub(super) async fn send_remove((app, operator, name): Shown, form: Form) -> PageResult {
    send(&app, &operator, &name.0, &form, Change::Remove).await
}

async fn show(app: &App, operator: &Operator, name: &str, change: Change) -> PageResult {
    must_change(operator)?;
    let client = app.store.find_client(name).await?;
    confirm(StatusCode::OK, app, operator, &client, change, &html! {}, &Errors::default()).await
}

async fn send(
    app: &App,
    operator: &Operator,
    name: &str,
    form: &Form,
    change: Change,
) -> PageResult {
    let client = app.store.find_client(name).await?;
    if form.text("version").parse::<Version>() != Ok(client.version()) {
        return changed(app, operator, &client, form, change).await;
    }
    if change == Change::Remove && form.text("confirm") != name {
        let errors = Errors::one("confirm", "this does not match the client’s name");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return confirm(status, app, operator, &client, change, &html! {}, &errors).await;
    }
    let store = operator.store(app)?.if_version(client.version());
    let done = match change {
        Change::Disable => store.disable_client(name).await,
        Change::Enable => store.enable_client(name).await,
        Change::Remove => store.remove_client(name).await,
    };
    match done {
        Ok(_) if change == Change::Remove => Ok(see_other(app, "/clients?done=removed")),
        Ok(_) => Ok(see_other(app, &format!("{}?done={}", client_path(name, ""), change.done()))),
        Err(ManageError::ClientChanged { current }) => {
            changed(app, operator, &current, form, change).await
        }
        Err(error) => {
            let (status, errors) = refusal(error)?;
            confirm(status, app, operator, &client, change, &html! {}, &errors).await
        }
    }
}

/// Asks for confirmation again, since the client has changed since it was shown.
async fn changed(
    app: &App,
    operator: &Operator,
    client: &ClientInfo,
    form: &Form,
    change: Change,
) -> PageResult {
    let notice = conflict::of_client(app, client, form, &[]).await;
    confirm(StatusCode::CONFLICT, app, operator, client, change, &notice, &Errors::default()).await
}

impl Change {
    fn title(self) -> &'static str {
        match self {
            Self::Disable => "Disable",
            Self::Enable => "Enable",
            Self::Remove => "Remove",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Disable => "/disable",
            Self::Enable => "/enable",
            Self::Remove => "/remove",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::Remove => "removed",
        }
    }

    /// Returns the reason why the change cannot be made now, if there is one.
    fn is_done(self, client: &ClientInfo) -> Option<&'static str> {
        match (self, client.enabled) {
            (Self::Disable, false) => Some("This client is already disabled."),
            (Self::Enable, true) => Some("This client is already enabled."),
            (Self::Remove, true) => Some(
                "This client is enabled. Disable it first, and remove it once you are sure that nobody needs it.",
            ),
            (Self::Disable, true) | (Self::Enable | Self::Remove, false) => None,
        }
    }
}

async fn confirm(
    status: StatusCode,
    app: &App,
    operator: &Operator,
    client: &ClientInfo,
    change: Change,
    notice: &Markup,
    errors: &Errors,
) -> Result<Response, crate::error::PageError> {
    let name = client.profile.name();
    let url = client_url(app, name, "");
    let body = if let Some(why) = change.is_done(client) {
        html! {
            (notice)
            (errors.summary())
            p { (why) }
            div.actions {
                @if change == Change::Remove {
                    a.button.danger href=(client_url(app, name, Change::Disable.path())) { "Disable the client" }
                }
                a.button href=(url) { "Back to the client" }
            }
        }
    } else {
        let class = if change == Change::Enable { "primary" } else { "danger primary" };
        html! {
            (notice)
            (errors.summary())
            (effects(app, client, change).await?)
            form method="post" action=(client_url(app, name, change.path())) {
                (form::csrf(operator))
                (hidden("version", &client.version().to_string()))
                (Facts::of_client(client).hidden())
                @if change == Change::Remove {
                    (Field::new("confirm", "To confirm, type the name of the client").hint(name).required_line(errors))
                }
                div.actions {
                    button.button.(class) type="submit" { (change.title()) " the client" }
                    a.button.quiet href=(url) { "Cancel" }
                }
            }
        }
    };
    let title = format!("{} {}", change.title(), client.profile.title().unwrap_or(name));
    Ok(page_with(status, app, operator, &title, Section::Clients, body))
}

/// Describes the effect of the change, and the number of keys that it affects.
async fn effects(app: &App, client: &ClientInfo, change: Change) -> Result<Markup, ManageError> {
    let name = client.profile.name();
    let keys = counted(u64::try_from(client.keys).unwrap_or(u64::MAX), "key");
    Ok(match change {
        Change::Enable | Change::Disable if client.keys == 0 => html! {
            p { strong { (name) } " has no working keys, so this has no effect on requests now. "
                @if change == Change::Enable { "New keys will work." }
                @else { "New keys will be refused until you enable the client again." } }
        },
        Change::Enable => html! {
            p { (keys) " of " strong { (name) } " will work again from the next request on, unless they have "
            "expired." }
        },
        Change::Disable => {
            let uses = Uses::of_client(app, name).await;
            html! {
                p { (keys) " of " strong { (name) } " will be refused from the next request on, until you enable "
                "the client again. The keys are kept." }
                (uses.of_all(app.now()))
            }
        }
        Change::Remove => {
            let query = KeyQuery::new().with_client(name).with_limit(1_000);
            let page = app.store.keys(&query).await?;
            let all = u64::try_from(page.found.len() + page.unreadable.len()).unwrap_or(u64::MAX);
            let all = if page.next.is_some() {
                "more than 1,000 keys".to_owned()
            } else {
                counted(all, "key")
            };
            html! {
                p { strong { (name) } " and " (all) " will be removed, including revoked and expired keys. "
                "This cannot be undone." }
                p { "Its recorded changes are kept." }
            }
        }
    })
}
