//! What exists near a name or an id that does not.

use crate::key::KeyId;

/// Comparing a name with another takes about 0.2 us: beyond this many, the rest is not looked at.
const MAX_COMPARED: usize = 10_000;

/// The name most like this one.
pub(crate) fn nearest_client<'a>(
    name: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<String> {
    // A long text is hardly a name, and costs the square of its length.
    let name: String =
        name.chars().take(2 * crate::client::MAX_NAME_CHARS).collect::<String>().to_lowercase();
    let compared = names.take(MAX_COMPARED);
    let nearest = compared.min_by_key(|known| strsim::osa_distance(&known.to_lowercase(), &name));
    nearest.map(str::to_owned)
}

/// The id that differs in the fewest digits, if it is fewer than half of them.
pub(crate) fn nearest_key(key_id: KeyId, ids: impl Iterator<Item = KeyId>) -> Option<KeyId> {
    let distance = |other: &KeyId| {
        let difference = key_id.prefix() ^ other.prefix();
        (0..16).filter(|digit| difference >> (4 * digit) & 0xf != 0).count()
    };
    ids.map(|id| (distance(&id), id)).min().filter(|(distance, _)| *distance < 8).map(|(_, id)| id)
}
