//! The examples as users run them: started by `cargo run`, called by `curl`, stopped by Ctrl-C.
#![cfg(unix)]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

mod basic;
mod curl;
mod half_sent;
mod own_config;
mod quotas;
mod scopes;
mod server;
mod tls;
mod usage;

use curl::{Reply, Version};
use half_sent::HalfSent;
use server::{CANARY, DEADLINE, Server, key_file, seed_clients};

/// The folder of the example files.
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

const EXAMPLES: [&str; 4] = ["axum", "hyper", "hyper_tower", "custom_store"];

/// Makes a test of each of these functions for each example.
macro_rules! for_every_example {
    ($($test:ident)*) => {
        for_every_example!(@ axum "axum" $($test)*);
        for_every_example!(@ hyper "hyper" $($test)*);
        for_every_example!(@ hyper_tower "hyper_tower" $($test)*);
        for_every_example!(@ custom_store "custom_store" $($test)*);
    };
    (@ $module:ident $example:literal $($test:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test($example);
                }
            )*
        }
    };
}

for_every_example! {
    each_client_is_greeted_by_name
    missing_and_wrong_keys_have_different_responses
    other_pages_need_no_key
    printed_curl_line_greets_the_first_client
    single_key_is_the_default_client
    weak_key_causes_a_warning_with_its_line
    example_exits_with_the_place_of_a_key_file_error
    example_exits_with_the_path_of_a_missing_key_file
    example_exits_with_the_address_in_use
    request_in_flight_completes_after_ctrl_c
    idle_connections_do_not_delay_ctrl_c
}

fn each_client_is_greeted_by_name(example: &str) {
    let server = Server::start(example, None);
    let clients = seed_clients();
    assert_eq!(clients.len(), 3);
    for version in Version::ALL {
        for (key, name) in &clients {
            let response = curl::get(version, &server.url("/route1"), Some(key));
            assert_eq!(
                (response.status, response.body.as_str()),
                (200, &*format!("Hello, {name}\n"))
            );
            assert_eq!(response.header("cache-control"), ["private"]);
            assert_eq!(response.header("vary"), ["x-api-key"]);
        }
    }
}

fn missing_and_wrong_keys_have_different_responses(example: &str) {
    let server = Server::start(example, None);
    let swapped = seed_clients()[0].0.chars().rev().collect::<String>();
    let wrong = "Credentials not valid";
    let cases = [
        (None, "Credentials not present in request"),
        (Some(CANARY), wrong),
        (Some("c4n4ry-größe"), wrong),
        (Some(&*swapped), wrong),
    ];
    for version in Version::ALL {
        for (key, detail) in cases {
            let response = curl::get(version, &server.url("/route1"), key);
            assert_eq!(response.status, 401, "{response:?}");
            assert_eq!(
                response.header("www-authenticate"),
                [r#"ApiKey realm="api", in="header", name="x-api-key""#]
            );
            assert_eq!(response.header("cache-control"), ["no-store"]);
            assert_eq!(response.header("content-type"), ["application/problem+json"]);
            let problem: serde_json::Value = serde_json::from_str(&response.body).unwrap();
            assert_eq!(problem["detail"], detail, "{response:?}");
            assert_eq!(problem["status"], 401, "{response:?}");
        }
    }
}

fn other_pages_need_no_key(example: &str) {
    let server = Server::start(example, None);
    for version in Version::ALL {
        for key in [None, Some(CANARY)] {
            let response = curl::get(version, &server.url("/"), key);
            assert_eq!(response.status, 200);
            assert!(response.body.contains("is public"), "{response:?}");
        }
        for path in ["/route2", "/route1/", "/route1/more"] {
            assert_eq!(curl::get(version, &server.url(path), None).status, 404, "{path}");
        }
    }
}

fn printed_curl_line_greets_the_first_client(example: &str) {
    let mut server = Server::start(example, None);
    let line = server.wait_for_stdout("try: ");
    let response = curl::paste(line.trim_start_matches("try: "));
    assert_eq!((response.status, &*response.body), (200, "Hello, User 1\n"), "{line}");
}

fn single_key_is_the_default_client(example: &str) {
    let key = format!("{CANARY}-a-key-for-one-client");
    let text = format!("# One key, and a remark.\napi_key: {key}\n");
    let keys = key_file(&format!("one key of {example}"), &text);
    let mut server = Server::start(example, Some(&keys));

    let response = curl::get(Version::Http1, &server.url("/route1"), Some(&key));
    assert_eq!((response.status, &*response.body), (200, "Hello, default\n"));
    let line = server.wait_for_stdout("try: ");
    assert_eq!(curl::paste(line.trim_start_matches("try: ")).body, "Hello, default\n", "{line}");
    let seed = &seed_clients()[0].0;
    assert_eq!(curl::get(Version::Http1, &server.url("/route1"), Some(seed)).status, 401);
}

fn weak_key_causes_a_warning_with_its_line(example: &str) {
    let text = format!("allow_weak_keys: true\napi_keys:\n  {CANARY}: User 1\n");
    let keys = key_file(&format!("weak key of {example}"), &text);
    let server = Server::start(example, Some(&keys));
    let response = curl::get(Version::Http1, &server.url("/route1"), Some(CANARY));
    assert_eq!(response.status, 200);

    server.interrupt();
    let said = server.wait_for_end().stderr;
    let place = format!("{}:3:3: ", keys.display());
    assert!(said.iter().any(|line| line.contains(&place)), "{said:?}");
}

fn example_exits_with_the_place_of_a_key_file_error(example: &str) {
    let text =
        format!("api_keys:\n  {CANARY}-sixteen-chars: User 1\n  {CANARY}-sixteen-chars: User 2\n");
    let keys = key_file(&format!("broken keys of {example}"), &text);
    let ended = Server::run_to_end(example, "127.0.0.1:0", Some(&keys));

    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stdout, [""; 0]);
    let said = ended.of_the_program();
    let place = format!("{}:3:3: this key is already in the file, on line 2", keys.display());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&place), "{said:?}");
}

