//! Whole tables, in the binary format of `COPY`: for millions of rows, the driver takes half of the time
//! that it takes for those of a query.

use std::borrow::Cow;
use std::future::poll_fn;
use std::str;

use sqlx::Error;
use sqlx::postgres::PgConnection;

use crate::store::postgres::columns::{Columns, Micros, Unread};

/// A row as it came, of so many columns.
pub(super) struct Copied<'a, const COLUMNS: usize>([Option<&'a [u8]>; COLUMNS]);

/// Hands each row of a `copy (select ...) to stdout (format binary)` to `take`.
pub(super) async fn copy<const COLUMNS: usize>(
    connection: &mut PgConnection,
    sql: &str,
    mut take: impl FnMut(&Copied<'_, COLUMNS>),
) -> Result<(), Error> {
    let mut messages = connection.copy_out_raw(sql).await?;
    let mut reading = Reading::Header;
    while let Some(message) = poll_fn(|context| messages.as_mut().poll_next(context)).await {
        reading = reading
            .read(&message?, &mut take)
            .ok_or_else(|| Error::Protocol("a copy is not in its format".to_owned()))?;
    }
    match reading {
        Reading::Ended => Ok(()),
        _ => Err(Error::Protocol("a copy came without its end".to_owned())),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Header,
    Rows,
    Ended,
}

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

impl Reading {
    /// The server sends each row in a message of its own, the first one behind the header (sections
    /// "CopyData" of the protocol, and "Binary Format" of `COPY`, in PostgreSQL's manual).
    fn read<const COLUMNS: usize>(
        mut self,
        mut bytes: &[u8],
        take: &mut impl FnMut(&Copied<'_, COLUMNS>),
    ) -> Option<Self> {
        let bytes = &mut bytes;
        if self == Self::Header {
            let flags = int(*bytes.strip_prefix(SIGNATURE)?.split_first_chunk()?.0);
            *bytes = &bytes[SIGNATURE.len() + 4..];
            let more = usize::try_from(int(*chunk(bytes)?)).ok().filter(|_| flags == 0)?;
            *bytes = bytes.get(more..)?;
            self = Self::Rows;
        }
        while !bytes.is_empty() {
            let columns = i16::from_be_bytes(*chunk(bytes)?);
            if self == Self::Rows && columns == -1 {
                self = Self::Ended;
                continue;
            }
            if self == Self::Ended || usize::try_from(columns) != Ok(COLUMNS) {
                return None;
            }
            let mut row = Copied([None; COLUMNS]);
            for column in &mut row.0 {
                *column = value(bytes).ok()?;
            }
            take(&row);
        }
        Some(self)
    }
}

fn int(bytes: [u8; 4]) -> i32 {
    i32::from_be_bytes(bytes)
}

fn chunk<'a, const BYTES: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; BYTES]> {
    let (chunk, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(chunk)
}

/// A value behind its length; one of a length of -1 is null.
fn value<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Unread> {
    match int(*chunk(bytes).ok_or(Unread)?) {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| Unread)?;
            let (value, rest) = bytes.split_at_checked(length).ok_or(Unread)?;
            *bytes = rest;
            Ok(Some(value))
        }
    }
}

impl<const COLUMNS: usize> Copied<'_, COLUMNS> {
    fn value(&self, place: usize) -> Result<Option<&[u8]>, Unread> {
        self.0.get(place).copied().ok_or(Unread)
    }
}

impl<const COLUMNS: usize> Columns for Copied<'_, COLUMNS> {
    fn bytes(&self, place: usize) -> Result<Option<Cow<'_, [u8]>>, Unread> {
        Ok(self.value(place)?.map(Cow::Borrowed))
    }

    fn text(&self, place: usize) -> Result<Option<&str>, Unread> {
        let bytes = self.value(place)?;
        bytes.map(str::from_utf8).transpose().map_err(|_| Unread)
    }

    fn texts(&self, place: usize) -> Result<Option<Vec<String>>, Unread> {
        self.value(place)?.map(|bytes| texts(bytes).ok_or(Unread)).transpose()
    }

    fn flag(&self, place: usize) -> Result<Option<bool>, Unread> {
        match self.value(place)? {
            None => Ok(None),
            Some([flag]) => Ok(Some(*flag != 0)),
            Some(_) => Err(Unread),
        }
    }

    fn micros(&self, place: usize) -> Result<Option<Micros>, Unread> {
        let Some(bytes) = self.value(place)? else { return Ok(None) };
        let micros = bytes.try_into().map_err(|_| Unread)?;
        Ok(Some(Micros::from_server(i64::from_be_bytes(micros))))
    }
}

