//! The data folder, which is made once per test binary and copied for each server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::super::folder::Folder;
use super::super::tools::{copy, postgres_program};
use super::{Postgres, run_in};

/// Without `fsync`, since data survive SIGKILL of the server without it. These settings leave no shared memory of a
/// killed server in `/dev/shm`.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
fsync = off
full_page_writes = off
max_wal_size = 1GB
dynamic_shared_memory_type = mmap
";

const ACCESS: &str = "
local all all trust
host all all 127.0.0.1/32 scram-sha-256
";

const ACCESS_BY_TLS: &str = "
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
";

/// Copies the template to a new folder.
pub(super) fn copy_template(data: &Path) {
    // Never dropped: its watchdog removes it when the process ends.
    static TEMPLATE: OnceLock<Folder> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let folder = Folder::new("template");
        make(&folder.work());
        folder
    });
    copy(&template.work(), data);
}

/// Creates a folder with a new system identifier.
pub(super) fn make(data: &Path) {
    let root = data.parent().unwrap();
    let password = root.join("password");
    fs::write(&password, Postgres::PASSWORD).unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let mut initdb = Command::new(postgres_program("initdb"));
    initdb
        .arg("-D")
        .arg(data)
        .args(["-U", Postgres::OWNER, "-A", "scram-sha-256", "-E", "UTF8"])
        // Small log segments are faster to copy.
        .args(["--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1", "--pwfile"])
        .arg(&password);
    run_in(root, &mut initdb);
    fs::remove_file(password).unwrap();
    let settings = data.join("postgresql.conf");
    let settings_before = fs::read_to_string(&settings).unwrap();
    fs::write(settings, settings_before + SETTINGS).unwrap();
    fs::write(data.join("pg_hba.conf"), ACCESS).unwrap();
    let by_tls = data.join("pg_hba_tls.conf");
    fs::write(&by_tls, ACCESS_BY_TLS).unwrap();
    fs::set_permissions(by_tls, fs::Permissions::from_mode(0o644)).unwrap();
}

/// Whether the eighth line of `postmaster.pid` reports that the server of this process is ready.
pub(super) fn is_ready(data: &Path, id: u32) -> bool {
    let status = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = status.lines().map(str::trim_end);
    lines.next() == Some(&id.to_string()) && lines.nth(6) == Some("ready")
}
