//! One database of a server.

use std::path::PathBuf;
use std::process::Command;

use super::{Postgres, query};
use crate::servers::tools::{postgres_program, run};

/// A database, which is empty at first.
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

    /// Like [`Database::url`], for another role.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        self.server.url_of(user, password, &self.name)
    }

    /// Like [`Database::url`], with another address of the server.
    pub(crate) fn url_at(&self, port: u16) -> String {
        self.url().replacen(&format!(":{}/", self.server.port()), &format!(":{port}/"), 1)
    }

    /// Dumps the database with `pg_dump`, into a file with this name.
    pub(crate) fn dump(&self, name: &str) -> Dump<'_> {
        let path = self.server.folder().join(name);
        let url = self.server.socket_url_of(&self.name);
        run(Command::new(postgres_program("pg_dump")).args(["-Fc", "-d", &url, "-f"]).arg(&path));
        Dump { database: self, path }
    }

    /// Like [`Postgres::psql`], in this database.
    pub(crate) fn psql(&self, sql: &str) -> String {
        let url = self.server.socket_url_of(&self.name);
        query(&url, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// The dump of a database.
#[derive(Debug)]
pub(crate) struct Dump<'a> {
    database: &'a Database<'a>,
    path: PathBuf,
}

impl Dump<'_> {
    /// Restores a part of it: `pre-data`, `data` or `post-data`, in their order.
    pub(crate) fn restore(&self, section: &str) {
        let url = self.database.server.socket_url_of(&self.database.name);
        let mut command = Command::new(postgres_program("pg_restore"));
        run(command.args(["--section", section, "-d", &url]).arg(&self.path));
    }
}
