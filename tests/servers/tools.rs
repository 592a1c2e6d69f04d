//! The programs of the machine, and their output.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// A program on the path.
///
/// # Panics
///
/// If it is missing.
pub(super) fn program(name: &str) -> PathBuf {
    on_path(name).unwrap_or_else(|| missing(name))
}

/// A program of PostgreSQL, from the newest version of the system's packages or on the path.
///
/// # Panics
///
/// If it is missing.
pub(super) fn postgres_program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .filter_map(|version| {
            let number: u32 = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin").join(name)))
        })
        .filter(|(_, path)| path.is_file())
        .max()
        .map(|(_, path)| path)
        .or_else(|| on_path(name))
        .unwrap_or_else(|| missing(name))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Some servers are in folders that only root has in its path.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn missing(name: &str) -> ! {
    panic!(
        "`{name}` is missing, and this test runs a real server: `tests/run` installs what the tests \
         need (Debian: postgresql, postgresql-client, pgbouncer, openssl)"
    )
}

/// The standard output of the command, or its error.
pub(super) fn output(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A program that ends before it has read everything reports the reason itself.
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

/// Like [`output`], for a command that must succeed.
pub(super) fn run(command: &mut Command) -> String {
    match output(command, "") {
        Ok(output) => output,
        Err(error) => panic!("{command:?}: {error}"),
    }
}

/// Copies a folder with its owners and times.
pub(super) fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to));
}
