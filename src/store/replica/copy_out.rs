//! Reads whole tables in the binary format of `COPY`, in half of the time that the driver takes for the rows of
//! a query.

use std::borrow::Cow;
use std::future::poll_fn;
use std::str;

use sqlx::Error;
use sqlx::postgres::PgConnection;

use crate::store::postgres::columns::{ColumnError, Columns, Micros};

/// A row in binary format.
pub(super) struct CopyRow<'a, const COLUMNS: usize>([Option<&'a [u8]>; COLUMNS]);

/// Runs a `copy (select ...) to stdout (format binary)`, and calls `take` with each row.
pub(super) async fn copy_out<const COLUMNS: usize>(
    connection: &mut PgConnection,
    sql: &str,
    mut take: impl FnMut(&CopyRow<'_, COLUMNS>),
) -> Result<(), Error> {
    let mut messages = connection.copy_out_raw(sql).await?;
    let mut parser = Parser::Header;
    while let Some(message) = poll_fn(|context| messages.as_mut().poll_next(context)).await {
        parser = parser
            .parse(&message?, &mut take)
            .ok_or_else(|| Error::Protocol("malformed data of `copy`".to_owned()))?;
    }
    match parser {
        Parser::Ended => Ok(()),
        _ => Err(Error::Protocol("the data of `copy` is truncated".to_owned())),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parser {
    Header,
    Rows,
    Ended,
}

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

impl Parser {
    /// Parses one message. The server sends one row per message, and the header before the first row
    /// (sections "CopyData" of the protocol, and "Binary Format" of `COPY`, in PostgreSQL's manual).
    fn parse<const COLUMNS: usize>(
        mut self,
        mut bytes: &[u8],
        take: &mut impl FnMut(&CopyRow<'_, COLUMNS>),
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
            let mut row = CopyRow([None; COLUMNS]);
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

/// Reads a value after its length, which is -1 for null.
fn value<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, ColumnError> {
    match int(*chunk(bytes).ok_or(ColumnError)?) {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length).map_err(|_| ColumnError)?;
            let (value, rest) = bytes.split_at_checked(length).ok_or(ColumnError)?;
            *bytes = rest;
            Ok(Some(value))
        }
    }
}

impl<const COLUMNS: usize> CopyRow<'_, COLUMNS> {
    fn value(&self, index: usize) -> Result<Option<&[u8]>, ColumnError> {
        self.0.get(index).copied().ok_or(ColumnError)
    }
}

impl<const COLUMNS: usize> Columns for CopyRow<'_, COLUMNS> {
    fn bytes(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, ColumnError> {
        Ok(self.value(index)?.map(Cow::Borrowed))
    }

    fn text(&self, index: usize) -> Result<Option<&str>, ColumnError> {
        let bytes = self.value(index)?;
        bytes.map(str::from_utf8).transpose().map_err(|_| ColumnError)
    }

    fn texts(&self, index: usize) -> Result<Option<Vec<String>>, ColumnError> {
        self.value(index)?.map(|bytes| texts(bytes).ok_or(ColumnError)).transpose()
    }

    fn flag(&self, index: usize) -> Result<Option<bool>, ColumnError> {
        match self.value(index)? {
            None => Ok(None),
            Some([flag]) => Ok(Some(*flag != 0)),
            Some(_) => Err(ColumnError),
        }
    }

    fn micros(&self, index: usize) -> Result<Option<Micros>, ColumnError> {
        let Some(bytes) = self.value(index)? else { return Ok(None) };
        let micros = bytes.try_into().map_err(|_| ColumnError)?;
        Ok(Some(Micros::from_server(i64::from_be_bytes(micros))))
    }
}

/// Parses a `text[]`: the number of dimensions, whether there are nulls, the element type; for each dimension,
/// of which only one is accepted, its length and first index; the elements.
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

    fn parse(from: Parser, messages: &[&[u8]]) -> Option<(Parser, usize)> {
        let mut rows = 0;
        let mut take = |row: &CopyRow<'_, 3>| {
            assert_eq!(row.0, [Some(&b"ab"[..]), None, Some(&b""[..])]);
            rows += 1;
        };
        let parse = |parser: Parser, message: &&[u8]| parser.parse(message, &mut take);
        let parser = messages.iter().try_fold(from, parse)?;
        Some((parser, rows))
    }

    #[test]
    fn rows_between_header_and_end_are_parsed() {
        let first = [&header(), ROW].concat();
        let rest: &[&[u8]] = &[&first, ROW, END];
        assert_eq!(parse(Parser::Header, rest), Some((Parser::Ended, 2)));
        let empty = [&header(), END].concat();
        assert_eq!(parse(Parser::Header, &[&empty]), Some((Parser::Ended, 0)));
        assert_eq!(parse(Parser::Header, &[&header(), ROW]), Some((Parser::Rows, 1)));
    }

    #[test]
    fn malformed_copy_data_is_refused() {
        let other_flags = [SIGNATURE, &1_i32.to_be_bytes(), &[0; 4]].concat();
        for wrong in [&b""[..], b"PGCOPY\n", &header()[..18], &header()[..20], &other_flags] {
            assert_eq!(parse(Parser::Header, &[wrong]), None, "{wrong:?}");
        }
        let mut longer = ROW.to_vec();
        longer[1] = 4;
        for length in 1..ROW.len() {
            assert_eq!(parse(Parser::Rows, &[&ROW[..length]]), None, "{length}");
        }
        for wrong in [&longer[..], &[ROW, &[0]].concat(), b"\xff\xfe", b"\0\x03\xff\xff\xff\xfe"] {
            assert_eq!(parse(Parser::Rows, &[wrong]), None, "{wrong:?}");
        }
        assert_eq!(parse(Parser::Ended, &[ROW]), None);
    }

    #[test]
    fn text_arrays_are_parsed_or_refused() {
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
