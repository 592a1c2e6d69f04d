//! Two authorities, the certificate of the server, and certificates of a client.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::tools::program;
use super::run_in;

pub(super) const CA: &str = "ca.pem";
pub(super) const OTHER_CA: &str = "other-ca.pem";
pub(super) const CERTIFICATE: &str = "server.pem";
pub(super) const KEY: &str = "server.key";
pub(super) const CLIENT_KEY: &str = "client.key";
/// Signed by [`CA`] and by [`OTHER_CA`].
pub(super) const CLIENT_CERTIFICATES: [&str; 2] = ["client.pem", "other-client.pem"];

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// The configuration of `openssl`, instead of the machine's.
const CONFIGURATION: &str = "
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
[client]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = clientAuth
";

/// Makes all files in this folder. The other authority has the same name as the right one.
pub(super) fn make(folder: &Path) {
    fs::write(folder.join("openssl.cnf"), CONFIGURATION).unwrap();
    for (certificate, key) in [(CA, "ca.key"), (OTHER_CA, "other-ca.key")] {
        openssl(folder, |command| {
            command.args(["req", "-x509", "-config", "openssl.cnf", "-extensions", "authority"]);
            command.args(NEW_KEY).args(["-subj", "/CN=keygate test authority", "-days", "2"]);
            command.args(["-keyout", key, "-out", certificate]);
        });
    }
    request(folder, "/CN=localhost", KEY, "server.csr");
    sign(folder, "server.csr", [CA, "ca.key"], "server", CERTIFICATE);
    request(folder, "/CN=a client", CLIENT_KEY, "client.csr");
    for (authority, certificate) in
        [[CA, "ca.key"], [OTHER_CA, "other-ca.key"]].into_iter().zip(CLIENT_CERTIFICATES)
    {
        sign(folder, "client.csr", authority, "client", certificate);
    }
}

fn request(folder: &Path, subject: &str, key: &str, request: &str) {
    openssl(folder, |command| {
        command.args(["req", "-new", "-config", "openssl.cnf", "-subj", subject]);
        command.args(NEW_KEY).args(["-keyout", key, "-out", request]);
    });
}

fn sign(folder: &Path, request: &str, [ca, key]: [&str; 2], extensions: &str, certificate: &str) {
    openssl(folder, |command| {
        command.args(["x509", "-req", "-in", request, "-out", certificate, "-days", "2"]);
        command.args(["-CA", ca, "-CAkey", key, "-set_serial", "1"]);
        command.args(["-extfile", "openssl.cnf", "-extensions", extensions]);
    });
}

/// Runs under the server's account, so that only this account can read the key.
fn openssl(folder: &Path, arguments: impl FnOnce(&mut Command)) {
    let mut command = Command::new(program("openssl"));
    arguments(&mut command);
    run_in(folder, &mut command);
}
