//! Questions on a terminal, which `script` provides.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::tool::{Sandbox, id_of};

/// The text on the terminal, and the exit code.
struct Screen {
    code: i32,
    text: String,
}

/// Runs the tool on a terminal, waits for the question, and types the reply.
fn on_terminal(sandbox: &Sandbox, command: &str, question: &str, typed: &str) -> Screen {
    on_terminal_with(sandbox, command, question, typed, &[], || {})
}

/// Runs the tool with these variables, and does something else before the reply.
fn on_terminal_with(
    sandbox: &Sandbox,
    command: &str,
    question: &str,
    typed: &str,
    variables: &[(&str, &str)],
    meanwhile: impl FnOnce(),
) -> Screen {
    let mut script = Command::new("script");
    let command = format!("{} {command}", env!("CARGO_BIN_EXE_keygate"));
    script.args(["-qec", &command, "/dev/null"]).current_dir(sandbox.path(""));
    script.env("KEYGATE_STORE", "keys.yaml").env("TERM", "xterm").env_remove("NO_COLOR");
    script.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = script.spawn().expect("`script` is installed (Debian: bsdutils)");
    let mut keyboard = script.stdin.take().unwrap();
    let mut output = script.stdout.take().unwrap();

    let mut screen = Vec::new();
    while !String::from_utf8_lossy(&screen).contains(question) {
        let mut byte = [0];
        assert_eq!(output.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&screen));
        screen.push(byte[0]);
    }
    meanwhile();
    // The tool disables echo just after the question.
    thread::sleep(Duration::from_millis(600));
    keyboard.write_all(typed.as_bytes()).unwrap();
    output.read_to_end(&mut screen).unwrap();
    let code = script.wait().unwrap().code().unwrap();
    Screen { code, text: String::from_utf8(screen).unwrap() }
}

#[test]
fn revoking_asks_and_only_yes_revokes() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1", "--label", "production"]));
    let command = format!("key revoke {id}");
    let question = format!("Permanently revoke {id} (production) of App 1? [y/N] ");
    for (typed, code, state) in [("n\n", 1, "active"), ("\n", 1, "active"), ("y\n", 0, "revoked")] {
        let screen = on_terminal(&sandbox, &command, &question, typed);
        assert_eq!(screen.code, code, "{}", screen.text);
        assert_eq!(sandbox.keys()[0]["state"], state);
    }
}

#[test]
fn purging_asks_and_only_yes_purges() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1", "--label", "old"]));
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    let question = format!("Permanently remove 1 key: {id} (old) of App 1? [y/N] ");
    for (typed, code, left) in [("n\n", 1, 1), ("y\n", 0, 0)] {
        let screen = on_terminal(&sandbox, "key purge --revoked-before 0d", &question, typed);
        assert_eq!((screen.code, sandbox.keys().len()), (code, left), "{}", screen.text);
    }
}

#[test]
fn purge_says_that_another_purge_left_nothing() {
    let sandbox = Sandbox::with_client("App 1");
    let id = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
    let purge = "key purge --revoked-before 0d";
    let question = format!("Permanently remove 1 key: {id} of App 1? [y/N] ");
    let other = || drop(sandbox.run(purge.split(' ').chain(["--yes"])).succeeds());
    let screen = on_terminal_with(&sandbox, purge, &question, "y\n", &[], other);
    let note = "nothing was left to purge: meanwhile, the keys were purged or changed";
    assert!(screen.code == 0 && screen.text.contains(note), "{}", screen.text);
    assert!(!screen.text.contains("purged 0 keys"), "{}", screen.text);
}

#[test]
fn purge_names_the_keys_that_were_not_in_the_question() {
    let sandbox = Sandbox::with_client("App 1");
    let [old, other] = ["old", "other"].map(|label| {
        let id = id_of(&sandbox.issue(&["App 1", "--label", label]));
        sandbox.run(["key", "revoke", "--yes", &id]).succeeds();
        id
    });
    let text = sandbox.file();
    let position = text.rfind("revoked: ").unwrap() + "revoked: ".len();
    let later = format!("{}2099-01-01T00:00:00Z{}", &text[..position], &text[position + 20..]);
    fs::write(sandbox.path("keys.yaml"), &later).unwrap();
    let purge = "key purge --revoked-before 0d";
    let question = format!("Permanently remove 1 key: {old} (old) of App 1? [y/N] ");
    let edit = || fs::write(sandbox.path("keys.yaml"), &text).unwrap();
    let screen = on_terminal_with(&sandbox, purge, &question, "y\n", &[], edit);
    let warning = format!("after the question, the purge also selected 1 key: {other} (other)");
    assert!(screen.text.contains(&warning), "{}", screen.text);
    assert!(screen.text.contains("purged 2 keys: "), "{}", screen.text);
}

