use keygate::client::ProfileError;
use keygate::manage::{KeyError, ManageError, PolicyError};

use super::{ClientView, KeyView, Kind, Problem};
use crate::error::sentence;

/// For operators, who may see the messages of the store.
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
    /// For customers, who may not learn of other clients, or of where the keys are.
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

    /// The same for ids of other clients, of nobody, and for what is no id.
    pub(crate) fn no_key() -> Self {
        Self::new(Kind::NotFound, "You have no key with this id.")
    }

    pub(crate) fn no_client() -> Self {
        Self::new(Kind::NotFound, "You are signed in, but there is no client of your name here.")
    }
}

/// Returns the field that a change was refused for.
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
