//! A pooler in front of a server, which sends each transaction over any of its connections.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::account;
use super::folder::Folder;
use super::postgres::Postgres;
use super::postgres::database::Database;
use super::process::{PortTaken, Process, free_port};
use super::tools::program;

/// A running pooler, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Pgbouncer {
    process: Process,
    port: u16,
}

impl Pgbouncer {
    /// A pooler for this database that lends each connection for one transaction.
    pub(crate) fn start(database: &Database<'_>) -> Self {
        let process = Process::new(Folder::new("pgbouncer"));
        fs::create_dir(process.folder.work()).unwrap();
        account::give(&process.folder.work());
        let mut pooler = Self { process, port: free_port() };
        while pooler.launch(database).is_err() {
            pooler.port = free_port();
        }
        pooler
    }

    /// Leads to the server on this port from the next transaction on, as after a switchover.
    pub(crate) fn lead_to(&self, database: &Database<'_>, port: u16) {
        self.configure(database, port);
        self.process.signal("HUP");
    }

    fn launch(&self, database: &Database<'_>) -> Result<(), PortTaken> {
        self.configure(database, database.server().port());
        let mut command = Command::new(program("pgbouncer"));
        self.process.start(command.arg("settings"), |_, log| log.contains("process up"))
    }

    fn configure(&self, database: &Database<'_>, port: u16) {
        let folder = self.process.folder.work();
        let (owner, password) = (Postgres::OWNER, Postgres::PASSWORD);
        let users = format!("\"{owner}\" \"{password}\"\n");
        fs::write(folder.join("users"), users).unwrap();
        let mut settings = String::from("[databases]\n");
        let name = database.name();
        writeln!(settings, "{name} = host=127.0.0.1 port={port}").unwrap();
        writeln!(settings, "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}", self.port)
            .unwrap();
        settings.push_str("unix_socket_dir =\nauth_type = plain\nauth_file = users\n");
        // One connection each. The connection that waited longest is used next.
        settings
            .push_str("pool_mode = transaction\ndefault_pool_size = 5\nserver_round_robin = 1\n");
        settings.push_str("ignore_startup_parameters = extra_float_digits\n");
        fs::write(folder.join("settings"), settings).unwrap();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
