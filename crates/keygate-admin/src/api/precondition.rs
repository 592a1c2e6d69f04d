//! `If-Match` (RFC 9110 section 13.1.1).

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use keygate::manage::Version;
use keygate::{KeyId, ManageKeys};

use crate::json::{ClientView, KeyView, Kind, Problem};

/// The versions on which a change may be based.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Any version: the header is `*` or missing.
    Any,
    /// One of these versions. Weak tags, and tags that are not versions, never match and are left out.
    Versions(Vec<Version>),
}

impl IfMatch {
    /// Parses an optional `If-Match`, for changes that overwrite nothing, or that should never be refused, such as a
    /// revoke.
    pub(super) fn optional(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut lines = Vec::new();
        for line in headers.get_all(IF_MATCH) {
            lines.push(line.to_str().map_err(|_| malformed())?);
        }
        match lines.join(",").trim() {
            "" if lines.is_empty() => Ok(Self::Any),
            "*" => Ok(Self::Any),
            tags => versions(tags).map(Self::Versions).ok_or_else(malformed),
        }
    }

    /// Parses a required `If-Match`, for changes that replace or remove something.
    pub(super) fn required(headers: &HeaderMap) -> Result<Self, Problem> {
        if !headers.contains_key(IF_MATCH) {
            let detail = "Send the `ETag` that you read as `If-Match`, so that you do not overwrite somebody else's \
                          change; or send `If-Match: *` to change any version.";
            return Err(Problem::new(Kind::VersionRequired, detail));
        }
        Self::optional(headers)
    }

    /// Returns a handle that changes this client only if it has one of these versions.
    pub(super) async fn on_client(
        self,
        store: Box<dyn ManageKeys>,
        name: &str,
    ) -> Result<Box<dyn ManageKeys>, Problem> {
        let Self::Versions(versions) = self else { return Ok(store) };
        let client = store.find_client(name).await?;
        let version = client.version();
        if !versions.contains(&version) {
            return Err(Problem::changed(&ClientView::of(&client), version));
        }
        Ok(store.if_version(version))
    }

    /// Returns a handle that changes this key only if it has one of these versions.
    pub(super) async fn on_key(
        self,
        store: Box<dyn ManageKeys>,
        key_id: &KeyId,
    ) -> Result<Box<dyn ManageKeys>, Problem> {
        let Self::Versions(versions) = self else { return Ok(store) };
        let key = store.find_key(key_id).await?;
        let version = key.version();
        if !versions.contains(&version) {
            return Err(Problem::changed(&KeyView::unwatched(&key), version));
        }
        Ok(store.if_version(version))
    }
}

fn malformed() -> Problem {
    Problem::new(Kind::Malformed, "`If-Match` must be a list of quoted `ETag`s, or `*`.")
}

/// Parses a list of entity tags. Returns `None` if it is malformed.
fn versions(mut tags: &str) -> Option<Vec<Version>> {
    let mut versions = Vec::new();
    loop {
        let (is_weak, quoted) = match tags.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, tags),
        };
        let (tag, rest) = quoted.strip_prefix('"')?.split_once('"')?;
        versions.extend(tag.parse::<Version>().ok().filter(|_| !is_weak));
        tags = match rest.trim_start() {
            "" => return Some(versions),
            rest => rest.strip_prefix(',')?.trim_start(),
        };
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn parsed(lines: &[&'static str]) -> Result<IfMatch, Problem> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, HeaderValue::from_static(line));
        }
        IfMatch::optional(&headers)
    }

    #[test]
    fn only_strong_tags_of_versions_match() {
        let [one, two] = ["955a456a28462696", "d35f9cd3d08f7c64"].map(|text| text.parse().unwrap());
        for (lines, versions) in [
            (&[r#""955a456a28462696""#][..], vec![one]),
            (&[r#""955a456a28462696" , "d35f9cd3d08f7c64""#], vec![one, two]),
            (&[r#""955a456a28462696""#, r#""d35f9cd3d08f7c64""#], vec![one, two]),
            (&[r#"W/"955a456a28462696""#], vec![]),
            (&[r#""of,something else""#], vec![]),
        ] {
            assert_eq!(parsed(lines).unwrap(), IfMatch::Versions(versions), "{lines:?}");
        }
        assert_eq!(parsed(&["*"]).unwrap(), IfMatch::Any);
        assert_eq!(parsed(&[]).unwrap(), IfMatch::Any);
    }

    #[test]
    fn malformed_lists_of_tags_are_refused() {
        for line in
            ["", "955a456a28462696", "\"955a456a28462696", "\"a\" \"b\"", "\"a\",", "*, \"a\""]
        {
            assert!(parsed(&[line]).is_err(), "{line}");
        }
    }
}
