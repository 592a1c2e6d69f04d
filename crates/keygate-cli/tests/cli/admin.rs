//! The page, served by the tool.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tool::{CommandResult, Sandbox, finish, stores};

/// A running `keygate admin`, which is stopped when dropped.
struct Served {
    tool: Option<Child>,
    lines: BufReader<ChildStdout>,
    /// The host and the port.
    address: String,
}

impl Served {
    /// Starts it on a free port of loopback with these arguments.
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(["admin", "--listen", "127.0.0.1:0"]);
        let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut tool = command.spawn().unwrap();
        let lines = BufReader::new(tool.stdout.take().unwrap());
        let mut served = Self { tool: Some(tool), lines, address: String::new() };
        let line = served.line();
        let (_, address) = line.split_once("127.0.0.1:").unwrap_or_else(|| served.fail(&line));
        let port = address.split(|other: char| !other.is_ascii_digit()).next().unwrap();
        served.address = format!("127.0.0.1:{port}");
        served
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn fail(&mut self, line: &str) -> ! {
        let result = CommandResult::from(self.tool.take().unwrap().wait_with_output().unwrap());
        panic!("{line}: {result:?}");
    }

    fn code(&mut self) -> String {
        let line = self.line();
        let code = line.strip_prefix("Sign-in code: ").unwrap_or_else(|| panic!("{line}"));
        assert!(code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
        code.to_owned()
    }

    fn signal(&self, name: &str) {
        let process = self.tool.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    }

    /// Stops it with a signal, and returns how it ended.
    fn stop(mut self, signal: &str) -> CommandResult {
        self.signal(signal);
        finish(self.tool.take().unwrap())
    }

    fn get(&self, path: &str, cookie: &str) -> Response {
        self.send(&format!("GET {path}"), &[("host", &self.address), ("cookie", cookie)], "")
    }

    /// Types this into the form, and returns the cookie.
    fn sign_in(&self, code: &str) -> Response {
        let headers = [
            ("host", &*self.address),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST /sign-in", &headers, &format!("code={code}"))
    }

    fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "content-length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        Response(response)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(tool) = &mut self.tool {
            let _ = tool.kill();
            let _ = tool.wait();
        }
    }
}

#[derive(Debug)]
struct Response(String);

impl Response {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The cookie that it sets.
    fn cookie(&self) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        line.unwrap_or_default().split(';').next().unwrap()
    }
}

fn operator(sandbox: &Sandbox, name: &str, scope: &str) -> String {
    sandbox.run(["client", "add", name, "--scope", scope, "--store", "admins.yaml"]).succeeds();
    sandbox.issue(&[name, "--store", "admins.yaml"])
}

#[test]
fn page_is_served_until_it_is_interrupted() {
    for signal in ["-INT", "-TERM"] {
        let sandbox = Sandbox::new();
        let mut page = Served::start(&sandbox, &[]);
        let code = page.code();
        assert_eq!(page.get("/sign-in", "").status(), 200);
        let answer = page.sign_in(&code);
        assert_eq!(answer.status(), 303, "{answer:?}");
        let port = page.address.split_once(':').unwrap().1;
        assert!(answer.cookie().starts_with(&format!("keygate_admin_{port}=")), "{answer:?}");
        assert_ne!(page.get("/nowhere", answer.cookie()).status(), 303);
        assert_eq!(page.sign_in(&code).status(), 403);
        // An open connection does not keep it.
        let idle = TcpStream::connect(&page.address).unwrap();
        let result = page.stop(signal).succeeds();
        drop(idle);
        assert!(!result.err.contains(&code), "{result:?}");
    }
}

#[test]
fn page_serves_every_kind_of_store() {
    for sandbox in stores() {
        let mut page = Served::start(&sandbox, &[]);
        let code = page.code();
        let answer = page.sign_in(&code);
        assert_eq!(page.get("/nowhere", answer.cookie()).status(), 404);
        page.stop("-INT").succeeds();
    }
}

#[test]
fn foreign_host_is_421_without_a_redirect() {
    let sandbox = Sandbox::new();
    let page = Served::start(&sandbox, &[]);
    for path in ["/", "/clients", "/sign-in", "/assets/x.css", "/nowhere"] {
        let answer = page.send(&format!("GET {path}"), &[("host", "evil.example")], "");
        assert_eq!(answer.status(), 421, "{path}");
        assert!(!answer.0.to_lowercase().contains("location:"), "{answer:?}");
    }
}

#[test]
fn operator_is_signed_out_once_the_key_is_revoked() {
    let sandbox = Sandbox::new();
    sandbox.run(["init", "--store", "admins.yaml"]).succeeds();
    let key = operator(&sandbox, "ann", "admin");
    let page = Served::start(&sandbox, &["--admins", "admins.yaml"]);
    let answer = page.sign_in(&key);
    let cookie = answer.cookie();
    assert_eq!(page.get("/nowhere", cookie).status(), 404);
    let id = crate::tool::id_of(&key);
    sandbox.run(["key", "revoke", &id, "--yes", "--store", "admins.yaml"]).succeeds();
    let revoked = Instant::now();
    while page.get("/nowhere", cookie).status() != 303 {
        // Within a second where nothing else runs.
        assert!(revoked.elapsed() < Duration::from_secs(10), "still signed in");
    }
    println!("signed out {:?} after the revoke", revoked.elapsed());
    assert_eq!(page.sign_in(&key).status(), 403);
}

