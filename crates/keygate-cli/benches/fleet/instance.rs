use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// The example as a process, on a free port. It is killed when dropped.
pub(crate) struct Instance {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Instance {
    pub(crate) fn start(url: &str) -> Result<Self, Failure> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--example", "axum_postgres", "--all-features"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        cargo.env("DATABASE_URL", url).env("LISTEN", "127.0.0.1:0");
        let mut child = cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut instance = Self { child, address: ([127, 0, 0, 1], 0).into() };
        for line in lines {
            let line = line?;
            if let Some(rest) = line.strip_prefix("listening on http://") {
                let address = rest.split(',').next().unwrap_or(rest);
                instance.address = address.parse()?;
                return Ok(instance);
            }
        }
        Err(format!("the example ended: {}", instance.child.wait()?).into())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
