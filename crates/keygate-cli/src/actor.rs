//! The actor and the tool that the history of a database records for each change.

/// The user account: its name from the environment, or else its number.
pub(crate) fn actor() -> String {
    let names = ["USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let mut names = names.map(|name| cleaned(&name)).filter(|name| !name.is_empty());
    names.next().or_else(number).unwrap_or_else(|| "unknown".to_owned())
}

pub(crate) fn tool() -> String {
    concat!("keygate ", env!("CARGO_PKG_VERSION"), " (command line)").to_owned()
}

/// At most 64 characters, on one line.
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
