use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::args::Globals;
use crate::failure::Failure;
use crate::output::one_line;

/// Asks for confirmation of a change that cannot be undone.
#[derive(Clone, Copy)]
pub(crate) enum Confirmation {
    Given,
    Needed,
}

impl Confirmation {
    /// Fails early if there is no terminal to ask on. A dry run does not ask.
    pub(crate) fn new(globals: &Globals) -> Result<Self, Failure> {
        if globals.yes || globals.dry_run {
            Ok(Self::Given)
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Ok(Self::Needed)
        } else {
            Err(Failure::usage(
                "this command needs a confirmation, but there is no terminal: give --yes",
            ))
        }
    }

    /// Returns whether [`Confirmation::ask`] asks.
    pub(crate) fn is_needed(self) -> bool {
        matches!(self, Self::Needed)
    }

    /// Asks the question, unless `--yes` was given. Fails if the reply is not yes.
    pub(crate) fn ask(self, question: &str) -> Result<(), Failure> {
        if !self.is_needed() {
            return Ok(());
        }
        let mut reply = String::new();
        write!(io::stderr(), "{} [y/N] ", one_line(question))
            .and_then(|()| io::stdin().lock().read_line(&mut reply))
            .map_err(|error| {
                Failure::unavailable(format!("cannot ask for confirmation ({error}): give --yes"))
            })?;
        if matches!(reply.trim().to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(Failure::refused("the reply was not yes; nothing was changed"))
        }
    }
}
