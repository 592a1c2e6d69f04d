//! Credentials for a new connection, which may change while the service runs.

use std::path::{Path, PathBuf};

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::task::spawn_blocking;

use super::files::{self, Access};
use super::options::PostgresOptions;
use super::password;
use super::url::{self, Address};
use crate::error::StoreError;
use crate::store::sql::DatabaseError;

pub(in crate::store) struct Login {
    pub(in crate::store) options: PgConnectOptions,
    /// The reason for the missing password, for the error if the server requires one.
    pub(in crate::store) no_password: Option<String>,
}

impl PostgresOptions {
    pub(in crate::store) fn from_file(path: PathBuf) -> Result<Self, DatabaseError> {
        let address = read(&path)?;
        Ok(Self::at(address, Some(path.into())))
    }

    /// Reads the current content of the files with the URL and the password.
    pub(in crate::store) async fn login(&self) -> Result<Login, StoreError> {
        let (address, file) = (self.address.clone(), self.file.clone());
        // The disk may hang.
        let login = spawn_blocking(move || match file {
            Some(path) => read(&path).map(login),
            None => Ok(login(address)),
        });
        login.await.map_err(StoreError::new)?.map_err(StoreError::new)
    }
}

fn login(Address { connect, has_password }: Address) -> Login {
    // The statements never change, so logging them with every lookup is noise.
    let options = connect.disable_statement_logging();
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("keygate"),
    };
    if has_password {
        return Login { options, no_password: None };
    }
    match password::find(&options) {
        Ok(password) => Login { options: options.password(&password), no_password: None },
        Err(why) => Login { options, no_password: Some(why) },
    }
}

/// Reads a file with a URL.
fn read(path: &Path) -> Result<Address, DatabaseError> {
    let text = files::read(path, 64, Access::Anyone).map_err(|error| {
        let why = format!("the file {} cannot be read: {error}", path.display());
        DatabaseError::Unavailable(StoreError::new(why))
    })?;
    // Editors may add a byte order mark and trailing blank lines.
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
    fn url_can_replace_the_application_name() {
        let name = |url| {
            let options = login(url::parse(url).unwrap()).options;
            options.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://a:p@host/keys").as_deref(), Some("keygate"));
        assert_eq!(name("postgres://a:p@host/keys?application_name=a").as_deref(), Some("a"));
    }
}
