//! Importing keys from files of other systems.

use serde_json::{Value, json};

use crate::foreign_faults::KEY;
use crate::tool::Sandbox;

/// The samples, each with a text that must never be shown.
const SAMPLES: [(&str, &str, &str); 10] = [
    ("kong.yml", include_str!("samples/kong.yml"), "pU3KGCUwux1tEyze1iN7LtkeP3IfyxlxF0SU1kk8nVw"),
    (
        "apisix.yaml",
        include_str!("samples/apisix.yaml"),
        "VeXNjkbcjtS3wnZNKlpNdncG-F2GkAJK1r2jQBvpyMs",
    ),
    (
        "envoy.yaml",
        include_str!("samples/envoy.yaml"),
        "zMk19s0fYSJq4VM4rho0AE0zug0kasBMgbG68j47-e4",
    ),
    (
        "nginx.conf",
        include_str!("samples/nginx.conf"),
        "Do_xhGOw5LK6KXA0dPBkrGj3APWwKz3GZvRb3qosyu0",
    ),
    ("keys.csv", include_str!("samples/keys.csv"), "hGflRtU-yOKhJXvbJWybPk-7SYFG73Awy_lTclLczq0"),
    ("keys.json", include_str!("samples/keys.json"), "5FuKsQmAEgcJYfN95Dbd_cmdbnWvZUfPsRtCBySC3FM"),
    (".env", include_str!("samples/env"), "9h_4iTJv-pSS7e7uPGafK_IIlOon5onGa2smLkiGuEM"),
    (
        "litellm.json",
        include_str!("samples/litellm.json"),
        "sk-jzm6dv74yQxRAfvmz5pI1bDAoT2pAKatyz1kBpSBviE",
    ),
    (
        "unkey.json",
        include_str!("samples/unkey.json"),
        "8dSvkJiChc96mvfJPVVSJmr-cOeq5tpHYnwuWa8uo3o",
    ),
    (
        "k8s-secret.yaml",
        include_str!("samples/k8s-secret.yaml"),
        "646hfPN4fg7SnRwLY__XKYN02b10_BGt17nKZQOVImk",
    ),
];

fn with_samples() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text, _) in SAMPLES {
        std::fs::write(sandbox.path(name), text).unwrap();
    }
    sandbox
}

/// The clients of the imported keys, the positions of omitted keys, and the settings that are not imported.
fn outcome(json: &Value) -> (Vec<&str>, Vec<&str>, usize) {
    let texts = |list: &str, field: &str| {
        let items = json[list].as_array().unwrap().iter();
        items.map(|item| item[field].as_str().unwrap()).collect::<Vec<_>>()
    };
    // The names must be static, since the fields borrow them.
    (
        texts("found", "client"),
        texts("left_out", "at"),
        json["not_taken_over"].as_array().unwrap().len(),
    )
}

#[test]
fn each_sample_becomes_clients_and_keys() {
    let expected: [(&str, &[&str], &[&str], usize); 10] = [
        (
            "kong.yml",
            &["Orders app", "Orders app", "Dump"],
            &["consumers[1].keyauth_credentials[0]", "consumers[1].basicauth_credentials[0]"],
            3,
        ),
        ("apisix.yaml", &["orders_app"], &["consumers[1].plugins.key-auth"], 2),
        ("envoy.yaml", &["orders", "shop"], &[], 0),
        ("nginx.conf", &["Orders app", "shop"], &["6:5", "7:5"], 1),
        ("keys.csv", &["Orders app", "Shop, north"], &["line 4"], 2),
        ("keys.json", &["Orders app", "shop"], &[], 0),
        (".env", &["orders", "shop", "ACME"], &["API_KEY_LATER"], 1),
        ("litellm.json", &["orders"], &["[1]"], 1),
        ("unkey.json", &["orders"], &["keys[1].hash"], 2),
        ("k8s-secret.yaml", &["shop", "orders", "orders"], &[], 1),
    ];
    for (name, clients, left_out, settings) in expected {
        let sandbox = with_samples();
        let result = sandbox.run(["import", name, "--yes", "--json"]);
        assert_eq!(result.code, i32::from(!left_out.is_empty()), "{name}: {}", result.err);
        let json = result.json();
        assert_eq!(outcome(&json), (clients.to_vec(), left_out.to_vec(), settings), "{name}");
        assert_eq!(json["keys"]["added"], clients.len(), "{name}");
        assert_eq!(sandbox.keys().len(), clients.len(), "{name}");
        let (_, _, key) = SAMPLES.into_iter().find(|sample| sample.0 == name).unwrap();
        assert!(!format!("{}{}{}", result.out, result.err, sandbox.file()).contains(key), "{name}");
        let checked = sandbox.run_with(format!("{key}\n").as_bytes(), ["check"]).succeeds();
        assert!(clients.iter().any(|client| checked.out.contains(client)), "{}", checked.out);
        // Importing the same file again changes nothing.
        let again = sandbox.run(["import", name, "--yes", "--json"]);
        assert_eq!(again.json()["keys"]["kept"], clients.len(), "{name}");
    }
}

