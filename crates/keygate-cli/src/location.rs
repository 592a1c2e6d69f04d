use std::ffi::OsStr;
#[cfg(feature = "sqlite")]
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The location of a store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    File(PathBuf),
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    /// The whole URL, which may contain a password.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl Location {
    /// Parses a path or the URL of a database. A URL is never treated as a file name.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        match scheme(&text.to_string_lossy()) {
            None if may_hold_password(text) => Err(LocationError::Url),
            None => Ok(Self::File(text.into())),
            Some("sqlite") => sqlite(text),
            Some("postgres") => postgres(text),
            Some(_) => Err(LocationError::Url),
        }
    }

    /// Parses a mounted secret, which must be the URL of a database. File names are refused, since messages would show
    /// them.
    pub(crate) fn parse_secret(text: &[u8]) -> Result<Self, LocationError> {
        // Editors add a byte order mark before the text, and blank lines after it.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
        let text = str::from_utf8(text).ok().filter(|text| !text.contains(char::is_control));
        let text = text.ok_or(LocationError::Secret)?;
        if scheme(text).is_none() {
            return Err(LocationError::Secret);
        }
        Self::parse(text.as_ref())
    }

    /// Returns the path of the key file, for commands that work on files only.
    // Without the database features, every store is a file.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        allow(clippy::unnecessary_wraps, unused_variables)
    )]
    pub(crate) fn file(&self, command: &str) -> Result<&Path, Failure> {
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        let database = || {
            let migrate = ", or create its tables with `keygate migrate`";
            Failure::usage(format!(
                "`keygate {command}` works on key files, but the store is a database: \
                 give --store PATH{}",
                if command == "init" { migrate } else { "" }
            ))
        };
        match self {
            Self::File(path) => Ok(path),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Err(database()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Err(database()),
        }
    }
}

/// Returns the failure of `keygate migrate` on a key file.
pub(crate) fn no_tables() -> Failure {
    Failure::usage(
        "`keygate migrate` works on databases, but the store is a key file: \
         give --store sqlite:PATH or postgres://USER@HOST/DATABASE",
    )
}

/// Omits the URL, which may contain a password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => f.write_str("the PostgreSQL database"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(text: &OsStr) -> Result<Location, LocationError> {
    let path = after(text, "sqlite:".len());
    let path = match path.as_encoded_bytes().strip_prefix(b"//") {
        Some(rest) if !rest.is_empty() => after(&path, 2),
        _ => path,
    };
    match path.to_str() {
        None => Err(LocationError::NotUtf8),
        Some("" | ":memory:") => Err(LocationError::InMemory),
        Some(path) if path.contains('?') || path.starts_with("file:") => {
            Err(LocationError::SqliteUrl)
        }
        Some(_) if may_hold_password(&path) => Err(LocationError::Url),
        Some(_) => Ok(Location::Sqlite(path.into())),
    }
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &OsStr) -> Result<Location, LocationError> {
    Err(LocationError::Feature { database: "SQLite", feature: "sqlite" })
}

#[cfg(feature = "postgres")]
fn postgres(text: &OsStr) -> Result<Location, LocationError> {
    text.to_str().map(|url| Location::Postgres(url.to_owned())).ok_or(LocationError::NotUtf8)
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: &OsStr) -> Result<Location, LocationError> {
    Err(LocationError::Feature { database: "PostgreSQL", feature: "postgres" })
}

fn scheme(text: &str) -> Option<&'static str> {
    let (scheme, rest) = text.split_once(':')?;
    let databases = [
        ("sqlite", "sqlite"),
        ("sqlite3", "another"),
        ("postgres", "postgres"),
        ("postgresql", "postgres"),
    ];
    let database = databases.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme));
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let database = database.map(|(_, database)| database);
    database.or((is_scheme && rest.starts_with("//")).then_some("another"))
}

/// Returns whether this looks like the database syntax of another tool, which may contain a password. Messages show the
/// name of a missing file, but must not show such a text.
fn may_hold_password(text: &OsStr) -> bool {
    let lossy = text.to_string_lossy().to_ascii_lowercase();
    let is_drive = cfg!(windows) && lossy.get(1..2) == Some(":");
    let rest = if is_drive { &lossy[2..] } else { &lossy };
    let has_password = ["password=", "pwd=", "://"].iter().any(|mark| rest.contains(mark))
        || rest.split_once(':').is_some_and(|(_, rest)| rest.contains('@'));
    has_password && !Path::new(text).exists()
}

/// Removes the first bytes, which must be ASCII.
#[cfg(all(feature = "sqlite", unix))]
fn after(text: &OsStr, count: usize) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    OsString::from_vec(text.as_bytes()[count..].to_vec())
}

#[cfg(all(feature = "sqlite", not(unix)))]
fn after(text: &OsStr, count: usize) -> OsString {
    text.to_string_lossy()[count..].into()
}

