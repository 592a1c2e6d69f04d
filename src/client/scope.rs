use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// The name of something that a client may do, such as `orders:read`.
///
/// A scope is one or more segments of `a-z`, `0-9`, `_`, `.` and `-`, joined by `:`. The last
/// segment may be `*`, and `*` may stand alone.
///
/// A scope that a client has covers itself. One that ends in `:*` covers every scope that has the same segments
/// before the `*` and at least one more; `*` alone covers all. A client without scopes may do nothing that needs one.
///
/// | the client has | asked for | covered |
/// | --- | --- | --- |
/// | `orders:read` | `orders:read` | yes |
/// | `orders:read` | `orders:read:own`, `orders:write`, `orders` | no |
/// | `orders:*` | `orders:read`, `orders:read:own`, `orders:*` | yes |
/// | `orders:*` | `orders`, `order:read`, `ordersx:read` | no |
/// | `*` | anything | yes |
/// | `orders:read` | `orders:*`, `*` | no: asking for a `*` asks for all of it |
///
/// ```
/// use keygate::Scope;
///
/// const WRITE: Scope = Scope::from_static("orders:write");
///
/// let scope: Scope = "orders:*".parse()?;
/// assert_eq!(scope.as_str(), "orders:*");
/// assert!(scope.covers(&WRITE));
/// assert!("Orders:read".parse::<Scope>().is_err());
/// # Ok::<(), keygate::client::ParseScopeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(SmolStr);

impl Scope {
    /// A scope that is named in code, checked by the compiler in a `const`.
    ///
    /// # Panics
    ///
    /// A text that breaks the grammar; in a `const` that is an error of the compiler.
    ///
    /// ```compile_fail
    /// const WRITE: keygate::Scope = keygate::Scope::from_static("Orders:write");
    /// # let _ = WRITE;
    /// ```
    pub const fn from_static(text: &'static str) -> Self {
        assert!(is_scope(text.as_bytes()), "a scope is written like `orders:read` or `orders:*`");
        Self(SmolStr::new_static(text))
    }

    /// Whether a client that has this scope may do what asks for the other.
    #[must_use]
    pub fn covers(&self, asked: &Self) -> bool {
        self.covers_text(&asked.0)
    }

    pub(crate) fn covers_text(&self, asked: &str) -> bool {
        match self.0.strip_suffix('*') {
            // With its last colon, so that `order:*` does not cover `orders:read`; empty for `*`.
            Some(begin) => asked.len() > begin.len() && asked.starts_with(begin),
            None => *self.0 == *asked,
        }
    }

    /// The scope as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The grammar, as the compiler can check it.
pub(crate) const fn is_scope(text: &[u8]) -> bool {
    let (mut place, mut begin) = (0, 0);
    while place <= text.len() {
        if place == text.len() || text[place] == b':' {
            let is_wildcard = place == text.len() && place - begin == 1 && text[begin] == b'*';
            let mut inner = begin;
            while inner < place && !is_wildcard {
                if !matches!(text[inner], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-') {
                    return false;
                }
                inner += 1;
            }
            if place == begin {
                return false;
            }
            begin = place + 1;
        }
        place += 1;
    }
    true
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scopes_follow_the_grammar() {
        for text in ["orders:read", "a", "a:b:c", "orders:*", "*", "v1.2:some_thing-else"] {
            assert_eq!(text.parse::<Scope>().map(|scope| scope.to_string()), Ok(text.to_owned()));
            assert!(is_scope(text.as_bytes()), "{text}");
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
            assert!(!is_scope(text.as_bytes()), "{text}");
        }
    }

    /// Few segments, so that scopes often meet.
    fn scope() -> impl Strategy<Value = Scope> {
        let text = "(a|aa|b)(:(a|aa|b)){0,2}(:\\*)?|\\*";
        text.prop_map(|text| text.parse().unwrap())
    }

    /// Covering, said segment by segment.
    fn covers(has: &Scope, asked: &Scope) -> bool {
        let (has, asked) = (has.as_str().split(':'), asked.as_str().split(':'));
        let (has, asked) = (has.collect::<Vec<_>>(), asked.collect::<Vec<_>>());
        match has.split_last() {
            Some((&"*", begin)) => asked.len() > begin.len() && asked.starts_with(begin),
            _ => has == asked,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn covering_is_reflexive_and_transitive(a in scope(), b in scope(), c in scope()) {
            prop_assert!(a.covers(&a));
            prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c), "{a} {b} {c}");
        }

        #[test]
        fn covering_goes_by_whole_segments(a in scope(), b in scope()) {
            prop_assert_eq!(a.covers(&b), covers(&a, &b), "{} {}", a, b);
        }

        #[test]
        fn compiler_and_parser_know_one_grammar(text in "[a-b*:._A é-]{0,6}") {
            prop_assert_eq!(is_scope(text.as_bytes()), text.parse::<Scope>().is_ok(), "{}", text);
        }
    }
}
