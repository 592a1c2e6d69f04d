//! Suggestions for unknown names and ids.

use crate::key::KeyId;

/// The maximum number of names to compare, at about 0.2 us each.
const MAX_COMPARED: usize = 10_000;

/// Returns the most similar name.
pub(crate) fn nearest_client<'a>(
    name: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<String> {
    // The cost of a comparison is proportional to the length, and a long text is not a name.
    let name: String =
        name.chars().take(2 * crate::client::MAX_NAME_CHARS).collect::<String>().to_lowercase();
    let compared = names.take(MAX_COMPARED);
    let nearest = compared.min_by_key(|known| strsim::osa_distance(&known.to_lowercase(), &name));
    nearest.map(str::to_owned)
}

/// Returns the id that differs in the fewest digits, if fewer than half of them differ.
pub(crate) fn nearest_key(key_id: KeyId, ids: impl Iterator<Item = KeyId>) -> Option<KeyId> {
    let distance = |other: &KeyId| {
        let difference = key_id.prefix() ^ other.prefix();
        (0..16).filter(|digit| difference >> (4 * digit) & 0xf != 0).count()
    };
    ids.map(|id| (distance(&id), id)).min().filter(|(distance, _)| *distance < 8).map(|(_, id)| id)
}
