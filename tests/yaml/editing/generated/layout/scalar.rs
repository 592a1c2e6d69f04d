use std::fmt::Write as _;

use super::Pen;

impl Pen {
    /// A text in one of the ways to write it on one line.
    pub(super) fn scalar(&mut self, text: &str, between_brackets: bool) -> String {
        let style = self.dice.roll(5);
        let single = format!("'{}'", text.replace('\'', "''"));
        match style {
            // In quotes they are texts.
            _ if matches!(text, "true" | "false") => text.to_owned(),
            _ if text.chars().any(char::is_control) => double(text, style == 4),
            2 => single,
            3 | 4 => double(text, style == 4),
            _ if is_plain(text, between_brackets) => text.to_owned(),
            _ => single,
        }
    }
}

fn double(text: &str, escapes_all: bool) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            _ if escapes_all => _ = write!(quoted, "\\U{:08x}", u32::from(char)),
            '\n' => quoted.push_str("\\n"),
            '"' | '\\' => quoted.extend(['\\', char]),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

fn is_plain(text: &str, between_brackets: bool) -> bool {
    let fits = |char: char| {
        char.is_alphanumeric()
            || "-_:/*. ".contains(char)
            || (!between_brackets && "'\",[]".contains(char))
    };
    text.starts_with(char::is_alphanumeric)
        && text != "null"
        && text.chars().all(fits)
        && !text.contains(": ")
        && !text.ends_with(':')
}
