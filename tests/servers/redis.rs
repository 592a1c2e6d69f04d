//! A Redis of its own, which keeps nothing.

use std::fs;
use std::process::Command;

use super::account;
use super::place::Place;
use super::process::{PortTaken, Process, free_port};
use super::tools::{self, program};

/// A running server, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Redis {
    process: Process,
    port: u16,
    password: Option<String>,
}

impl Redis {
    /// A new and empty one that asks for no password.
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    pub(crate) fn with_password(password: &str) -> Self {
        Self::start_with(Some(password.to_owned()))
    }

    fn start_with(password: Option<String>) -> Self {
        let process = Process::new(Place::new("redis"));
        fs::create_dir(process.place.work()).unwrap();
        account::give(&process.place.work());
        let mut redis = Self { process, port: free_port(), password };
        while redis.launch().is_err() {
            redis.port = free_port();
        }
        redis
    }

    fn launch(&self) -> Result<(), PortTaken> {
        let mut command = Command::new(program("redis-server"));
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]).args([
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            ".",
        ]);
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        self.process.start(&mut command, |_, log| log.contains("Ready to accept connections"))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The password must be one that a URL holds as it is.
    pub(crate) fn url(&self) -> String {
        let user = self.password.as_ref().map_or(String::new(), |password| format!(":{password}@"));
        format!("redis://{user}127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` answers to this command.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program("redis-cli"));
        // Not by the URL: it would log in as a user without a name.
        if let Some(password) = &self.password {
            command.env("REDISCLI_AUTH", password);
        }
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(arguments);
        tools::run(account::lower(&mut command))
    }

    /// Ends it by SIGKILL; what it held is gone.
    pub(crate) fn kill(&self) {
        self.process.kill();
    }

    /// Starts it again, empty, on the same port; kills it before if it runs.
    pub(crate) fn restart(&self) {
        self.process.kill();
        self.launch().unwrap_or_else(|PortTaken| panic!("port {} was taken", self.port));
    }

    /// Holds it by SIGSTOP.
    pub(crate) fn stop(&self) {
        self.process.stop();
    }

    pub(crate) fn resume(&self) {
        self.process.resume();
    }
}
