//! Passwords from the password file, which only the server may see.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::store::{PostgresStore, Replica};

use crate::servers::{Database, Postgres};
use crate::store::migrated;
use crate::this_program;

const URL: &str = "KEYGATE_TEST_URL";

/// The child process connects; in the usual test run, this does nothing.
#[tokio::test]
async fn connect_for_another() {
    let Ok(url) = std::env::var(URL) else { return };
    let level = tracing_subscriber::filter::LevelFilter::TRACE;
    tracing_subscriber::fmt().with_max_level(level).init();
    tracing::warn!("all is caught");
    match PostgresStore::connect(&url).await {
        Ok(_) => println!("connected"),
        Err(error) => println!("refused: {error}; {error:?}"),
    }
    match Replica::connect(&url).await {
        Ok(_) => println!("followed"),
        Err(error) => println!("replica: {error}; {error:?}"),
    }
}

/// A home folder.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("home-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The output and the log of a process with this home, checked not to contain the password.
    pub(crate) fn run(&self, url: &str, settings: &[(&str, &str)]) -> String {
        let mut command = this_program::command(module_path!(), "connect_for_another");
        command.env_remove("PGPASSFILE").env_remove("PGPASSWORD").env("HOME", &self.0);
        command.env(URL, url).envs(settings.iter().copied());
        let output = command.output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains("all is caught"), "{shown}");
        assert!(!shown.contains("c4n4ry"), "{shown}");
        shown
    }

    #[track_caller]
    pub(crate) fn connects(&self, url: &str, settings: &[(&str, &str)]) {
        let shown = self.run(url, settings);
        assert!(shown.contains("\nconnected\n") && shown.contains("\nfollowed\n"), "{shown}");
    }

    #[track_caller]
    fn is_refused(&self, url: &str, settings: &[(&str, &str)], expected: &str) {
        let shown = self.run(url, settings);
        assert!(shown.contains("refused: ") && shown.contains(expected), "{expected}: {shown}");
        let replica = shown.lines().find(|line| line.starts_with("replica: "));
        assert!(replica.is_some_and(|line| line.contains(expected)), "{expected}: {shown}");
        assert!(shown.contains("password authentication failed"), "{shown}");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The URL without a password, and its line of the password file.
fn address(database: &Database<'_>) -> (String, String) {
    let (port, name) = (database.server().port(), database.name());
    let (user, password) = (Postgres::OWNER, Postgres::PASSWORD);
    let url = format!("postgres://{user}@127.0.0.1:{port}/{name}");
    (url, format!("127.0.0.1:{port}:{name}:{user}:{password}\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_comes_from_the_file() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    let (url, line) = address(&database);
    let home = Home::new();
    home.is_refused(&url, &[], "no password was given, and there is no password file");
    let named = home.write("named", &line, 0o600);
    let named = [("PGPASSFILE", named.to_str().unwrap())];
    home.connects(&url, &named);
    home.connects(&format!("{url}?application_name=a%20test"), &named);
    let text = format!("# of the test\n\n*:1:*:*:wrong\n{line}*:*:*:*:wrong\n");
    home.write(".pgpass", &text, 0o400);
    home.connects(&url, &[]);
    // `PGPASSFILE` wins over the home folder.
    home.is_refused(&url, &[("PGPASSFILE", "/nowhere/pgpass")], "/nowhere/pgpass cannot be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_file_readable_by_others_is_not_read() {
    let database = Postgres::shared().database();
    let (url, line) = address(&database);
    let home = Home::new();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
        home.write(".pgpass", &line, mode);
        home.is_refused(&url, &[], &format!("its mode {mode:03o} gives access to others"));
    }
    fs::remove_file(home.0.join(".pgpass")).unwrap();
    fs::create_dir(home.0.join(".pgpass")).unwrap();
    home.is_refused(&url, &[], "it is not a regular file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_of_the_file_is_logged() {
    let database = Postgres::shared().database();
    migrated(&database).await;
    let (url, line) = address(&database);
    let home = Home::new();
    for malformed in [
        "c4n4ry\n".to_owned(),
        format!("{}\n", Postgres::PASSWORD),
        "127.0.0.1:5432:keys:c4n4ry\n".to_owned(),
        line.replacen(':', "\\:", 1),
        "c4n4ry\\".to_owned(),
        "\\x:\\y:\\z:\\c4n4ry:\\c4n4ry\\".to_owned(),
    ] {
        home.write(".pgpass", &malformed, 0o600);
        let expected =
            if malformed.contains(":\\z") { "has no line" } else { "has a line 1 that is" };
        home.is_refused(&url, &[], expected);
        home.write(".pgpass", &format!("{malformed}\n{line}"), 0o600);
        home.connects(&url, &[]);
    }
    home.write(".pgpass", &line.replace(database.name(), "other"), 0o600);
    home.is_refused(&url, &[], "has no line for this host, port, database and user");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_password_wins_over_the_file() {
    let server = Postgres::start();
    server.psql("create role me login superuser password 'p:w\\c4n4ry'");
    let database = server.database();
    migrated(&database).await;
    let (port, name) = (server.port(), database.name());
    let url = format!("postgres://me@127.0.0.1:{port}/{name}");
    let home = Home::new();
    home.write(".pgpass", "*:*:*:*:c4n4ry-wrong\n", 0o600);
    let right = r"p:w\c4n4ry";
    home.connects(&url, &[("PGPASSWORD", right)]);
    home.connects(&url.replace("me@", "me:p:w%5Cc4n4ry@"), &[]);
    home.connects(&format!("{url}?password=p:w%5Cc4n4ry"), &[]);
    // An empty password counts as none.
    home.write(".pgpass", "127.0.0.1:*:*:me:p\\:w\\\\c4n4ry\n", 0o600);
    home.connects(&url, &[("PGPASSWORD", "")]);
    home.connects(&url.replace("me@", "me:@"), &[]);
    let shown = home.run(&url, &[("PGPASSWORD", "c4n4ry-wrong")]);
    assert!(shown.contains("password authentication failed") && !shown.contains("file"), "{shown}");
}
