use crate::args::{Globals, KeyCommand};
use crate::confirm::Confirmation;
use crate::failure::Failure;
use crate::output::Output;
use crate::store::open;

mod draft;
mod issue;
mod list;
mod revoke;
mod rotate;

pub(super) fn run(command: KeyCommand, globals: &Globals, out: &Output) -> Result<(), Failure> {
    let confirmation = match command {
        KeyCommand::Revoke(_) => Confirmation::new(globals.yes)?,
        KeyCommand::Issue(_) | KeyCommand::List(_) | KeyCommand::Rotate(_) => Confirmation::Given,
    };
    let store = open(globals, out)?;
    match command {
        KeyCommand::Issue(args) => issue::run(&args, &*store, globals, out),
        KeyCommand::List(args) => list::run(&args, &*store, out),
        KeyCommand::Revoke(args) => revoke::run(&args, confirmation, &*store, out),
        KeyCommand::Rotate(args) => rotate::run(&args, &*store, globals, out),
    }
}
