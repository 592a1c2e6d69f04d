//! Runs the commands in the guide that move keys from a file to SQLite and to PostgreSQL.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use tempfile::TempDir;

use crate::REPOSITORY;
use crate::curl;
use crate::servers::Postgres;
use crate::service::{DEADLINE, Server, seed_clients};

const HEADING: &str = "\n## From a file to a database\n";

/// The expected output: the started services, the last lines of the tool, and the status of each response.
const SEEN: [&str; 24] = [
    "axum",
    "200",
    "200",
    "401",
    "created the tables of sqlite:keys.db",
    "added 3 clients and 3 keys, kept 0 clients and 0 keys, refused 0 clients and 0 keys",
    "axum_sqlite",
    "200",
    "200",
    "401",
    "issued KEY_ID of App 1, never expires; the key is in the file new-key",
    "200",
    "revoked 139143d40928093b of App 1",
    "401",
    "created the tables of the PostgreSQL database",
    "added 3 clients and 4 keys, kept 0 clients and 0 keys, refused 0 clients and 0 keys",
    "axum_postgres",
    "200",
    "200",
    "401",
    "401",
    "revoked 0363a007c1cfff40 of User 1",
    "HTTP/1.1 401 Unauthorized",
    "wrote 3 clients and 4 keys to back.yml, which only you can read",
];

const SERVING: &str = include_str!("../../../../src/store/postgres/grants/serving.sql");

/// The text that replaces each `...` in the statements.
const PASSWORD: &str = "c4n4ry-password";

/// Acts as a user in a copy of the repository, with a shell and a second terminal for the service.
struct User {
    folder: TempDir,
    /// The exported variables.
    variables: Vec<(String, String)>,
    postgres: Postgres,
    server: Option<Server>,
    /// The output so far: see [`SEEN`].
    seen: Vec<String>,
}

impl User {
    fn new() -> Self {
        let postgres = Postgres::start();
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        fs::create_dir(folder.join("bin")).unwrap();
        let repository = Path::new(REPOSITORY);
        symlink(repository.join("examples"), folder.join("examples")).unwrap();
        symlink(env!("CARGO_BIN_EXE_keygate"), folder.join("bin/keygate")).unwrap();
        // The commands run in a temporary folder, but build this checkout.
        let manifest = repository.join("Cargo.toml");
        let cargo = format!(
            "#!/bin/sh\ncommand=$1\nshift\nexec '{}' \"$command\" --manifest-path '{}' \"$@\"\n",
            env!("CARGO"),
            manifest.display()
        );
        fs::write(folder.join("bin/cargo"), cargo).unwrap();
        fs::set_permissions(folder.join("bin/cargo"), Permissions::from_mode(0o700)).unwrap();
        let line = |role: &str| format!("127.0.0.1:{}:*:{role}:{PASSWORD}\n", postgres.port());
        let passwords = ["service_owner", "keygate_serving"].map(line).concat();
        fs::write(folder.join(".pgpass"), passwords).unwrap();
        fs::set_permissions(folder.join(".pgpass"), Permissions::from_mode(0o600)).unwrap();
        Self { folder: temporary, variables: Vec::new(), postgres, server: None, seen: Vec::new() }
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.folder.path());
        let path = env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()));
        shell.env("PGPASSFILE", self.folder.path().join(".pgpass"));
        shell.env("CARGO_TERM_COLOR", "never");
        for name in ["KEYS", "KEYGATE_STORE", "DATABASE_URL"] {
            shell.env_remove(name);
        }
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        shell
    }

    /// Runs a line of the guide, adapted to this machine.
    fn follow(&mut self, line: &str) {
        let (command, remark) = line.split_once("  # ").unwrap_or((line, ""));
        let command = command.trim_end();
        match command.split_once(' ') {
            // The tool of this build is in the PATH.
            Some(("cargo", "install --path crates/keygate-cli")) => {}
            Some(("cargo", rest)) => self.serve(rest.strip_prefix("run ").expect(line)),
            Some(("export", rest)) => self.export(rest),
            Some(("keygate", _)) => self.keygate(command),
            Some(("curl", _)) => self.curl(command, remark),
            Some(("until", _)) => self.until(command),
            _ => panic!("the guide has a line that this test does not know: {line}"),
        }
    }

    fn export(&mut self, rest: &str) {
        let (name, value) = rest.split_once('=').expect("a variable");
        // The guide uses an example host.
        let here = format!("127.0.0.1:{}", self.postgres.port());
        let value = value.trim_matches('\'').replace("db.example", &here);
        let value = value.replace("?sslmode=verify-full", "");
        self.variables.push((name.to_owned(), value));
    }

    /// Runs statements as the administrator.
    fn administer(&self, sql: &str) {
        self.postgres.psql(&sql.replace("...", PASSWORD));
    }

    /// Stops the service with Ctrl-C and starts the next one.
    fn serve(&mut self, what: &str) {
        if let Some(server) = self.server.take() {
            server.interrupt();
            assert_eq!(server.wait_for_end().code, Some(0));
        }
        // Build first, so that no deadline includes compile time.
        let built = self.shell(&format!("cargo build {what}")).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let mut command = self.shell(&format!("exec cargo run {what}"));
        self.server = Some(Server::start_by(&mut command));
        self.seen.push(what.rsplit(' ').next().unwrap().to_owned());
    }

    fn keygate(&mut self, command: &str) {
        let output = self.shell(command).output().unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{command}: {err}");
        let key = fs::read_to_string(self.folder.path().join("new-key")).unwrap_or_default();
        let secrets = seed_clients().into_iter().map(|(key, _)| key);
        for secret in secrets.chain([key.trim().to_owned(), PASSWORD.to_owned()]) {
            let shown =
                !secret.is_empty() && [&out, &err].iter().any(|text| text.contains(&secret));
            assert!(!shown, "{command} shows a secret");
        }
        // The version changes with every migration.
        let seen = err.lines().last().map(|line| line.split(", at version").next().unwrap_or(line));
        self.seen.extend(seen.map(str::to_owned));
    }

    /// Calls the service, and expects the status in the comment.
    fn curl(&mut self, command: &str, remark: &str) {
        let expected: u16 = remark.trim().parse().expect("the remark is the status");
        let server = self.server.as_ref().expect("a service runs");
        let command = command.replace("http://127.0.0.1:3000", &server.url(""));
        let result = curl::reply(&mut self.shell(&command));
        assert_eq!(result.status, expected, "{command}\n{result:?}\nafter {:#?}", self.seen);
        self.seen.push(expected.to_string());
    }

    /// Runs a shell loop, which must end before the deadline.
    fn until(&mut self, command: &str) {
        let server = self.server.as_ref().expect("a service runs");
        let command = command.replace("http://127.0.0.1:3000", &server.url(""));
        let mut shell = self.shell(&command).stdout(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + DEADLINE;
        while shell.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                shell.kill().unwrap();
                panic!("{command}\ndid not end after {:#?}", self.seen);
            }
            thread::sleep(Duration::from_millis(10));
        }
        let output = shell.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}");
        self.seen.push(String::from_utf8(output.stdout).unwrap().trim_end().to_owned());
    }
}