#[test]
fn fields_of_clients_and_keys_are_imported() {
    let sandbox = with_samples();
    let scopes = ["--scopes-from", "acl"];
    sandbox.run([&["import", "kong.yml", "--yes"][..], &scopes].concat());
    sandbox.run(["import", "litellm.json", "--yes"]);
    sandbox.run(["import", "apisix.yaml", "--yes"]);
    let client = |name: &str| sandbox.run(["client", "show", name, "--json"]).succeeds().json();
    let orders = client("Orders app");
    assert_eq!(orders["metadata"], json!({ "tags": "gold, internal", "custom_id": "crm-17" }));
    assert_eq!(orders["scopes"], json!(["orders:read"]));
    assert_eq!(client("orders_app")["title"], "The app of the orders team");
    let keys = sandbox.keys();
    let of = |client: &str| keys.iter().filter(|key| key["client"] == client).collect::<Vec<_>>();
    let with_ttl = of("Orders app").into_iter().find(|key| !key["expires"].is_null()).unwrap();
    assert_eq!(with_ttl["created"], "2026-01-01T00:00:00Z");
    assert_eq!(with_ttl["expires"], "2035-12-30T00:00:00Z");
    assert_eq!(of("orders")[0]["label"], "production");
    assert_eq!(of("orders")[0]["expires"], "2036-01-01T00:00:00Z");
}

#[test]
fn groups_become_scopes_only_on_request_and_never_all() {
    let sandbox = with_samples();
    let from = ["--scopes-from", "permissions"];
    let result = sandbox.run([&["import", "unkey.json", "--yes"][..], &from].concat());
    assert!(result.err.contains("`*` grants everything"), "{}", result.err);
    let client = sandbox.run(["client", "show", "orders", "--json"]).succeeds().json();
    assert_eq!(client["scopes"], json!(["orders.read"]));

    let sandbox = with_samples();
    let result = sandbox.run(["import", "unkey.json", "--yes"]);
    assert!(
        result.err.contains("`--scopes-from permissions` turns them into scopes"),
        "{}",
        result.err
    );
    let client = sandbox.run(["client", "show", "orders", "--json"]).succeeds().json();
    assert_eq!(client["scopes"], json!([]));
}

#[test]
fn plan_is_shown_and_needs_a_confirmation() {
    let sandbox = with_samples();
    let before = sandbox.file();
    sandbox.run(["import", "kong.yml"]).fails(2, "give --yes");
    let plan = sandbox.run(["import", "kong.yml", "--dry-run"]);
    assert_eq!(plan.code, 1);
    assert!(
        plan.out.starts_with("CLIENT      METADATA         KEY               EXPIRES"),
        "{}",
        plan.out
    );
    assert!(plan.out.contains("Orders app  custom_id, tags  28099cffa3693ff2"), "{}", plan.out);
    for line in [
        "left out: kong.yml: consumers[1].keyauth_credentials[0]: its text is a variable",
        "not imported: the plugin rate-limiting",
        "without keys: 1 client (Shop)",
        "configure the service with `Source::header(\"x-orders-key\")`",
        "dry run: would have added 3 clients and 3 keys",
    ] {
        assert!(plan.err.contains(line), "{line}: {}", plan.err);
    }
    assert_eq!(sandbox.file(), before);
}

