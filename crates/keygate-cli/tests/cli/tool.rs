use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use keygate::KeyDigest;
use keygate::key::KeyFormat;
use serde_json::Value;

/// A folder with a key file, `keys.yaml`, in which the tool is started. It is removed in the end.
pub(crate) struct Place {
    folder: PathBuf,
    store: String,
}

/// What the tool answered. No answer may show a key on standard error, a panic, or a colour.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// With a file that `init` made.
    pub(crate) fn new() -> Self {
        let place = Self::empty();
        place.run(["init"]).succeeds();
        place
    }

    /// With this client in the file.
    pub(crate) fn with_client(name: &str) -> Self {
        let place = Self::new();
        place.run(["client", "add", "--", name]).succeeds();
        place
    }

    /// With this text in a file for its owner alone.
    pub(crate) fn with_file(text: &str) -> Self {
        let place = Self::empty();
        fs::write(place.path("keys.yaml"), text).unwrap();
        fs::set_permissions(place.path("keys.yaml"), Permissions::from_mode(0o600)).unwrap();
        place
    }

    /// Without a file.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{count}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&folder).unwrap();
        Self { folder, store: "keys.yaml".to_owned() }
    }

    /// With the tables of a database, in the place of the file.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn with_database(url: &str) -> Self {
        let mut place = Self::empty();
        url.clone_into(&mut place.store);
        place.run(["migrate"]).succeeds();
        place
    }

    /// The path or the URL of the store.
    #[cfg(feature = "postgres")]
    pub(crate) fn store(&self) -> &str {
        &self.store
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The text of the key file, to see whether it was changed.
    pub(crate) fn file(&self) -> String {
        self.read("keys.yaml")
    }

    /// All files in the folder but the key file and what keeps its editors apart.
    pub(crate) fn other_files(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().file_name());
        let names = files.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.contains("keys.yaml")).collect()
    }

    pub(crate) fn command(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keygate"));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.env_remove("PGPASSFILE").env("KEYGATE_STORE", &self.store);
        command
    }

    pub(crate) fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Answer {
        self.command(arguments).output().unwrap().into()
    }

    /// With these bytes on standard input.
    pub(crate) fn run_with(
        &self,
        input: &[u8],
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Answer {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut tool = command.spawn().unwrap();
        match tool.stdin.take().unwrap().write_all(input) {
            // What the tool has no use for it does not read.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        finish(tool)
    }

    /// With standard output on a device that is full.
    pub(crate) fn run_on_full_disk(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Answer {
        let full = File::options().write(true).open("/dev/full").unwrap();
        self.command(arguments).stdout(full).output().unwrap().into()
    }

    /// With nobody at the other end of standard output.
    pub(crate) fn run_on_closed_pipe(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Answer {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        self.command(arguments).stdout(writer).output().unwrap().into()
    }

    /// Issues a key with `key issue`, and says its text.
    pub(crate) fn issue(&self, arguments: &[&str]) -> String {
        let answer = self.run([&["key", "issue"], arguments].concat());
        answer.succeeds().out.strip_suffix('\n').unwrap().to_owned()
    }

    pub(crate) fn keys(&self) -> Vec<Value> {
        match self.run(["key", "list", "--json"]).succeeds().json() {
            Value::Array(keys) => keys,
            other => panic!("{other}"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn finish(tool: Child) -> Answer {
    tool.wait_with_output().unwrap().into()
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(!holds_key(&err), "a key on standard error");
        assert!(!err.contains("panicked"), "{err}");
        assert!(!err.contains('\u{1b}') && !out.contains('\u{1b}'), "colour where no terminal is");
        Self { code: output.status.code().expect("no signal ended it"), out, err }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// It ended with this code, nothing on standard output, and one line that holds this text.
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

/// Whether a generated key stands in the text.
pub(crate) fn holds_key(text: &str) -> bool {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.into_iter().any(is_key)
}

pub(crate) fn is_key(text: &str) -> bool {
    let prefix = text.split_once('_').map_or("", |(prefix, _)| prefix);
    KeyFormat::new(prefix).is_ok_and(|format| format.matches(text.as_bytes()))
}

/// The id of a key, as the store would show it.
pub(crate) fn id_of(key: &str) -> String {
    let digest = KeyDigest::of(key.as_bytes()).to_text();
    digest["sha256:".len()..][..16].to_owned()
}
