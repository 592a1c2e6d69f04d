use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use keygate::key::looks_like_key;
use serde_json::{Value, json};

use crate::failure::Failure;

pub(crate) const RED: Style = Style::new().fg_color(Some(ansi(AnsiColor::Red)));
pub(crate) const GREEN: Style = Style::new().fg_color(Some(ansi(AnsiColor::Green)));
pub(crate) const YELLOW: Style = Style::new().fg_color(Some(ansi(AnsiColor::Yellow)));

const fn ansi(color: AnsiColor) -> clap::builder::styling::Color {
    clap::builder::styling::Color::Ansi(color)
}

/// Writes results to standard output, and notes, warnings and errors to standard error. Colours are removed if the
/// output is not a terminal or `NO_COLOR` is set.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    dry_run: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, dry_run: false }
    }

    pub(crate) fn with_dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result of the command.
    pub(crate) fn print(&self, text: &str, json: &Value) -> Result<(), Failure> {
        let written = if self.json { write_json(json) } else { write_text(text) };
        written.map_err(|error| Failure::unavailable(unwritable(&error)))
    }

    /// Reports a change, as a note for people or as JSON for programs. The note begins with a participle, such as
    /// "added".
    pub(crate) fn report_change(&self, note: &str, json: &Value) -> Result<(), Failure> {
        if self.dry_run {
            let note = format!("dry run: would have {note}");
            return self.report_unchanged(&note, json);
        }
        if !self.json {
            self.note(note);
            return Ok(());
        }
        write_json(json).map_err(|error| {
            Failure::unavailable(format!("the change was made, but {}", unwritable(&error)))
        })
    }

    /// Reports that nothing was changed.
    pub(crate) fn report_unchanged(&self, note: &str, json: &Value) -> Result<(), Failure> {
        if !self.json {
            self.note(note);
            return Ok(());
        }
        let mut json = json.clone();
        if self.dry_run {
            mark_dry_run(&mut json);
        }
        self.print("", &json)
    }

    pub(crate) fn note(&self, text: &str) {
        self.message("", Style::new(), text, "note");
    }

    pub(crate) fn warn(&self, text: &str) {
        self.message("warning: ", YELLOW.bold(), text, "warning");
    }

    /// Warns if a text that people will see looks like a key.
    pub(crate) fn warn_if_key(&self, what: &str, text: &str) {
        if looks_like_key(text) {
            self.warn(&format!(
                "{what} looks like a key, but everyone can read it: choose another text, and replace the key"
            ));
        }
    }

    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            let error = json!({"error": failure.message(), "code": failure.exit_code()});
            error_line(&error.to_string());
        } else {
            self.message("keygate: ", RED.bold(), failure.message(), "error");
        }
        failure.exit_code().into()
    }

    fn message(&self, prefix: &str, style: Style, text: &str, kind: &str) {
        if self.json {
            error_line(&json!({ kind: text }).to_string());
        } else {
            error_line(&format!("{style}{prefix}{style:#}{}", one_line(text)));
        }
    }
}

fn mark_dry_run(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(mark_dry_run),
        Value::Object(fields) => {
            fields.insert("dry_run".to_owned(), true.into());
        }
        _ => {}
    }
}

/// Ignores errors, since there is nowhere to report that standard error cannot be written.
fn error_line(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn write_text(text: &str) -> io::Result<()> {
    write_all(&mut anstream::stdout().lock(), text)
}

fn write_json(json: &Value) -> io::Result<()> {
    write_all(&mut io::stdout().lock(), &format!("{json}\n"))
}

fn write_all(stdout: &mut impl Write, text: &str) -> io::Result<()> {
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // A reader such as `head` closes the pipe when it has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

pub(crate) fn unwritable(error: &io::Error) -> String {
    format!(
        "standard output cannot be written ({error}): free some space, or redirect it elsewhere"
    )
}

/// Escapes control characters, since a file name may contain line breaks and terminal sequences.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_in_a_message_are_escaped() {
        assert_eq!(one_line("a\nb\u{1b}[31m é"), "a\\nb\\u{1b}[31m é");
    }
}
