//! A PostgreSQL server for a test, and its faults.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::account;
use super::folder::Folder;
use super::process::{PortTaken, Process, free_port};
use super::tools::{self, postgres_program, program};

mod certificates;
mod cluster;
pub(super) mod database;

use database::Database;

/// A running server, which ends when this is dropped.
///
/// All servers of a test binary have the same system identifier, until [`Postgres::replace`].
#[derive(Debug)]
pub(crate) struct Postgres {
    process: Process,
    port: u16,
    has_tls: bool,
    databases: AtomicUsize,
}

/// The data of a server at some time, to restore later.
#[derive(Debug)]
pub(crate) struct Saved(PathBuf);

impl Postgres {
    /// The superuser.
    pub(crate) const OWNER: &str = "keygate_owner";
    /// The password of [`Postgres::OWNER`], so that tests can check that it is not shown.
    pub(crate) const PASSWORD: &str = "c4n4ry-password-of-the-owner";

    /// A new server that accepts passwords over TCP.
    pub(crate) fn start() -> Self {
        Self::start_with(false)
    }

    /// A new server that only accepts TLS over TCP. Its certificate is for `localhost`.
    pub(crate) fn tls() -> Self {
        Self::start_with(true)
    }

    /// One server for all tests of a binary, which ends soon after it. For tests that need a
    /// [`Postgres::database`], and neither change roles nor stop the server.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start_with(has_tls: bool) -> Self {
        let process = Process::new(Folder::new("postgres"));
        cluster::copy_template(&process.folder.work());
        if has_tls {
            certificates::make(process.folder.root());
        }
        let databases = AtomicUsize::new(0);
        let mut server = Self { process, port: free_port(), has_tls, databases };
        while server.launch().is_err() {
            server.port = free_port();
        }
        server
    }

    /// A standby with the current data of this server and paused replay. This server is restarted for it.
    pub(crate) fn standby(&self) -> Self {
        self.shutdown_fast();
        let process = Process::new(Folder::new("standby"));
        tools::copy(&self.data(), &process.folder.work());
        self.restart();
        fs::write(process.folder.work().join("standby.signal"), "").unwrap();
        let (has_tls, databases) = (self.has_tls, AtomicUsize::new(0));
        let mut server = Self { process, port: free_port(), has_tls, databases };
        while server.launch().is_err() {
            server.port = free_port();
        }
        server
    }

    fn launch(&self) -> Result<(), PortTaken> {
        let root = self.process.folder.root();
        let data = self.data();
        let mut command = Command::new(postgres_program("postgres"));
        command.arg("-D").arg(&data).args(["-p", &self.port.to_string()]).arg("-k").arg(root);
        if self.has_tls {
            let file = |option: &str, name: &str| format!("{option}={}", root.join(name).display());
            command.args(["-c", "ssl=on"]);
            command.arg("-c").arg(file("ssl_cert_file", certificates::CERTIFICATE));
            command.arg("-c").arg(file("ssl_key_file", certificates::KEY));
            command.arg("-c").arg(file("hba_file", "work/pg_hba_tls.conf"));
        }
        self.process.start(&mut command, |id, _| cluster::is_ready(&data, id))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.process.folder.work()
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The database `postgres` for the owner, over TCP with the password.
    pub(crate) fn url(&self) -> String {
        self.url_as(Self::OWNER, Self::PASSWORD)
    }

    /// Like [`Postgres::url`], for another role.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        self.url_of(user, password, "postgres")
    }

    /// The database `postgres` for the owner, by the socket without a password.
    pub(crate) fn socket_url(&self) -> String {
        self.socket_url_of("postgres")
    }

    fn url_of(&self, user: &str, password: &str, database: &str) -> String {
        let (user, password) = (encoded(user), encoded(password));
        let port = self.port;
        if self.has_tls {
            let ca = encoded(self.ca().to_str().unwrap());
            return format!(
                "postgres://{user}:{password}@localhost:{port}/{database}\
                 ?sslmode=verify-full&sslrootcert={ca}"
            );
        }
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
    }

    fn socket_url_of(&self, database: &str) -> String {
        let folder = encoded(self.process.folder.root().to_str().unwrap());
        format!("postgres://{}@/{database}?host={folder}&port={}", Self::OWNER, self.port)
    }

    /// The certificate of the authority that signed the server's.
    pub(crate) fn ca(&self) -> PathBuf {
        self.file_of_tls(certificates::CA)
    }

    /// The certificate of an authority with the same name that did not sign it.
    pub(crate) fn other_ca(&self) -> PathBuf {
        self.file_of_tls(certificates::OTHER_CA)
    }

    /// A client's key, and its certificates by the authorities of [`Postgres::ca`] and [`Postgres::other_ca`].
    pub(crate) fn client_files(&self) -> (PathBuf, [PathBuf; 2]) {
        let certificates = certificates::CLIENT_CERTIFICATES;
        (
            self.file_of_tls(certificates::CLIENT_KEY),
            certificates.map(|name| self.file_of_tls(name)),
        )
    }

    /// Refuses connections over TCP without a certificate by the authority of [`Postgres::ca`].
    pub(crate) fn require_client_certificates(&self) {
        self.psql(&format!("alter system set ssl_ca_file = '{}'", self.ca().display()));
        let access = self.data().join("pg_hba_tls.conf");
        let rules = fs::read_to_string(&access).unwrap();
        let stricter = rules.replace("scram-sha-256", "scram-sha-256 clientcert=verify-ca");
        assert_ne!(rules, stricter);
        fs::write(access, stricter).unwrap();
        self.restart();
    }

    fn file_of_tls(&self, name: &str) -> PathBuf {
        assert!(self.has_tls, "started without TLS");
        self.process.folder.root().join(name)
    }

    /// The folder for everything except its data.
    fn folder(&self) -> PathBuf {
        self.process.folder.root().to_owned()
    }

    /// A new, empty database, which lives as long as the server.
    pub(crate) fn database(&self) -> Database<'_> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("create database {name}"));
        Database::new(self, name)
    }

    /// What `psql` prints as the owner in the database `postgres`: rows in lines, fields between
    /// `|`.
    ///
    /// # Panics
    ///
    /// If a statement fails.
    pub(crate) fn psql(&self, sql: &str) -> String {
        query(&self.socket_url(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// SIGKILL to the server and all of its processes at once.
    pub(crate) fn kill(&self) {
        self.process.kill();
    }

    /// Sends SIGSTOP to the server and all of its processes: connections stay open, without responses.
    pub(crate) fn stop(&self) {
        self.process.stop();
    }

    /// Ends [`Postgres::stop`].
    pub(crate) fn resume(&self) {
        self.process.resume();
    }

    /// Shuts the server down properly, without waiting for its clients.
    pub(crate) fn shutdown_fast(&self) {
        self.process.end("INT");
    }

    /// Starts the server again with the same data and port. Stops it first if it runs.
    pub(crate) fn restart(&self) {
        if self.process.is_running() {
            self.shutdown_fast();
        }
        self.launch().unwrap_or_else(|PortTaken| panic!("port {} was taken", self.port));
    }

    /// Like [`Postgres::restart`], but as a promoted standby, on the next timeline.
    pub(crate) fn restart_promoted(&self) {
        self.restart_as_standby();
        assert_eq!(self.psql("select pg_promote()"), "t");
    }

    /// Like [`Postgres::restart`], but as a standby that follows no server.
    pub(crate) fn restart_as_standby(&self) {
        if self.process.is_running() {
            self.shutdown_fast();
        }
        fs::write(self.data().join("standby.signal"), "").unwrap();
        self.restart();
    }

    /// Copies the data of a stopped server.
    pub(crate) fn save(&self) -> Saved {
        assert!(!self.process.is_running(), "the data of a running server");
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let path = self.process.folder.root().join(format!("saved-{number}"));
        tools::copy(&self.data(), &path);
        Saved(path)
    }

    /// Restores the data of a stopped server.
    pub(crate) fn put_back(&self, saved: &Saved) {
        self.clear();
        tools::copy(&saved.0, &self.data());
    }

    /// Replaces the data of a stopped server: empty, with a new system identifier.
    pub(crate) fn replace(&self) {
        self.clear();
        cluster::make(&self.data());
    }

    fn clear(&self) {
        assert!(!self.process.is_running(), "the data of a running server");
        fs::remove_dir_all(self.data()).unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.process.abort();
    }
}

/// The output of `psql` at this URL, or its error. Each statement is a transaction.
///
/// # Errors
///
/// If it cannot connect within ten seconds, or at the first statement that fails.
pub(crate) fn query(url: &str, sql: &str) -> Result<String, String> {
    let mut command = Command::new(program("psql"));
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-w", "-f", "-", "-d", url]);
    // Ignores the password file and the certificates of the user who runs the tests.
    let command = account::lower(&mut command).env("HOME", "/nonexistent").current_dir("/");
    tools::output(command.env("PGCONNECT_TIMEOUT", "10").env("PGOPTIONS", NO_NOTICES), sql)
}

const NO_NOTICES: &str = "-c client_min_messages=warning";

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}

/// Runs one of PostgreSQL's programs on a folder of the server's account.
fn run_in(folder: &Path, command: &mut Command) -> String {
    tools::run(account::lower(command).current_dir(folder).env("HOME", folder))
}
