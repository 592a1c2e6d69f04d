use crate::key::invisible::{self, InvisibleChar};
use crate::key::is_key;

/// The longest name of a client or label of a key, in characters.
pub const MAX_NAME_CHARS: usize = 128;

/// The one rule for names of clients and labels of keys.
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
    if is_key(text) {
        return Err(LabelError::Key);
    }
    Ok(())
}

/// Why a text is not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The label is empty or blank.
    #[error("it is empty")]
    Empty,
    /// The label is longer than [`MAX_NAME_CHARS`].
    #[error("it is longer than {} characters", MAX_NAME_CHARS)]
    TooLong,
    /// There is a control character or a line end in the label.
    #[error("it holds a control character or a line end")]
    Control,
    /// The label has a character that people cannot see.
    #[error("it holds {0}, which people cannot see")]
    Invisible(InvisibleChar),
    /// It is a key, and labels are shown.
    #[error("it is a key")]
    Key,
    /// The label begins or ends with a blank.
    #[error("it begins or ends with a blank")]
    OuterBlank,
}
