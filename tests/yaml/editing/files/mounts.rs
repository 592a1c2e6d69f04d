//! Small file systems that only one process sees. Root only needs the right to mount; other users need a mount
//! namespace.

use std::process::Command;

use crate::editing::fixture::Folder;
use crate::editing::processes::worker;

/// The output of a shell in a new file system with these options. `$FROM` is a file with this text, and `RUN` does the
/// job on `keys.yml`.
pub(super) fn inside_mount(options: &str, script: &str, job: &str, text: &str) -> String {
    let folder = Folder::new();
    let from = folder.file("from.yml", text);
    let place = folder.path().join("mounted");
    std::fs::create_dir(&place).unwrap();
    let job = worker::command(job, &place.join("keys.yml"));
    let script = script.replace("RUN", "\"$@\"");
    let script = format!(
        "mount -t tmpfs -o \"$OPTIONS\" none \"$PLACE\" || exit 99; cd \"$PLACE\"; {script}"
    );
    let mut last = String::new();
    for unshare in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", &script, "sh"]);
        command.arg(crate::this_program::path()).args(job.get_args());
        command.envs(job.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("OPTIONS", options).env("PLACE", &place).env("FROM", &from);
        let output = command.output().expect("there is `unshare`, of util-linux");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let is_mounted =
            output.status.code() != Some(99) && !output.stderr.starts_with(b"unshare:");
        if is_mounted {
            return said;
        }
        last = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    panic!("nothing can be mounted here, neither as this user nor in a name space: {last}");
}

#[test]
fn file_mounted_without_its_folder_is_not_edited() {
    let script = "cp \"$FROM\" real.yml; touch keys.yml; mount --bind real.yml keys.yml || exit 99; RUN; \
                  cmp \"$FROM\" real.yml && ls -A";
    let output = inside_mount("size=64k", script, "add A", "clients:\n");
    let said = worker::said(output.as_bytes()).concat();
    assert!(
        said.ends_with(
            "keys.yml: the file is mounted without its folder and cannot be replaced: mount its \
             folder \
             instead, or edit the file where it is mounted from; nothing was changed"
        ),
        "{output}"
    );
    assert!(output.ends_with("keys.yml\nreal.yml\n") && !output.contains(".lock"), "{output}");
}

#[test]
fn read_only_mount_is_reported_as_read_only() {
    let said = "read-only: the file is on a read-only mount: change the original file";
    let script = "cp \"$FROM\" keys.yml; mount -o remount,bind,ro \"$PLACE\" || exit 99; RUN; cmp \"$FROM\" keys.yml && ls -A";
    let output = inside_mount("size=64k", script, "add A", "clients:\n");
    assert_eq!(worker::said(output.as_bytes()), [said], "{output}");
    assert!(output.ends_with("keys.yml\n") && !output.contains(".lock"), "{output}");
    // The same happens if the lock exists.
    let script = "cp \"$FROM\" keys.yml; touch .keys.yml.lock; mount -o remount,bind,ro \"$PLACE\" || exit 99; RUN";
    let output = inside_mount("size=64k", script, "add A", "clients:\n");
    assert_eq!(worker::said(output.as_bytes()), [said], "{output}");
}
