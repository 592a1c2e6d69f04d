use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use keygate::YamlStore;

use super::check::{CANARY, file};

/// Checks the error for an unreadable file: its path, the reason and the remedy.
#[track_caller]
fn refused(path: &Path, kind: io::ErrorKind) {
    let error = YamlStore::open(path).expect_err("the file cannot be read");
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let source = source.expect("the source is the error of the system");
    assert_eq!(source.kind(), kind, "{error}");
    let expected = format!(
        "{}: the file cannot be read ({source}): check the path and its permissions",
        path.display(),
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(format!("{error:?}"), format!("KeyFileError({expected})"));
    assert_eq!((error.path(), error.line(), error.column()), (Some(path), None, None));
}

#[test]
fn missing_file_is_reported_with_its_path() {
    let path = file(b"");
    fs::remove_file(&path).unwrap();
    refused(&path, io::ErrorKind::NotFound);
    refused(&path.join("keys.yml"), io::ErrorKind::NotFound);
}

#[test]
fn directory_is_not_a_key_file() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let error = YamlStore::open(path).expect_err("a directory holds no text");
    let reason =
        "this is not a regular file, and only regular files are read: give the path of one";
    assert_eq!(error.to_string(), format!("{}: {reason}", path.display()));
    assert_eq!((error.path(), error.line(), error.column()), (Some(path), None, None));
}

#[test]
#[cfg(unix)]
fn unreadable_file_is_reported_with_its_path() {
    use std::os::unix::fs::PermissionsExt as _;

    let path = file(b"api_key: c4n4ry-0123456789\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_err() {
        refused(&path, io::ErrorKind::PermissionDenied);
    } else {
        // Root may read all files. But even root cannot read unmapped memory.
        let unmapped = Path::new("/proc/self/mem");
        let error = File::open(unmapped).and_then(|mut file| file.read(&mut [0])).unwrap_err();
        refused(unmapped, error.kind());
    }
}

/// A reader that fails after its text.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::ConnectionReset, "the other side is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn reader_that_fails_midway_is_an_error() {
    let text = format!("api_keys:\n  {CANARY}-0123456789: User 1\n");
    let error = YamlStore::from_reader(Failing(text.as_bytes())).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the file cannot be read (the other side is gone): check the path and its permissions",
    );
    assert_eq!((error.path(), error.line(), error.column()), (None, None, None));
    assert!(!format!("{error:?}").contains(CANARY));
}