/// A `text[]`: how many dimensions, whether there are nulls, the type of what is in it; for each
/// dimension, of which we take one, its length and its first index; the texts.
fn texts(mut bytes: &[u8]) -> Option<Vec<String>> {
    let bytes = &mut bytes;
    let [dimensions, _, _] = [chunk(bytes)?, chunk(bytes)?, chunk(bytes)?].map(|word| int(*word));
    if dimensions == 0 {
        return Some(Vec::new());
    }
    let [length, first] = [chunk(bytes)?, chunk(bytes)?].map(|word| int(*word));
    if dimensions != 1 || first != 1 {
        return None;
    }
    let text = |_| Some(str::from_utf8(value(bytes).ok()??).ok()?.to_owned());
    (0..length).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        [SIGNATURE, &[0; 4], &2_i32.to_be_bytes(), b"xx"].concat()
    }

    const ROW: &[u8] = b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0";
    const END: &[u8] = &[0xff, 0xff];

    fn read(from: Reading, messages: &[&[u8]]) -> Option<(Reading, usize)> {
        let mut rows = 0;
        let mut take = |row: &Copied<'_, 3>| {
            assert_eq!(row.0, [Some(&b"ab"[..]), None, Some(&b""[..])]);
            rows += 1;
        };
        let read = |reading: Reading, message: &&[u8]| reading.read(message, &mut take);
        let reading = messages.iter().try_fold(from, read)?;
        Some((reading, rows))
    }

    #[test]
    fn rows_are_read_between_header_and_end() {
        let first = [&header(), ROW].concat();
        let rest: &[&[u8]] = &[&first, ROW, END];
        assert_eq!(read(Reading::Header, rest), Some((Reading::Ended, 2)));
        let empty = [&header(), END].concat();
        assert_eq!(read(Reading::Header, &[&empty]), Some((Reading::Ended, 0)));
        assert_eq!(read(Reading::Header, &[&header(), ROW]), Some((Reading::Rows, 1)));
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        let other_flags = [SIGNATURE, &1_i32.to_be_bytes(), &[0; 4]].concat();
        for wrong in [&b""[..], b"PGCOPY\n", &header()[..18], &header()[..20], &other_flags] {
            assert_eq!(read(Reading::Header, &[wrong]), None, "{wrong:?}");
        }
        let mut longer = ROW.to_vec();
        longer[1] = 4;
        for length in 1..ROW.len() {
            assert_eq!(read(Reading::Rows, &[&ROW[..length]]), None, "{length}");
        }
        for wrong in [&longer[..], &[ROW, &[0]].concat(), b"\xff\xfe", b"\0\x03\xff\xff\xff\xfe"] {
            assert_eq!(read(Reading::Rows, &[wrong]), None, "{wrong:?}");
        }
        assert_eq!(read(Reading::Ended, &[ROW]), None);
    }

    #[test]
    fn lists_of_texts_are_read_or_refused() {
        let words = |words: &[i32]| words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let list = |head: &[i32], texts: &[u8]| -> Vec<u8> {
            let head: Vec<u8> = words(head);
            [&head, texts].concat()
        };
        assert_eq!(texts(&list(&[0, 0, 25], b"")), Some(Vec::new()));
        let two = b"\0\0\0\x01a\0\0\0\x02bc";
        let read = Some(vec!["a".to_owned(), "bc".to_owned()]);
        assert_eq!(texts(&list(&[1, 0, 25, 2, 1], two)), read);
        for wrong in [
            list(&[1, 0, 25, 2, 0], two),
            list(&[2, 0, 25, 2, 1], two),
            list(&[1, 0, 25, 3, 1], two),
            list(&[1, 1, 25, 1, 1], b"\xff\xff\xff\xff"),
            list(&[1, 0, 25, 1, 1], b"\0\0\0\x01\xff"),
            list(&[0, 0], b""),
        ] {
            assert_eq!(texts(&wrong), None, "{wrong:?}");
        }
    }
}
