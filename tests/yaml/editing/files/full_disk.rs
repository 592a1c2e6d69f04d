//! A full disk: the old file stays, and no other file is left beside it.

use std::process::Command;

use super::mounts::inside_mount;
use crate::editing::fixture::{Folder, read};
use crate::editing::processes::worker;

/// A limit on the size of files interrupts a write for any user, like a full disk.
#[test]
fn interrupted_write_leaves_the_old_file() {
    let folder = Folder::new();
    let text = format!("{}clients:\n", "# long\n".repeat(100_000));
    let path = folder.file("keys.yml", &text);
    let job = worker::command("add A", &path);
    let mut limited = Command::new("sh");
    // A process that ignores the signal gets an error from the write.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]);
    limited.arg(crate::this_program::path()).args(job.get_args());
    limited.envs(job.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    assert_eq!(
        worker::said(&output.stdout),
        [format!(
            "error: {}: the new file could not be written (File too large (os error 27)): nothing was changed",
            path.display()
        )]
    );
    assert_eq!(read(&path), text);
    assert_eq!(folder.names(), [".keys.yml.lock", "keys.yml"]);
}

#[test]
fn full_disk_leaves_the_old_file() {
    let text = format!("{}clients:\n", "# long\n".repeat(10_000));
    let job = "cp \"$FROM\" keys.yml && RUN; ls -A; cmp \"$FROM\" keys.yml && echo same";
    // Large enough for one and a half copies of the file.
    let output = inside_mount("size=112k", job, "add A", &text);
    assert!(
        output.contains("the new file could not be written (No space left on device"),
        "{output}"
    );
    assert!(output.ends_with(".keys.yml.lock\nkeys.yml\nsame\n"), "{output}");
}

#[test]
fn full_disk_at_first_leaves_no_broken_lock() {
    let job =
        "cp \"$FROM\" keys.yml && dd if=/dev/zero of=rest bs=1k 2>/dev/null; RUN; rm rest; RUN";
    let output = inside_mount("size=64k", job, "add A", "clients:\n");
    let said = worker::said(output.as_bytes());
    assert_eq!(said.len(), 2, "{output}");
    assert!(said[0].contains("No space left on device"), "{output}");
    assert_eq!(said[1], "done");
}
