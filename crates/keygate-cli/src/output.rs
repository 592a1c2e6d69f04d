use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::failure::Failure;

pub(crate) const RED: Style = Style::new().fg_color(Some(ansi(AnsiColor::Red)));
pub(crate) const GREEN: Style = Style::new().fg_color(Some(ansi(AnsiColor::Green)));
pub(crate) const YELLOW: Style = Style::new().fg_color(Some(ansi(AnsiColor::Yellow)));

const fn ansi(color: AnsiColor) -> clap::builder::styling::Color {
    clap::builder::styling::Color::Ansi(color)
}

/// Answers go to standard output; notes, warnings and errors to standard error. Colours are taken
/// out where there is no terminal and under `NO_COLOR`.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// What was asked for.
    pub(crate) fn answer(&self, text: &str, json: &Value) -> Result<(), Failure> {
        let written = if self.json { write_json(json) } else { write_text(text) };
        written.map_err(|error| Failure::unavailable(unwritable(&error)))
    }

    /// That a change was made, which is a note for people and an answer for programs.
    pub(crate) fn done(&self, note: &str, json: &Value) -> Result<(), Failure> {
        if !self.json {
            self.note(note);
            return Ok(());
        }
        write_json(json).map_err(|error| {
            Failure::unavailable(format!("the change was made, but {}", unwritable(&error)))
        })
    }

    pub(crate) fn note(&self, text: &str) {
        self.tell("", Style::new(), text, "note");
    }

    pub(crate) fn warn(&self, text: &str) {
        self.tell("warning: ", YELLOW.bold(), text, "warning");
    }

    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            let error = json!({"error": failure.message(), "code": failure.exit_code()});
            tell_line(&error.to_string());
        } else {
            self.tell("keygate: ", RED.bold(), failure.message(), "error");
        }
        failure.exit_code().into()
    }

    fn tell(&self, prefix: &str, style: Style, text: &str, kind: &str) {
        if self.json {
            tell_line(&json!({ kind: text }).to_string());
        } else {
            tell_line(&format!("{style}{prefix}{style:#}{}", one_line(text)));
        }
    }
}

/// A standard error that cannot be written leaves nobody to tell.
fn tell_line(line: &str) {
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
        // Who closes the pipe, as `head` does, has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

pub(crate) fn unwritable(error: &io::Error) -> String {
    format!("standard output cannot be written ({error}): make room, or send it elsewhere")
}

/// A file's name may hold a line end, or what a terminal obeys.
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
