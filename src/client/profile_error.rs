use super::label::LabelError;
use crate::key::InvisibleChar;

/// The maximum total length of the names and values of a client's metadata, in bytes.
pub const MAX_METADATA_BYTES: usize = 4096;

/// Reason why stores refuse a profile. Contains no text of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The name breaks a rule.
    #[error("the name of the client {0}")]
    Name(LabelError),
    /// The title breaks a rule.
    #[error("the title of the client {0}")]
    Title(LabelError),
    /// The metadata is longer than [`MAX_METADATA_BYTES`].
    #[error("the metadata of the client is longer than {MAX_METADATA_BYTES} bytes in all")]
    MetadataTooLong,
    /// The metadata has a zero character.
    #[error("the metadata of the client contains a zero character, which PostgreSQL cannot store")]
    MetadataZero,
    /// A name in the metadata has an invisible character.
    #[error("a name in the client's metadata contains {0}, which is invisible")]
    MetadataInvisible(InvisibleChar),
}