#[test]
fn key_of_the_managed_store_does_not_sign_in() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.run(["client", "set", "App 1", "--scope", "admin"]).succeeds();
    let key = sandbox.issue(&["App 1"]);
    sandbox.run(["init", "--store", "admins.yaml"]).succeeds();
    operator(&sandbox, "ann", "read");
    let page = Served::start(&sandbox, &["--admins", "admins.yaml"]);
    assert_eq!(page.sign_in(&key).status(), 403);
}

#[test]
fn operators_that_are_the_managed_store_are_refused() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("keys.yaml", sandbox.path("other.yaml")).unwrap();
    for admins in ["keys.yaml", "./keys.yaml", "other.yaml"] {
        let arguments = ["admin", "--listen", "127.0.0.1:0", "--admins", admins];
        sandbox.run(arguments).fails(2, "its keys never sign in");
    }
}

#[test]
fn address_off_loopback_needs_a_public_url_and_operators() {
    let sandbox = Sandbox::new();
    sandbox.run(["init", "--store", "admins.yaml"]).succeeds();
    let url = ["--public-url", "https://keys.example"];
    let admins = ["--admins", "admins.yaml"];
    for (arguments, reason) in [
        (vec!["--listen", "0.0.0.0:0"], "give --public-url"),
        (vec!["--listen", "[::]:0"], "give --public-url"),
        ([&["--listen", "192.0.2.1:0"][..], &admins].concat(), "give --public-url"),
        ([&["--listen", "0.0.0.0:0"][..], &url].concat(), "give --admins"),
        (url.to_vec(), "give --admins"),
        ([&["--public-url", "http://keys.example"][..], &admins].concat(), "https://"),
        ([&["--public-url", "https://keys.example/keys"][..], &admins].concat(), "https://"),
        (vec!["--api"], "give --admins"),
        (vec!["--listen", "localhost"], "--listen"),
        (vec!["--prefix", "a b"], "--prefix"),
        (vec!["--dry-run"], "no dry run"),
        (vec!["--admins", "mysql://db"], "--admins"),
    ] {
        let arguments = ["admin", "--listen", "127.0.0.1:0"]
            .iter()
            .filter(|_| !arguments.contains(&"--listen"))
            .copied()
            .chain(arguments.contains(&"--listen").then_some("admin"))
            .chain(arguments.iter().copied())
            .collect::<Vec<_>>();
        sandbox.run(&arguments).fails(2, reason);
    }
}

#[test]
fn page_behind_a_public_url_answers_that_host_and_prints_no_code() {
    let sandbox = Sandbox::new();
    sandbox.run(["init", "--store", "admins.yaml"]).succeeds();
    let key = operator(&sandbox, "ann", "admin");
    let arguments = ["--public-url", "https://keys.example", "--admins", "admins.yaml"];
    let page = Served::start(&sandbox, &arguments);
    assert_eq!(page.get("/sign-in", "").status(), 421);
    let headers = [
        ("host", "keys.example"),
        ("origin", "https://keys.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = page.send("POST /sign-in", &headers, &format!("code={key}"));
    assert!(answer.cookie().starts_with("__Host-keygate_admin="), "{answer:?}");
    let result = page.stop("-INT").succeeds();
    assert!(!result.out.contains("Sign-in code") && !result.err.contains("Sign-in code"));
}

#[test]
fn page_that_cannot_start_exits_3() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    sandbox.run(["admin", "--listen", &address]).fails(3, "choose another with --listen");
    let listen = ["admin", "--listen", "127.0.0.1:0"];
    sandbox.run([&listen[..], &["--store", "none.yaml"]].concat()).fails(3, "keygate init");
    sandbox.run([&listen[..], &["--admins", "none.yaml"]].concat()).fails(3, "--admins");
    fs::write(sandbox.path("broken.yaml"), "clients: [\n").unwrap();
    sandbox.run([&listen[..], &["--store", "broken.yaml"]].concat()).fails(3, "broken.yaml:1:");
    sandbox.run([&listen[..], &["--usage", "none.db"]].concat()).fails(3, "the usage");
}

#[test]
fn json_names_the_address_and_the_code() {
    let sandbox = Sandbox::new();
    let mut page = Served::start(&sandbox, &["--json"]);
    let code: serde_json::Value = serde_json::from_str(&page.line()).unwrap();
    let answer = page.sign_in(code["sign_in_code"].as_str().unwrap());
    assert_eq!(answer.status(), 303);
}

#[test]
fn change_on_the_page_is_in_the_file_and_its_record() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("state")).unwrap();
    let arguments = ["--actor", "Eve", "--state-directory", "state"];
    let mut page = Served::start(&sandbox, &arguments);
    let code = page.code();
    let answer = page.sign_in(&code);
    let cookie = answer.cookie();
    let form = page.get("/clients/new", cookie);
    let (_, token) = form.0.split_once("name=\"csrf\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let headers = [
        ("host", &*page.address),
        ("cookie", cookie),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let added = page.send("POST /clients/new", &headers, &format!("csrf={token}&name=App+1"));
    assert_eq!(added.status(), 303, "{added:?}");
    assert!(sandbox.file().contains("App 1"));
    let events = sandbox.run(["events", "--json", "--state-directory", "state"]).succeeds().json();
    assert_eq!((&events[0]["actor"], &events[0]["client"]), (&"Eve".into(), &"App 1".into()));

    // So does a change of another process on the page.
    sandbox.run(["client", "add", "App 2"]).succeeds();
    let changed = Instant::now();
    while !page.get("/clients", cookie).0.contains("App 2") {
        assert!(changed.elapsed() < Duration::from_secs(10), "the file is not followed");
    }
}
