use std::borrow::Cow;
use std::ops::Deref;

use granit_parser::ScalarStyle;
use zeroize::Zeroize as _;

use super::load_error::{LoadError, LoadErrorKind};
use super::position::Position;

/// A scalar, or the start of a mapping or list.
pub(super) struct Node<'a> {
    pub(super) position: Position,
    pub(super) kind: NodeKind<'a>,
}

pub(super) enum NodeKind<'a> {
    /// A text, with the start of its second line, if it has one.
    Scalar(Text<'a>, ScalarStyle, Option<Position>),
    /// A number that serde has read.
    #[cfg(feature = "serde")]
    Number(Text<'a>),
    /// A boolean that serde has read.
    #[cfg(feature = "serde")]
    Boolean(bool),
    /// `null`, or an empty value.
    Null {
        is_written: bool,
    },
    Mapping,
    Sequence,
}

impl<'a> Node<'a> {
    fn found(&self) -> &'static str {
        match self.kind {
            NodeKind::Scalar(..) => "a text",
            #[cfg(feature = "serde")]
            NodeKind::Number(_) => "a number",
            #[cfg(feature = "serde")]
            NodeKind::Boolean(_) => "a boolean",
            NodeKind::Null { is_written: true } => "null",
            NodeKind::Null { is_written: false } => "nothing",
            NodeKind::Mapping => "a mapping",
            NodeKind::Sequence => "a list",
        }
    }

    pub(super) fn wrong_type(&self, expected: &'static str, hint: &'static str) -> LoadError {
        // If the lines have the same indentation, the file has another format, and the indentation is not the mistake.
        if let NodeKind::Scalar(_, ScalarStyle::Plain, Some(second)) = self.kind
            && second.column != self.position.column
        {
            return LoadErrorKind::SecondLine { first: self.position.line }.at(second);
        }
        LoadErrorKind::WrongType { expected, found: self.found(), hint }.at(self.position)
    }

    /// Returns the text as written, whatever type a YAML schema gives it. It must be on one line.
    pub(super) fn text(
        self,
        expected: &'static str,
        hint: &'static str,
    ) -> Result<Text<'a>, LoadError> {
        match self.kind {
            NodeKind::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, _) => {
                Err(LoadErrorKind::BlockScalar.at(self.position))
            }
            NodeKind::Scalar(_, style, Some(second)) => {
                let first = self.position.line;
                let kind = match style {
                    ScalarStyle::Plain => LoadErrorKind::SecondLine { first },
                    _ => LoadErrorKind::SecondQuotedLine { first },
                };
                Err(kind.at(second))
            }
            NodeKind::Scalar(text, ..) => Ok(text),
            NodeKind::Null { is_written: true } => {
                Err(LoadErrorKind::Null { expected, hint }.at(self.position))
            }
            _ => Err(self.wrong_type(expected, hint)),
        }
    }

    /// Returns the digits of a number.
    pub(super) fn number(
        self,
        expected: &'static str,
        hint: &'static str,
    ) -> Result<Text<'a>, LoadError> {
        match self.kind {
            #[cfg(feature = "serde")]
            NodeKind::Number(digits) => Ok(digits),
            _ => self.text(expected, hint),
        }
    }

    pub(super) fn mapping(
        &self,
        expected: &'static str,
        hint: &'static str,
    ) -> Result<(), LoadError> {
        if self.is_mapping() { Ok(()) } else { Err(self.wrong_type(expected, hint)) }
    }

    pub(super) fn sequence(
        &self,
        expected: &'static str,
        hint: &'static str,
    ) -> Result<(), LoadError> {
        if self.is_sequence() { Ok(()) } else { Err(self.wrong_type(expected, hint)) }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping)
    }

    pub(super) fn is_sequence(&self) -> bool {
        matches!(self.kind, NodeKind::Sequence)
    }

    pub(super) fn is_longer_than(&self, bytes: usize) -> bool {
        matches!(&self.kind, NodeKind::Scalar(text, ..) if text.len() > bytes)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null { .. })
    }

    /// Returns `true` or `false`, in the spellings of the core schema of YAML 1.2 (section 10.3.2).
    pub(super) fn boolean(self) -> Result<bool, LoadError> {
        match &self.kind {
            NodeKind::Scalar(text, ScalarStyle::Plain, _) => match &*text.0 {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            #[cfg(feature = "serde")]
            NodeKind::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
        .ok_or_else(|| self.wrong_type("`true` or `false`", "write one of the two, without quotes"))
    }
}

/// A text of the file. A copy is overwritten when it is dropped.
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn new(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// Returns whether a scalar is `null` in the core schema of YAML 1.2 (section 10.3.2).
pub(super) fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
