use std::error::Error;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::LengthLimitError;
use maud::{Markup, html};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::PageError;
use crate::operator::Operator;
use crate::secret_body;

/// A form that was submitted from a page of this service by an operator who may make changes. As an extractor, it must
/// be the last argument.
///
/// It refuses content types other than `application/x-www-form-urlencoded` (415), more than [`Form::LIMIT`] bytes
/// (413), a wrong token (403), and operators who may only read (403).
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub(crate) const LIMIT: usize = 256 * 1024;

    /// Returns the first value with this name, trimmed, or an empty text if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().map_or("", str::trim)
    }

    /// Returns all values with this name, as they were sent.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    async fn read(request: Request, limit: usize) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        if !is_form(&parts.headers) {
            return Err(PageError::NotAForm);
        }
        let text = read(&parts.headers, body, limit).await?;
        let pairs = form_urlencoded::parse(&text).into_owned().collect();
        // Somebody may have typed a key.
        secret_body::overwrite(text);
        Ok(Self { pairs })
    }

    fn has_token(&self, operator: &Operator) -> bool {
        let expected = operator.csrf().as_bytes();
        !expected.is_empty() && self.text("csrf").as_bytes().ct_eq(expected).into()
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, PageError> {
        let operator = operator(&request)?;
        if !operator.may_change() {
            return Err(PageError::ReadOnlyOperator);
        }
        let form = Self::read(request, Self::LIMIT).await?;
        if form.has_token(&operator) { Ok(form) } else { Err(PageError::ForgedForm) }
    }
}

/// The hidden field with the operator's form token.
pub(crate) fn csrf(operator: &Operator) -> Markup {
    html! { input type="hidden" name="csrf" value=(operator.csrf()); }
}

/// The form that ends a session. Read-only operators may send it, too.
pub(crate) struct SignOutForm {
    /// The token of the session.
    pub(crate) token: String,
}

impl FromRequest<Arc<App>> for SignOutForm {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, PageError> {
        let operator = operator(&request)?;
        let token = operator.session().ok_or(PageError::SignedOut)?.to_owned();
        let form = Form::read(request, 4 * 1024).await?;
        if form.has_token(&operator) { Ok(Self { token }) } else { Err(PageError::ForgedForm) }
    }
}

/// Returns the input of the sign-in form, which is sent without a session.
pub(crate) async fn sign_in_input(request: Request) -> Result<Zeroizing<String>, PageError> {
    let form = Form::read(request, 16 * 1024).await?;
    let [typed] = ["code"].map(|name| Zeroizing::new(form.text(name).to_owned()));
    form.pairs.into_iter().for_each(|(_, value)| drop(Zeroizing::new(value)));
    Ok(typed)
}

fn operator(request: &Request) -> Result<Operator, PageError> {
    request.extensions().get().cloned().ok_or(PageError::SignedOut)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, PageError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit as u64) {
        return Err(PageError::TooLarge);
    }
    to_bytes(body, limit).await.map_err(|error| {
        let source = error.source();
        if source.is_some_and(<dyn Error>::is::<LengthLimitError>) {
            PageError::TooLarge
        } else {
            PageError::BadRequest(
                "Nothing was changed. The form arrived incomplete. Submit it again.".to_owned(),
            )
        }
    })
}
