//! Pages of the log, read forwards or backwards from the cursor.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::{NAME, json};
use crate::error::StoreError;
use crate::manage::{ChangeEvent, EventQuery, ManageError, Page, Position};
use crate::store::folder::{Folder, UntrustedFile};

/// The maximum length of a line. Metadata has at most 4 KiB, and an event has it twice.
const MAX_LINE: usize = 1024 * 1024;

const BLOCK: usize = 64 * 1024;

/// Returns a page of the log. The number of an event is the position of its line.
pub(super) fn page(path: &Path, query: &EventQuery) -> Result<Page<ChangeEvent>, ManageError> {
    let after = query.position()?;
    if after.as_ref().is_some_and(|after| !after.name.is_empty()) {
        return Err(ManageError::InvalidCursor);
    }
    let after = after.map(|after| after.number);
    let failed = |error: io::Error| {
        let path = path.display();
        ManageError::Unavailable(StoreError::new(format!("{path} cannot be read ({error})")))
    };
    let mut file = open(path).map_err(failed)?;
    let end = file.metadata().map_err(failed)?.len();
    if let Some(after) = after
        && !is_start_of_line(&mut file, after, end).map_err(failed)?
    {
        return Err(ManageError::InvalidCursor);
    }
    let mut next: Box<dyn FnMut() -> io::Result<Option<Line>>> = if query.paging.descending {
        let mut lines = Backwards::new(file, after.unwrap_or(end));
        Box::new(move || lines.next())
    } else {
        let mut lines = Forwards { file: BufReader::new(file), start: after.unwrap_or(0) };
        lines.file.seek(SeekFrom::Start(lines.start)).map_err(failed)?;
        if after.is_some() {
            lines.next().map_err(failed)?;
        }
        Box::new(move || lines.next())
    };
    let mut rows = Vec::new();
    while rows.len() <= query.paging.limit
        && let Some((start, line)) = next().map_err(failed)?
    {
        let row = match json::event(&line) {
            Some(event) if !query.admits(&event) => continue,
            Some(event) => Ok(event),
            None => Err(format!("{}: the line at byte {start} is not an event", path.display())),
        };
        rows.push((Position::of_event(start, String::new()), row));
    }
    Ok(Page::of_rows(&query.paging, rows))
}

fn open(path: &Path) -> io::Result<File> {
    let file = Folder::of(path)?.read(NAME.as_ref())?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(UntrustedFile::NotRegular.into()) }
}

fn is_start_of_line(file: &mut File, position: u64, end: u64) -> io::Result<bool> {
    let Some(before) = position.checked_sub(1) else { return Ok(end > 0) };
    let mut last = [0];
    file.seek(SeekFrom::Start(before))?;
    Ok(position < end && file.read(&mut last)? == 1 && last == *b"\n")
}

/// A line and its position. A last line without a line end is still being written, and is not returned.
type Line = (u64, Vec<u8>);

struct Forwards {
    file: BufReader<File>,
    /// The position of the next line.
    start: u64,
}

impl Forwards {
    fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let limit = MAX_LINE as u64;
        self.file.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if line.len() == MAX_LINE {
            return Err(too_long());
        }
        let start = self.start;
        self.start += line.len() as u64;
        Ok((line.pop() == Some(b'\n')).then_some((start, line)))
    }
}

struct Backwards {
    file: File,
    /// The position of the buffer.
    start: u64,
    /// The text before the previous line.
    buffer: Vec<u8>,
}

impl Backwards {
    fn new(file: File, end: u64) -> Self {
        Self { file, start: end, buffer: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            // The buffer may contain the end of the line itself, too.
            let before = self.buffer.split_last().map_or(&[][..], |(_, before)| before);
            let end_of_previous = before.iter().rposition(|byte| *byte == b'\n');
            let index = match end_of_previous {
                Some(end) => end + 1,
                None if self.start > 0 => {
                    self.read_block()?;
                    continue;
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => 0,
            };
            let mut line = self.buffer.split_off(index);
            if line.pop() == Some(b'\n') {
                return Ok(Some((self.start + index as u64, line)));
            }
        }
    }

    fn read_block(&mut self) -> io::Result<()> {
        if self.buffer.len() > MAX_LINE {
            return Err(too_long());
        }
        let length = self.start.min(BLOCK as u64);
        self.start -= length;
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut block = Vec::new();
        self.file.by_ref().take(length).read_to_end(&mut block)?;
        block.append(&mut self.buffer);
        self.buffer = block;
        Ok(())
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line is longer than 1 MiB")
}
