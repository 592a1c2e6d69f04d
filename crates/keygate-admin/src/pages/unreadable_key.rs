//! Keys whose database row cannot be read, for example after a change by hand. They can still be revoked.

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
use crate::view::{key_url, with_code};

/// Reads a key. If its row cannot be read, returns a page that says so.
///
/// # Errors
///
/// Fails if the key does not exist, or if the store cannot be read at all.
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
            p { strong { "This key cannot be shown. " } (with_code(&sentence(why))) }
            p { "Repair the row in the database. The key can be revoked even if you do not repair it." }
        }
        @if operator.may_change() {
            form method="post" action=(key_url(app, key_id, "/revoke")) {
                (form::csrf(operator))
                (hidden("unreadable", "yes"))
                p { "A revoked key is refused permanently, even after the row is repaired. Its recent use is not known." }
                div.actions {
                    button.button.danger.primary type="submit" { "Revoke the key" }
                    a.button.quiet href=(app.url("/keys")) { "Cancel" }
                }
            }
        }
    };
    page(app, operator, &format!("Key {key_id}"), Section::Keys, body)
}

/// Revokes the key. Afterwards, its row still cannot be read.
pub(super) async fn revoke(app: &App, operator: &Operator, key_id: KeyId) -> PageResult {
    operator.store(app)?.revoke(&key_id).await?;
    let body = html! {
        div.notice.ok role="status" { p { "The key was revoked." } }
        p { "Its row still cannot be read. The lists report it until it is repaired or the client is removed." }
        div.actions { a.button href=(app.url("/keys")) { "Back to the keys" } }
    };
    Ok(page(app, operator, &format!("Key {key_id}"), Section::Keys, body))
}