fn example_exits_with_the_path_of_a_missing_key_file(example: &str) {
    let keys = key_file(&format!("missing keys of {example}"), "");
    fs::remove_file(&keys).unwrap();
    let ended = Server::run_to_end(example, "127.0.0.1:0", Some(&keys));

    assert_eq!(ended.code, Some(1));
    let said = ended.of_the_program();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&format!("{}: ", keys.display())), "{said:?}");
}

fn example_exits_with_the_address_in_use(example: &str) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = format!("api_key: {CANARY}-sixteen-chars\n");
    let keys = key_file(&format!("keys for a taken address of {example}"), &text);
    let ended = Server::run_to_end(example, &address, Some(&keys));

    assert_eq!(ended.code, Some(1));
    let said = ended.of_the_program();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&format!("{address}: ")), "{said:?}");
}

fn request_in_flight_completes_after_ctrl_c(example: &str) {
    let server = Server::start(example, None);
    let (key, name) = &seed_clients()[1];
    let mut request = HalfSent::send(server.address(), key);
    server.interrupt();
    request.wait_for_shutdown();
    let deadline = Instant::now() + DEADLINE;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    while !TcpStream::connect(server.address()).is_err_and(refused) {
        assert!(Instant::now() < deadline, "it still takes connections");
    }
    assert_eq!(request.finish(), (true, format!("Hello, {name}\n")));

    let ended = server.wait_for_end();
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout.last().map(String::as_str), Some("stopped"));
}

fn idle_connections_do_not_delay_ctrl_c(example: &str) {
    let server = Server::start(example, None);
    let _silent = TcpStream::connect(server.address()).unwrap();
    let mut idle = TcpStream::connect(server.address()).unwrap();
    idle.set_read_timeout(Some(DEADLINE)).unwrap();
    idle.write_all(b"GET /route2 HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        idle.read_exact(&mut byte).unwrap();
        response.extend(byte);
    }
    assert!(response.starts_with(b"HTTP/1.1 404 "));

    server.interrupt();
    let ended = server.wait_for_end();
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout.last().map(String::as_str), Some("stopped"));
}

#[test]
fn all_examples_give_the_same_responses() {
    let clients = seed_clients();
    let keys = [None, Some("c4n4ry-not-a-key-of-anyone"), Some(""), Some(&*clients[2].0)];
    let responses = |example: &str| -> Vec<Reply> {
        let server = Server::start(example, None);
        let mut responses = Vec::new();
        for version in Version::ALL {
            for path in ["/", "/route1", "/route1?x", "/route2"] {
                for key in keys {
                    responses.push(curl::get(version, &server.url(path), key));
                }
            }
        }
        responses
    };
    let [first, others @ ..] = EXAMPLES.map(responses);
    for (example, responses) in EXAMPLES[1..].iter().zip(others) {
        assert_eq!(responses, first, "{example} and {}", EXAMPLES[0]);
    }
}

#[test]
fn changed_key_file_is_loaded_without_a_restart() {
    let [key, later] = ["a", "b"].map(|letter| format!("{CANARY}-sixteen-chars-{letter}"));
    let keys = key_file("keys that change", &format!("api_key: {key}\n"));
    let server = Server::start("axum", Some(&keys));
    let send = || {
        [&key, &later]
            .map(|key| curl::get(Version::Http1, &server.url("/route1"), Some(key)).status)
    };
    assert_eq!(send(), [200, 401]);

    fs::write(&keys, format!("api_key: {later}\n")).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while send() != [401, 200] {
        assert!(Instant::now() < deadline, "the file is not followed");
    }
}

#[test]
fn store_failure_is_not_a_wrong_key() {
    let [key, later] = ["a", "b"].map(|letter| format!("{CANARY}-sixteen-chars-{letter}"));
    let text = format!("api_keys:\n  {key}: User 1\n");
    let keys = key_file("keys of a store that fails", &text);
    let server = Server::start("custom_store", Some(&keys));
    let send = |key: &str| curl::get(Version::Http2, &server.url("/route1"), Some(key));
    assert_eq!((send(&key).status, send(&later).status), (200, 401));

    fs::remove_file(&keys).unwrap();
    let response = send(&key);
    assert_eq!((response.status, send(&later).status), (503, 503));
    assert_eq!(response.header("www-authenticate"), [""; 0]);
    assert_eq!(response.header("cache-control"), ["no-store"]);
    assert!(response.header("retry-after")[0].parse::<u32>().unwrap() >= 1);
    assert!(!response.body.contains("yml"), "{response:?}");

    fs::write(&keys, text + &format!("  {later}: User 2\n")).unwrap();
    assert_eq!((send(&key).status, send(&later).status), (200, 200));
}
