use std::collections::HashSet;
use std::process::ExitCode;

use keygate::store::{YamlLint, YamlText, YamlTextKind};
use serde_json::{Value, json};

use crate::args::Globals;
use crate::failure::Failure;
use crate::output::{Output, one_line};
use crate::show::counted;
use crate::store::note_section;

mod guessable;
mod names;

use guessable::Guesser;
use names::Names;

const CHECKS: &str = "checked syntax and grammar, duplicate, weak and guessable keys, texts that look like \
                      keys, names that look alike, rotations without an end, and the permissions of the file";

struct Finding {
    is_error: bool,
    place: Option<(usize, usize)>,
    message: String,
}

pub(super) fn run(globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let location = globals.location()?;
    let file = location.file("lint")?;
    let mut own_rules = OwnRules::default();
    note_section(&location, globals, out);
    let options = globals.options(file);
    let lint = options.lint_with(file, |text| own_rules.apply(&text));
    // An error without a line means that the file could not be read.
    if let Some(place) = lint.errors.iter().position(|error| error.line().is_none()) {
        let mut errors = lint.errors;
        return Err(errors.swap_remove(place).into());
    }

    let path = file.display().to_string();
    let skipped = own_rules.guesser.skipped();
    let findings = all_findings(&path, &lint, own_rules);
    if findings.is_empty() && !out.is_json() {
        out.note(&format!("no problems in {path}: {CHECKS}"));
    } else {
        let text = findings.iter().map(|finding| line(&path, finding)).collect::<String>();
        out.print(&text, &findings.iter().map(|finding| json(&path, finding)).collect())?;
    }
    // `hash` works only on files that load.
    if lint.plaintext_keys > 0 && lint.errors.is_empty() {
        let keys = counted(lint.plaintext_keys, "key");
        let refusal = options.open(file).ok().and_then(|store| store.dry_run().hash_keys().err());
        let way_out = match refusal.map(|error| error.to_string()) {
            None => "`keygate hash` turns them into digests, and they keep working".to_owned(),
            Some(why) => {
                let why = why.strip_suffix("; nothing was changed").unwrap_or(&why);
                format!("`keygate hash` would turn them into digests, but: {why}")
            }
        };
        out.note(&format!("{path} contains {keys} in plaintext: {way_out}"));
    }
    if skipped > 0 {
        let keys = counted(skipped, "key");
        out.note(&format!(
            "to save time, {keys} of {path} were not checked for words and patterns"
        ));
    }
    let faulty = findings.iter().any(|finding| finding.is_error);
    Ok(ExitCode::from(u8::from(faulty)))
}

/// Returns the findings of the library and of the tool's own rules, in the order of the file.
fn all_findings(path: &str, lint: &YamlLint, own_rules: OwnRules) -> Vec<Finding> {
    let finding = |is_error, line: Option<usize>, column: Option<usize>, text: &str| {
        let place = line.zip(column);
        let message = text.strip_prefix(&prefix(path, place)).unwrap_or(text).to_owned();
        Finding { is_error, place, message }
    };
    let errors = lint.errors.iter();
    let errors =
        errors.map(|error| finding(true, error.line(), error.column(), &error.to_string()));
    let warnings = lint.warnings.iter();
    let warnings = warnings
        .map(|warning| finding(false, warning.line(), warning.column(), &warning.to_string()));
    let mut findings: Vec<_> = errors.chain(warnings).collect();
    // Report at most one finding per key.
    let taken = findings.iter().filter_map(|finding| finding.place).collect::<HashSet<_>>();
    findings.extend(own_rules.names);
    findings.extend(
        own_rules
            .keys
            .into_iter()
            .filter(|key| key.place.is_none_or(|place| !taken.contains(&place))),
    );
    findings.sort_by_key(|finding| finding.place);
    findings
}

/// Applies the rules that need word lists and Unicode tables, which the library does not depend on.
#[derive(Default)]
struct OwnRules {
    seen: Names,
    guesser: Guesser,
    names: Vec<Finding>,
    keys: Vec<Finding>,
}

impl OwnRules {
    fn apply(&mut self, text: &YamlText<'_>) {
        let place = Some((text.line, text.column));
        match text.kind {
            YamlTextKind::ClientName => {
                let found = self.seen.add(text.text, text.line).into_iter();
                let found = found.map(|message| Finding { is_error: false, place, message });
                self.names.extend(found);
            }
            YamlTextKind::Key if self.guesser.is_guessable(text.text) => {
                let message =
                    "the key consists of words or patterns that are easy to guess: replace it with 32 \
                     random bytes"
                        .to_owned();
                self.keys.push(Finding { is_error: false, place, message });
            }
            _ => {}
        }
    }
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
