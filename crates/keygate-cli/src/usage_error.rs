//! Command-line errors, on one line and without the arguments, since a misplaced argument may be a key.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::{Output, unwritable};

/// Prints the help or the version, or reports the error in the command line.
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !is_help {
        return Output::new(json).fail(&explain(error));
    }
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    match error.print() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Output::new(json).fail(&Failure::unavailable(unwritable(&error)))
        }
        _ => code.into(),
    }
}

fn explain(error: &clap::Error) -> Failure {
    let command = command();
    if command == "keygate list" {
        return what_to_list();
    }
    let place = context(error, ContextKind::InvalidArg);
    let what = match error.kind() {
        ErrorKind::ValueValidation => {
            let reason = error.source().map_or_else(|| "not valid".to_owned(), ToString::to_string);
            format!("{place}: {reason}")
        }
        ErrorKind::InvalidValue => match context(error, ContextKind::ValidValue) {
            values if values.is_empty() => format!("{place} has no value"),
            values => format!("{place} must be one of {values}"),
        },
        ErrorKind::UnknownArgument => {
            let nearest = nearest(error, ContextKind::SuggestedArg);
            format!(
                "unexpected argument; it is not shown, because it may be a key{nearest} \
                 (put `--` before a name that begins with a dash)"
            )
        }
        ErrorKind::InvalidSubcommand => {
            format!("unknown command{}", nearest(error, ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingSubcommand => "a command is missing".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("{place} is missing"),
        ErrorKind::ArgumentConflict => match context(error, ContextKind::PriorArg) {
            other if other == place || other.is_empty() => format!("{place} is given twice"),
            other => format!("{place} cannot be used with {other}"),
        },
        ErrorKind::TooManyValues => format!("{place} takes no value"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the command line was not understood".to_owned(),
    };
    Failure::usage(format!("{what}: see `{command} --help`"))
}

/// Returns the failure of `keygate list`, which does not exist.
pub(crate) fn what_to_list() -> Failure {
    Failure::usage("specify what to list: `keygate client list` or `keygate key list`")
}

/// Returns a detail of clap's error. Use only kinds with definitions, never with arguments.
fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

fn nearest(error: &clap::Error, kind: ContextKind) -> String {
    match context(error, kind) {
        nearest if nearest.is_empty() => nearest,
        nearest => format!("; the nearest is `{nearest}`"),
    }
}

/// Returns the command up to the error, such as `keygate key issue`.
fn command() -> String {
    let mut command = Cli::command();
    let mut path = command.get_name().to_owned();
    for argument in std::env::args_os().skip(1) {
        if let Some(found) = command.find_subcommand(argument) {
            path = format!("{path} {}", found.get_name());
            command = found.clone();
        }
    }
    path
}
