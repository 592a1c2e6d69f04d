//! A Python client that is generated from the OpenAPI document issues, uses and revokes a key over a real connection.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::Request;
use keygate::{Authenticator, ClientProfile, MemoryStore};
use keygate_admin::Admin;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::support::new_key;

const GENERATOR: &str = "openapi-python-client==0.29.1";

/// Runs a command and returns its output. If it fails, panics with its output.
fn run(command: &mut Command) -> String {
    let what = format!("{command:?}");
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let [printed, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{what}: {}\n{printed}\n{errors}", output.status);
    printed
}

/// Returns the folder of the generator, which is installed once for all runs.
fn generator(folder: &Path) -> PathBuf {
    let venv = folder.join(GENERATOR.replace("==", "-"));
    let python = venv.join("bin/python");
    let is_installed = || {
        let import = Command::new(&python).args(["-c", "import openapi_python_client"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    if !is_installed() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", GENERATOR]));
    }
    python
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_client_issues_rotates_and_revokes_a_key() {
    let (store, operators) = (MemoryStore::new(), MemoryStore::new());
    let profile = ClientProfile::new("ann").with_scopes(["admin".parse().unwrap()]);
    operators.add_client(profile).unwrap();
    let operator = new_key(&operators, "ann");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let admin = Admin::new(Arc::new(store.clone()))
        .on_loopback(address)
        .unwrap()
        .with_operators(Authenticator::new(operators))
        .with_api()
        .build()
        .unwrap();
    let request = Request::get("/api/v1/openapi.json").header("host", address.to_string());
    let response = admin.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback_service(admin)).await });

    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    fs::write(&document, text).unwrap();
    let python = generator(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let package = folder.path().join("keygate_api");
    // The hooks only format the code.
    let config = folder.path().join("config.yml");
    fs::write(&config, "post_hooks: []").unwrap();
    // A warning means that the generator left out a part of the document.
    run(Command::new(&python)
        .args(["-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"])
        .arg("--config")
        .arg(&config)
        .arg("--path")
        .arg(&document)
        .arg("--output-path")
        .arg(&package));

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admin/life_of_a_key.py");
    let printed = run(Command::new(&python)
        .arg(script)
        .arg(format!("http://{address}/api/v1"))
        .env("OPERATOR_KEY", &operator)
        .env("PYTHONPATH", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1"));
    let steps: Vec<_> = printed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    println!("{printed}");
    let expected = [
        "add", "issue", "repeat", "list", "rotate", "stale", "label", "revoke", "usage", "health",
        "wrong",
    ];
    assert_eq!(steps, expected, "{printed}");

    let keys = store.list_keys(Some("App 1")).unwrap();
    let states: Vec<_> =
        keys.iter().map(|key| (key.label.as_deref(), key.revoked.is_some())).collect();
    assert!(
        states.contains(&(Some("production"), false)) && states.contains(&(Some("laptop"), true)),
        "{states:?}"
    );
    assert_eq!(states.len(), 2);
}
