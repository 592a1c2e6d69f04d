use std::process::ExitCode;

use keygate::YamlStore;
use serde_json::{Value, json};

use crate::args::Globals;
use crate::failure::Failure;
use crate::output::{Output, one_line};

struct Finding {
    is_error: bool,
    place: Option<(usize, usize)>,
    message: String,
}

pub(super) fn run(globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let location = globals.location()?;
    let file = location.file("lint")?;
    let lint = YamlStore::lint(file);
    // An error without a line is one of reading the file, and not one that it says.
    if let Some(place) = lint.errors.iter().position(|error| error.line().is_none()) {
        let mut errors = lint.errors;
        return Err(errors.swap_remove(place).into());
    }

    let path = file.display().to_string();
    let finding = |is_error, line: Option<usize>, column: Option<usize>, text: &str| {
        let place = line.zip(column);
        let message = text.strip_prefix(&prefix(&path, place)).unwrap_or(text).to_owned();
        Finding { is_error, place, message }
    };
    let errors = lint.errors.iter();
    let errors =
        errors.map(|error| finding(true, error.line(), error.column(), &error.to_string()));
    let warnings = lint.warnings.iter();
    let warnings = warnings
        .map(|warning| finding(false, warning.line(), warning.column(), &warning.to_string()));
    let mut findings: Vec<_> = errors.chain(warnings).collect();
    findings.sort_by_key(|finding| finding.place);

    if findings.is_empty() && !out.is_json() {
        out.note(&format!("nothing is wrong in {path}"));
    } else {
        let text = findings.iter().map(|finding| line(&path, finding)).collect::<String>();
        out.answer(&text, &findings.iter().map(|finding| json(&path, finding)).collect())?;
    }
    let faulty = findings.iter().any(|finding| finding.is_error);
    Ok(ExitCode::from(u8::from(faulty)))
}

fn prefix(path: &str, place: Option<(usize, usize)>) -> String {
    match place {
        Some((line, column)) => format!("{path}:{line}:{column}: "),
        None => format!("{path}: "),
    }
}

fn line(path: &str, finding: &Finding) -> String {
    let kind = if finding.is_error { "" } else { "warning: " };
    one_line(&format!("{}{kind}{}", prefix(path, finding.place), finding.message)) + "\n"
}

fn json(path: &str, finding: &Finding) -> Value {
    json!({
        "kind": if finding.is_error { "error" } else { "warning" },
        "path": path,
        "line": finding.place.map(|(line, _)| line),
        "column": finding.place.map(|(_, column)| column),
        "message": finding.message,
    })
}
