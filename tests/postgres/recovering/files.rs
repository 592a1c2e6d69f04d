//! Stores in files.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use keygate::store::SqliteStore;
use keygate::{KeyDigest, ManageKeys as _, YamlStore};

use crate::recovering::faults::{
    Fault, Fixture, Meanwhile, PASSING, key, recovers_from_every_fault,
};
use crate::recovering::folder::{Folder, is_bound_by_modes, set_mode};

struct Sqlite {
    folder: Folder,
    store: SqliteStore,
    holder: Option<Child>,
}

fn sqlite3(folder: &Folder) -> Command {
    let mut command = Command::new("sqlite3");
    command.args(["-batch", "-bail", "-init", "/dev/null"]).arg(folder.path());
    command
}

impl Sqlite {
    async fn new() -> Self {
        let folder = Folder::new("keys.db");
        let store = SqliteStore::migrate(folder.path()).await.unwrap();
        store.add_client("App 1".into()).await.unwrap();
        Self { folder, store, holder: None }
    }

    fn sql(&self, sql: &str) {
        let output = sqlite3(&self.folder).arg(sql).output();
        let output = output.expect("there is `sqlite3`: `tests/run` installs it");
        assert!(output.status.success() && output.stderr.is_empty(), "{sql}: {output:?}");
    }
}

impl Fixture for Sqlite {
    type Store = SqliteStore;

    const MEANWHILE: Meanwhile = Meanwhile::Outage;

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    fn make(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::Schema => self.sql("alter table keygate_keys rename to other"),
            Fault::Locked => {
                let mut holder = sqlite3(&self.folder);
                holder.stdin(Stdio::piped()).stdout(Stdio::piped());
                let mut holder = holder.spawn().unwrap();
                let mut input = holder.stdin.as_ref().unwrap();
                writeln!(input, "begin exclusive; select 'held';").unwrap();
                let mut held = [0; 5];
                std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut held).unwrap();
                self.holder = Some(holder);
            }
            fault => return self.folder.make(fault),
        }
        true
    }

    fn repair(&mut self, fault: Fault) {
        match fault {
            Fault::Schema => self.sql("alter table other rename to keygate_keys"),
            Fault::Locked => {
                let mut holder = self.holder.take().unwrap();
                drop(holder.stdin.take());
                holder.wait().unwrap();
            }
            fault => self.folder.repair(fault),
        }
    }

    fn issue(&mut self, keys: &[String]) {
        for name in keys {
            let digest = KeyDigest::of(key(name).as_bytes()).to_text();
            let expires = if name == "passing" { format!("'{PASSING}'") } else { "null".into() };
            self.sql(&format!(
                "insert into keygate_keys (digest, client, label, expires)
                values (x'{}', 'App 1', '{name}', {expires})",
                digest.strip_prefix("sha256:").unwrap()
            ));
        }
    }

    fn revoke(&mut self, key: &str) {
        self.sql(&format!(
            "update keygate_keys set revoked = '2026-11-23T10:00:00Z' where label = '{key}'"
        ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_store_recovers_from_every_fault() {
    if is_bound_by_modes(module_path!(), "sqlite_store_recovers_from_every_fault") {
        recovers_from_every_fault(Sqlite::new().await).await;
    }
}

/// A store opened during the fault, and one opened before.
#[tokio::test]
async fn sqlite_store_changes_keys_once_the_file_can_be_written() {
    if !is_bound_by_modes(module_path!(), "sqlite_store_changes_keys_once_the_file_can_be_written")
    {
        return;
    }
    let Sqlite { folder, store, .. } = Sqlite::new().await;
    let path = folder.path().to_owned();
    for (path, broken, right) in [(&*path, 0o400, 0o600), (path.parent().unwrap(), 0o500, 0o700)] {
        set_mode(path, broken);
        let late = SqliteStore::open(folder.path()).await.unwrap();
        for store in [&store, &late] {
            for _ in 0..2 {
                let error = store.disable_client("App 1").await.unwrap_err().to_string();
                assert!(error.contains("readonly database"), "{error}");
            }
        }
        set_mode(path, right);
        for store in [&store, &late] {
            assert!(!store.disable_client("App 1").await.unwrap().enabled);
            assert!(store.enable_client("App 1").await.unwrap().enabled);
        }
    }
}

struct Yaml {
    folder: Folder,
    keys: Vec<(String, bool)>,
    store: YamlStore,
}

impl Yaml {
    fn new() -> Self {
        let folder = Folder::new("keys.yml");
        fs::write(folder.path(), "clients:\n").unwrap();
        let store = watch(&folder);
        Self { folder, keys: Vec::new(), store }
    }

    fn write(&self) {
        let mut text = "clients:\n  App 1:\n    keys:\n".to_owned();
        for (name, is_revoked) in &self.keys {
            writeln!(text, "      - digest: {}", KeyDigest::of(key(name).as_bytes()).to_text())
                .unwrap();
            if name == "passing" {
                writeln!(text, "        expires: {PASSING}").unwrap();
            }
            if *is_revoked {
                text += "        revoked: 2026-11-23T10:00:00Z\n";
            }
        }
        fs::write(self.folder.path(), text).unwrap();
    }
}

fn watch(folder: &Folder) -> YamlStore {
    YamlStore::watch(folder.path(), |_| {}).unwrap()
}

impl Fixture for Yaml {
    type Store = YamlStore;

    const MEANWHILE: Meanwhile = Meanwhile::Kept;

    fn store(&self) -> YamlStore {
        self.store.clone()
    }

    fn make(&mut self, fault: Fault) -> bool {
        if fault == Fault::Schema {
            self.folder.overwrite(b"clients:\n  App 1:\n    kezs: []\n");
            return true;
        }
        self.folder.make(fault)
    }

    fn repair(&mut self, fault: Fault) {
        self.folder.repair(fault);
    }

    fn issue(&mut self, keys: &[String]) {
        self.keys.extend(keys.iter().map(|key| (key.clone(), false)));
        self.write();
    }

    fn revoke(&mut self, key: &str) {
        for (name, is_revoked) in &mut self.keys {
            *is_revoked |= name == key;
        }
        self.write();
    }

    fn reports_fault(&self) -> bool {
        self.store.health().error.is_some()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yaml_watcher_recovers_from_every_fault() {
    if is_bound_by_modes(module_path!(), "yaml_watcher_recovers_from_every_fault") {
        recovers_from_every_fault(Yaml::new()).await;
    }
}
