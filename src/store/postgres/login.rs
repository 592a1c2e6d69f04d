//! What a new connection logs in with, which may change while the service runs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::options::PostgresOptions;
use super::password::{self, Found};
use super::url::{self, Address};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

pub(in crate::store) struct Login {
    pub(in crate::store) options: PgConnectOptions,
    /// What to say where the server wants a password.
    pub(in crate::store) no_password: Option<String>,
}

impl PostgresOptions {
    /// Reads the files of the URL and the password as they are now. Where they cannot be read, there
    /// is no connection.
    pub(in crate::store) async fn login(&self) -> Result<Login, StoreError> {
        let (address, file) = (self.address.clone(), self.file.clone());
        // A file may be on a disk that hangs.
        let login = spawn_blocking(move || match file {
            Some(path) => read(&path).map(login),
            None => Ok(login(address)),
        });
        login.await.map_err(StoreError::new)?.map_err(StoreError::new)
    }
}

fn login(Address { connect, has_password }: Address) -> Login {
    // The driver's log would show at every lookup what never changes.
    let options = connect.disable_statement_logging();
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("keygate"),
    };
    if has_password {
        return Login { options, no_password: None };
    }
    match password::find(&options) {
        Found::Password(password) => {
            Login { options: options.password(&password), no_password: None }
        }
        Found::Nothing(why) => Login { options, no_password: Some(why) },
    }
}

const LONGEST: u64 = 64 * 1024;

/// Reads the URL that is all that a file holds.
pub(super) fn read(path: &Path) -> Result<Address, DatabaseError> {
    let fault =
        |why: &str| DatabaseError::Location { why: format!("the file {} {why}", path.display()) };
    let text = text(path).map_err(|error| fault(&format!("cannot be read: {error}")))?;
    // Editors put a mark before the text, and blank lines behind it.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii();
    let text = str::from_utf8(text).ok().filter(|text| !text.contains(char::is_control));
    url::parse(text.ok_or_else(|| fault("does not hold one line with a URL"))?)
}

fn text(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // Before it is opened, which would wait for the writer of a pipe.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > LONGEST {
        return Err(io::Error::other("it is longer than 64 KiB"));
    }
    let length = usize::try_from(length).unwrap_or_default();
    // Enough from the beginning, so that no copy is left behind by a text that grows.
    let mut text = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_the_application_can_be_replaced() {
        let name = |url| {
            let options = login(url::parse(url).unwrap()).options;
            options.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://a:p@host/keys").as_deref(), Some("keygate"));
        assert_eq!(name("postgres://a:p@host/keys?application_name=a").as_deref(), Some("a"));
    }
}
