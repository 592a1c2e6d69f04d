use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where the keys are kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Location {
    File(PathBuf),
}

impl Location {
    /// Reads a path. A database is recognised, so that its URL is never taken for a file's name.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        match scheme(&text.to_string_lossy()) {
            None => Ok(Self::File(text.into())),
            Some("sqlite" | "postgres" | "postgresql") => Err(LocationError::Database),
            Some(_) => Err(LocationError::Url),
        }
    }

    /// The file, for commands that only a file has an answer to.
    pub(crate) fn file(&self) -> &Path {
        let Self::File(path) = self;
        path
    }
}

fn scheme(text: &str) -> Option<&'static str> {
    let (scheme, rest) = text.split_once(':')?;
    let databases = ["sqlite", "postgres", "postgresql"];
    let database = databases.into_iter().find(|known| known.eq_ignore_ascii_case(scheme));
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    database.or((is_scheme && rest.starts_with("//")).then_some("another"))
}

/// Holds nothing of the text, in which a password may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    #[error("the store has an empty name: give --store PATH or set KEYGATE_STORE")]
    Empty,
    #[error(
        "this version keeps keys in files only, and the store names a database: give --store PATH"
    )]
    Database,
    #[error("this version keeps keys in files only, and the store is a URL: give --store PATH")]
    Url,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_files_and_urls_are_not() {
        let files = [
            "keys.yaml",
            "/etc/keys.yaml",
            "./sqlite:x",
            "C:\\keys.yaml",
            "a b:c",
            "1://x",
            "-",
            "clés",
        ];
        for text in files {
            assert_eq!(Location::parse(text.as_ref()), Ok(Location::File(text.into())), "{text}");
        }
        let others = [
            ("", LocationError::Empty),
            ("sqlite:keys.db", LocationError::Database),
            ("sqlite::memory:", LocationError::Database),
            ("postgres://me:secret@db/keys", LocationError::Database),
            ("PostgreSQL://db/keys", LocationError::Database),
            ("redis://db", LocationError::Url),
            ("file:///etc/keys.yaml", LocationError::Url),
        ];
        for (text, error) in others {
            assert_eq!(Location::parse(text.as_ref()), Err(error), "{text}");
        }
    }
}
