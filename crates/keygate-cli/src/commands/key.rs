use std::process::ExitCode;

use crate::args::{Globals, KeyCommand};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::{open, open_to_change};

mod draft;
mod filter;
mod issue;
mod list;
mod purge;
mod revoke;
mod rotate;
mod set_key;
mod show_key;

pub(super) use list::{View, table};

pub(super) fn run(
    command: KeyCommand,
    globals: &Globals,
    out: &Output,
) -> Result<ExitCode, Failure> {
    if let KeyCommand::Purge(args) = &command {
        purge::check(args)?;
    }
    let confirmation = match command {
        KeyCommand::Revoke(_) | KeyCommand::Purge(_) => Confirmation::new(globals)?,
        KeyCommand::Issue(_)
        | KeyCommand::List(_)
        | KeyCommand::Show(_)
        | KeyCommand::Set(_)
        | KeyCommand::Rotate(_) => Confirmation::Given,
    };
    let store = match command {
        KeyCommand::List(_) | KeyCommand::Show(_) => open(globals, out)?,
        KeyCommand::Issue(_)
        | KeyCommand::Purge(_)
        | KeyCommand::Set(_)
        | KeyCommand::Revoke(_)
        | KeyCommand::Rotate(_) => open_to_change(globals, out)?,
    };
    match command {
        KeyCommand::Issue(args) => issue::run(&args, &*store, globals, out)?,
        KeyCommand::List(args) => return list::run(&args, &*store, globals, out),
        KeyCommand::Show(args) => show_key::run(&args, &*store, globals, out)?,
        KeyCommand::Set(args) => set_key::run(&args, &*store, globals, out)?,
        KeyCommand::Revoke(args) => revoke::run(&args, confirmation, &*store, globals, out)?,
        KeyCommand::Purge(args) => purge::run(&args, confirmation, &*store, out)?,
        KeyCommand::Rotate(args) => rotate::run(&args, &*store, globals, out)?,
    }
    Ok(ExitCode::SUCCESS)
}
