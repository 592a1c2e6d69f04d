use std::io::{self, IsTerminal as _, Read as _};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use keygate::client::Network;
use keygate::error::Misconfiguration;
use keygate::key::MAX_KEY_BYTES;
use keygate::manage::{KeyInfo, ManageError};
use keygate::{AuthError, Authenticator, KeyDigest, KeyStore as _, WrongReason};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{CheckArgs, Globals};
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::{Store, open};

mod surroundings;

use surroundings::strip;

/// What was found out about a key.
struct Checked {
    /// The reason why the key is not valid.
    reason: Option<WrongReason>,
    from: Option<IpAddr>,
    /// The networks from which the key may be used, if not from everywhere.
    networks: Option<Vec<Network>>,
    key: Option<KeyInfo>,
}

pub(super) fn run(args: &CheckArgs, globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let store = open(globals, out)?;
    let input = read_key()?;
    let (key, surroundings) = strip(&input);
    let checked = check(key, args.from, &store)?;
    let now = SystemTime::now();
    let is_valid = checked.reason.is_none();
    let others = if is_valid { &[] } else { &surroundings.others[..] };
    let around = [&surroundings.blanks, others].concat();
    out.print(&text(&checked, now), &json(&checked, now, &around))?;
    if !out.is_json() {
        note_surroundings(&surroundings.blanks, others, out);
    }
    Ok(if is_valid { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn check(key: &[u8], from: Option<IpAddr>, store: &Arc<dyn Store>) -> Result<Checked, Failure> {
    let auth = Authenticator::new(Arc::clone(store));
    let result = match from {
        None => block_on(auth.authenticate_key(key)),
        Some(address) => block_on(auth.authenticate_key_from(key, address)),
    };
    let mut reason = match result {
        // For the second, the key has networks, and everything else about it is valid.
        Ok(_) | Err(AuthError::Misconfigured(Misconfiguration::NoAddressForNetworks)) => None,
        Err(AuthError::WrongCredentials(wrong)) => Some(wrong.reason()),
        Err(AuthError::Unavailable(error)) => return Err(ManageError::Unavailable(error).into()),
        Err(AuthError::NoCredentials) => {
            return Err(Failure::usage(
                "there is no key on standard input: use `keygate check < key`, for example",
            ));
        }
        Err(error) => {
            return Err(Failure::unavailable(format!("the key cannot be checked: {error}")));
        }
    };
    let record = block_on(store.lookup(KeyDigest::of(key))).map_err(ManageError::Unavailable)?;
    let Some(record) = record else {
        let reason = reason.or(Some(WrongReason::Unknown));
        return Ok(Checked { reason, from, networks: None, key: None });
    };
    let networks = record.allowed_networks().map(<[_]>::to_vec);
    if networks.as_ref().is_some_and(Vec::is_empty) {
        reason.get_or_insert(WrongReason::Network);
    }
    let key = Some(block_on(store.find_key(&record.key_id()))?);
    Ok(Checked { reason, from, networks, key })
}

fn text(checked: &Checked, now: SystemTime) -> String {
    let Checked { reason, from, networks, key } = checked;
    let only = match networks.as_deref() {
        None | Some([]) => String::new(),
        Some(networks) => format!(", only from {}", show::joined(networks)),
    };
    match (*reason, key) {
        (None, Some(key)) => {
            format!("valid: {}, {}{only}\n", show::named(key), show::expiry(key, now))
        }
        (Some(WrongReason::Network), Some(key)) => {
            let place = match from {
                Some(address) if !only.is_empty() => format!("is not valid from {address}{only}"),
                _ => "is valid from nowhere: its client lacks its networks".to_owned(),
            };
            format!("not valid: {} {place}\n", show::named(key))
        }
        (Some(reason), Some(key)) => {
            format!("not valid: {} {}\n", show::named(key), refusal(reason))
        }
        (reason, None) => format!("not valid: the key {}\n", reason.map_or("is unknown", refusal)),
    }
}

fn note_surroundings(blanks: &[&str], others: &[&str], out: &Output) {
    if !blanks.is_empty() {
        out.note(&format!("around the key: {}, which HTTP removes", blanks.join(", ")));
    }
    if !others.is_empty() {
        let others = others.join(", ");
        out.note(&format!(
            "around the key: {others}; requests with this are refused, so send only the key"
        ));
    }
}

fn refusal(reason: WrongReason) -> &'static str {
    match reason {
        WrongReason::NotYetValid => "is not valid yet",
        WrongReason::Expired => "has expired",
        WrongReason::Revoked => "was revoked",
        WrongReason::Network => "is not valid from here",
        WrongReason::Disabled => "belongs to a disabled client",
        WrongReason::Malformed => "is malformed",
        WrongReason::Unknown => "is unknown",
        // A key on standard input cannot be ambiguous.
        _ => "is not valid",
    }
}

fn json(checked: &Checked, now: SystemTime, around: &[&str]) -> Value {
    let Checked { reason, from, networks, key } = checked;
    let networks = networks.as_ref().map(|networks| networks.iter().map(ToString::to_string));
    json!({
        "valid": reason.is_none(),
        "reason": reason,
        "from": from,
        "networks": networks.map(Iterator::collect::<Vec<_>>),
        "key": key.as_ref().map(|key| show::key_json(key, now)),
        "around": around,
    })
}

/// Reads the key from standard input, or asks for it if that is a terminal.
fn read_key() -> Result<Zeroizing<Vec<u8>>, Failure> {
    // A key must not appear on a screen or in a shell's history.
    if io::stdin().is_terminal() { ask() } else { read() }.map_err(|error| {
        Failure::unavailable(format!("the key cannot be read from standard input ({error})"))
    })
}

fn ask() -> io::Result<Zeroizing<Vec<u8>>> {
    rpassword::prompt_password("Key (not shown): ").map(|key| Zeroizing::new(key.into_bytes()))
}

fn read() -> io::Result<Zeroizing<Vec<u8>>> {
    // Enough for a key that is too long, together with a header name. The buffer never grows, since growing would leave
    // a copy of the key in memory.
    const LIMIT: usize = MAX_KEY_BYTES + 1024;
    let mut key = Zeroizing::new(Vec::with_capacity(2 * LIMIT));
    io::stdin().lock().take(LIMIT as u64).read_to_end(&mut key)?;
    Ok(key)
}
