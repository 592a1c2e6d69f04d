//! The page on the tool's own stores: their health, and stores that cannot be changed.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::databases::{damage, databases, mend};
use crate::served::{Response, Served};
use crate::tool::Sandbox;

const PATIENCE: Duration = Duration::from_secs(20);

/// Reloads the health page until it has this text.
fn health(page: &Served, cookie: &str, text: &str) -> Response {
    let start = Instant::now();
    loop {
        let shown = page.get("/health", cookie);
        if shown.0.contains(text) {
            return shown;
        }
        assert!(start.elapsed() < PATIENCE, "{text} is not in {shown:?}");
    }
}

#[test]
fn health_of_a_file_shows_its_error_with_line_and_column() {
    let sandbox = Sandbox::with_client("App 1");
    let mut page = Served::start(&sandbox, &[]);
    let cookie = page.signed_in();
    let path = "<dt>Location</dt><dd><code>keys.yaml</code></dd>";
    let shown = health(&page, &cookie, "can be read");
    shown.says("<dd>Key file</dd>").says(path).says("no tables").says("<dt>Last read</dt>");
    assert!(!shown.0.contains("could not be loaded"), "{shown:?}");

    let good = sandbox.file();
    fs::write(sandbox.path("keys.yaml"), format!("{good}  \"App 2\": {{quota: many}}\n")).unwrap();
    let shown = health(&page, &cookie, "The latest version of the file could not be loaded");
    let line = good.lines().count() + 1;
    shown.says(&format!("<p>Line {line}, column ")).says("The previous keys are still in use");
    page.get("/clients", &cookie).says("App 1");

    fs::write(sandbox.path("keys.yaml"), good).unwrap();
    let start = Instant::now();
    while page.get("/health", &cookie).0.contains("could not be loaded") {
        assert!(start.elapsed() < PATIENCE, "the failure does not end");
    }
}

#[test]
fn health_of_a_database_shows_its_table_version() {
    let databases = [
        #[cfg(feature = "sqlite")]
        ("sqlite:keys.db".to_owned(), "SQLite", "<dt>Location</dt><dd><code>keys.db</code></dd>"),
        #[cfg(feature = "postgres")]
        (crate::servers::Postgres::shared().database().url(), "PostgreSQL", ""),
    ];
    for (url, kind, place) in databases {
        let sandbox = Sandbox::with_database(&url);
        let version = sandbox.run(["migrate", "--json"]).succeeds().json()["version"].clone();
        let mut page = Served::start(&sandbox, &[]);
        let cookie = page.signed_in();
        let shown = health(&page, &cookie, "can be read");
        shown.says(&format!("<dd>{kind}</dd>")).says(place);
        shown.says(&format!("<dt>Table version</dt><dd>{version}</dd>"));
        // The URL, with its host and password, is not shown.
        assert!(!shown.0.contains("postgres://"), "{shown:?}");
    }
}

/// Tries every change of the client `App 1` and its key, and expects each to be refused with this status and reason.
fn every_change_is_refused(page: &Served, cookie: &str, key: &str, status: u16, why: &str) {
    let key = |below: &str| format!("/keys/{key}/{below}");
    let changes: [(String, &[(&str, &str)]); 8] = [
        ("/clients/new".to_owned(), &[("name", "App 2"), ("title", "Typed")]),
        ("/clients/App%201/edit".to_owned(), &[("title", "Typed"), ("step", "apply")]),
        ("/clients/App%201/disable".to_owned(), &[]),
        ("/clients/App%201/keys/new".to_owned(), &[("lifetime", "never"), ("step", "issue")]),
        (key("edit"), &[("label", "Typed"), ("lifetime", "same")]),
        (key("rotate"), &[("label", "Typed"), ("lifetime", "same"), ("grace", "1h")]),
        (key("revoke"), &[]),
        ("/clients/App%202/remove".to_owned(), &[("confirm", "App 2")]),
    ];
    for (path, fields) in changes {
        let refused = page.post(cookie, &path, fields);
        assert_eq!(refused.status(), status, "{path}: {refused:?}");
        refused.says(why);
    }
}

/// Adds a client with a key and a disabled client. Returns the ID of the key.
fn fill(sandbox: &Sandbox) -> String {
    sandbox.run(["client", "add", "App 1"]).succeeds();
    sandbox.run(["client", "add", "App 2"]).succeeds();
    sandbox.run(["client", "disable", "App 2"]).succeeds();
    crate::tool::id_of(&sandbox.issue(&["App 1"]))
}

