use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use keygate::KeyDigest;
use keygate::key::KeyFormat;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary folder with a key file, `keys.yaml`, in which the tool runs.
pub(crate) struct Sandbox {
    folder: TempDir,
    store: String,
}

/// The output and the exit code of the tool. Creating it checks that there is no panic or colour, and no key on
/// standard error.
#[derive(Debug)]
pub(crate) struct CommandResult {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// Creates a sandbox with a file from `init`.
    pub(crate) fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.run(["init"]).succeeds();
        sandbox
    }

    /// Creates a sandbox with this client in the file.
    pub(crate) fn with_client(name: &str) -> Self {
        let sandbox = Self::new();
        sandbox.run(["client", "add", "--", name]).succeeds();
        sandbox
    }

    /// Creates a sandbox with this text in a file that only its owner can read.
    pub(crate) fn with_file(text: &str) -> Self {
        let sandbox = Self::empty();
        fs::write(sandbox.path("keys.yaml"), text).unwrap();
        fs::set_permissions(sandbox.path("keys.yaml"), Permissions::from_mode(0o600)).unwrap();
        sandbox
    }

    /// Creates a sandbox without a file.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { folder, store: "keys.yaml".to_owned() }
    }

    /// Replaces the file with the tables of a database.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn with_database(url: &str) -> Self {
        let mut sandbox = Self::empty();
        url.clone_into(&mut sandbox.store);
        sandbox.run(["migrate"]).succeeds();
        sandbox
    }

    /// Returns the path or the URL of the store.
    #[cfg(feature = "postgres")]
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns the text of the key file, to see whether it was changed.
    pub(crate) fn file(&self) -> String {
        self.read("keys.yaml")
    }

    /// Returns the names of all files in the folder, except the key file and its lock.
    pub(crate) fn other_files(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().file_name());
        let names = files.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.contains("keys.yaml")).collect()
    }

    pub(crate) fn command(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keygate"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.env_remove("KEYGATE_STATE_DIRECTORY").env_remove("STATE_DIRECTORY");
        command.env_remove("KEYGATE_ACTOR").env("USER", "tester");
        command.env_remove("PGPASSFILE").env("KEYGATE_STORE", &self.store);
        command
    }

    pub(crate) fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> CommandResult {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs the tool with these bytes on standard input.
    pub(crate) fn run_with(
        &self,
        input: &[u8],
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> CommandResult {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut tool = command.spawn().unwrap();
        match tool.stdin.take().unwrap().write_all(input) {
            // The tool may exit without reading its input.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        finish(tool)
    }

    /// Runs the tool with standard output on a full device.
    pub(crate) fn run_on_full_disk(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> CommandResult {
        let full = File::options().write(true).open("/dev/full").unwrap();
        self.command(arguments).stdout(full).output().unwrap().into()
    }

    /// Runs the tool with a closed pipe as standard output.
    pub(crate) fn run_on_closed_pipe(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> CommandResult {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.command(arguments).stdout(writer).output().unwrap().into()
    }

    /// Issues a key with `key issue` and returns its text.
    pub(crate) fn issue(&self, arguments: &[&str]) -> String {
        let result = self.run([&["key", "issue"], arguments].concat());
        result.succeeds().out.strip_suffix('\n').unwrap().to_owned()
    }

    pub(crate) fn keys(&self) -> Vec<Value> {
        match self.run(["key", "list", "--json"]).succeeds().json() {
            Value::Array(keys) => keys,
            other => panic!("{other}"),
        }
    }
}

/// Returns a sandbox for each kind of store that this build of the tool supports.
pub(crate) fn stores() -> Vec<Sandbox> {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    return crate::databases::stores();
    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    vec![Sandbox::new()]
}

pub(crate) fn finish(tool: Child) -> CommandResult {
    tool.wait_with_output().unwrap().into()
}

impl From<Output> for CommandResult {
    fn from(output: Output) -> Self {
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(!holds_key(&err), "a key on standard error");
        assert!(!err.contains("panicked"), "{err}");
        assert!(!err.contains('\u{1b}') && !out.contains('\u{1b}'), "colour without a terminal");
        Self { code: output.status.code().expect("no signal killed it"), out, err }
    }
}

impl CommandResult {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// Checks that the tool exited with this code, with an empty standard output and one line of errors with this text.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, text: &str) -> Self {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        assert!(self.err.starts_with("keygate: ") && self.err.contains(text), "{}", self.err);
        assert_eq!(self.err.trim_end().lines().count(), 1, "{}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect(&self.err)
    }
}

/// Returns whether the text contains a generated key.
pub(crate) fn holds_key(text: &str) -> bool {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.into_iter().any(is_key)
}

pub(crate) fn is_key(text: &str) -> bool {
    let prefix = text.split_once('_').map_or("", |(prefix, _)| prefix);
    KeyFormat::new(prefix).is_ok_and(|format| format.matches(text.as_bytes()))
}

/// Returns the ID of a key, as stores show it.
pub(crate) fn id_of(key: &str) -> String {
    let digest = KeyDigest::of(key.as_bytes()).to_text();
    digest["sha256:".len()..][..16].to_owned()
}
