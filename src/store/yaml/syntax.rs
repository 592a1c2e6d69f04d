//! What the parser refuses, said to people who want their keys to work and not to learn YAML.

use granit_parser::{ErrorKind, Marker, ScanError};

use super::fault::{Fault, FaultKind, Position};

pub(super) fn place(marker: &Marker) -> Position {
    Position::new(marker.line(), marker.col() + 1)
}

pub(super) fn fault(text: &str, error: &ScanError) -> Fault {
    let marker = error.marker();
    let place = place(marker);
    match *error.kind() {
        ErrorKind::UnexpectedCharacter { character } if !is_indicator(character) => {
            FaultKind::Control.at(first(character, text, marker))
        }
        // Told behind the tab.
        ErrorKind::TabInBlockIndentation => {
            FaultKind::Tab.at(Position { column: place.column.saturating_sub(1).max(1), ..place })
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => FaultKind::Tab.at(first('\t', text, marker)),
        _ => kind(error).at(place),
    }
}

/// The first place of a character: the parser tells where the text begins that it stands in.
fn first(character: char, text: &str, marker: &Marker) -> Position {
    let text = marker.byte_offset().and_then(|offset| text.get(offset..)).unwrap_or_default();
    let before = text.split(character).next().unwrap_or_default();
    place(marker).behind(before)
}

fn kind(error: &ScanError) -> FaultKind {
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => FaultKind::TooDeep,
        ErrorKind::BomInsideDocument => FaultKind::ByteOrderMark,
        ErrorKind::DirectiveDisallowed => FaultKind::Directive,
        ErrorKind::MissingAnchorOrAliasName => FaultKind::Anchor,
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidTagUtf8LeadingByte
        | ErrorKind::InvalidTagUtf8TrailingByte
        | ErrorKind::InvalidTagUtf8 => FaultKind::Tag,
        ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent => FaultKind::Indicator,
        ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::UnclosedFlowCollection { .. } => FaultKind::Bracket,
        ErrorKind::UnclosedQuotedScalar => FaultKind::Quote,
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => FaultKind::BehindQuote,
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => FaultKind::Escape,
        // The texts of the other kinds are fixed, and hold no text of the file.
        _ => FaultKind::Syntax(error.info()),
    }
}

fn is_indicator(character: char) -> bool {
    matches!(character, '@' | '`' | '%' | '|' | '>')
}
