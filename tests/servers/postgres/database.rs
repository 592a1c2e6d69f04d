//! One database of a server.

use super::{Postgres, query};

/// An empty database at first.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    server: &'a Postgres,
    name: String,
}

impl<'a> Database<'a> {
    pub(super) fn new(server: &'a Postgres, name: String) -> Self {
        Self { server, name }
    }

    pub(crate) fn server(&self) -> &'a Postgres {
        self.server
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For the owner, over TCP with the password.
    pub(crate) fn url(&self) -> String {
        self.url_as(Postgres::OWNER, Postgres::PASSWORD)
    }

    /// As [`Database::url`], for another role.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        self.server.url_of(user, password, &self.name)
    }

    /// As [`Postgres::psql`], in this database.
    pub(crate) fn psql(&self, sql: &str) -> String {
        let url = self.server.socket_url_of(&self.name);
        query(&url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
