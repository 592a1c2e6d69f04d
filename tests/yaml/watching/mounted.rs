//! A key file that is mounted without its folder, as by `docker -v ./keys.yml:/app/keys.yml`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use keygate::YamlStore;

use crate::this_program;
use crate::watching::folder::{Folder, admits, events, short, until, watch};

/// Runs a test again in a mount namespace where `here/keys.yml` is mounted at `app/keys.yml`. There, it
/// returns the folder of the two.
fn mounted(name: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("KEYGATE_MOUNTED") {
        return Some(folder.into());
    }
    let folder = Folder::new();
    for name in ["here", "app"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    folder.write("here/keys.yml", &short(&[0, 1]));
    folder.write("app/keys.yml", "");
    let script = "mount --bind here/keys.yml app/keys.yml || exit 99; exec \"$@\"";
    let mut said = String::new();
    for unshare in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", script, "sh"]);
        command.arg(this_program::path()).args(this_program::exactly(module_path!(), name));
        command.env("KEYGATE_MOUNTED", folder.path("")).current_dir(folder.path(""));
        let output =
            command.stdin(Stdio::null()).output().expect("there is `unshare`, of util-linux");
        said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.code() != Some(99) && !said.starts_with("unshare:") {
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return None;
        }
    }
    panic!("nothing can be mounted here, neither as this user nor in a namespace: {said}");
}

#[test]
fn file_mounted_without_its_folder_is_a_warning() {
    let Some(folder) = mounted("file_mounted_without_its_folder_is_a_warning") else { return };
    let path = folder.join("app/keys.yml");
    let (reported, report) = events();
    let _store = YamlStore::watch(&path, report).unwrap();
    let warning = reported.lock().unwrap()[0].clone();
    let begin = format!("warning: {}: the file is mounted without its folder", path.display());
    assert!(
        warning.starts_with(&begin) && warning.ends_with("mount its folder instead"),
        "{warning}"
    );
    assert_eq!(YamlStore::open(&path).unwrap().warnings().len(), 2, "and that others can read it");
    assert_eq!(YamlStore::lint(&path).warnings.len(), 2);
    let here = YamlStore::open(folder.join("here/keys.yml")).unwrap();
    assert_eq!(here.warnings().len(), 1);
}

#[test]
fn file_replaced_outside_its_mount_is_a_failure() {
    let name = "file_replaced_outside_its_mount_is_a_failure";
    let Some(folder) = mounted(name) else { return };
    let path = folder.join("app/keys.yml");
    let store = watch(&path).unwrap();
    fs::write(folder.join("here/keys.yml"), short(&[0])).unwrap();
    until("a change in place", || !admits(&store, 1));

    fs::write(folder.join("here/new"), short(&[2])).unwrap();
    fs::rename(folder.join("here/new"), folder.join("here/keys.yml")).unwrap();
    until("the failure", || store.health().error.is_some());
    let right = "the file was replaced outside this mount, so later changes are not visible here: mount its \
                 folder instead of the file, and restart the service";
    let error = store.health().error.unwrap().to_string();
    assert_eq!(error, format!("{}: {right}", path.display()));
    assert!(admits(&store, 0) && !admits(&store, 2));
    assert_eq!(store.reload().unwrap_err().to_string(), error);
    assert_eq!(watch(&path).unwrap_err().to_string(), error);
}