#[test]
fn file_on_a_read_only_mount_is_shown_but_not_changed() {
    let sandbox = Sandbox::new();
    let key = fill(&sandbox);
    let before = sandbox.file();
    // Root may mount; other users may in a user namespace.
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let unshare = if is_root { "--mount" } else { "--map-root-user --mount" };
    let script = format!(
        "exec unshare {unshare} sh -c 'mount --bind \"$PWD\" \"$PWD\" && mount -o remount,bind,ro \"$PWD\" && cd \"$PWD\" \
         && exec \"$0\" \"$@\"' \"$0\" \"$@\""
    );
    let tool = sandbox.command(["admin", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(tool.get_program()).args(tool.get_args());
    command.current_dir(tool.get_current_dir().unwrap()).stdin(Stdio::null());
    for (name, value) in tool.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut page = Served::start_by(&mut command);
    let cookie = page.signed_in();
    page.get("/clients", &cookie).says("App 1");
    let why = "This store is read-only: the file is on a read-only mount: change the original file";
    every_change_is_refused(&page, &cookie, &key, 403, why);
    assert_eq!(sandbox.file(), before);
}

#[cfg(feature = "postgres")]
#[test]
fn read_only_role_shows_everything_and_changes_nothing() {
    let database = crate::servers::Postgres::shared().database();
    let sandbox = Sandbox::with_database(&database.url());
    let key = fill(&sandbox);
    let role = format!("reader_of_{}", database.name());
    database.psql(&format!(
        "create role {role} login password 'secret'; grant usage on schema keygate to {role}; \
         grant select on all tables in schema keygate to {role}"
    ));
    let store = database.url_as(&role, "secret");
    let mut page = Served::start(&sandbox, &["--store", &store]);
    let cookie = page.signed_in();
    let shown = page.get("/clients", &cookie);
    shown.says("App 1").says("App 2");
    let before = sandbox.run(["export"]).succeeds().out;
    let why = format!("This store is read-only: the PostgreSQL role {role} may only read");
    every_change_is_refused(&page, &cookie, &key, 403, &why);
    assert_eq!(sandbox.run(["export"]).succeeds().out, before);
}

/// Requests the API with a key, from this address behind the proxy.
fn call(page: &Served, key: &str, from: &str) -> u16 {
    let headers = [("host", "keys.example"), ("x-api-key", key), ("x-forwarded-for", from)];
    page.send("GET /api/v1/clients", &headers, "").status()
}

#[test]
fn guesses_of_operators_keys_in_the_api_are_throttled() {
    let sandbox = Sandbox::new();
    // A store that waits is not called while an address is throttled, so right keys have to wait, too.
    for (make, admins, signs_in) in [
        ("init", "admins.yaml", 303),
        #[cfg(feature = "sqlite")]
        ("migrate", "sqlite:admins.db", 429),
    ] {
        let at = ["--store", admins];
        sandbox.run([&[make][..], &at].concat()).succeeds();
        let add = ["client", "add", "ann", "--scope", "read"];
        sandbox.run([&add[..], &at].concat()).succeeds();
        let key = sandbox.issue(&["ann", "--store", admins]);
        let public = ["--public-url", "https://keys.example", "--admins", admins, "--api"];
        let page = Served::start(&sandbox, &[&public[..], &["--proxy", "127.0.0.1"]].concat());
        let guess = "kg_0123456789abcdefghijklmnopqrstuv";
        for status in [401, 401, 401, 401, 401, 429] {
            assert_eq!(call(&page, guess, "192.0.2.1"), status);
        }
        assert_eq!(call(&page, &key, "192.0.2.2"), 200);

        let mut page = Served::start(&sandbox, &["--admins", admins, "--api"]);
        let headers = [("host", &*page.address), ("x-api-key", guess)];
        for _ in 0..5 {
            assert_eq!(page.send("GET /api/v1/clients", &headers, "").status(), 401);
        }
        let answer = page.sign_in(&key);
        assert_eq!(answer.status(), signs_in, "{answer:?}");
        // Guesses of the code still count.
        for _ in 0..5 {
            assert_eq!(page.sign_in("wrong").status(), 429);
        }
        let code = page.code();
        assert_eq!(page.sign_in(&code).status(), 429);

        // Without the address of a proxy, operators are not locked out by others.
        let page = Served::start(&sandbox, &public);
        for _ in 0..6 {
            assert_eq!(call(&page, guess, "192.0.2.1"), 401);
        }
        assert_eq!(call(&page, &key, "192.0.2.1"), 200);
    }
}

#[cfg(feature = "postgres")]
#[test]
fn managed_database_under_another_url_has_no_operators() {
    let database = crate::servers::Postgres::shared().database();
    let sandbox = Sandbox::with_database(&database.url());
    let role = format!("operator_of_{}", database.name());
    database.psql(&format!(
        "create role {role} login password 'secret'; grant usage on schema keygate to {role}; \
         grant select on all tables in schema keygate to {role}"
    ));
    // The tool listens after it has opened the stores, so with this address it always ends.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let start = ["admin", "--listen", &address, "--admins"];
    for url in [
        database.url().replace("postgres://", "postgresql://"),
        database.url().replace("127.0.0.1", "localhost"),
        format!("{}?application_name=admins&options=-c%20TimeZone%3DAsia/Tokyo", database.url()),
        database.url_as(&role, "secret"),
    ] {
        sandbox.run([&start[..], &[&url]].concat()).fails(2, "keys cannot be used to sign in");
    }
    // A copy of the managed store is another store.
    let copy = format!("copy_of_{}", database.name());
    database.psql(
        "select pg_terminate_backend(pid) from pg_stat_activity \
                   where datname = current_database() and pid <> pg_backend_pid()",
    );
    crate::servers::Postgres::shared()
        .psql(&format!("create database {copy} template {}", database.name()));
    let url = database.url().replace(database.name(), &copy);
    sandbox.run([&start[..], &[&url]].concat()).fails(3, "choose another address");
}

#[test]
fn key_with_an_unreadable_row_can_be_revoked() {
    for sandbox in databases() {
        let key = fill(&sandbox);
        let good = crate::tool::id_of(&sandbox.issue(&["App 1", "--label", "good"]));
        damage(&sandbox, &key);
        let mut page = Served::start(&sandbox, &[]);
        let cookie = page.signed_in();
        let link = format!("href=\"/keys/{key}\">Revoke it</a>");
        for path in ["/keys", "/clients/App%201", "/safety"] {
            page.get(path, &cookie).says("rows of the store cannot be read").says(&link);
        }
        let shown = page.get(&format!("/keys/{key}"), &cookie);
        shown.says("This key cannot be shown").says("its label").says("Revoke the key");
        let path = format!("/keys/{key}/revoke");
        let revoked = page.post(&cookie, &path, &[]);
        assert_eq!(revoked.status(), 200, "{revoked:?}");
        revoked.says("The key was revoked.");
        let check = sandbox.run(["client", "show", "App 1"]);
        assert!(check.out.contains(&good), "{check:?}");
        mend(&sandbox, &key);
        let state = sandbox.run(["key", "show", &key, "--json"]).succeeds().json();
        assert!(state["revoked"].is_string(), "{state}");
        // A missing key is an ordinary 404.
        assert_eq!(page.get("/keys/0123456789abcdef", &cookie).status(), 404);
    }
}

/// Serves a file over TLS with a self-signed certificate, until it is dropped.
struct Tls {
    openssl: Child,
    url: String,
}

impl Tls {
    fn start(folder: &Path) -> Self {
        let mut make = Command::new("openssl");
        make.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        make.args(["-nodes", "-days", "2", "-subj", "/CN=metrics"]);
        make.args(["-addext", "subjectAltName = IP:127.0.0.1"]);
        make.args(["-addext", "basicConstraints = critical, CA:FALSE"]);
        make.args(["-keyout", "tls.key", "-out", "tls.pem"]).current_dir(folder);
        assert!(make.output().expect("`openssl` is installed").status.success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut serve = Command::new("openssl");
        serve.args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-HTTP", "-quiet"]);
        serve.args(["-key", "tls.key", "-cert", "tls.pem"]).current_dir(folder);
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let tls = Self {
            openssl: serve.spawn().unwrap(),
            url: format!("https://127.0.0.1:{port}/metrics"),
        };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "openssl does not listen");
        }
        tls
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.openssl.kill();
        let _ = self.openssl.wait();
    }
}

#[test]
fn metrics_over_tls_need_a_trusted_certificate() {
    let sandbox = Sandbox::new();
    // `s_server` sends the file as the whole response.
    let metrics = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nkeygate_keys{store=\"yaml\"} 1200\n";
    fs::write(sandbox.path("metrics"), metrics).unwrap();
    let tls = Tls::start(&sandbox.path(""));
    let start = |certificates: Option<&str>| {
        let mut command = sandbox.command(["admin", "--listen", "127.0.0.1:0"]);
        command.args(["--metrics", &tls.url]);
        if let Some(file) = certificates {
            command.env("SSL_CERT_FILE", sandbox.path(file));
        }
        Served::start_by(&mut command)
    };
    let mut page = start(Some("tls.pem"));
    let cookie = page.signed_in();
    page.get("/health", &cookie).says(&tls.url).says("<dd>1,200</dd>");

    let mut page = start(None);
    let cookie = page.signed_in();
    let shown = page.get("/health", &cookie);
    shown.says("Not known. ").says("not issued by an authority that this system trusts");
    assert!(!shown.0.contains("1,200"), "{shown:?}");
}
