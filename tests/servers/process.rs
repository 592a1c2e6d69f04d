//! The processes of one server, which can be started, paused and killed.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::account;
use super::folder::Folder;

/// Long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server and its folder. The server may be paused.
#[derive(Debug)]
pub(super) struct Process {
    // Dropped first, so that the server is killed before it is waited for.
    pub(super) folder: Folder,
    child: Mutex<Option<Reaped>>,
}

/// A child process that is waited for when it is dropped.
#[derive(Debug)]
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Another process has taken the port.
#[derive(Debug)]
pub(super) struct PortTaken;

impl Process {
    pub(super) fn new(folder: Folder) -> Self {
        Self { folder, child: Mutex::new(None) }
    }

    fn child(&self) -> MutexGuard<'_, Option<Reaped>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_running(&self) -> bool {
        self.child().is_some()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.root().join("log")
    }

    /// The output of the server since it was created.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Starts the server, and waits until it is ready, which a closure decides from its process and its output since.
    ///
    /// # Panics
    ///
    /// If it runs already, ends for another reason than its port, or is not ready after a minute.
    pub(super) fn start(
        &self,
        command: &mut Command,
        is_ready: impl Fn(u32, &str) -> bool,
    ) -> Result<(), PortTaken> {
        let mut slot = self.child();
        assert!(slot.is_none(), "the server runs already");
        let before = self.log().len();
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        let error_log = log.try_clone().unwrap();
        let child = account::lower(command)
            .current_dir(self.folder.work())
            .env("HOME", self.folder.root())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(error_log)
            .spawn()
            .unwrap();
        let mut child = Reaped(child);
        let started = Instant::now();
        loop {
            let ended = child.0.try_wait().unwrap();
            let log = self.log().split_off(before);
            if let Some(status) = ended {
                assert!(log.contains("Address already in use"), "{command:?}: {status}: {log}");
                return Err(PortTaken);
            }
            if is_ready(child.0.id(), &log) {
                break;
            }
            assert!(started.elapsed() < DEADLINE, "{command:?} is not ready: {log}");
            thread::sleep(Duration::from_millis(5));
        }
        *slot = Some(child);
        Ok(())
    }

    /// Kills all processes at once.
    pub(super) fn kill(&self) {
        self.folder.kill_all();
        self.child().take();
    }

    /// Pauses all processes, and returns once all of them have stopped.
    pub(super) fn stop(&self) {
        let main = self.id();
        // The first process is stopped before the others are listed, so that it starts no new ones.
        signal("STOP", &[main]);
        wait_until("the server stops", || state(main) == Some('T'));
        let all = working_in(&self.folder.work());
        signal("STOP", &all);
        wait_until("all of the server stops", || {
            all.iter().all(|id| matches!(state(*id), None | Some('T' | 'Z')))
        });
    }

    /// Resumes all processes.
    pub(super) fn resume(&self) {
        signal("CONT", &working_in(&self.folder.work()));
    }

    /// Signals the first process only.
    pub(super) fn signal(&self, name: &str) {
        signal(name, &[self.id()]);
    }

    /// Signals the first process only, and waits until it has ended.
    pub(super) fn end(&self, name: &str) -> ExitStatus {
        signal(name, &[self.id()]);
        let mut child = self.child().take().unwrap();
        let mut status = None;
        wait_until("the server ends", || {
            status = child.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Gives the first process time to end and reap the others, which nobody else may do in a container. Remaining
    /// processes are killed with the folder.
    pub(super) fn abort(&self) {
        let Some(mut child) = self.child().take() else { return };
        self.resume();
        signal("QUIT", &[child.0.id()]);
        let since = Instant::now();
        while matches!(child.0.try_wait(), Ok(None)) && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child().as_ref().expect("the server does not run").0.id()
    }
}

/// A free port.
///
/// It is below the range of ports for outgoing connections. Otherwise, one of these could take the port while the
/// server is down, and a client that retries could connect to itself.
pub(super) fn free_port() -> u16 {
    loop {
        let Ok(listener) = TcpListener::bind(("127.0.0.1", 0)) else { continue };
        let drawn = listener.local_addr().unwrap().port();
        let port = 10_000 + drawn % 22_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn working_in(folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

/// The state letter in `/proc/*/stat`. It follows the name, which may contain anything and is in parentheses.
fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn signal(name: &str, ids: &[u32]) {
    let ids = ids.iter().map(u32::to_string);
    // The `kill` of the shell, since the program is not installed everywhere. Some processes may have ended meanwhile.
    let script = r#"for id; do kill -s "$0" "$id" 2>/dev/null; done; true"#;
    let status = Command::new("sh").args(["-c", script, name]).args(ids).status().unwrap();
    assert!(status.success());
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "waited for a minute until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
