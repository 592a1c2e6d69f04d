use std::borrow::Cow;
use std::cmp::Ordering;

use percent_encoding::percent_decode_str;

/// The path of a route, such as `/orders/{id}`.
#[derive(Clone)]
pub(super) struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
}

/// In the order in which routers try them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(Box<str>),
    /// `{name}`: any segment that is not empty.
    Parameter,
    /// `{*name}`: the rest of the path, which is not empty.
    Rest,
}

impl Pattern {
    /// Returns `None` if the text is not the path of a route.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let path = text.strip_prefix('/').filter(|_| is_plain(text))?;
        let mut segments = Vec::new();
        for segment in path.split('/') {
            if segments.last() == Some(&Segment::Rest) {
                return None;
            }
            segments.push(Segment::parse(segment)?);
        }
        Some(Self { text: text.into(), segments: segments.into() })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Compares the segments without the names of parameters. A more specific path is less.
    pub(super) fn cmp_shape(&self, other: &Self) -> Ordering {
        self.segments.cmp(&other.segments)
    }

    /// Returns the value of the first pattern that matches the path of a request. A path that servers could read in
    /// different ways has none.
    pub(super) fn find<'a, T>(sorted: &'a [(Self, T)], path: &str) -> Option<&'a T> {
        if !is_plain(path) {
            return None;
        }
        let as_sent = |segment| Cow::Borrowed(str::as_bytes(segment));
        let index = sorted.iter().position(|(pattern, _)| pattern.matches(path, as_sent))?;
        if path.contains('%') {
            let decoded = |segment| percent_decode_str(segment).into();
            let other = sorted.iter().position(|(pattern, _)| pattern.matches(path, decoded));
            if other != Some(index) {
                return None;
            }
        }
        Some(&sorted[index].1)
    }

    fn matches<'a>(&self, path: &'a str, read: impl Fn(&'a str) -> Cow<'a, [u8]>) -> bool {
        let mut sent = path.split('/').skip(1);
        for segment in &self.segments {
            let Some(sent) = sent.next() else { return false };
            match segment {
                Segment::Literal(text) if *read(sent) == *text.as_bytes() => {}
                Segment::Parameter if !sent.is_empty() => {}
                Segment::Rest => return !sent.is_empty(),
                Segment::Literal(_) | Segment::Parameter => return false,
            }
        }
        sent.next().is_none()
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            let (segment, name) = match name.strip_prefix('*') {
                Some(name) => (Self::Rest, name),
                None => (Self::Parameter, name),
            };
            let is_name = !name.is_empty() && !name.contains(['{', '}', '*']);
            return is_name.then_some(segment);
        }
        // An encoded literal matches no decoded segment.
        (!text.contains(['{', '}', '%', '?', '#'])).then(|| Self::Literal(text.into()))
    }
}

/// Returns whether every server reads the same segments in a path.
fn is_plain(path: &str) -> bool {
    let mut segments = path.split('/');
    let begins = segments.next() == Some("") && path.starts_with('/');
    let mut segments = segments.peekable();
    while let Some(segment) = segments.next() {
        let is_empty = segment.is_empty() && segments.peek().is_some();
        if is_empty || matches!(segment, "." | "..") || !has_plain_escapes(segment) {
            return false;
        }
    }
    begins && !path.contains(|char: char| char == '\\' || char.is_ascii_control())
}

