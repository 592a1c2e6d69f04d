//! `--store-file`: the URL of a database in a file, such as a mounted secret.

use std::fs;

use crate::tool::Sandbox;

#[test]
#[cfg(feature = "sqlite")]
fn store_file_overrides_the_environment() {
    let sandbox = Sandbox::with_database("sqlite:keys.db");
    sandbox.run(["client", "add", "App 1"]).succeeds();
    for (start, end) in [("", ""), ("", "\n"), ("", "\r\n"), ("\u{feff}", "\n\n")] {
        fs::write(sandbox.path("secret"), format!("{start}sqlite:keys.db{end}")).unwrap();
        let mut command = sandbox.command(["client", "list", "--store-file", "secret"]);
        let result = command.env("KEYGATE_STORE", "none.yaml").output().unwrap();
        let result = crate::tool::CommandResult::from(result).succeeds();
        assert!(result.out.contains("App 1"), "{}", result.out);
    }
}

#[test]
fn store_file_conflicts_with_store() {
    let sandbox = Sandbox::new();
    let both = ["key", "list", "--store-file", "secret", "--store", "keys.yaml"];
    sandbox.run(both).fails(2, "cannot be used with");
}

#[test]
fn content_of_a_wrong_store_file_is_never_shown() {
    let sandbox = Sandbox::new();
    for text in
        ["", "hunter2\n", "api_key: hunter2", "postgres://a:hunter2@b\nx", "redis://hunter2"]
    {
        fs::write(sandbox.path("secret"), text).unwrap();
        for json in [&[][..], &["--json"]] {
            let list = ["key", "list", "--store-file", "secret"];
            let result = sandbox.run([&list, json].concat());
            assert_eq!((result.code, result.out.as_str()), (2, ""), "{}", result.err);
            assert!(!result.err.contains("hunter2"), "{}", result.err);
        }
    }
    sandbox.run(["key", "list", "--store-file", "none"]).fails(3, "none cannot be read");
}
