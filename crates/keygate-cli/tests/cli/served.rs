//! A running `keygate admin`, and a browser for it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::tool::{CommandResult, Sandbox, finish};

/// A running `keygate admin`, which is stopped when dropped.
pub(crate) struct Served {
    tool: Option<Child>,
    lines: BufReader<ChildStdout>,
    /// The host and the port.
    pub(crate) address: String,
}

impl Served {
    /// Starts it with these arguments, on a free port of loopback.
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(["admin", "--listen", "127.0.0.1:0"]);
        Self::start_by(command.args(arguments))
    }

    /// Starts it with this command.
    pub(crate) fn start_by(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut tool = command.spawn().unwrap();
        let lines = BufReader::new(tool.stdout.take().unwrap());
        let mut served = Self { tool: Some(tool), lines, address: String::new() };
        let line = served.line();
        let (_, address) = line.split_once("127.0.0.1:").unwrap_or_else(|| served.fail(&line));
        let port = address.split(|other: char| !other.is_ascii_digit()).next().unwrap();
        served.address = format!("127.0.0.1:{port}");
        served
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn fail(&mut self, line: &str) -> ! {
        let result = CommandResult::from(self.tool.take().unwrap().wait_with_output().unwrap());
        panic!("{line}: {result:?}");
    }

    pub(crate) fn code(&mut self) -> String {
        let line = self.line();
        let code = line.strip_prefix("Sign-in code: ").unwrap_or_else(|| panic!("{line}"));
        assert!(code.len() >= 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
        code.to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let process = self.tool.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    }

    /// Stops it with a signal and returns its exit status.
    pub(crate) fn stop(mut self, signal: &str) -> CommandResult {
        self.signal(signal);
        finish(self.tool.take().unwrap())
    }

    /// Signs in with the code and returns the cookie.
    pub(crate) fn signed_in(&mut self) -> String {
        let code = self.code();
        let answer = self.sign_in(&code);
        assert_eq!(answer.status(), 303, "{answer:?}");
        answer.cookie().to_owned()
    }

    pub(crate) fn get(&self, path: &str, cookie: &str) -> Response {
        self.send(&format!("GET {path}"), &[("host", &self.address), ("cookie", cookie)], "")
    }

    /// Submits the sign-in form with this code or key.
    pub(crate) fn sign_in(&self, code: &str) -> Response {
        let headers = [
            ("host", &*self.address),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST /sign-in", &headers, &format!("code={code}"))
    }

    /// Opens a form and submits it with these fields in addition to its hidden ones.
    pub(crate) fn post(&self, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let form = self.get(path, cookie);
        let hidden = form.0.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (name, rest.split_once('"').unwrap().0)
        });
        let mut body = String::new();
        for (name, value) in hidden.chain(fields.iter().copied()) {
            let _ = write!(body, "{name}={}&", value.replace(' ', "+"));
        }
        let headers = [
            ("host", &*self.address),
            ("cookie", cookie),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send(&format!("POST {path}"), &headers, &body)
    }

    pub(crate) fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
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
pub(crate) struct Response(pub(crate) String);

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.0.contains(text), "{text} is not in {}", self.0);
        self
    }

    /// Returns the cookie that the response sets.
    pub(crate) fn cookie(&self) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        line.unwrap_or_default().split(';').next().unwrap()
    }
}
