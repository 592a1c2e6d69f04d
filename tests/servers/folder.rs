//! A temporary folder, removed with the servers in it when the process of the test ends.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use super::account;

/// Kills the processes whose working folder is `$1`.
///
/// PostgreSQL gives each of its processes its own session, so they are not one process group; but all of them work in
/// the data folder. A killed postmaster leaves a segment of shared memory, whose number is in the seventh line of
/// `postmaster.pid`.
const END: &str = r#"
working() {
    found=
    for process in /proc/[0-9]*; do
        if [ "$process/cwd" -ef "$1" ]; then found="$found ${process#/proc/}"; fi
    done
    [ -n "$found" ]
}
while working "$1"; do
    kill -s KILL $found 2>/dev/null
    sleep 0.005
done
segment=$(sed -n '7s/.* //p' "$1/postmaster.pid" 2>/dev/null)
if [ -n "$segment" ]; then ipcrm -m "$segment" 2>/dev/null; fi
"#;

/// A folder that contains a folder `work`, the working folder of the server.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    watchdog: Child,
}

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let temporary = env::temp_dir().canonicalize().expect("a temporary folder");
        let root = loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let root = temporary.join(format!("keygate-{name}-{}-{number}", process::id()));
            // An existing folder belongs to a process with the same id in another container.
            match fs::create_dir(&root) {
                Ok(()) => break root,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", root.display()),
            }
        };
        let watchdog = watch(&root);
        account::give(&root);
        Self { root, watchdog }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Kills all processes with this working folder, and waits until they are gone.
    pub(super) fn kill_all(&self) {
        Command::new("sh").args(["-c", END, "sh"]).arg(self.work()).status().unwrap();
    }
}

/// Starts the process that cleans up when its standard input closes, which the end of this process
/// does as well, even by SIGKILL.
///
/// Not `PR_SET_PDEATHSIG`: that fires when the thread ends that started the server, and each test is
/// a thread.
fn watch(root: &Path) -> Child {
    let script = format!("trap '' HUP INT TERM\nread -r _\n{END}\nrm -rf \"$2\"");
    Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(root.join("work"))
        .arg(root)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Ctrl-C in a terminal ends the whole group of the test.
        .process_group(0)
        .spawn()
        .unwrap()
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}