#[test]
fn every_header_in_which_clients_sent_keys_is_named() {
    let plugins = "services: [{plugins: [{name: key-auth}, {name: key-auth, config: {key_names: [X-Key, 'a b', x-key]}}]}]";
    let keys = format!("consumers: [{{username: a, keyauth_credentials: [{{key: {KEY}}}]}}]");
    let apisix =
        "routes: [{plugins: {key-auth: {header: Authorization}}}, {plugins: {key-auth: {}}}]";
    let consumers = format!("consumers: [{{username: a, plugins: {{key-auth: {{key: {KEY}}}}}}}]");
    let cases = [
        (
            "kong",
            format!("{plugins}\n{keys}\n"),
            "`Source::header(\"apikey\")` and `Source::header(\"x-key\")`",
        ),
        ("kong", format!("{keys}\n"), "configure the service with `Source::header(\"apikey\")`\n"),
        (
            "apisix",
            format!("{apisix}\n{consumers}\n"),
            "`Source::header(\"apikey\")` and `Source::bearer()` (for bare keys, `Source::header_raw",
        ),
        ("nginx-map", format!("map $http_x_api_key $c {{ {KEY} a; }}\n"), ""),
    ];
    for (format, text, expected) in cases {
        let sandbox = Sandbox::new();
        std::fs::write(sandbox.path("keys"), text).unwrap();
        let plan = sandbox.run(["import", "keys", "--format", format, "--dry-run"]).succeeds();
        assert!(plan.err.contains(expected), "{}", plan.err);
        assert_eq!(
            plan.err.contains("configure the service"),
            !expected.is_empty(),
            "{}",
            plan.err
        );
    }
}

#[test]
fn keys_without_names_need_a_client() {
    const KEYS: &str = "[\"Zq8T0pLr4VbXn2Jc7WmKd9Hs3Ga6Fe1Y\"]";
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("keys.json"), KEYS).unwrap();
    let result = sandbox.run(["import", "keys.json", "--yes"]);
    assert_eq!(result.code, 1);
    assert!(result.err.contains("give one with --client"), "{}", result.err);
    let named = sandbox.run(["import", "keys.json", "--yes", "--client", "App 1", "--json"]);
    assert_eq!(named.succeeds().json()["found"][0]["client"], "App 1");
}

#[test]
fn passwords_are_recognized_and_refused() {
    let sandbox = Sandbox::new();
    let before = sandbox.file();
    let traefik = "http:\n  middlewares:\n    auth:\n      basicAuth:\n        users:\n          - \"a:$$apr1$$x$$y\"\n";
    for text in [include_str!("samples/htpasswd"), traefik] {
        std::fs::write(sandbox.path("users"), text).unwrap();
        sandbox.run(["import", "users", "--yes"]).fails(1, "password hashes, such as bcrypt");
        sandbox.run(["import", "users", "--yes", "--format", "csv"]).fails(1, "keygate key issue");
    }
    assert_eq!(sandbox.file(), before);
}

#[test]
fn foreign_file_options_need_a_foreign_file() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("old.yml"), "api_keys: {}\n").unwrap();
    sandbox.run(["import", "old.yml", "--client", "a"]).fails(2, "give it with --format");
    sandbox.run(["import", "sqlite:x.db", "--format", "csv"]).fails(2, "files of other systems");
    sandbox
        .run(["import", "none.csv", "--format", "csv", "--yes"])
        .fails(3, "none.csv cannot be read");
    sandbox.run(["import", "old.yml"]).succeeds();
}

#[test]
fn large_file_is_imported_whole() {
    let row = |number| format!("client {},Zq8T0pLr4VbXn2Jc7WmKd9Hs3Ga6{number:05}\n", number % 700);
    let csv = "name,key\n".to_owned() + &(0..5_000).map(row).collect::<String>();
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("keys.csv"), csv).unwrap();
    let result = sandbox.run(["import", "keys.csv", "--yes", "--json"]).succeeds();
    assert_eq!(result.json()["keys"]["added"], 5_000);
    assert_eq!(result.json()["clients"]["added"], 700);
}
