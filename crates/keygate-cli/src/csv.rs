//! Comma-separated values (RFC 4180).

/// Formats a row.
pub(crate) fn row(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let values = values.into_iter().map(|value| field(value.as_ref())).collect::<Vec<_>>();
    values.join(",") + "\r\n"
}

/// Formats a value. Client names can be anything, and a spreadsheet would execute a value that looks like a formula.
/// Such values get a leading apostrophe, which makes them text.
fn field(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let value = if is_formula { format!("'{value}") } else { value.to_owned() };
    if is_formula || value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn values_are_quoted_where_needed() {
        assert_eq!(row(["App 1", "a,b", "a\"b", ""]), "App 1,\"a,b\",\"a\"\"b\",\r\n");
    }

    #[test]
    fn values_never_begin_a_formula() {
        for (value, expected) in [
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"\r\n"),
            ("+1", "\"'+1\"\r\n"),
            ("-1", "\"'-1\"\r\n"),
            ("@x", "\"'@x\"\r\n"),
            ("\t=1", "\"'\t=1\"\r\n"),
            ("\r=1", "\"'\r=1\"\r\n"),
            ("a=1", "a=1\r\n"),
        ] {
            assert_eq!(row([value]), expected);
        }
    }
}
