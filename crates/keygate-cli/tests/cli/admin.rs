//! `keygate admin`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::served::Served;
use crate::tool::{Sandbox, stores};

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
        // An open connection does not delay the exit.
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
fn operator_is_signed_out_within_a_second_of_the_revoke() {
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
        assert!(revoked.elapsed() < Duration::from_secs(1), "still signed in");
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
fn managed_store_cannot_also_be_the_operators_store() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("keys.yaml", sandbox.path("other.yaml")).unwrap();
    fs::hard_link(sandbox.path("keys.yaml"), sandbox.path("linked.yaml")).unwrap();
    for admins in ["keys.yaml", "./keys.yaml", "other.yaml", "linked.yaml"] {
        let arguments = ["admin", "--listen", "127.0.0.1:0", "--admins", admins];
        sandbox.run(arguments).fails(2, "keys cannot be used to sign in");
    }
}

#[test]
fn other_addresses_need_a_public_url_and_operators() {
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
fn public_page_serves_only_its_host_and_prints_no_code() {
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
fn operators_key_with_networks_signs_in_from_them() {
    let sandbox = Sandbox::new();
    sandbox.run(["init", "--store", "admins.yaml"]).succeeds();
    let key = |name: &str, network: &str| {
        let add = ["client", "add", name, "--scope", "read", "--network", network];
        sandbox.run([&add[..], &["--store", "admins.yaml"]].concat()).succeeds();
        sandbox.issue(&[name, "--store", "admins.yaml"])
    };
    let [here, there] = [("here", "127.0.0.0/8"), ("there", "10.0.0.0/8")]
        .map(|(name, network)| key(name, network));
    let page = Served::start(&sandbox, &["--admins", "admins.yaml"]);
    assert_eq!(page.sign_in(&here).status(), 303);
    let refused = page.sign_in(&there);
    assert_eq!(refused.status(), 403);
    refused.says("your address 127.0.0.1 is in none of them");

    // The address of a proxy is not the caller's.
    let arguments = ["--public-url", "https://keys.example", "--admins", "admins.yaml"];
    let sign_in = |page: &Served, key: &str, from: &str| {
        let headers = [
            ("host", "keys.example"),
            ("origin", "https://keys.example"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-forwarded-for", from),
        ];
        page.send("POST /sign-in", &headers, &format!("code={key}"))
    };
    let page = Served::start(&sandbox, &arguments);
    for key in [&here, &there] {
        sign_in(&page, key, "10.1.2.3").says("does not know your address");
    }
    let page = Served::start(&sandbox, &[&arguments[..], &["--proxy", "127.0.0.1"]].concat());
    assert_eq!(sign_in(&page, &there, "10.1.2.3").status(), 303);
    sign_in(&page, &there, "10.1.2.3, 192.0.2.1").says("your address 192.0.2.1 is in none of them");
    sandbox.run(["admin", "--proxy", "127.0.0.1"]).fails(2, "--public-url");
}

#[test]
fn page_that_cannot_start_exits_3() {
    let sandbox = Sandbox::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    sandbox.run(["admin", "--listen", &address]).fails(3, "choose another address with --listen");
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
fn changes_on_the_page_are_saved_and_recorded() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("state")).unwrap();
    let arguments = ["--actor", "Eve", "--state-directory", "state"];
    let mut page = Served::start(&sandbox, &arguments);
    let code = page.code();
    let answer = page.sign_in(&code);
    let cookie = answer.cookie();
    let added = page.post(cookie, "/clients/new", &[("name", "App 1")]);
    assert_eq!(added.status(), 303, "{added:?}");
    assert!(sandbox.file().contains("App 1"));
    let events = sandbox.run(["events", "--json", "--state-directory", "state"]).succeeds().json();
    assert_eq!((&events[0]["actor"], &events[0]["client"]), (&"Eve".into(), &"App 1".into()));

    // The page also shows a change by another process.
    sandbox.run(["client", "add", "App 2"]).succeeds();
    let changed = Instant::now();
    while !page.get("/clients", cookie).0.contains("App 2") {
        assert!(changed.elapsed() < Duration::from_secs(10), "the file is not followed");
    }
}
