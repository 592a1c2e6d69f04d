//! Creates the key of a form once, and renders the only response that shows it.

use std::fmt::Display;
use std::future::Future;

use axum::body::to_bytes;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use keygate::key::DEFAULT_PREFIX;
use keygate::manage::{ClientInfo, KeyInfo, ManageError};
use keygate::{ApiKey, KeyId, StoreError};
use maud::{Markup, html};
use zeroize::Zeroizing;

use super::nonce::{Made, Outcome, Slot};
use crate::app::App;
use crate::error::{PageError, PageResult, status_of};
use crate::layout::{Section, page, page_with};
use crate::operator::Operator;
use crate::random::{self, NoRandomness};
use crate::secret_body;
use crate::view::field::Errors;
use crate::view::{client_url, key_url, time};

/// Opens a form that creates a key, and returns its nonce.
pub(super) fn open(app: &App) -> Result<String, PageError> {
    app.nonces.open(app.now()).map_err(|NoRandomness| PageError::NoRandomness)
}

/// Generates a key. Its text is overwritten in memory when it is dropped.
pub(super) fn generate(app: &App) -> Result<ApiKey, PageError> {
    ApiKey::generate(app.key_prefix.as_deref().unwrap_or(DEFAULT_PREFIX)).map_err(failed)
}

fn failed(error: impl Display) -> PageError {
    PageError::Manage(ManageError::Unavailable(StoreError::new(error.to_string())))
}