/// Returns the language and text of each code block of the section.
fn blocks() -> Vec<(String, String)> {
    let guide = fs::read_to_string(Path::new(REPOSITORY).join("docs/databases.md")).unwrap();
    let (_, section) = guide.split_once(HEADING).expect("the guide has this section");
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("\n```").skip(1).step_by(2);
    let blocks = blocks.map(|block| block.split_once('\n').unwrap());
    blocks.map(|(language, text)| (language.to_owned(), text.to_owned())).collect()
}

#[test]
fn service_without_a_database_names_the_way_out() {
    let run = "run --all-features --example axum_sqlite";
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(run.split(' ')).current_dir(REPOSITORY);
    let output = cargo.env("KEYS", "/nonexistent/keys.db").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let said = String::from_utf8_lossy(&output.stderr);
    let end = "the file /nonexistent/keys.db does not exist: create it with `keygate migrate`\n";
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn keys_moved_by_the_guide_keep_working() {
    let mut user = User::new();
    let blocks = blocks();
    assert!(blocks.iter().any(|(_, text)| text.contains(SERVING.trim_end())), "the grants");
    for (language, text) in blocks {
        match &*language {
            "sh" => text.lines().filter(|line| !line.is_empty()).for_each(|line| user.follow(line)),
            "sql" => user.administer(&text),
            _ => {}
        }
    }
    let serves = "select count(*) > 0 from pg_stat_activity \
                  where application_name = 'keygate' and usename = 'keygate_serving'";
    assert_eq!(user.postgres.psql(serves), "t");

    let key = fs::read_to_string(user.folder.path().join("new-key")).unwrap();
    let key_id =
        keygate::KeyDigest::of(key.trim().as_bytes()).to_text()["sha256:".len()..][..16].to_owned();
    let seen = user.seen.iter().map(|seen| seen.replace(&key_id, "KEY_ID"));
    assert_eq!(seen.collect::<Vec<_>>(), SEEN);
    let back = fs::read_to_string(user.folder.path().join("back.yml")).unwrap();
    assert_eq!(back.matches("digest: sha256:").count(), 4);
    assert_eq!(back.matches("revoked: ").count(), 2);
}
