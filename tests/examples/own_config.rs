//! Keys in the configuration of an application.

use std::fs;
use std::time::Instant;

use keygate::{ApiKey, NewKey, YamlStore};

use super::REPOSITORY;
use super::curl::{self, Version};
use super::server::{CANARY, DEADLINE, Server, command, key_file, seed_clients};

fn greeting(server: &Server, key: &str) -> (u16, String) {
    let response = curl::get(Version::Http1, &server.url("/route1"), Some(key));
    (response.status, response.body)
}

#[test]
fn keys_in_an_own_configuration_are_followed() {
    let key = format!("{CANARY}-in-the-configuration");
    let text = format!(
        "base: &base {{pool: 4}}\ndatabase_url: postgres://localhost/app\nlisten: 127.0.0.1:1\nmore: *base\napi_keys:\n  {key}: User 1\n"
    );
    let config = key_file("own configuration", &text);
    // `LISTEN` replaces this address, at which nobody can listen.
    let server = Server::start_by(command("own_config", None).env("CONFIG", &config));
    assert_eq!(greeting(&server, &key), (200, "Hello, User 1\n".to_owned()));
    assert_eq!(greeting(&server, "c4n4ry-not-a-key-of-anyone").0, 401);

    // As the tool does.
    let tool = YamlStore::options().detect(&config).open(&config).unwrap();
    let new = ApiKey::generate("acme").unwrap();
    tool.add_client("App 1").unwrap();
    tool.issue("App 1", NewKey::from(&new)).unwrap();
    tool.hash_keys().unwrap();
    let deadline = Instant::now() + DEADLINE;
    while greeting(&server, new.expose()) != (200, "Hello, App 1\n".to_owned()) {
        assert!(Instant::now() < deadline, "the file is not followed");
    }
    let old = tool.list_keys(Some("User 1")).unwrap();
    assert_eq!(greeting(&server, &key).0, 200);
    tool.revoke(&old[0].key_id).unwrap();
    while greeting(&server, &key).0 != 401 {
        assert!(Instant::now() < deadline, "the revoke is not followed");
    }
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("base: &base {pool: 4}\n") && !text.contains(&key), "{text}");
    let address = format!("//{},", server.address());
    server.interrupt();
    let printed = server.wait_for_end().stdout;
    assert_eq!(printed.last().map(String::as_str), Some("stopped"));
    let addresses = printed.iter().filter(|line| line.contains("//") || line.contains("127."));
    assert!(addresses.eq(printed.iter().filter(|line| line.contains(&address))), "{printed:?}");
}

#[test]
fn configuration_of_the_examples_has_their_keys() {
    let server = Server::start("own_config", None);
    for (key, name) in seed_clients() {
        assert_eq!(greeting(&server, &key), (200, format!("Hello, {name}\n")));
    }
    let read = |name: &str| fs::read_to_string(format!("{REPOSITORY}/examples/{name}")).unwrap();
    assert!(read("config.yml").ends_with(&read("keys.yml")));
}
