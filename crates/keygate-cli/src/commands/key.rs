use crate::args::{Globals, KeyCommand};
use crate::confirm::Consent;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::open;

mod filing;
mod issue;
mod list;
mod revoke;
mod rotate;

pub(super) use issue::ending;

pub(super) fn run(command: KeyCommand, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let consent = match command {
        KeyCommand::Revoke(_) => Consent::new(globals.yes)?,
        _ => Consent::Given,
    };
    let store = open(globals, out)?;
    match command {
        KeyCommand::Issue(args) => issue::run(&args, &*store, globals, out),
        KeyCommand::List(args) => list::run(&args, &*store, out),
        KeyCommand::Revoke(args) => revoke::run(&args, consent, &*store, out),
        KeyCommand::Rotate(args) => rotate::run(&args, &*store, globals, out),
    }
}
