//! The actor and the program name that a store records for each change.

use keygate::manage::ChangeContext;

use crate::failure::Failure;

/// Returns the actor of changes: the name from the command line or the environment, or else the user account.
pub(crate) fn actor(given: Option<&str>) -> Result<String, Failure> {
    let environment = || std::env::var_os("KEYGATE_ACTOR").filter(|name| !name.is_empty());
    let name = match given {
        Some(name) => Some(name.to_owned()),
        None => environment().map(|name| name.to_string_lossy().into_owned()),
    };
    let Some(name) = name else { return Ok(account()) };
    match ChangeContext::default().for_actor(&name) {
        Ok(_) => Ok(name),
        Err(error) => Err(Failure::usage(format!("--actor or KEYGATE_ACTOR: {error}"))),
    }
}

/// Returns the user account: its name from the environment, or else its number.
fn account() -> String {
    let names = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let mut names = names.map(|name| cleaned(&name));
    let names = names.find(|name| ChangeContext::default().for_actor(name).is_ok());
    names.or_else(number).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn tool() -> String {
    concat!("keygate ", env!("CARGO_PKG_VERSION"), " (command line)").to_owned()
}

/// Cuts a name to at most 64 characters on one line.
fn cleaned(name: &str) -> String {
    let plain = name.chars().filter(|char| !char.is_control()).take(64).collect::<String>();
    plain.trim().to_owned()
}

fn number() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        let process = std::fs::metadata("/proc/self").ok()?;
        Some(format!("uid {}", process.uid()))
    }
    #[cfg(not(target_os = "linux"))]
    None
}
