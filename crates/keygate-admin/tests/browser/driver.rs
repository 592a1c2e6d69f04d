//! `chromedriver`, and its commands beyond the WebDriver standard.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// A `chromedriver` with its Chromium. Both are stopped when this value is dropped, even if the test crashes.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    /// The browser's profile, crash reports and other files.
    home: TempDir,
}

impl Driver {
    pub(crate) fn start() -> Self {
        // chromedriver ends if the free port that it got for IPv4 is in use for IPv6.
        const ATTEMPTS: usize = 10;
        (0..ATTEMPTS).find_map(|_| Self::start_once()).unwrap_or_else(|| {
            panic!("chromedriver does not start: `tests/run` installs it (Debian: chromium-driver)")
        })
    }

    fn start_once() -> Option<Self> {
        // The shell reads from a pipe that only this process holds open. When the pipe closes, even after a crash, the
        // shell kills the whole process group. It closes its output, so that only chromedriver holds that open.
        const SCRIPT: &str = "chromedriver --port=0 & exec >&-; read -r _; kill -KILL 0";
        let home = TempDir::new().unwrap();
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let driver = Self { process, port: port.unwrap_or_default(), home };
        // Dropping the driver stops the shell.
        port.map(|_| driver)
    }

    /// Opens a window of Chromium.
    pub(crate) async fn connect(&self) -> Client {
        let mut arguments = vec![
            "--headless=new",
            "--no-proxy-server",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
        ];
        if self.home.path().metadata().unwrap().uid() == 0 {
            arguments.push("--no-sandbox");
        }
        let Value::Object(capabilities) = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }) else {
            unreachable!()
        };
        ClientBuilder::new(HttpConnector::new())
            .capabilities(Capabilities::from(capabilities))
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A `chromedriver` command beyond the standard.
#[derive(Debug)]
pub(crate) struct Extension {
    path: &'static str,
    body: Value,
}

impl Extension {
    /// Creates a command of the DevTools protocol.
    pub(crate) fn devtools(command: &str, parameters: &Value) -> Self {
        Self { path: "goog/cdp/execute", body: json!({ "cmd": command, "params": parameters }) }
    }

    /// Creates a command that returns the browser's log since the last call.
    pub(crate) fn log() -> Self {
        Self { path: "se/log", body: json!({ "type": "browser" }) }
    }
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
