//! Where a database is, from a file such as a mounted secret.

use std::fs;

use crate::tool::Place;

#[test]
#[cfg(feature = "sqlite")]
fn location_comes_from_a_file_and_beats_the_environment() {
    let place = Place::with_database("sqlite:keys.db");
    place.run(["client", "add", "App 1"]).succeeds();
    for (start, end) in [("", ""), ("", "\n"), ("", "\r\n"), ("\u{feff}", "\n\n")] {
        fs::write(place.path("secret"), format!("{start}sqlite:keys.db{end}")).unwrap();
        let mut command = place.command(["client", "list", "--store-file", "secret"]);
        let answer = command.env("KEYGATE_STORE", "none.yaml").output().unwrap();
        let answer = crate::tool::Answer::from(answer).succeeds();
        assert!(answer.out.contains("App 1"), "{}", answer.out);
    }
}

#[test]
fn file_and_option_are_not_both_taken() {
    let place = Place::new();
    let both = ["key", "list", "--store-file", "secret", "--store", "keys.yaml"];
    place.run(both).fails(2, "cannot be used with");
}

#[test]
fn file_that_holds_something_else_is_never_shown() {
    let place = Place::new();
    for text in
        ["", "hunter2\n", "api_key: hunter2", "postgres://a:hunter2@b\nx", "redis://hunter2"]
    {
        fs::write(place.path("secret"), text).unwrap();
        for json in [&[][..], &["--json"]] {
            let list = ["key", "list", "--store-file", "secret"];
            let answer = place.run([&list, json].concat());
            assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{}", answer.err);
            assert!(!answer.err.contains("hunter2"), "{}", answer.err);
        }
    }
    place.run(["key", "list", "--store-file", "none"]).fails(3, "none cannot be read");
}
