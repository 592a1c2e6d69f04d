//! `Source::basic` with programs that only support user names and passwords.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use axum::{Router, routing::get};
use keygate::{ApiKeyLayer, Authenticator, Client, MemoryStore, Source};
use tokio::net::TcpListener;
use tokio::runtime;

use super::curl;

const KEY: &str = "08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU";
/// A commit that does not exist.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A service with this source, on a thread that ends with the test program.
fn serve(source: Source) -> SocketAddr {
    let store = MemoryStore::from_keys([(KEY, "User 1")]).unwrap();
    let auth = Authenticator::new(store).with_sources([source]).unwrap();
    let refs = move || async move { format!("{COMMIT}\trefs/heads/main\n") };
    let app = Router::new()
        .route("/", get(|client: Client| async move { client.name().to_owned() }))
        .route("/repository/info/refs", get(refs))
        .layer(ApiKeyLayer::from(auth));
    let (sender, address) = channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await
        })
    });
    address.recv().unwrap()
}

fn curl(url: &str, user: &str) -> (u16, String) {
    let mut curl = Command::new("curl");
    let reply = curl::reply(curl.args(["-q", "-sS", "-i", "--max-time", "60", "-u", user, url]));
    (reply.status, reply.body)
}

#[test]
fn curl_sends_the_key_as_password_or_user_name() {
    let url = format!("http://{}", serve(Source::basic()));
    let admitted = (200, "User 1".to_owned());
    assert_eq!(curl(&url, &format!("any:{KEY}")), admitted);
    assert_eq!(curl(&url, &format!(":{KEY}")), admitted);
    assert_eq!(curl(&url, &format!("{KEY}:")), admitted);
    assert_eq!(curl(&url, &format!("{KEY}:wrong")).0, 401);
    assert_eq!(curl(&url, "any:wrong").0, 401);
    assert_eq!(curl(&url, ":").0, 401);
}

#[test]
fn git_sends_the_key_after_a_basic_challenge() {
    let git = |source: Source| {
        let address = serve(source);
        let mut git = Command::new("git");
        git.args(["ls-remote", &format!("http://any:{KEY}@{address}/repository")]);
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_NOSYSTEM", "1").env("no_proxy", "*");
        let output = git.output().expect("install the program `git`");
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = format!("{COMMIT}\trefs/heads/main\n");
    assert_eq!(git(Source::basic().with_basic_challenge()), listed);
    // Without the challenge, git sends no credentials.
    assert_eq!(git(Source::basic()), "");
}