/// Returns what a form has already done. If the store failed while it created the form's key, this asks the store
/// whether it has the key, and returns `None` if not.
pub(super) async fn earlier(
    app: &App,
    outcome: Option<Outcome>,
) -> Result<Option<Outcome>, ManageError> {
    let Some(Outcome::Unknown(made)) = outcome else { return Ok(outcome) };
    match app.store.find_key(&made.key_id).await {
        Ok(_) => Ok(outcome),
        Err(ManageError::UnknownKey { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates the key of a form. If the form has already created one, returns that outcome.
///
/// The change runs to its end even if the browser drops the request, as it does after a double click. The next request
/// with the same form waits for it.
pub(super) async fn once<T: Send + 'static>(
    app: &App,
    slot: Slot,
    key_id: KeyId,
    making: impl Future<Output = Result<T, ManageError>> + Send + 'static,
) -> Result<Result<T, Outcome>, ManageError> {
    let mut turn = slot.lock_owned().await;
    if let Some(outcome) = earlier(app, *turn).await? {
        return Ok(Err(outcome));
    }
    let made = Made { key_id, at: app.now() };
    *turn = Some(Outcome::Unknown(made));
    let task = tokio::spawn(async move {
        let result = making.await;
        match &result {
            Ok(_) => *turn = Some(Outcome::Made(made)),
            // The store may have added the key all the same.
            Err(ManageError::Unavailable(_)) => {}
            Err(_) => *turn = None,
        }
        result
    });
    match task.await {
        Ok(result) => result.map(Ok),
        Err(error) => Err(ManageError::Unavailable(StoreError::new(error))),
    }
}

/// Returns the errors to show in a form after the store refused its key, and the status of the response.
///
/// # Errors
///
/// Fails if the client or key does not exist, since there is no form to show then.
pub(super) fn refusal(error: ManageError) -> Result<(StatusCode, Errors), PageError> {
    if let ManageError::Unavailable(_) = &error {
        let message = format!(
            "{error}. Your input is still here: try again. If the key was issued after all, the next page says so, and \
             no second key is issued."
        );
        return Ok((status_of(&error), Errors::unknown(message)));
    }
    super::refusal(error)
}

/// A key that was just created.
pub(super) struct New<'a> {
    pub(super) key: ApiKey,
    pub(super) client: &'a ClientInfo,
    pub(super) issued: &'a KeyInfo,
    /// Further text for the page.
    pub(super) note: Markup,
}

/// Renders the page that shows a new key once.
///
/// The page is rendered with a random placeholder, which is then replaced by the key. Apart from [`New::key`],
/// the text of the key is then only in the response buffer, which is overwritten after it was sent.
pub(super) async fn respond(
    app: &App,
    operator: &Operator,
    title: &str,
    new: New<'_>,
) -> PageResult {
    let word = random::token().map_err(|NoRandomness| PageError::NoRandomness)?;
    let shown = page(app, operator, title, Section::Clients, body(app, &new, &word));
    let (mut parts, body) = shown.into_parts();
    let page = to_bytes(body, usize::MAX).await.map_err(failed)?;
    let page = String::from_utf8_lossy(&page);
    let key = new.key.expose();
    let length = page.len() + page.matches(&word).count() * key.len();
    let mut buffer = Zeroizing::new(Vec::with_capacity(length));
    for (index, part) in page.split(&word).enumerate() {
        if index > 0 {
            buffer.extend_from_slice(key.as_bytes());
        }
        buffer.extend_from_slice(part.as_bytes());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Response::from_parts(parts, secret_body::body(buffer)))
}

fn body(app: &App, new: &New<'_>, key: &str) -> Markup {
    let New { client, issued, note, .. } = new;
    let name = client.profile.name();
    html! {
        div.notice.ok role="status" {
            p { strong { "This is the only time you will see this key." } " Copy it now. It cannot be shown again." }
        }
        div.field {
            label for="key" { "Key" }
            // A text area wraps in a narrow window, where a one-line input would cut the key off.
            textarea.key id="key" readonly rows="2" spellcheck="false" autocomplete="off" { (key) }
            button.button type="button" hidden data-copy="#key" { "Copy the key" }
        }
        h2 { "Try it" }
        p { "The client sends the key in the " code { "x-api-key" } " header. Replace the address with your service’s." }
        div.field {
            label for="curl" { "Command" }
            textarea.key id="curl" readonly rows="4" spellcheck="false" autocomplete="off" {
                "curl -H 'x-api-key: " (key) "' https://api.example.com/"
            }
            button.button type="button" hidden data-copy="#curl" { "Copy the command" }
        }
        h2 { "Where to keep it" }
        ul {
            li { "Keep it in a secret manager, or in an environment variable of the program that uses it." }
            li { "Do not put it in source code, chats, emails or tickets." }
            li { "If somebody else may have seen it, rotate it. It takes a minute." }
        }
        (note)
        @if !client.enabled { p { "The client is disabled. The key will be refused until you enable the client." } }
        dl.facts {
            dt { "Client" } dd { a href=(client_url(app, name, "")) { (client.profile.title().unwrap_or(name)) } }
            dt { "Label" } dd { (issued.label.as_deref().unwrap_or("none")) }
            dt { "Key ID" } dd { a href=(key_url(app, issued.key_id, "")) { code.id { (issued.key_id.to_string()) } } }
            dt { "Expires" } dd { (time::optional(issued.expires(), app.now(), "never")) }
        }
    }
}

/// Renders the response to a form that was sent again: which key it has created, without the key's text.
pub(super) fn made_already(app: &App, operator: &Operator, outcome: Outcome) -> Response {
    let (made, class, notice, advice) = match outcome {
        Outcome::Made(made) => (
            made,
            "notice",
            [
                "This form has already been used. No second key was issued.",
                "A key is shown only once, right after it is issued.",
            ],
            "If you could not copy the key, revoke it and issue another one.",
        ),
        Outcome::Unknown(made) => (
            made,
            "notice warn",
            [
                "The key was issued, but it could not be shown. No second key was issued.",
                "The store reported a failure, although it had issued the key. The key cannot be shown any more.",
            ],
            "Nobody has seen the key: revoke it and issue another one.",
        ),
    };
    let url = key_url(app, made.key_id, "");
    let body = html! {
        div class=(class) role="status" {
            p { strong { (notice[0]) } }
            p { (notice[1]) }
        }
        p {
            "The form issued key " a href=(url) { code.id { (made.key_id.to_string()) } } ", " (time::relative(made.at, app.now())) "."
        }
        p { (advice) }
        div.actions {
            a.button href=(url) { "Show the key" }
            a.button.danger href=(key_url(app, made.key_id, "/revoke")) { "Revoke it" }
        }
    };
    page_with(StatusCode::OK, app, operator, "The key was already issued", Section::Clients, body)
}

/// Renders the notice that a form is too old, or was opened before the process restarted.
pub(super) fn too_old() -> Markup {
    html! {
        div.notice.warn role="status" {
            p { strong { "No key was issued." } " The form had expired. Check it and submit it again." }
        }
    }
}
