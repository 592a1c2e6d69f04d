use std::fmt::Write as _;

/// The system's random number generator failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random number generator failed: try again")]
pub(crate) struct NoRandomness;

/// Returns 256 random bits as hexadecimal digits.
pub(crate) fn token() -> Result<String, NoRandomness> {
    let mut token = String::with_capacity(64);
    for byte in bytes::<32>()? {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// Returns 50 random bits as a word of 10 characters that are hard to confuse.
pub(crate) fn word() -> Result<String, NoRandomness> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    Ok(bytes::<10>()?.map(letter).into_iter().collect())
}

pub(crate) fn bytes<const COUNT: usize>() -> Result<[u8; COUNT], NoRandomness> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
