use keygate::client::ProfileError;
use keygate::manage::{KeyError, ManageError, PolicyError};

use super::{ClientView, KeyView, Kind, Problem};
use crate::error::sentence;

/// Returns the problem for operators, who may see the store's messages.
impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        let detail = sentence(&error.to_string());
        match error {
            ManageError::UnknownClient { .. } | ManageError::UnknownKey { .. } => {
                Self::new(Kind::NotFound, detail)
            }
            ManageError::ClientExists { .. } | ManageError::StillEnabled { .. } => {
                Self::new(Kind::Conflict, detail)
            }
            ManageError::Conflict { key_id, .. } => Self::new(Kind::Conflict, detail).about(key_id),
            ManageError::ClientChanged { current } => {
                Self::changed(&ClientView::of(&current), current.version())
            }
            ManageError::KeyChanged { current } => {
                Self::changed(&KeyView::unwatched(&current), current.version())
            }
            ManageError::InvalidCursor => {
                Self::parameters(vec![super::Violation::in_query("after", detail)])
            }
            ManageError::NoEvents { .. } => Self::new(Kind::NotKept, detail),
            ManageError::ReadOnly { .. } => Self::new(Kind::ReadOnlyStore, detail),
            ManageError::NotEditable { .. } => Self::new(Kind::Conflict, detail),
            ManageError::Unavailable(_) => Self::new(Kind::Unavailable, detail).retry_after(1),
            error => match field(&error) {
                Some(pointer) => Self::field(pointer, detail),
                None => Self::new(Kind::Conflict, detail),
            },
        }
    }
}

impl Problem {
    /// Returns the problem for customers, who must not learn about other clients or where the keys are stored.
    pub(crate) fn for_customer(error: ManageError) -> Self {
        match error {
            ManageError::UnknownClient { .. } => Self::no_client(),
            ManageError::UnknownKey { .. } => Self::no_key(),
            ManageError::Conflict { .. }
            | ManageError::ClientChanged { .. }
            | ManageError::KeyChanged { .. }
            | ManageError::InvalidCursor => error.into(),
            error if field(&error).is_some() => error.into(),
            _ => {
                let detail = "The keys cannot be read or changed at the moment: try again later.";
                Self::new(Kind::Unavailable, detail).retry_after(1)
            }
        }
    }

    /// Returns the same problem for the ID of another client's key, an unknown ID, and a text that is not an ID.
    pub(crate) fn no_key() -> Self {
        Self::new(Kind::NotFound, "You have no key with this ID.")
    }

    pub(crate) fn no_client() -> Self {
        Self::new(Kind::NotFound, "You are signed in, but there is no client with your name.")
    }
}

/// Returns the field for which a change was refused.
fn field(error: &ManageError) -> Option<&'static str> {
    match error {
        ManageError::Label(_) => Some("/label"),
        ManageError::LacksScope { .. } => Some("/scopes"),
        ManageError::LacksNetwork { .. } => Some("/networks"),
        ManageError::ExpiryPassed
        | ManageError::Policy(PolicyError::NoExpiry | PolicyError::TooLong { .. })
        | ManageError::Key(KeyError::Expiry(_)) => Some("/expires"),
        ManageError::NeverValid | ManageError::Key(KeyError::NotBefore(_)) => Some("/not_before"),
        ManageError::Key(KeyError::Profile(error)) => match error {
            ProfileError::Name(_) => Some("/name"),
            ProfileError::Title(_) => Some("/title"),
            _ => Some("/metadata"),
        },
        _ => None,
    }
}
