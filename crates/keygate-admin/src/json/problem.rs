use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, ETAG, HeaderName, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use keygate::KeyId;
use keygate::manage::Version;
use keygate::store::DatabaseError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The page that describes the problem types. The name of the type follows as a fragment.
const TYPES: &str = "https://docs.rs/keygate-admin/latest/keygate_admin/problems/index.html#";

macro_rules! kinds {
    ($($kind:ident = $name:literal, $status:ident, $title:literal;)+) => {
        /// A problem type with its name, status and title. `problems.md` describes each of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind,)+
        }

        impl Kind {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)+
                }
            }

            fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)+
                }
            }
        }

        #[cfg(test)]
        const ALL: &[Kind] = &[$(Kind::$kind),+];
    };
}

kinds! {
    Malformed = "malformed-request", BAD_REQUEST, "Malformed request";
    Parameters = "invalid-parameters", BAD_REQUEST, "Invalid query parameters";
    Credentials = "unauthorized", UNAUTHORIZED, "No valid credentials";
    Forbidden = "forbidden", FORBIDDEN, "Not allowed";
    KeyMakesKeys = "key-cannot-make-keys", FORBIDDEN, "An API key cannot issue keys";
    CrossOrigin = "cross-origin", FORBIDDEN, "Request from another origin";
    ReadOnlyStore = "read-only-store", FORBIDDEN, "The store is read-only";
    NotFound = "not-found", NOT_FOUND, "Not found";
    NotKept = "not-kept", NOT_FOUND, "Not recorded";
    Method = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    Conflict = "conflict", CONFLICT, "Conflict with the current state";
    TooManyKeys = "too-many-keys", CONFLICT, "Too many keys";
    InProgress = "in-progress", CONFLICT, "The first request is still in progress";
    Changed = "changed-meanwhile", PRECONDITION_FAILED, "Changed in the meantime";
    TooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "Body too large";
    MediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    OtherHost = "other-host", MISDIRECTED_REQUEST, "Request for another host";
    Fields = "invalid-fields", UNPROCESSABLE_ENTITY, "Invalid fields";
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "Idempotency key reused";
    VersionRequired = "version-required", PRECONDITION_REQUIRED, "Version required";
    Throttled = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests";
    Internal = "internal-error", INTERNAL_SERVER_ERROR, "Internal error";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable";
}

/// A problem details response (RFC 9457).
///
/// It never includes the message of a foreign parser, which could quote a key.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<Violation>,
    current: Option<Value>,
    key_id: Option<KeyId>,
    headers: HeaderMap,
}

/// The body of an error response: problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDetails<'a> {
    /// The type of the problem, as the URL of its description.
    #[serde(rename = "type")]
    kind: String,
    /// The type of the problem in a few words.
    title: &'a str,
    /// The status code of the response.
    status: u16,
    /// What happened, and what to do.
    detail: &'a str,
    /// The invalid fields or query parameters.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [Violation],
    /// The current client or key, if it has changed in the meantime.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    current: Option<&'a Value>,
    /// The key that the problem concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    key_id: Option<KeyId>,
}

/// An invalid field of the body, or an invalid query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Violation {
    /// The position in the body, as a JSON pointer in a URL fragment (RFC 6901), such as `#/scopes/0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) pointer: Option<String>,
    /// The name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) parameter: Option<String>,
    /// What is wrong, and what to do.
    pub(crate) detail: String,
}

impl Violation {
    /// Creates the error for a field. `pointer` has no `#`.
    pub(crate) fn at(pointer: &str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(format!("#{pointer}")), parameter: None, detail: detail.into() }
    }

    pub(crate) fn in_query(parameter: &str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(parameter.to_owned()), detail: detail.into() }
    }
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (errors, current, key_id, headers) = Default::default();
        let detail = detail.into();
        Self(Box::new(Content { kind, detail, errors, current, key_id, headers }))
    }

    pub(crate) fn fields(errors: Vec<Violation>) -> Self {
        let detail = "Nothing was changed: correct the fields listed in `errors`.";
        Self::new(Kind::Fields, detail).with(|content| content.errors = errors)
    }

    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::fields(vec![Violation::at(pointer, detail)])
    }

    pub(crate) fn parameters(errors: Vec<Violation>) -> Self {
        let detail = "Correct the query parameters listed in `errors`.";
        Self::new(Kind::Parameters, detail).with(|content| content.errors = errors)
    }

    pub(crate) fn internal() -> Self {
        Self::new(Kind::Internal, "The request failed because of an error in this service.")
    }

    /// Returns the problem for a client or key that has changed in the meantime. `current` is its current state.
    pub(crate) fn changed(current: &impl Serialize, version: Version) -> Self {
        let detail = "Nothing was changed, because the version in `If-Match` is out of date. The current state is in \
                      `current`: decide again.";
        let current = serde_json::to_value(current).ok();
        let problem = Self::new(Kind::Changed, detail).with(|content| content.current = current);
        problem.with_header(ETAG, &etag(version))
    }

    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        self.with_header(RETRY_AFTER, &seconds.to_string())
    }

    pub(crate) fn about(self, key_id: KeyId) -> Self {
        self.with(|content| content.key_id = Some(key_id))
    }

    pub(crate) fn with_header(self, name: HeaderName, value: &str) -> Self {
        self.with(|content| {
            content.headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
        })
    }

    /// Copies the lines of a header from another response.
    pub(crate) fn with_lines(self, name: &HeaderName, from: &HeaderMap) -> Self {
        self.with(|content| {
            for value in from.get_all(name) {
                content.headers.append(name, value.clone());
            }
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Content)) -> Self {
        change(&mut self.0);
        self
    }
}

/// Returns the problem for a usage history that cannot be read.
impl From<DatabaseError> for Problem {
    fn from(_: DatabaseError) -> Self {
        Self::new(Kind::Unavailable, "The usage history cannot be read at the moment.")
            .retry_after(1)
    }
}

/// Returns the entity tag of a client or key.
pub(crate) fn etag(version: Version) -> String {
    format!("\"{version}\"")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Content { kind, detail, errors, current, key_id, headers } = *self.0;
        let details = ProblemDetails {
            kind: [TYPES, kind.name()].concat(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: &detail,
            errors: &errors,
            current: current.as_ref(),
            key_id,
        };
        let body = serde_json::to_string(&details).unwrap_or_default();
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (kind.status(), content_type, headers, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_type_is_documented() {
        let described = include_str!("../problems.md");
        for kind in ALL {
            let heading = format!("\n# {}\n", kind.name());
            assert!(described.contains(&heading), "{kind:?}");
            let status = format!("{}: ", kind.status().as_u16());
            let text = described.split_once(&heading).unwrap().1.trim_start();
            assert!(text.starts_with(&status), "{kind:?}");
        }
        assert_eq!(described.matches("\n# ").count(), ALL.len());
    }
}
