use std::fmt;

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    pub(super) fn new(line: usize, column: usize) -> Self {
        // A file has at most 2^30 bytes.
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }

    /// Returns the position after a text that starts at this one. A line ends with LF, CR or both (YAML 1.2
    /// section 5.4).
    pub(super) fn after(mut self, text: &str) -> Self {
        let mut after_cr = false;
        for character in text.chars() {
            match character {
                '\n' if after_cr => {}
                '\n' | '\r' => self = Self { line: self.line + 1, column: 1 },
                _ => self.column += 1,
            }
            after_cr = character == '\r';
        }
        self
    }
}

/// The place of an earlier entry, for a message.
#[derive(Debug)]
pub(super) enum Place {
    Line(u32),
    /// In keys that serde has read.
    #[cfg(feature = "serde")]
    Entry(String),
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self::Line(position.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "on line {line}"),
            #[cfg(feature = "serde")]
            Self::Entry(place) => write!(f, "as {place}"),
        }
    }
}
