use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn run(shell: Shell, out: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "keygate", &mut script);
    let script = String::from_utf8_lossy(&script);
    out.print(&script, &json!({ "shell": shell.to_string(), "script": script }))
}