/// Never contains the text itself, which may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LocationError {
    #[error("the location of the store is empty: give --store PATH or set KEYGATE_STORE")]
    Empty,
    #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
    #[error(
        "this keygate was built without {database}: \
         install one with `cargo install keygate-cli --features {feature}`"
    )]
    Feature { database: &'static str, feature: &'static str },
    #[cfg(feature = "sqlite")]
    #[error("an in-memory SQLite database would be lost when the command ends: give sqlite:PATH")]
    InMemory,
    #[cfg(feature = "sqlite")]
    #[error(
        "an SQLite database is given by its path only: use sqlite:PATH, without `file:` and \
         without options after a `?`"
    )]
    SqliteUrl,
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    #[error("the name of the database is not UTF-8")]
    NotUtf8,
    #[error(
        "the store is neither a file nor a known kind of URL: \
         give PATH, sqlite:PATH or postgres://USER@HOST/DATABASE"
    )]
    Url,
    #[error(
        "the file of --store-file must contain the URL of a database on one line, and nothing else"
    )]
    Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_a_file_and_unknown_url_is_refused() {
        let files = [
            "keys.yaml",
            "/etc/keys.yaml",
            "./sqlite:x",
            "C:\\keys.yaml",
            "a b:c",
            "me@home:keys",
            "-",
            "clés",
        ];
        for text in files {
            assert_eq!(Location::parse(text.as_ref()), Ok(Location::File(text.into())), "{text}");
        }
        for text in ["redis://db", "file:///etc/keys.yaml", "1://x", "sqlite3:keys.db"] {
            assert_eq!(Location::parse(text.as_ref()), Err(LocationError::Url), "{text}");
        }
        assert_eq!(Location::parse("".as_ref()), Err(LocationError::Empty));
    }

    #[test]
    fn text_that_may_hold_a_password_is_not_a_file() {
        for text in [
            "owner:hunter2@127.0.0.1/keys",
            "host=127.0.0.1 user=owner PASSWORD=hunter2",
            "jdbc:postgresql://h/keys?password=hunter2",
            "o:hunter2@h/x",
            "Server=h;Pwd=hunter2",
        ] {
            assert_eq!(Location::parse(text.as_ref()), Err(LocationError::Url), "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let existing = folder.path().join("owner:1@keys.yml");
        std::fs::write(&existing, "").unwrap();
        assert_eq!(Location::parse(existing.as_ref()), Ok(Location::File(existing)));
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn sqlite_is_a_path_after_its_scheme() {
        for (text, path) in [
            ("sqlite:keys.db", "keys.db"),
            ("SQLite:/var/keys.db", "/var/keys.db"),
            ("sqlite://keys.db", "keys.db"),
            ("sqlite:///var/keys.db", "/var/keys.db"),
        ] {
            let parsed = Location::parse(text.as_ref());
            assert_eq!(parsed, Ok(Location::Sqlite(path.into())), "{text}");
        }
        for text in ["sqlite::memory:", "sqlite:"] {
            assert_eq!(Location::parse(text.as_ref()), Err(LocationError::InMemory), "{text}");
        }
        for text in ["sqlite:keys.db?mode=rwc", "sqlite://keys.db?mode=ro", "sqlite:file:keys.db"] {
            assert_eq!(Location::parse(text.as_ref()), Err(LocationError::SqliteUrl), "{text}");
        }
        let text = "sqlite://owner:hunter2@h/keys.db";
        assert_eq!(Location::parse(text.as_ref()), Err(LocationError::Url));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn postgres_url_is_kept_whole_and_never_shown() {
        for text in ["postgres://me:hunter2@db/keys", "PostgreSQL://me:hunter2@db/keys"] {
            let location = Location::parse(text.as_ref()).unwrap();
            assert_eq!(location, Location::Postgres(text.to_owned()));
            assert!(!format!("{location} {location:?}").contains("hunter2"));
        }
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    #[test]
    fn databases_need_their_features() {
        for text in ["sqlite:keys.db", "postgres://db/keys", "POSTGRESQL://db/keys"] {
            let error = Location::parse(text.as_ref()).unwrap_err();
            assert!(error.to_string().contains("--features "), "{text}");
        }
    }

    #[test]
    fn secret_holds_the_url_of_a_database_and_nothing_else() {
        for text in ["", "keys.yaml\n", "api_keys: x\n", "postgres://a\npostgres://b\n", "\u{0}"] {
            let error = Location::parse_secret(text.as_bytes());
            assert_eq!(error, Err(LocationError::Secret), "{text}");
        }
        assert_eq!(Location::parse_secret(b"\xff"), Err(LocationError::Secret));
        #[cfg(feature = "postgres")]
        for (start, end) in [("", ""), ("", "\n"), ("\u{feff}", "\r\n"), ("\n", "\n \n\n")] {
            let text = format!("{start}postgres://db/keys{end}");
            let parsed = Location::parse_secret(text.as_bytes());
            assert_eq!(parsed, Ok(Location::Postgres("postgres://db/keys".to_owned())));
        }
    }
}
