//! A key whose row in a database cannot be read, as after a change by hand: it can still be revoked.

use axum::response::Response;
use keygate::KeyId;
use keygate::manage::{KeyInfo, KeyQuery, ManageError};
use maud::html;

use crate::app::App;
use crate::error::{PageError, PageResult, sentence};
use crate::form;
use crate::layout::{Section, page};
use crate::operator::Operator;
use crate::view::field::hidden;
use crate::view::key_url;

/// Reads a key, or returns the page of one whose row cannot be read.
///
/// # Errors
///
/// There is no such key, or the store cannot be read at all.
pub(super) async fn find(
    app: &App,
    operator: &Operator,
    key_id: KeyId,
) -> Result<Result<KeyInfo, Response>, PageError> {
    let error = match app.store.find_key(&key_id).await {
        Ok(key) => return Ok(Ok(key)),
        Err(error @ ManageError::Unavailable(_)) => error,
        Err(error) => return Err(error.into()),
    };
    let id = key_id.to_string();
    let rows = app.store.keys(&KeyQuery::new().with_search(&id)).await?;
    let Some(why) = rows.unreadable.iter().find(|why| why.contains(&id)) else {
        return Err(error.into());
    };
    Ok(Err(show(app, operator, key_id, why)))
}

fn show(app: &App, operator: &Operator, key_id: KeyId, why: &str) -> Response {
    let body = html! {
        div.notice.bad role="alert" {
            p { strong { "This key cannot be shown. " } (sentence(why)) }
            p { "Mend the row in the database, where somebody has changed it. A revoke needs nothing else of the row." }
        }
        @if operator.may_change() {
            form method="post" action=(key_url(app, key_id, "/revoke")) {
                (form::csrf(operator))
                (hidden("unreadable", "yes"))
                p { "Revoked, the key is refused for good, also when the row is mended. It cannot be said who uses it." }
                div.actions {
                    button.button.danger.primary type="submit" { "Revoke the key" }
                    a.button.quiet href=(app.url("/keys")) { "Cancel" }
                }
            }
        }
    };
    page(app, operator, &format!("Key {key_id}"), Section::Keys, body)
}

/// Revokes such a key. Its page cannot be shown afterwards either.
pub(super) async fn revoke(app: &App, operator: &Operator, key_id: KeyId) -> PageResult {
    operator.store(app)?.revoke(&key_id).await?;
    let body = html! {
        div.notice.ok role="status" { p { "The key was revoked, for good." } }
        p { "Its row still cannot be read, and stays in the lists as such until it is mended, or the client is removed." }
        div.actions { a.button href=(app.url("/keys")) { "Back to the keys" } }
    };
    Ok(page(app, operator, &format!("Key {key_id}"), Section::Keys, body))
}
