//! Reads a folder as one text: for each file its name, its length, and its content.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::client::{ClientProfile, ProfileError, label};
use crate::key::{self, KeyDigest, Strength, looks_like_key};
use crate::manage::{ClientFacts, KeyError};
use crate::store::MemoryStore;
use crate::store::memory::Bulk;
use crate::store::yaml::error::{KeyFileWarning, WarningKind};
use crate::store::yaml::load_error::{LoadError, LoadErrorKind};
use crate::store::yaml::parse::{Findings, Parsed};
use crate::store::yaml::position::Position;
use crate::store::yaml::read::{MAX_FILE_BYTES, read_regular};

/// Ends the name and the length of a file. File names cannot contain it.
const END: u8 = 0;

/// Returns the files of a folder, sorted by name, without those whose names begin with `..`.
pub(in crate::store::yaml) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<io::Result<Vec<_>>>()?;
    let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b"..");
    files.retain(|path| !path.file_name().is_some_and(is_hidden));
    files.sort();
    Ok(files)
}

pub(in crate::store::yaml) fn read(folder: &Path) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    read_at_most(MAX_FILE_BYTES, folder)
}

fn read_at_most(most: usize, folder: &Path) -> Result<Zeroizing<Vec<u8>>, LoadError> {
    let (mut texts, mut size) = (Vec::new(), 0);
    for path in files(folder).map_err(LoadErrorKind::Folder)? {
        let name = path.file_name().unwrap_or_default().to_owned();
        if looks_like_key(&name.to_string_lossy()) {
            return Err(LoadErrorKind::FileNameLikeKey.into());
        }
        let text = read_regular(&path).map_err(|error| error.in_file(&name))?;
        size += name.len() + text.len() + 24;
        if size > most {
            return Err(LoadErrorKind::FolderTooLarge.into());
        }
        texts.push((name.into_encoded_bytes(), text));
    }
    // Never grown, since growing would leave a copy of the keys in memory.
    let mut all = Zeroizing::new(Vec::with_capacity(size));
    for (name, text) in texts {
        all.extend_from_slice(&name);
        all.push(END);
        write!(all, "{}", text.len())?;
        all.push(END);
        all.extend_from_slice(&text);
    }
    Ok(all)
}

pub(in crate::store::yaml) fn parse(mut all: &[u8]) -> Result<Parsed, LoadError> {
    let (mut keys, mut findings) = (Bulk::new(), Findings::default());
    let mut names = Vec::new();
    while let Some((name, text)) = next(&mut all) {
        let file = names.len();
        let client = str::from_utf8(name).map_err(|_| LoadErrorKind::FileName.into());
        let client = client.and_then(|client| {
            let checked = label::check(client).map_err(ProfileError::Name);
            checked.map(|()| client).map_err(|error| LoadErrorKind::Client(error).into())
        });
        let client =
            client.map_err(|error: LoadError| error.in_file(&*String::from_utf8_lossy(name)))?;
        names.push(client);
        keys.declare(ClientFacts::new(client));
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let position = Position::new(number, 1);
            let (digest, warning) =
                digest(line).map_err(|kind| kind.at(position).in_file(client))?;
            findings.warnings.extend(
                warning.map(|kind| KeyFileWarning::new(kind, Some(position)).in_file(client)),
            );
            let pushed = keys.push(digest, ClientProfile::new(client), (file, position));
            pushed.map_err(|error| LoadErrorKind::Key(error).at(position).in_file(client))?;
        }
    }
    let keys = MemoryStore::from_bulk(keys).map_err(|conflicts| {
        let first = conflicts.into_iter().next();
        let [(other, first), (file, second)] =
            first.map_or([(0, Position::new(1, 1)); 2], |conflict| conflict.positions);
        let name = |file: usize| names.get(file).copied().unwrap_or_default();
        let kind = LoadErrorKind::OtherFile { client: name(other).to_owned(), line: first.line };
        kind.at(second).in_file(name(file))
    })?;
    if keys.is_empty() {
        findings.warnings.push(KeyFileWarning::new(WarningKind::NoKeysInFolder, None));
    }
    Ok(Parsed { keys, findings })
}

/// Takes the name and the content of the next file.
fn next<'a>(all: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut until_end = || {
        let end = all.iter().position(|byte| *byte == END)?;
        let (part, rest) = all.split_at(end);
        *all = &rest[1..];
        Some(part)
    };
    let (name, length) = (until_end()?, until_end()?);
    let length = str::from_utf8(length).ok()?.parse::<usize>().ok()?;
    let (text, rest) = all.split_at_checked(length)?;
    *all = rest;
    Some((name, text))
}

/// Returns the digest of a line, which is a key or a digest.
fn digest(line: &[u8]) -> Result<(KeyDigest, Option<WarningKind>), LoadErrorKind> {
    if let Ok(text) = str::from_utf8(line)
        && let Ok(digest) = text.parse()
    {
        return Ok((digest, None));
    }
    match line {
        [b'#', ..] => return Err(LoadErrorKind::Comment),
        [first @ (b'"' | b'\''), .., last] if first == last => {
            return Err(LoadErrorKind::QuotedKey);
        }
        _ => {}
    }
    match key::check(line).map_err(|unusable| LoadErrorKind::Key(unusable.into()))? {
        Strength::Weak(why) => Err(LoadErrorKind::Key(KeyError::Weak(why))),
        Strength::Low => Ok((KeyDigest::of(line), Some(WarningKind::LowKey))),
        Strength::Fair => Ok((KeyDigest::of(line), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_folder_have_a_total_size_limit() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            fs::write(folder.path().join(name), [b'k'; 100]).unwrap();
        }
        assert!(read_at_most(300, folder.path()).is_ok());
        let error = read_at_most(200, folder.path()).unwrap_err();
        assert!(matches!(error.kind, LoadErrorKind::FolderTooLarge), "{error:?}");
    }
}
