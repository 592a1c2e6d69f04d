//! Stores that take one digest or key for another.

use keygate::testing::Rule;
use keygate::{KeyDigest, KeyRecord, StoreError};

use crate::store_contract::broken::{
    right, rule_broken_by, rule_broken_by_keys, rule_broken_by_store,
};

/// Finds the first record whose digest is the same to this function. It hands it out under the digest
/// of the lookup, so that verification cannot notice.
async fn rule_broken_by_comparing<T: PartialEq + 'static>(by: fn([u8; 32]) -> T) -> Rule {
    rule_broken_by(move |records, digest| {
        let same = |record: &&KeyRecord| by(record.digest().to_bytes()) == by(digest.to_bytes());
        let exact = right(records, digest);
        let found = exact.or_else(|| records.iter().find(same).cloned());
        Ok(found.map(|record| {
            KeyRecord::new(digest, record.profile())
                .with_expiry(record.expires())
                .with_state(record.state())
        }))
    })
    .await
}

#[tokio::test]
async fn digests_compared_in_part_are_caught() {
    let first_8 = rule_broken_by_comparing(|bytes| bytes[..8].to_vec());
    assert_eq!(first_8.await, Rule::WholeDigest);
    let all_but_the_last = rule_broken_by_comparing(|bytes| bytes[..31].to_vec());
    assert_eq!(all_but_the_last.await, Rule::WholeDigest);
    let all_but_the_first = rule_broken_by_comparing(|bytes| bytes[1..].to_vec());
    assert_eq!(all_but_the_first.await, Rule::WholeDigest);
    let seven_bits = rule_broken_by_comparing(|bytes| bytes.map(|byte| byte & 0x7f));
    assert_eq!(seven_bits.await, Rule::WholeDigest);
    let sum = rule_broken_by_comparing(|bytes| {
        let mut bytes = bytes;
        bytes.sort_unstable();
        bytes
    });
    assert_eq!(sum.await, Rule::WholeDigest);
}

#[tokio::test]
async fn digests_compared_as_texts_are_caught() {
    let to_the_zero_byte = rule_broken_by_comparing(|bytes| {
        bytes.iter().copied().take_while(|byte| *byte != 0).collect::<Vec<_>>()
    });
    assert_eq!(to_the_zero_byte.await, Rule::WholeDigest);
    let lossy = rule_broken_by_comparing(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert_eq!(lossy.await, Rule::WholeDigest);
    let without_case =
        rule_broken_by_comparing(|bytes| bytes.map(|byte| byte.to_ascii_lowercase()));
    assert_eq!(without_case.await, Rule::WholeDigest);
    let base64_without_case = rule_broken_by_comparing(|bytes| base64(&bytes).to_lowercase());
    assert_eq!(base64_without_case.await, Rule::WholeDigest);
}

#[tokio::test]
async fn digests_trimmed_when_filed_are_caught() {
    let rule = rule_broken_by(|records, digest| {
        let is_filed = |record: &KeyRecord| {
            let filed = record.digest().to_bytes();
            filed.trim_ascii_end() == digest.to_bytes()
        };
        Ok(right(records, digest).filter(is_filed))
    });
    assert_eq!(rule.await, Rule::Found);
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let groups = bytes.chunks(3).map(|group| {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        byte(0) << 16 | byte(1) << 8 | byte(2)
    });
    let sextets = groups.flat_map(|bits| [18, 12, 6, 0].map(|shift| bits >> shift & 0x3f));
    sextets.map(|sextet| char::from(ALPHABET[sextet as usize])).collect()
}

#[tokio::test]
async fn unknown_key_that_is_an_error_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        right(records, digest).map(Some).ok_or_else(|| StoreError::new("no rows returned"))
    });
    assert_eq!(rule.await, Rule::Unknown);
}

#[tokio::test]
async fn unknown_key_that_is_anybody_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        Ok(Some(right(records, digest).unwrap_or_else(|| KeyRecord::new(digest, "anybody"))))
    });
    assert_eq!(rule.await, Rule::Unknown);
}

#[tokio::test]
async fn store_without_keys_that_lets_everybody_in_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        let anybody = records.is_empty().then(|| KeyRecord::new(digest, "anybody"));
        Ok(right(records, digest).or(anybody))
    });
    assert_eq!(rule.await, Rule::Empty);
}

#[tokio::test]
async fn fresh_store_with_old_keys_is_caught() {
    let shared = crate::store_contract::memory(Vec::new());
    let rule = rule_broken_by_store(async |records| {
        for record in records {
            shared.insert_record(record).unwrap();
        }
        shared.clone()
    });
    assert_eq!(rule.await, Rule::Empty);
}

/// Keeps each key as this function writes it.
async fn rule_broken_by_writing(
    write: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> Rule {
    rule_broken_by_keys(move |key, name| KeyRecord::new(KeyDigest::of(write(key).as_bytes()), name))
        .await
}

#[tokio::test]
async fn keys_that_are_written_otherwise_are_caught() {
    let in_lower_case = rule_broken_by_writing(str::to_lowercase);
    assert_eq!(in_lower_case.await, Rule::ExactKey);
    let without_zeros = rule_broken_by_writing(|key| key.trim_start_matches('0').to_owned());
    assert_eq!(without_zeros.await, Rule::ExactKey);
    let cut_like_bcrypt = rule_broken_by_writing(|key| key[..key.len().min(72)].to_owned());
    assert_eq!(cut_like_bcrypt.await, Rule::ExactKey);
    let as_a_number = rule_broken_by_writing(|key| match key.parse::<f64>() {
        Ok(number) => number.to_string(),
        Err(_) => key.to_owned(),
    });
    assert_eq!(as_a_number.await, Rule::ExactKey);
    let with_its_line_end = rule_broken_by_writing(|key| format!("{key}\n"));
    assert_eq!(with_its_line_end.await, Rule::ExactKey);
}

#[tokio::test]
async fn keys_taken_for_names_are_caught_and_not_shown() {
    let rule = rule_broken_by_keys(|key, _| KeyRecord::new(KeyDigest::of(key.as_bytes()), key));
    assert_eq!(rule.await, Rule::Name);
}
