use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::failure::Failure;
use crate::output::one_line;

/// How a change that cannot be undone is agreed to.
#[derive(Clone, Copy)]
pub(crate) enum Consent {
    Given,
    ToBeAsked,
}

impl Consent {
    /// Fails before anything is done where nobody could be asked.
    pub(crate) fn new(yes: bool) -> Result<Self, Failure> {
        if yes {
            Ok(Self::Given)
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Ok(Self::ToBeAsked)
        } else {
            Err(Failure::usage("this asks a question first, and there is no terminal: give --yes"))
        }
    }

    pub(crate) fn to(self, question: &str) -> Result<(), Failure> {
        if matches!(self, Self::Given) {
            return Ok(());
        }
        let mut answer = String::new();
        write!(io::stderr(), "{} [y/N] ", one_line(question))
            .and_then(|()| io::stdin().lock().read_line(&mut answer))
            .map_err(|error| {
                Failure::unavailable(format!(
                    "the question could not be asked ({error}): give --yes"
                ))
            })?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(Failure::refused("the answer was not yes, and nothing was changed"))
        }
    }
}
