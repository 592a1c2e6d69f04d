//! An authority, and the certificate that it signs for `localhost`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::tools::program;
use super::run_in;

pub(super) const CA: &str = "ca.pem";
pub(super) const OTHER_CA: &str = "other-ca.pem";
pub(super) const CERTIFICATE: &str = "server.pem";
pub(super) const KEY: &str = "server.key";

const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// What `openssl` is to put into certificates, instead of what the machine says.
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
    openssl(folder, |command| {
        command.args(["req", "-new", "-config", "openssl.cnf", "-subj", "/CN=localhost"]);
        command.args(NEW_KEY).args(["-keyout", KEY, "-out", "server.csr"]);
    });
    openssl(folder, |command| {
        command.args(["x509", "-req", "-in", "server.csr", "-out", CERTIFICATE, "-days", "2"]);
        command.args(["-CA", CA, "-CAkey", "ca.key", "-set_serial", "1"]);
        command.args(["-extfile", "openssl.cnf", "-extensions", "server"]);
    });
}

/// Under the server's account, which makes the key readable for that one alone.
fn openssl(folder: &Path, arguments: impl FnOnce(&mut Command)) {
    let mut command = Command::new(program("openssl"));
    arguments(&mut command);
    run_in(folder, &mut command);
}
