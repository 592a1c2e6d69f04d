//! An example as a process.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::REPOSITORY;

/// Long enough for a busy machine; no passing test waits for it to elapse.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Part of every key that these tests make up.
pub(crate) const CANARY: &str = "c4n4ry";

/// The bit of this signal, the second one, in a mask of signals.
const SIGINT: u64 = 1 << 1;

/// A running example. Dropping this kills it, and checks that it has not shown a key.
pub(crate) struct Server {
    child: Child,
    lines: Receiver<Line>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    url: String,
}

enum Line {
    Stdout(String),
    Stderr(String),
}

/// The status and the output of a process that ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Ended {
    /// The error output of the program itself, after that of cargo.
    pub(crate) fn of_the_program(&self) -> &[String] {
        let started =
            self.stderr.iter().position(|line| line.trim_start().starts_with("Running `"));
        &self.stderr[started.expect("cargo says what it runs") + 1..]
    }
}

impl Server {
    /// Starts an example on a free port, and waits until it says where it listens.
    pub(crate) fn start(example: &str, keys: Option<&Path>) -> Self {
        Self::start_by(&mut command(example, keys))
    }

    /// Starts an example by a complete command on a free port, and waits as [`Server::start`] does.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        Self::spawn(command.env("LISTEN", "127.0.0.1:0")).listening()
    }

    fn listening(mut self) -> Self {
        let line = self.wait_for_stdout("listening on ");
        let (url, _) = line.split_once(',').expect("the address ends at a comma");
        self.url.push_str(url.trim_start_matches("listening on "));
        self
    }

    /// Runs an example until it ends.
    pub(crate) fn run_to_end(example: &str, listen: &str, keys: Option<&Path>) -> Ended {
        Self::run_command_to_end(command(example, keys).env("LISTEN", listen))
    }

    /// Runs an example by a complete command until it ends.
    pub(crate) fn run_command_to_end(command: &mut Command) -> Ended {
        Self::spawn(command).wait_for_end()
    }

    fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cargo starts");
        let (sender, lines) = channel();
        forward(child.stdout.take(), sender.clone(), Line::Stdout);
        forward(child.stderr.take(), sender, Line::Stderr);
        Self { child, lines, stdout: Vec::new(), stderr: Vec::new(), url: String::new() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The address without the scheme.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The first line on its output that begins so.
    pub(crate) fn wait_for_stdout(&mut self, start: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(line) = self.stdout.iter().find(|line| line.starts_with(start)) {
                return line.clone();
            }
            assert!(
                self.take_line(deadline),
                "it ended before it said `{start}`:\n{}",
                self.said()
            );
        }
    }

    /// Sends the signal of Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.wait_for_handler();
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("the shell starts");
        assert!(status.success(), "the signal was not sent: {status}");
    }

    /// Waits until the program handles the signal, which may be some microseconds after the first response.
    fn wait_for_handler(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        let deadline = Instant::now() + DEADLINE;
        // On systems without such a file, the signal is sent at once.
        while let Ok(status) = fs::read_to_string(&status) {
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            if caught.is_none_or(|mask| mask & SIGINT != 0) {
                return;
            }
            assert!(Instant::now() < deadline, "the example does not catch Ctrl-C");
            thread::yield_now();
        }
    }

    /// Waits for the process to end.
    pub(crate) fn wait_for_end(mut self) -> Ended {
        let deadline = Instant::now() + DEADLINE;
        while self.take_line(deadline) {}
        let code = self.child.wait().expect("the process is a child of this one").code();
        Ended { code, stdout: self.stdout.clone(), stderr: self.stderr.clone() }
    }

    /// Reads the next line. Returns whether there was one.
    fn take_line(&mut self, deadline: Instant) -> bool {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Line::Stdout(line)) => self.stdout.push(line),
            Ok(Line::Stderr(line)) => self.stderr.push(line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("too late; it said:\n{}", self.said()),
        }
        true
    }

    fn said(&self) -> String {
        let lines: Vec<_> = self.stdout.iter().chain(&self.stderr).map(String::as_str).collect();
        lines.join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            let deadline = Instant::now() + DEADLINE;
            while self.take_line(deadline) {}
            for line in self.stdout.iter().chain(&self.stderr) {
                let shown = line.contains(CANARY)
                    || seed_clients().iter().any(|(key, _)| line.contains(key));
                assert!(!shown, "the server has shown a key: {line}");
            }
        }
    }
}

/// Built once and beforehand, so that no deadline counts the time of the compiler.
static BUILT: LazyLock<()> = LazyLock::new(|| {
    let output = cargo(&["build", "--examples"]).output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the examples are not built:\n{said}");
});

/// The command that runs an example.
pub(crate) fn command(example: &str, keys: Option<&Path>) -> Command {
    LazyLock::force(&BUILT);
    let mut command = cargo(&["run", "--example", example]);
    command.env_remove("KEYS");
    if let Some(keys) = keys {
        command.env("KEYS", keys);
    }
    command
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(args).current_dir(REPOSITORY);
    // Distinguishes cargo's lines from those of the example.
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_QUIET", "false");
    command
}

fn forward(
    pipe: Option<impl Read + Send + 'static>,
    sender: Sender<Line>,
    line: fn(String) -> Line,
) {
    let pipe = BufReader::new(pipe.expect("the pipe was requested"));
    // Ends with the process, or when the test no longer reads the lines.
    thread::spawn(move || {
        pipe.lines().map_while(Result::ok).map(line).try_for_each(|line| sender.send(line))
    });
}

/// The keys and clients of `examples/keys.yml`.
pub(crate) fn seed_clients() -> Vec<(String, String)> {
    let path = Path::new(REPOSITORY).join("examples/keys.yml");
    let text = fs::read_to_string(path).expect("the examples have a key file");
    let entries = text.lines().filter_map(|line| line.split_once(": "));
    entries.map(|(key, name)| (key.trim().to_owned(), name.to_owned())).collect()
}

/// A key file for one test. Only its owner can read it, since other modes cause a warning.
pub(crate) fn key_file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.yml"));
    fs::write(&path, text).expect("a file can be written");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is our own");
    path
}
