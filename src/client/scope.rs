use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// A permission of a client, such as `orders:read`.
///
/// A scope is one or more segments of `a-z`, `0-9`, `_`, `.` and `-`, joined by `:`. The last segment, or the only one,
/// may be `*`.
///
/// A scope covers itself. A scope that ends in `:*` covers every scope with the same segments before the `*` and at
/// least one more; `*` covers all scopes. A client without scopes may do nothing that requires one.
///
/// Scopes below `keygate:` are reserved for the administration of keys. Only the scopes below `keygate:` cover them, and
/// imports do not add them: grant them by hand.
///
/// | the client has | required | covered |
/// | --- | --- | --- |
/// | `orders:read` | `orders:read` | yes |
/// | `orders:read` | `orders:read:own`, `orders:write`, `orders` | no |
/// | `orders:*` | `orders:read`, `orders:read:own`, `orders:*` | yes |
/// | `orders:*` | `orders`, `order:read`, `ordersx:read` | no |
/// | `*` | anything not below `keygate:` | yes |
/// | `*` | `keygate:admin` | no |
/// | `keygate:*` | `keygate:admin` | yes |
/// | `orders:read` | `orders:*`, `*` | no: `*` requires all scopes that it covers |
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
    /// Creates a scope from a literal; in a `const`, the compiler checks it.
    ///
    /// # Panics
    ///
    /// The text breaks the grammar. In a `const`, that is a compile error.
    ///
    /// ```compile_fail
    /// const WRITE: keygate::Scope = keygate::Scope::from_static("Orders:write");
    /// # let _ = WRITE;
    /// ```
    pub const fn from_static(text: &'static str) -> Self {
        assert!(is_scope(text.as_bytes()), "a scope is written like `orders:read` or `orders:*`");
        Self(SmolStr::new_static(text))
    }

    /// Returns whether this scope grants `required`.
    #[must_use]
    pub fn covers(&self, required: &Self) -> bool {
        self.covers_text(&required.0)
    }

    pub(crate) fn covers_text(&self, required: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some("") => !required.is_empty() && !is_reserved(required),
            // The prefix includes the colon, so that `order:*` does not cover `orders:read`.
            Some(prefix) => required.len() > prefix.len() && required.starts_with(prefix),
            None => *self.0 == *required,
        }
    }

    /// Returns whether the scope is below `keygate:`.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        is_reserved(&self.0)
    }

    /// Returns all scopes that cover this one.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn covering(&self) -> Vec<String> {
        let colons = self.0.match_indices(':').map(|(index, _)| format!("{}*", &self.0[..=index]));
        let wider = colons.chain(["*".to_owned(), self.0.to_string()]);
        let covers = |text: &String| text.parse::<Self>().is_ok_and(|scope| scope.covers(self));
        wider.filter(covers).collect()
    }

    /// Returns the scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_reserved(text: &str) -> bool {
    text.starts_with("keygate:")
}

/// Checks the grammar in a `const`.
pub(crate) const fn is_scope(text: &[u8]) -> bool {
    invalid_segment(text).is_none()
}

/// Returns the number of the first invalid segment, counted from 1.
const fn invalid_segment(text: &[u8]) -> Option<usize> {
    let (mut end, mut begin, mut segment) = (0, 0, 1);
    while end <= text.len() {
        if end == text.len() || text[end] == b':' {
            let is_wildcard = end == text.len() && end - begin == 1 && text[begin] == b'*';
            if end == begin {
                return Some(segment);
            }
            while begin < end && !is_wildcard {
                if !matches!(text[begin], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-') {
                    return Some(segment);
                }
                begin += 1;
            }
            (begin, segment) = (end + 1, segment + 1);
        }
        end += 1;
    }
    None
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
    /// The text breaks the grammar. The error has the number of the first invalid segment.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match invalid_segment(text.as_bytes()) {
            None => Ok(Self(text.into())),
            Some(segment) => Err(ParseScopeError { segment }),
        }
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

/// Error for a text that is not a [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "segment {segment} of the scope is neither made of `a-z`, `0-9`, `_`, `.` and `-`, nor a final `*`: \
     write a scope such as `orders:read` or `orders:*`"
)]
#[non_exhaustive]
pub struct ParseScopeError {
    /// The first invalid segment, counted from 1.
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

    #[test]
    fn only_reserved_scopes_cover_reserved_scopes() {
        let covers = |has: &str, required: &str| {
            let [has, required] = [has, required].map(|text| text.parse::<Scope>().unwrap());
            has.covers(&required)
        };
        for required in ["keygate:admin", "keygate:*", "keygate:keys:read"] {
            assert!(!covers("*", required), "{required}");
            assert!(covers("keygate:*", required), "{required}");
            assert!(required.parse::<Scope>().unwrap().is_reserved());
        }
        for other in ["keygate", "keygates:admin", "my:keygate:admin", "*"] {
            assert!(covers("*", other), "{other}");
            assert!(!other.parse::<Scope>().unwrap().is_reserved());
        }
    }

    /// Draws from few segments, so that scopes often cover each other.
    fn scope() -> impl Strategy<Value = Scope> {
        let text = "(a|aa|b)(:(a|aa|b)){0,2}(:\\*)?|\\*";
        text.prop_map(|text| text.parse().unwrap())
    }

    /// The definition of `covers`, by segments.
    fn covers(has: &Scope, required: &Scope) -> bool {
        let (has, required) = (has.as_str().split(':'), required.as_str().split(':'));
        let (has, required) = (has.collect::<Vec<_>>(), required.collect::<Vec<_>>());
        match has.split_last() {
            Some((&"*", prefix)) => required.len() > prefix.len() && required.starts_with(prefix),
            _ => has == required,
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
        fn covering_compares_whole_segments(a in scope(), b in scope()) {
            prop_assert_eq!(a.covers(&b), covers(&a, &b), "{} {}", a, b);
        }
    }
}