#[test]
fn removing_and_hashing_ask_for_confirmation() {
    let sandbox =
        Sandbox::with_file("api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1\n");
    let before = sandbox.file();
    let question = "Permanently replace all plaintext keys in keys.yaml";
    assert_eq!(on_terminal(&sandbox, "hash", question, "no\n").code, 1);
    assert_eq!(sandbox.file(), before);
    assert_eq!(on_terminal(&sandbox, "hash", question, "yes\n").code, 0);
    sandbox.run(["client", "disable", "User 1"]).succeeds();
    let question = "Remove the client User 1 and its 1 key? [y/N] ";
    let screen = on_terminal(&sandbox, "client remove 'User 1'", question, "y\n");
    let report = "removed User 1, with 1 key that had not been revoked";
    assert!(screen.code == 0 && screen.text.contains(report), "{}", screen.text);
    assert_eq!(sandbox.keys().len(), 0);
}

#[test]
fn client_with_other_keys_than_in_the_question_is_kept() {
    let sandbox = Sandbox::with_client("App 1");
    let old = id_of(&sandbox.issue(&["App 1"]));
    sandbox.run(["client", "disable", "App 1"]).succeeds();
    let remove = |keys: &str, meanwhile: &dyn Fn()| {
        let question = format!("Remove the client App 1 and its {keys}? [y/N] ");
        on_terminal_with(&sandbox, "client remove 'App 1'", &question, "y\n", &[], meanwhile)
    };
    let issue = || drop(sandbox.issue(&["App 1"]));
    let screen = remove("1 key", &issue);
    let refusal = "the keys of the client changed, and it has 2 keys now: nothing was removed";
    assert!(screen.code == 1 && screen.text.contains(refusal), "{}", screen.text);
    assert_eq!(sandbox.keys().len(), 2);
    // As many keys as before are not the same keys.
    let replace = || {
        sandbox.run(["key", "revoke", "--yes", &old]).succeeds();
        sandbox.run(["key", "purge", "--revoked-before", "0d", "--yes"]).succeeds();
        issue();
    };
    let screen = remove("2 keys", &replace);
    assert!(screen.code == 1 && screen.text.contains(refusal), "{}", screen.text);
    let screen = remove("2 keys", &|| ());
    assert!(screen.code == 0 && sandbox.keys().is_empty(), "{}", screen.text);
}

#[test]
fn mode_of_a_file_is_reported_once_and_only_on_a_terminal() {
    let text = "api_keys:\n  08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU: User 1\n";
    let sandbox = Sandbox::with_file(text);
    fs::set_permissions(sandbox.path("keys.yaml"), Permissions::from_mode(0o644)).unwrap();
    let warning = "everyone on this machine can read the keys";
    for command in ["key list", "client add 'App 1'", "import keys.yaml"] {
        let screen = on_terminal(&sandbox, command, warning, "");
        assert_eq!((screen.code, screen.text.matches(warning).count()), (0, 1), "{command}");
    }
    assert_eq!(sandbox.run(["import", "keys.yaml"]).succeeds().err.lines().count(), 1);
    assert_eq!(sandbox.run(["key", "list", "--json"]).succeeds().err, "");
    assert!(sandbox.run(["lint"]).succeeds().out.contains(warning));
}

#[test]
fn typed_key_is_not_echoed() {
    let sandbox = Sandbox::with_client("App 1");
    let key = sandbox.issue(&["App 1"]);
    let screen = on_terminal(&sandbox, "check", "Key (not shown): ", &format!("{key}\n"));
    assert_eq!(screen.code, 0, "{}", screen.text);
    assert!(screen.text.contains("valid: "), "{}", screen.text);
    assert!(!screen.text.contains(&key));
}

#[test]
fn colour_needs_a_terminal_and_no_no_color() {
    let sandbox = Sandbox::with_client("App 1");
    sandbox.issue(&["App 1"]);
    let screen = on_terminal(&sandbox, "key list", "active", "").text;
    assert!(screen.contains("\u{1b}[32mactive\u{1b}[0m"), "{screen:?}");
    let no_color = [("NO_COLOR", "1")];
    let plain = on_terminal_with(&sandbox, "key list", "active", "", &no_color, || {}).text;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let piped = on_terminal(&sandbox, "key list | cat", "active", "").text;
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
}
