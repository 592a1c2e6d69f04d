//! Opens a folder with a file for each client, and compares it with the same keys in memory.
//!
//! Each part up to a NUL byte is a file: the text up to its first line end is the name, and the rest the content.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use keygate::key::looks_like_key;
use keygate::store::{FolderStore, KeyFileError};
use keygate::{Authenticator, ClientProfile, KeyDigest, KeyRecord, MemoryStore};
use tempfile::TempDir;

const MOST_FILES: usize = 8;

/// Opens the folder that `data` describes.
///
/// # Panics
///
/// A message shows a line of a file, an error has no path in the folder, or the keys are not those of the lines.
pub fn check(data: &[u8]) {
    let folder = TempDir::new().expect("a temporary folder");
    let mut files = BTreeMap::<_, &[u8]>::new();
    for file in data.split(|byte| *byte == 0).take(MOST_FILES) {
        let end = file.iter().position(|byte| *byte == b'\n').unwrap_or(file.len());
        let (name, content) = file.split_at(end);
        let content = content.strip_prefix(b"\n").unwrap_or_default();
        let path = folder.path().join(OsStr::from_bytes(name));
        if name.contains(&b'/') {
            continue;
        }
        // Invalid file names.
        if path.parent() == Some(folder.path())
            && path.file_name().is_some()
            && fs::write(path, content).is_ok()
        {
            files.insert(name, content);
        }
    }
    let opened = FolderStore::open(folder.path());
    check_messages(&opened, &folder, &files);
    files.retain(|name, _| !name.starts_with(b".."));
    match (opened, reference(&files)) {
        (Ok(opened), Some((store, clients))) => {
            assert_eq!((opened.len(), opened.profiles().len()), (store.len(), clients));
            let (opened, store) = (Authenticator::new(opened), Authenticator::new(store));
            for line in files.values().flat_map(|content| lines(content)) {
                let names = [opened.verify_key(line), store.verify_key(line)]
                    .map(|client| client.ok().map(|client| client.name().to_owned()));
                assert_eq!(names[0], names[1], "the clients differ");
            }
        }
        (Err(_), None) => {}
        (opened, store) => panic!("{opened:?}, but the keys in memory: {}", store.is_some()),
    }
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = content.split(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty())
}

/// The same keys in a store in memory, and the number of clients; `None` if a file must be refused.
fn reference(files: &BTreeMap<&[u8], &[u8]>) -> Option<(MemoryStore, usize)> {
    let store = MemoryStore::new();
    for (name, content) in files {
        let name = str::from_utf8(name).ok().filter(|name| !looks_like_key(name))?;
        ClientProfile::new(name).validate().ok()?;
        for line in lines(content) {
            let is_quoted =
                line.len() > 1 && line.first() == line.last() && matches!(line[0], b'"' | b'\'');
            if is_quoted || line.starts_with(b"#") {
                return None;
            }
            let digest = str::from_utf8(line).ok().and_then(|line| line.parse::<KeyDigest>().ok());
            match digest {
                Some(digest) => store.insert_record(KeyRecord::new(digest, name)).ok()?,
                None => store.insert(line, name).ok()?,
            };
        }
    }
    Some((store, files.len()))
}

fn check_messages(
    opened: &Result<FolderStore, KeyFileError>,
    folder: &TempDir,
    files: &BTreeMap<&[u8], &[u8]>,
) {
    let said = match opened {
        Ok(store) => format!("{store:?}"),
        Err(error) => {
            let path = error.path().expect("an error has a path");
            assert!(path.starts_with(folder.path()), "{error}");
            format!("{error} {error:?}")
        }
    };
    let names: Vec<_> = files.keys().map(|name| String::from_utf8_lossy(name)).collect();
    for line in files.values().flat_map(|content| lines(content)) {
        let Ok(line) = str::from_utf8(line) else { continue };
        // Words of messages and names can appear by chance, and a fuzzer copies whole messages.
        let is_telling = line.len() > 13
            && !line.contains(char::is_whitespace)
            && line.contains(|char: char| char.is_ascii_digit());
        let is_name = names.iter().any(|name| name.contains(line));
        assert!(!is_telling || is_name || !said.contains(line), "a key is shown: {said}");
    }
    if let Some(name) = names.iter().find(|name| looks_like_key(name)) {
        assert!(name.starts_with("..") || !said.contains(&**name), "a key is shown: {said}");
    }
}
