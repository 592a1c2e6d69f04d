use super::label::{LabelError, MAX_NAME_CHARS};
use crate::key::InvisibleChar;

/// The maximum total length of the names and values of a client's metadata, in bytes.
pub const MAX_METADATA_BYTES: usize = 4096;

/// Reason why stores refuse a profile. Contains no text of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The name is empty or blank.
    #[error("the client has no name: write the name of the client that gets this key")]
    NoName,
    /// The name is longer than [`MAX_NAME_CHARS`].
    #[error("the name of the client is longer than {MAX_NAME_CHARS} characters")]
    NameTooLong,
    /// The name has a control character or a line end.
    #[error("the name of the client contains a control character or a line end")]
    NameControl,
    /// The name has an invisible character.
    #[error("the name of the client contains {0}, which is invisible")]
    NameInvisible(InvisibleChar),
    /// The name is a key, but names are shown to people.
    #[error("the name of the client is a key")]
    NameIsKey,
    /// The name begins or ends with a blank.
    #[error("the name of the client begins or ends with a blank")]
    NameOuterBlank,
    /// The metadata is longer than [`MAX_METADATA_BYTES`].
    #[error("the metadata of the client is longer than {MAX_METADATA_BYTES} bytes in all")]
    MetadataTooLong,
    /// The metadata has a zero character.
    #[error("the metadata of the client contains a zero character, which PostgreSQL cannot store")]
    MetadataZero,
    /// A name in the metadata has an invisible character.
    #[error("a name in the metadata of the client contains {0}, which is invisible")]
    MetadataInvisible(InvisibleChar),
}

impl From<LabelError> for ProfileError {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::Empty => Self::NoName,
            LabelError::TooLong => Self::NameTooLong,
            LabelError::Control => Self::NameControl,
            LabelError::Invisible(found) => Self::NameInvisible(found),
            LabelError::OuterBlank => Self::NameOuterBlank,
            LabelError::Key => Self::NameIsKey,
        }
    }
}
