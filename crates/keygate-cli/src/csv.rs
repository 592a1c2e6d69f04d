//! Comma-separated values (RFC 4180).

/// Writes a row.
pub(crate) fn row(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let values = values.into_iter().map(|value| field(value.as_ref())).collect::<Vec<_>>();
    values.join(",") + "\r\n"
}

fn field(value: &str) -> String {
    if value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn values_are_quoted_where_needed() {
        assert_eq!(row(["App 1", "a,b", "a\"b", ""]), "App 1,\"a,b\",\"a\"\"b\",\r\n");
    }
}
