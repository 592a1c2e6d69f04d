use std::error::Error;
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Instant;

use http::HeaderValue;
use serde::Deserialize;

type Failure = Box<dyn Error + Send + Sync>;

/// The start and end of a command.
#[derive(Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

/// A new key, as the tool prints it.
#[derive(Deserialize)]
pub(crate) struct Issued {
    key: String,
    pub(crate) key_id: String,
}

impl Issued {
    /// Returns the header value for requests.
    pub(crate) fn value(&self) -> Result<HeaderValue, Failure> {
        Ok(HeaderValue::try_from(&self.key)?)
    }
}

pub(crate) fn issue(store: impl AsRef<OsStr>, client: &str) -> Result<(Issued, Ran), Failure> {
    let (json, ran) = run(store, &["key", "issue", client, "--json"])?;
    Ok((serde_json::from_str(&json)?, ran))
}

pub(crate) fn revoke(store: impl AsRef<OsStr>, key: &Issued) -> Result<Ran, Failure> {
    Ok(run(store, &["key", "revoke", &key.key_id, "--yes"])?.1)
}

pub(crate) fn run(store: impl AsRef<OsStr>, args: &[&str]) -> Result<(String, Ran), Failure> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keygate"));
    command.args(args).arg("--store").arg(store.as_ref()).stdin(Stdio::null());
    let start = Instant::now();
    let output = command.output()?;
    let ran = Ran { start, end: Instant::now() };
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("keygate {}: {}: {stderr}", args.join(" "), output.status).into());
    }
    Ok((String::from_utf8(output.stdout)?, ran))
}
