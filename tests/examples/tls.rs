//! The example that terminates TLS itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::curl::{self, Reply};
use super::server::{DEADLINE, Server, command, seed_clients};

/// Makes a self-signed certificate for 127.0.0.1, and its private key.
fn make_certificate(folder: &Path, name: &str) -> [PathBuf; 2] {
    let [certificate, key] = ["pem", "key"].map(|ending| folder.join(format!("{name}.{ending}")));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
    openssl.args(["-addext", "subjectAltName = IP:127.0.0.1", "-keyout"]).arg(&key);
    let output = openssl.arg("-out").arg(&certificate).output();
    let output = output.expect("install the program `openssl`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    [certificate, key]
}

fn start(certificate: &Path, key: &Path) -> Server {
    let mut command = command("axum_tls", None);
    Server::start_by(command.env("TLS_CERT", certificate).env("TLS_KEY", key))
}

/// Calls the server, and trusts only this certificate.
fn curl(server: &Server, certificate: &Path, key: Option<&str>) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-q", "-sS", "-i", "--noproxy", "*", "--max-time", "60", "--cacert"]);
    curl.arg(certificate).arg(server.url("/route1"));
    if let Some(key) = key {
        curl.args(["-H", &format!("x-api-key: {key}")]);
    }
    curl
}

#[test]
fn keys_are_checked_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = make_certificate(folder.path(), "one");
    let server = start(&certificate, &key);
    let (api_key, name) = &seed_clients()[0];
    let Reply { status, body, .. } = curl::reply(&mut curl(&server, &certificate, Some(api_key)));
    assert_eq!((status, body), (200, format!("Hello, {name}\n")));
    let refused = curl::reply(&mut curl(&server, &certificate, None));
    assert_eq!(refused.status, 401);
    // A client without TLS is not served at all.
    let clear = server.url("/route1").replace("https:", "http:");
    let output = Command::new("curl").args(["-q", "-sS", "--noproxy", "*", &clear]).output();
    assert!(!output.unwrap().status.success());
}

#[test]
fn changed_certificate_is_served_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = make_certificate(folder.path(), "one");
    let [new_certificate, new_key] = make_certificate(folder.path(), "two");
    let mut server = start(&certificate, &key);
    let is_served = |server: &Server, certificate: &Path| {
        let output = curl(server, certificate, None).output().unwrap();
        output.status.success()
    };
    assert!(is_served(&server, &certificate));
    assert!(!is_served(&server, &new_certificate));

    let old = folder.path().join("old.pem");
    fs::copy(&certificate, &old).unwrap();
    // As during a renewal: for a moment, the two files do not match.
    fs::rename(&new_certificate, &certificate).unwrap();
    assert!(is_served(&server, &old));
    fs::rename(&new_key, &key).unwrap();
    server.wait_for_stdout("certificate reloaded");
    let deadline = Instant::now() + DEADLINE;
    while !is_served(&server, &certificate) {
        assert!(Instant::now() < deadline, "the new certificate is not served");
    }
    assert!(!is_served(&server, &old));
}

#[test]
fn example_exits_with_the_path_of_a_missing_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    let mut command = command("axum_tls", None);
    command.env("TLS_CERT", &missing).env("TLS_KEY", &missing);
    let ended = Server::run_command_to_end(&mut command);
    assert_eq!(ended.code, Some(1));
    assert!(ended.of_the_program().concat().contains(missing.to_str().unwrap()));
}
