use crate::key::invisible::{self, InvisibleChar};
use crate::key::is_generated_key;

/// The maximum length of a client name or key label, in characters.
pub const MAX_NAME_CHARS: usize = 128;

/// Checks a client name or key label.
pub(crate) fn check(text: &str) -> Result<(), LabelError> {
    if text.trim().is_empty() {
        return Err(LabelError::Empty);
    }
    if text.chars().count() > MAX_NAME_CHARS {
        return Err(LabelError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(LabelError::Control);
    }
    if let Some(found) = invisible::in_name(text) {
        return Err(LabelError::Invisible(found));
    }
    if text.trim() != text {
        return Err(LabelError::OuterBlank);
    }
    if is_generated_key(text) {
        return Err(LabelError::Key);
    }
    Ok(())
}

/// Reason why a text is not a valid client name or key label. `Display` continues a sentence whose subject is the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The label is empty or blank.
    #[error("is empty")]
    Empty,
    /// The label is longer than [`MAX_NAME_CHARS`].
    #[error("is longer than {} characters", MAX_NAME_CHARS)]
    TooLong,
    /// The label has a control character or a line end.
    #[error("contains a control character or a line end")]
    Control,
    /// The label has an invisible character.
    #[error("contains {0}, which is invisible")]
    Invisible(InvisibleChar),
    /// The label is a key, which must not be shown to people as labels are.
    #[error("is a key")]
    Key,
    /// The label begins or ends with a blank.
    #[error("begins or ends with a blank")]
    OuterBlank,
}
