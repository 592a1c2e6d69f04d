//! The `curl` program, which calls the examples as their users do.

use std::process::{Command, Output};
use std::sync::LazyLock;

use crate::REPOSITORY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    fn option(self) -> &'static str {
        match self {
            Self::Http1 => "--http1.1",
            Self::Http2 => "--http2-prior-knowledge",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// A response of a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Sorted by name, without `date` and `content-length`.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let ours = self.headers.iter().filter(|(known, _)| known == name);
        ours.map(|(_, value)| value.as_str()).collect()
    }
}

/// Asks for a path, with this key or with none.
pub(crate) fn get(version: Version, url: &str, key: Option<&str>) -> Reply {
    check_program();
    let mut curl = Command::new("curl");
    curl.args(["-q", "-sS", "-i", "--noproxy", "*", "--max-time", "60", version.option(), url]);
    if let Some(key) = key {
        curl.args(["-H", &format!("x-api-key: {key}")]);
    }
    let (name, reply) = parse(&curl.output().expect("curl starts"));
    assert_eq!(name, version.name(), "{url}: the response has another version of HTTP");
    reply
}

/// Runs a line as if it were pasted into a shell, in the directory of the crate.
pub(crate) fn paste(line: &str) -> Reply {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(REPOSITORY);
    reply(&mut shell)
}

/// Runs a shell that runs curl.
pub(crate) fn reply(shell: &mut Command) -> Reply {
    check_program();
    parse(&shell.env("no_proxy", "*").output().expect("the shell starts")).1
}

/// Without curl, these tests fail and say so.
fn check_program() {
    static MISSING: LazyLock<Option<String>> = LazyLock::new(|| {
        let version = match Command::new("curl").arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => return Some(format!("install the program `curl`: {error}")),
        };
        let http2 = version.split_whitespace().any(|feature| feature == "HTTP2");
        (!http2).then(|| format!("install a `curl` with HTTP/2, this one has none:\n{version}"))
    });
    if let Some(missing) = &*MISSING {
        panic!("these tests call the examples with curl: {missing}");
    }
}

fn parse(output: &Output) -> (String, Reply) {
    let text = String::from_utf8(output.stdout.clone()).expect("responses are text");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl: {}\n{complaint}\n{text}", output.status);
    let (head, body) = text.split_once("\r\n\r\n").expect("a response has a head");
    let mut lines = head.lines();
    let mut status = lines.next().expect("a head has a status line").split(' ');
    let version = status.next().expect("a status line names the version").to_owned();
    let status =
        status.next().and_then(|status| status.parse().ok()).expect("a status is a number");
    let fields = lines.filter_map(|line| line.split_once(':'));
    let fields = fields.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    // Some stacks send the length of an empty body, others do not.
    let mut headers: Vec<_> =
        fields.filter(|(name, _)| name != "date" && name != "content-length").collect();
    headers.sort();
    (version, Reply { status, headers, body: body.to_owned() })
}
