//! Errors of the YAML parser, explained for operators who may not know YAML.

use granit_parser::{ErrorKind, Marker, ScanError};

use super::load_error::{LoadError, LoadErrorKind};
use super::position::Position;

pub(super) fn position(marker: &Marker) -> Position {
    Position::new(marker.line(), marker.col() + 1)
}

pub(super) fn load_error(text: &str, error: &ScanError) -> LoadError {
    let marker = error.marker();
    let position = position(marker);
    match *error.kind() {
        ErrorKind::UnexpectedCharacter { character } if !is_indicator(character) => {
            LoadErrorKind::Control.at(first(character, text, marker))
        }
        // The parser reports the position after the tab.
        ErrorKind::TabInBlockIndentation => LoadErrorKind::Tab
            .at(Position { column: position.column.saturating_sub(1).max(1), ..position }),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => LoadErrorKind::Tab.at(first('\t', text, marker)),
        _ => kind(error).at(position),
    }
}

/// Finds the first position of a character in a text: the parser reports the start of the text.
fn first(character: char, text: &str, marker: &Marker) -> Position {
    let text = marker.byte_offset().and_then(|offset| text.get(offset..)).unwrap_or_default();
    let before = text.split(character).next().unwrap_or_default();
    position(marker).after(before)
}

fn kind(error: &ScanError) -> LoadErrorKind {
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => LoadErrorKind::TooDeep,
        ErrorKind::BomInsideDocument => LoadErrorKind::ByteOrderMark,
        ErrorKind::DirectiveDisallowed => LoadErrorKind::Directive,
        ErrorKind::MissingAnchorOrAliasName => LoadErrorKind::Anchor,
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidTagUtf8LeadingByte
        | ErrorKind::InvalidTagUtf8TrailingByte
        | ErrorKind::InvalidTagUtf8 => LoadErrorKind::Tag,
        ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent => LoadErrorKind::Indicator,
        ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::UnclosedFlowCollection { .. } => LoadErrorKind::Bracket,
        ErrorKind::UnclosedQuotedScalar => LoadErrorKind::Quote,
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => LoadErrorKind::AfterQuote,
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => LoadErrorKind::Escape,
        // The messages of the other kinds are fixed, and contain no text of the file.
        _ => LoadErrorKind::Syntax(error.info()),
    }
}

fn is_indicator(character: char) -> bool {
    matches!(character, '@' | '`' | '%' | '|' | '>')
}
