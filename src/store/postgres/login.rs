//! What a new connection logs in with, which may change while the service runs.

use std::path::Path;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::task::spawn_blocking;

use super::files;
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

/// Reads the URL that is all that a file holds.
pub(super) fn read(path: &Path) -> Result<Address, DatabaseError> {
    let text = files::read(path, 64).map_err(|error| {
        let why = format!("the file {} cannot be read: {error}", path.display());
        DatabaseError::Unavailable(StoreError::new(why))
    })?;
    // Editors put a mark before the text, and blank lines behind it.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii();
    let text = str::from_utf8(text).ok().filter(|text| !text.contains(char::is_control));
    url::parse(text.ok_or_else(|| DatabaseError::Location {
        why: format!("the file {} does not hold one line with a URL", path.display()),
    })?)
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
