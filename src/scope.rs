use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// The name of something that a client may do, such as `orders:read`.
///
/// A scope is one or more segments of `a-z`, `0-9`, `_`, `.` and `-`, joined by `:`. The last
/// segment may be `*`, and `*` may stand alone.
///
/// ```
/// use keygate::Scope;
///
/// let scope: Scope = "orders:read".parse()?;
/// assert_eq!(scope.as_str(), "orders:read");
/// assert!("Orders:read".parse::<Scope>().is_err());
/// # Ok::<(), keygate::ParseScopeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(SmolStr);

impl Scope {
    /// The scope as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    /// # Errors
    ///
    /// A text that breaks the grammar above, with the number of the faulty segment.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut segments = text.split(':').enumerate().peekable();
        while let Some((index, segment)) = segments.next() {
            let wildcard = segment == "*" && segments.peek().is_none();
            let plain = !segment.is_empty()
                && segment.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
                });
            if !wildcard && !plain {
                return Err(ParseScopeError { segment: index + 1 });
            }
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

/// The text is not a [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "segment {segment} of the scope is not made of `a-z`, `0-9`, `_`, `.` and `-`, \
     nor a last `*`; write it like `orders:read` or `orders:*`"
)]
#[non_exhaustive]
pub struct ParseScopeError {
    /// The first faulty segment, counted from 1.
    pub segment: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_follow_the_grammar() {
        for text in ["orders:read", "a", "a:b:c", "orders:*", "*", "v1.2:some_thing-else"] {
            assert_eq!(text.parse::<Scope>().map(|scope| scope.to_string()), Ok(text.to_owned()));
        }
        let refused = [
            ("", 1),
            (":", 1),
            ("orders:", 2),
            (":read", 1),
            ("a::b", 2),
            ("*:read", 1),
            ("orders:**", 2),
            ("orders:re*", 2),
            ("Orders:read", 1),
            ("orders read", 1),
            ("bestellungen:ändern", 2),
        ];
        for (text, segment) in refused {
            assert_eq!(text.parse::<Scope>(), Err(ParseScopeError { segment }), "{text}");
        }
    }
}
