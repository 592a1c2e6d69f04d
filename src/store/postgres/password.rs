//! The password file, read by the rules of libpq (section "The Password File" of PostgreSQL's manual).
//!
//! sqlx would read it, too, but logs each line that it cannot parse, which may be a password. Remove this file once
//! sqlx logs only the number of the line.

use std::env;
use std::io::ErrorKind;
use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use zeroize::Zeroizing;

use super::files::{self, Access};

/// The folders of sockets that match the host `localhost`.
const SOCKETS: [&str; 3] = ["/var/run/postgresql", "/tmp", "/private/tmp"];

const FORM: &str = "host:port:database:user:password";

/// Finds the password for a connection, or the reason why there is none, for the error if the server requires
/// one.
pub(super) fn find(options: &PgConnectOptions) -> Result<Zeroizing<String>, String> {
    let missing = "no password was given, and there is no password file";
    let (path, is_named) = path().ok_or(missing)?;
    let found = match files::read(&path, MAX_KIBIBYTES, Access::OwnerOnly) {
        Ok(text) => search(&text, &wanted(options)),
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => {
            return Err(missing.to_owned());
        }
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    let place = format!("no password was given, and the password file {}", path.display());
    found.map_err(|why| format!("{place} {why}"))
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

/// Room for ten thousand lines.
const MAX_KIBIBYTES: u64 = 1024;

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
