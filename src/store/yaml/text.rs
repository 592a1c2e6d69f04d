use std::fmt;

/// A text of a key file, passed to the closure of [`YamlStore::lint_with`](crate::YamlStore::lint_with). `Debug`
/// does not show the text.
#[non_exhaustive]
pub struct YamlText<'a> {
    /// The meaning of the text.
    pub kind: YamlTextKind,
    /// The text: a plaintext key if `kind` is [`YamlTextKind::Key`].
    pub text: &'a str,
    /// The line of the text, counted from 1.
    pub line: usize,
    /// The column of the text in characters, counted from 1.
    pub column: usize,
}

impl fmt::Debug for YamlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, line, column, .. } = self;
        write!(f, "YamlText({kind:?} at {line}:{column}, not shown)")
    }
}

/// The meaning of a [`YamlText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum YamlTextKind {
    /// A key in plaintext.
    Key,
    /// The name of a client.
    ClientName,
}
