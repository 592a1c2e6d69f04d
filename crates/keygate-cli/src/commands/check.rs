use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::time::SystemTime;

use keygate::key::MAX_KEY_BYTES;
use keygate::manage::{KeyInfo, ManageError};
use keygate::{AuthError, Authenticator, WrongReason};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::Globals;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::block_on;
use crate::show;
use crate::store::open;

mod surroundings;

use surroundings::strip;

pub(super) fn run(globals: &Globals, out: &Output) -> Result<ExitCode, Failure> {
    let store = open(globals, out)?;
    let input = read_key()?;
    let (key, surroundings) = strip(&input);
    let result = block_on(Authenticator::new(store.clone()).authenticate_key(key));
    let now = SystemTime::now();
    let (reason, key_id) = match result {
        Ok(client) => (None, Some(client.key_id())),
        Err(AuthError::WrongCredentials(wrong)) => (Some(wrong.reason()), wrong.key_id()),
        Err(AuthError::Unavailable(error)) => return Err(ManageError::Unavailable(error).into()),
        Err(_) => {
            return Err(Failure::usage(
                "there is no key on standard input: use `keygate check < key`, for example",
            ));
        }
    };
    let key = key_id.map(|key_id| block_on(store.find_key(&key_id))).transpose()?;
    let text = match (reason, &key) {
        (None, Some(key)) => format!("valid: {}, {}\n", show::named(key), show::expiry(key, now)),
        (Some(reason), Some(key)) => {
            format!("not valid: {} {}\n", show::named(key), refusal(reason))
        }
        (_, None) => format!("not valid: the key {}\n", reason.map_or("is unknown", refusal)),
    };
    let others = if reason.is_some() { &surroundings.others[..] } else { &[] };
    out.print(&text, &json(reason, key.as_ref(), now, &[&surroundings.blanks, others].concat()))?;
    if !out.is_json() {
        note_surroundings(&surroundings.blanks, others, out);
    }
    Ok(if reason.is_none() { ExitCode::SUCCESS } else { ExitCode::from(1) })
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

fn json(
    reason: Option<WrongReason>,
    key: Option<&KeyInfo>,
    now: SystemTime,
    surroundings: &[&str],
) -> Value {
    json!({
        "valid": reason.is_none(),
        "reason": reason,
        "key": key.map(|key| show::key_json(key, now)),
        "around": surroundings,
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