/// Refuses a `%` without two digits, escapes of slashes, dots, backslashes and control characters, and a segment that
/// still has an escape when it is decoded.
fn has_plain_escapes(segment: &str) -> bool {
    if !segment.contains('%') {
        return true;
    }
    let is_escape = |text: &[u8]| text[0] == b'%' && text[1..].iter().all(u8::is_ascii_hexdigit);
    let decoded: Cow<'_, [u8]> = percent_decode_str(segment).into();
    let escapes = || segment.split('%').skip(1);
    let byte = |text: &str| u8::from_str_radix(text.get(..2)?, 16).ok();
    let is_hex = |text: &str| text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    !decoded.windows(3).any(is_escape)
        && escapes().all(|escape| {
            is_hex(escape)
                && !matches!(byte(escape), None | Some(0..=0x1f | 0x7f | b'/' | b'.' | b'\\'))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(paths: &[&'static str]) -> Vec<(Pattern, &'static str)> {
        let mut table: Vec<_> =
            paths.iter().map(|path| (Pattern::parse(path).expect(path), *path)).collect();
        table.sort_by(|(one, _), (other, _)| one.cmp_shape(other));
        table
    }

    fn found(path: &str) -> Option<&'static str> {
        let paths = [
            "/",
            "/{page}",
            "/orders",
            "/orders/",
            "/orders/{id}",
            "/orders/{id}/lines",
            "/orders/export",
            "/orders/:cancel",
            "/{kind}/export/all",
            "/files/{*path}",
        ];
        Pattern::find(&table(&paths), path).copied()
    }

    #[test]
    fn most_specific_path_counts() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/orders", Some("/orders")),
            ("/orders/", Some("/orders/")),
            ("/orders/7", Some("/orders/{id}")),
            ("/orders/export", Some("/orders/export")),
            ("/orders/export/all", Some("/{kind}/export/all")),
            ("/orders/export/lines", Some("/orders/{id}/lines")),
            ("/orders/7/lines/1", None),
            ("/orders/7/", None),
            ("/Orders", Some("/{page}")),
            ("/files", Some("/{page}")),
            ("/files/", None),
            ("/files/a/b", Some("/files/{*path}")),
            ("/files/a/", Some("/files/{*path}")),
            ("orders", None),
            ("", None),
            ("*", None),
            ("http://host/orders", None),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
    }

    #[test]
    fn path_that_servers_read_differently_is_refused() {
        for path in [
            "//orders",
            "/orders//7",
            "/orders/.",
            "/orders/..",
            "/orders/../7",
            "/./orders",
            "/files//a",
            "/files/a//b",
            "/files/../orders",
            "/orders/7%2Flines",
            "/orders/7%2flines",
            "/orders/%2e%2e",
            "/orders/%2E",
            "/orders/a%2eb",
            "/orders/a%5Cb",
            "/orders/a%5cb",
            "/orders/a\\b",
            "/files/..\\a",
            "/orders/%00",
            "/orders/%0a",
            "/orders/%7f",
            "/orders/%",
            "/orders/%2",
            "/orders/%zz",
            "/orders/%+1",
            "/orders/%252e",
            "/orders/%252F",
            "/orders/%252%65",
            "/orders/%25%32%65",
            "/orders/%é1",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn escapes_that_change_the_route_are_refused() {
        for path in ["/orders/ex%70ort", "/orders/%3Acancel", "/%6frders/7/lines", "/file%73/a/b"] {
            assert_eq!(found(path), None, "{path}");
        }
        for path in ["/orders/a%40b", "/orders/caf%C3%A9", "/orders/100%25", "/orders/%FF"] {
            assert_eq!(found(path), Some("/orders/{id}"), "{path}");
        }
    }

    #[test]
    fn texts_that_are_not_route_paths_are_refused() {
        for text in [
            "", "orders", "//", "/a//b", "/.", "/a/../b", "/{}", "/{*}", "/{a}b", "/b{a}",
            "/{*a}/b", "/{{a}}", "/a%20b", "/a?b", "/a#b", "/a\\b", "/{a*}", "/a\n",
        ] {
            assert!(Pattern::parse(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        /// The definition: a path without escapes matches segment by segment.
        #[test]
        fn plain_paths_match_by_segments(path in "(/[ab.]{0,2}){1,4}") {
            let paths = ["/a", "/a/{x}", "/{x}/b", "/a/b/{*rest}"];
            let segments: Vec<_> = path.split('/').skip(1).collect();
            let (last, before) = segments.split_last().unwrap();
            let plain = before.iter().all(|segment| !segment.is_empty())
                && !segments.iter().any(|segment| [".", ".."].contains(segment));
            let expected = match &*segments {
                _ if !plain => None,
                ["a"] => Some("/a"),
                ["a", "b", _, ..] if !segments[2].is_empty() => Some("/a/b/{*rest}"),
                ["a", _] if !last.is_empty() => Some("/a/{x}"),
                [_, "b"] => Some("/{x}/b"),
                _ => None,
            };
            prop_assert_eq!(Pattern::find(&table(&paths), &path).copied(), expected);
        }

        #[test]
        fn no_path_is_too_odd(path in ".*", pattern in "(/(a|\\{x\\}|\\{\\*x\\}|%41)){0,4}") {
            if let Some(pattern) = Pattern::parse(&pattern) {
                let _ = Pattern::find(&[(pattern, ())], &path);
            }
        }
    }
}
