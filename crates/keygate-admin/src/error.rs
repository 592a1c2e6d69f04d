use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use keygate::manage::ManageError;
use keygate::store::DatabaseError;
use maud::{Markup, html};

use crate::app::App;
use crate::layout::{self, Section};
use crate::operator::Operator;
use crate::pages::health;
use crate::view::with_code;

pub(crate) type PageResult = Result<Response, PageError>;

/// The reason for an error page.
///
/// The response has no body and carries the error in its extensions. The guard renders it, since it knows the operator.
/// The text says what happened and what to do next.
#[derive(Debug)]
pub(crate) enum PageError {
    /// 404.
    NotFound(String),
    /// 404, 403, 409, 422 or 503, depending on the error.
    Manage(ManageError),
    /// 503: usage cannot be read.
    Usage(DatabaseError),
    /// 400.
    BadRequest(String),
    /// 403.
    Forbidden(String),
    /// 403: the form does not have the operator's token.
    ForgedForm,
    /// 403: the operator may only read.
    ReadOnlyOperator,
    /// 303 to the sign-in form for pages, 403 for changes.
    SignedOut,
    /// 503: the operators' store cannot be read.
    OperatorsUnavailable,
    /// 503.
    NoRandomness,
    /// 405.
    MethodNotAllowed,
    /// 413.
    TooLarge,
    /// 415.
    NotAForm,
    /// 421 (RFC 9110 section 15.5.20): the request is for another host.
    OtherHost,
}

impl From<ManageError> for PageError {
    fn from(error: ManageError) -> Self {
        Self::Manage(error)
    }
}

impl From<DatabaseError> for PageError {
    fn from(error: DatabaseError) -> Self {
        Self::Usage(error)
    }
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Manage(error) => status_of(error),
            Self::Usage(_) | Self::OperatorsUnavailable | Self::NoRandomness => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) | Self::ForgedForm | Self::ReadOnlyOperator | Self::SignedOut => {
                StatusCode::FORBIDDEN
            }
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
        }
    }

    /// The heading of the page.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Not found",
            Self::Manage(error) => title_of(error),
            Self::Usage(_) => "Usage cannot be read",
            Self::BadRequest(_) => "Bad request",
            Self::Forbidden(_) | Self::ReadOnlyOperator => "Not allowed",
            Self::ForgedForm => "This form is out of date",
            Self::SignedOut => "You are signed out",
            Self::OperatorsUnavailable => "Operators cannot be read",
            Self::NoRandomness => "Could not create a session",
            Self::MethodNotAllowed => "Method not allowed",
            Self::TooLarge => "Too large",
            Self::NotAForm => "Unsupported content type",
            Self::OtherHost => "Wrong address",
        }
    }

    /// What happened, and the way out.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NotFound(text) | Self::BadRequest(text) | Self::Forbidden(text) => text.clone(),
            Self::Manage(error) => sentence(&error.to_string()),
            Self::Usage(error) => sentence(&error.to_string()),
            Self::ForgedForm => "Nothing was changed. The form does not belong to your current session. Open the page \
                                 again and submit the form from there."
                .to_owned(),
            Self::ReadOnlyOperator => "Nothing was changed. You have read-only access. To make changes, ask for the \
                                       scope “admin”."
                .to_owned(),
            Self::SignedOut => {
                                "Nothing was changed. Your session has ended. Sign in and submit the form again.".to_owned()
                                }
            Self::OperatorsUnavailable => "The operators' store cannot be read right now, so your key cannot be \
                                           checked. You are still signed in. Try again."
                .to_owned(),
            Self::NoRandomness => "The system's random number generator failed. Try again.".to_owned(),
            Self::MethodNotAllowed => {
                "This address exists, but does not support this kind of request. Open the page from the \
                 navigation.".to_owned()
            }
            Self::TooLarge => "Nothing was changed. The form is larger than 256 KiB. Shorten your input.".to_owned(),
            Self::NotAForm => "Nothing was changed. Changes must be submitted with a form on this page.".to_owned(),
            Self::OtherHost => "This is not the address of the page.".to_owned(),
        }
    }

    /// Renders the page, with the navigation if an operator is signed in.
    pub(crate) fn render(&self, app: &App, operator: Option<&Operator>) -> Response {
        if let Self::OtherHost = self {
            // Plain text, since the links of a page would lead to the foreign host name.
            let text = format!(
                "This is not the address of the page: open {}{}/\n",
                app.site.origin(),
                app.base
            );
            return (self.status(), text).into_response();
        }
        let body = html! {
            p { (with_code(&self.message())) }
            @if let Self::Manage(ManageError::Unavailable(_)) = self { (health::what_still_works()) }
            p { (self.way_out(app)) }
        };
        match operator {
            Some(operator) => {
                layout::page_with(self.status(), app, operator, self.title(), None::<Section>, body)
            }
            None => layout::signed_out(app, self.status(), self.title(), body),
        }
    }

    fn way_out(&self, app: &App) -> Markup {
        if matches!(self, Self::SignedOut) {
            html! { a .button href=(app.url("/sign-in")) { "Sign in" } }
        } else {
            html! { a href=(app.url("/clients")) { "Go to clients" } }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Returns the status code for a store error, for pages and the API.
pub(crate) fn status_of(error: &ManageError) -> StatusCode {
    match error {
        ManageError::UnknownClient { .. } | ManageError::UnknownKey { .. } => StatusCode::NOT_FOUND,
        ManageError::ClientExists { .. }
        | ManageError::StillEnabled { .. }
        | ManageError::Conflict { .. }
        | ManageError::ClientChanged { .. }
        | ManageError::KeyChanged { .. }
        | ManageError::NotEditable { .. }
        | ManageError::NoEvents { .. } => StatusCode::CONFLICT,
        ManageError::ReadOnly { .. } | ManageError::Actor(_) => StatusCode::FORBIDDEN,
        ManageError::InvalidCursor => StatusCode::BAD_REQUEST,
        ManageError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn title_of(error: &ManageError) -> &'static str {
    match error {
        ManageError::UnknownClient { .. } => "No such client",
        ManageError::UnknownKey { .. } => "No such key",
        ManageError::ClientExists { .. } => "Client already exists",
        ManageError::StillEnabled { .. } => "Client is still enabled",
        ManageError::ClientChanged { .. } | ManageError::KeyChanged { .. } => {
            "Changed in the meantime"
        }
        ManageError::NoEvents { .. } => "Changes are not recorded",
        ManageError::ReadOnly { .. } => "This store is read-only",
        ManageError::NotEditable { .. } => "The key file cannot be edited here",
        ManageError::Unavailable(_) => "The store cannot be reached",
        _ => "Not possible",
    }
}

/// Turns an error message into a sentence, with a capital letter and a full stop.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    first.to_uppercase().chain(letters).chain(end.chars()).collect()
}
