//! The password file, read by the rules of libpq (section "The Password File" of PostgreSQL's manual).
//!
//! The driver can read it, too, but logs a line that it cannot parse, which may be a password.

use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use zeroize::Zeroizing;

/// The folders of sockets that match the host `localhost`.
const SOCKETS: [&str; 3] = ["/var/run/postgresql", "/tmp", "/private/tmp"];

const FORM: &str = "host:port:database:user:password";

pub(super) enum PasswordSearch {
    Found(Zeroizing<String>),
    /// The reason, for the error if the server requires a password.
    NotFound(String),
}

/// Finds the password for a connection.
pub(super) fn find(options: &PgConnectOptions) -> PasswordSearch {
    let nothing = |why: &str| PasswordSearch::NotFound(format!("no password was given, and {why}"));
    let missing = || nothing("there is no password file");
    let Some((path, is_named)) = path() else { return missing() };
    let why = match read(&path) {
        Ok(text) => match search(&text, &wanted(options)) {
            Ok(password) => return PasswordSearch::Found(password),
            Err(why) => why,
        },
        Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound && !is_named => {
            return missing();
        }
        Err(FileError::Io(error)) => format!("cannot be read: {error}"),
        Err(FileError::NotRegular) => "was not read: it is not a regular file".to_owned(),
        #[cfg(unix)]
        Err(FileError::Mode(mode)) => {
            format!("was not read: its mode {mode:03o} gives access to others: `chmod 600` it")
        }
    };
    nothing(&format!("the password file {} {why}", path.display()))
}

/// Returns the path, and whether `PGPASSFILE` names it.
fn path() -> Option<(PathBuf, bool)> {
    if let Some(path) = env::var_os("PGPASSFILE").filter(|path| !path.is_empty()) {
        return Some((path.into(), true));
    }
    #[cfg(windows)]
    let path = PathBuf::from(env::var_os("APPDATA")?).join("postgresql").join("pgpass.conf");
    #[cfg(not(windows))]
    let path = env::home_dir()?.join(".pgpass");
    Some((path, false))
}

enum FileError {
    Io(io::Error),
    NotRegular,
    #[cfg(unix)]
    Mode(u32),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // Opening a pipe would wait for its writer.
    if !path.metadata()?.is_file() {
        return Err(FileError::NotRegular);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(FileError::Mode(mode & 0o777));
        }
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
    }
    // Full capacity, since growing the buffer would leave a copy of a secret behind.
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Enough for ten thousand lines.
const MAX_BYTES: u64 = 1 << 20;

/// Host, port, database and user, each with an optional alias.
type Wanted = [(String, Option<&'static str>); 4];

fn wanted(options: &PgConnectOptions) -> Wanted {
    let socket = options.get_socket().map(|folder| folder.display().to_string());
    let host = socket.unwrap_or_else(|| options.get_host().to_owned());
    let folder = host.trim_end_matches('/');
    let local = SOCKETS.contains(&folder).then_some("localhost");
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    [
        (host, local),
        (options.get_port().to_string(), None),
        (database.to_owned(), None),
        (user.to_owned(), None),
    ]
}

/// Returns the password of the first matching line, or the reason why there is none.
fn search(text: &[u8], wanted: &Wanted) -> Result<Zeroizing<String>, String> {
    let mut malformed = None;
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match std::str::from_utf8(line).ok().and_then(|line| fields(line)) {
            Some((fields, password)) => {
                if fields.iter().zip(wanted).all(|(field, wanted)| matches(field, wanted)) {
                    return Ok(unescaped(password));
                }
            }
            None => {
                malformed.get_or_insert(number);
            }
        }
    }
    Err(match malformed {
        Some(number) => format!("has a line {number} that is not `{FORM}`"),
        None => "has no line for this host, port, database and user".to_owned(),
    })
}

/// Splits a line into four fields, still escaped, and the password.
fn fields(line: &str) -> Option<([&str; 4], &str)> {
    let mut rest = line;
    let mut fields = [""; 4];
    for field in &mut fields {
        (*field, rest) = rest.split_at_checked(end(rest))?;
        rest = rest.strip_prefix(':')?;
    }
    Some((fields, &rest[..end(rest)]))
}

/// Returns the index of the next unescaped colon, or the length.
fn end(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b':' if !escaped => return index,
            byte => escaped = byte == b'\\' && !escaped,
        }
    }
    text.len()
}

fn matches(field: &str, (wanted, same): &(String, Option<&str>)) -> bool {
    let field_text = unescaped(field);
    field == "*" || *field_text == *wanted || same.is_some_and(|same| *field_text == *same)
}

fn unescaped(text: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        // A trailing backslash is literal.
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        [("db", None), ("5432", None), ("keys", None), ("me", None)]
            .map(|(text, same)| (text.to_owned(), same))
    }

    fn password(text: &str) -> Option<String> {
        search(text.as_bytes(), &wanted()).ok().map(|password| password.to_string())
    }

    #[cfg(unix)]
    #[test]
    fn large_file_is_not_read() {
        use std::os::unix::fs::OpenOptionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        let Err(FileError::Io(error)) = read(&path) else { panic!("it was read") };
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn first_matching_line_has_the_password() {
        for (text, expected) in [
            ("db:5432:keys:me:secret", Some("secret")),
            ("db:5432:keys:me:secret\r\n", Some("secret")),
            ("\n# db:5432:keys:me:no\n*:*:*:*:secret \n", Some("secret ")),
            ("db:5433:keys:me:no\ndb:*:keys:you:no\n*:5432:*:me:one\n*:*:*:*:two", Some("one")),
            ("db:5432:keys:me:a\\:b\\\\c\\d", Some("a:b\\cd")),
            // As in libpq, the password ends here.
            ("db:5432:keys:me:a:b", Some("a")),
            ("db:5432:keys:me:", Some("")),
            ("d\\b:5432:keys:me:secret", Some("secret")),
            ("\\*:5432:keys:me:no", None),
            ("malformed\ndb:5432:keys:me:secret", Some("secret")),
            ("db:5432:keys:me", None),
            ("db:5432:keys:me\\:no", None),
            ("", None),
        ] {
            assert_eq!(password(text).as_deref(), expected, "{text:?}");
        }
        let mut bytes = b"\xff:\xff\ndb:5432:keys:me:secret".to_vec();
        assert!(search(&bytes, &wanted()).is_ok());
        bytes.truncate(3);
        assert!(search(&bytes, &wanted()).unwrap_err().contains("line 1"));
    }

    #[test]
    fn error_names_the_malformed_line_without_its_content() {
        let why = search(b"db:5432:keys:other:x\nc4n4ry\n", &wanted()).unwrap_err();
        assert!(why.contains("line 2") && why.contains(FORM) && !why.contains("c4n4ry"), "{why}");
    }

    #[test]
    fn localhost_matches_the_default_socket_folders() {
        let options = PgConnectOptions::new_without_pgpass().username("me").database("keys");
        let [host, ..] = super::wanted(&options.clone().socket("/var/run/postgresql"));
        assert!(matches("localhost", &host) && matches("/var/run/postgresql", &host));
        let [host, _, database, _] = super::wanted(&options.socket("/run/own"));
        assert!(
            !matches("localhost", &host)
                && matches("/run/own", &host)
                && matches("keys", &database)
        );
    }
}
