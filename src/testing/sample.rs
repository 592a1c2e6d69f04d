use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::label::MAX_NAME_CHARS;
use crate::client::{ClientProfile, MAX_METADATA_BYTES, Network, Quota, Rate, Scope};
use crate::error::WrongReason;
use crate::key::{KeyDigest, KeyState};
use crate::store::KeyRecord;

/// A key of the suite, and its record.
pub(super) struct Sample {
    /// The kind of key and its public id, for messages.
    pub(super) what: String,
    /// The text of the key; `None` for a handmade digest.
    pub(super) key: Option<String>,
    pub(super) record: KeyRecord,
}

impl Sample {
    fn of_key(what: &str, key: impl Into<String>, profile: impl Into<ClientProfile>) -> Self {
        let key = key.into();
        let sample = Self::of_digest(what, KeyDigest::of(key.as_bytes()), profile);
        Self { key: Some(key), ..sample }
    }

    /// A key whose text is derived from its description.
    fn of_client(what: &str, profile: impl Into<ClientProfile>) -> Self {
        Self::of_key(what, KeyDigest::of(what.as_bytes()).to_text(), profile)
    }

    /// The only key of a client.
    fn of_kind(what: &str) -> Self {
        Self::of_client(what, what)
    }

    fn of_digest(what: &str, digest: KeyDigest, profile: impl Into<ClientProfile>) -> Self {
        let what = format!("{what} ({})", digest.key_id());
        Self { what, key: None, record: KeyRecord::new(digest, profile) }
    }

    fn with_scopes<const N: usize>(self, scopes: [&str; N]) -> Self {
        Self { record: self.record.with_scopes(scopes.map(scope)), ..self }
    }

    fn with_networks<const N: usize>(self, networks: [&str; N]) -> Self {
        Self { record: self.record.with_networks(networks.map(network)), ..self }
    }

    fn with_not_before(self, not_before: SystemTime) -> Self {
        let lifetime = self.record.lifetime().with_not_before(not_before);
        Self { record: self.record.with_lifetime(lifetime), ..self }
    }

    fn with_expiry(self, expires: SystemTime) -> Self {
        Self { record: self.record.with_expiry(expires), ..self }
    }

    fn replaced(self) -> Self {
        Self { record: self.record.with_replaced(true), ..self }
    }

    fn with_state(self, state: KeyState) -> Self {
        Self { record: self.record.with_state(state), ..self }
    }

    /// Returns the reason why verification refuses the key at the time [`now`]. The reason still applies later, except
    /// to a key that is not valid yet.
    pub(super) fn refusal(&self) -> Option<WrongReason> {
        match self.record.state() {
            KeyState::Revoked => Some(WrongReason::Revoked),
            KeyState::Disabled => Some(WrongReason::Disabled),
            KeyState::Active => {
                let lifetime = self.record.lifetime();
                let has_expired = lifetime.expires().is_some_and(|expires| expires <= now());
                let begins_later = lifetime.not_before().is_some_and(|begins| now() < begins);
                has_expired
                    .then_some(WrongReason::Expired)
                    .or(begins_later.then_some(WrongReason::NotYetValid))
            }
        }
    }
}

/// The time of the suite's clock, in the year 2023.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Typical records, and records at the limits of the rules.
pub(super) fn records() -> Vec<Sample> {
    let past = UNIX_EPOCH + Duration::from_micros(1_000_000_000_654_321);
    let future = UNIX_EPOCH + Duration::from_micros(2_000_000_000_123_456);
    let finer = UNIX_EPOCH + Duration::from_nanos(2_000_000_000_123_456_789);
    let year_4021 = UNIX_EPOCH + Duration::from_secs(64_723_363_200);
    let last = UNIX_EPOCH + Duration::from_micros(253_402_300_799_999_999);

    let (detailed, unlimited, largest) =
        (detailed_profile(), unlimited_profile(), largest_profile());
    let restricted = restricted_profile();
    let some_networks = ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7"];
    let (disabled, revoked) = (KeyState::Disabled, KeyState::Revoked);
    let mut samples = vec![
        Sample::of_client("a plain key", "Plain"),
        Sample::of_client("another key of the same client", "Plain"),
        Sample::of_client("a key of a client with scopes, quota and metadata", &detailed),
        Sample::of_client("another key of it, which expires", &detailed).with_expiry(future),
        Sample::of_client("a key of it with fewer scopes", &detailed)
            .with_scopes(["orders:read", "stock:read:own"]),
        Sample::of_client("another key of it with fewer scopes, which expires", &detailed)
            .with_scopes(["stock:*"])
            .with_expiry(future),
        Sample::of_client("a key for some networks", "Plain").with_networks(some_networks),
        Sample::of_client("a key of a client for some networks", &restricted),
        Sample::of_client("a key of it for one of them, which expires", &restricted)
            .with_networks(["10.1.0.0/16"])
            .with_expiry(future),
        Sample::of_client("a key of a client with an unlimited quota", &unlimited),
        Sample::of_client("a key of the client with the largest profile", &largest),
        Sample::of_client("a key of a client with quotes in its name", "O'Hara \"&\" \\ Søn; --"),
        Sample::of_kind("an expired key").with_expiry(past),
        Sample::of_kind("a key that expires between two microseconds").with_expiry(finer),
        Sample::of_kind("a key that expired when 1970 began").with_expiry(UNIX_EPOCH),
        Sample::of_kind("a key that expires in the year 4021").with_expiry(year_4021),
        Sample::of_kind("a key that expires in the last instant of 9999").with_expiry(last),
        Sample::of_kind("a key that began to work long ago").with_not_before(past),
        Sample::of_kind("a key that begins to work later").with_not_before(future),
        Sample::of_kind("a key that begins between two microseconds").with_not_before(finer),
        Sample::of_kind("a key that begins and expires later")
            .with_not_before(future)
            .with_expiry(year_4021),
        Sample::of_kind("a replaced key").replaced(),
        Sample::of_kind("a replaced key that expires").replaced().with_expiry(future),
        Sample::of_kind("a disabled key").with_state(disabled),
        Sample::of_kind("a disabled key that expires").with_state(disabled).with_expiry(future),
        Sample::of_kind("a revoked key").with_state(revoked),
        Sample::of_kind("a revoked key that has expired").with_state(revoked).with_expiry(past),
    ];
    let digests = [
        ("a digest of zeros", [0; 32]),
        ("a digest of ones", [0xff; 32]),
        ("a digest with zero bytes in it and a blank at its end", *TRAPS),
    ];
    samples.extend(
        digests.map(|(what, bytes)| Sample::of_digest(what, KeyDigest::from_bytes(bytes), what)),
    );
    samples.extend((0..64).map(|number| Sample::of_kind(&format!("key {number} of many"))));
    samples
}

pub(super) fn detailed_profile() -> ClientProfile {
    ClientProfile::new("Detailed")
        .with_title("Größe \"8\", it's # 1: {}")
        .with_scopes([scope("orders:read"), scope("stock:*"), scope("v1.2:some_thing-else")])
        .with_quota(two_rates().expect("two rates are a quota"))
        .with_metadata([("team", "billing"), ("note", "Größe \"8\", it's\n\\n; --"), ("none", "")])
}

pub(super) fn restricted_profile() -> ClientProfile {
    let networks = ["10.0.0.0/8", "2001:db8::/32", "::1"].map(network);
    ClientProfile::new("Restricted").with_networks(networks)
}

pub(super) fn unlimited_profile() -> ClientProfile {
    ClientProfile::new("Unlimited")
        .with_scopes([scope("*")])
        .with_quota("unlimited".parse().expect("a quota"))
}

/// A profile with the longest name, in characters and bytes, and the most metadata.
pub(super) fn largest_profile() -> ClientProfile {
    ClientProfile::new("é".repeat(MAX_NAME_CHARS))
        .with_title("ü".repeat(MAX_NAME_CHARS))
        .with_metadata([("k", "v".repeat(MAX_METADATA_BYTES - 1))])
}

/// A digest that exposes stores that end a text at a zero byte, trim it, or decode it as UTF-8.
const TRAPS: &[u8; 32] = b"\x7f 'a\"\\\0b%_\xc3\x28\xff\n\r\t\0\0Ab\x80\xfeZz;--\x01\x02\x03\x04 ";

/// Keys like those of common generators: letters, digits, and the characters of both base64 alphabets.
pub(super) fn keys() -> Vec<Sample> {
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".repeat(8);
    let keys = [
        ("a key", "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA", "Client 1"),
        ("another key", "Fq7yMd_2hVn-KsW0pLxEi9RzBt4UcJgO3aAe5oYk8Xw", "Client 2"),
        ("a second key", "Nw3bGzR-v6TiC_1yQsHfLmE8Xo0KjPu9aDd4Ae7cVkU", "Client 1"),
        ("a key in base64 with padding", "q/J+8rYt0Lz3+Kx/W1mVbA==", "Größe 3: \"it's\""),
        ("a key of hexadecimal digits", "4c9f0be17a2d35866bd1e07f93a8c254", "Hex"),
        ("a key with leading zeros", "00012345678901234567", "Digits"),
        ("a key like a number", "1e9738204165803947", "Number"),
        ("a key like an octal number", "0o17526340712635", "Octal"),
        ("a key of sixteen characters", "s1xt33n-ch4r-K3y", "Short"),
        ("a key of 512 bytes", &long, "Long"),
    ];
    keys.map(|(what, key, client)| Sample::of_key(what, key, client)).into()
}

/// Returns unknown digests that resemble a known one.
pub(super) fn near(digest: KeyDigest) -> Vec<(String, KeyDigest)> {
    let bytes = digest.to_bytes();
    let changed = |change: &dyn Fn(&mut [u8; 32])| {
        let mut other = bytes;
        change(&mut other);
        KeyDigest::from_bytes(other)
    };
    let flipped = |bit: usize| changed(&|other| other[bit / 8] ^= 1 << (bit % 8));
    let mut near: Vec<_> =
        (0..256).map(|bit| (format!("differs in bit {bit} from"), flipped(bit))).collect();
    for same in [8, 16, 24] {
        let tail = changed(&|other| other[same..].iter_mut().for_each(|byte| *byte = !*byte));
        near.push((format!("shares the first {same} bytes of"), tail));
    }
    near.push(("is the reverse of".to_owned(), changed(&|other| other.reverse())));
    let folded = KeyDigest::from_bytes(other_case(bytes));
    near.push(("differs in the case of base64 letters from".to_owned(), folded));
    near.retain(|(_, other)| *other != digest);
    near
}

/// Returns bytes whose base64 text differs from that of `bytes` in the case of all letters: a case-insensitive column
/// treats both as equal.
fn other_case(bytes: [u8; 32]) -> [u8; 32] {
    let mut bytes = bytes;
    // The last two bytes do not fill a group and are kept.
    for group in bytes.chunks_exact_mut(3) {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        let folded = [18, 12, 6, 0].map(|shift| match bits >> shift & 0x3f {
            capital @ 0..26 => (capital + 26) << shift,
            small @ 26..52 => (small - 26) << shift,
            other => other << shift,
        });
        group.copy_from_slice(&folded.iter().sum::<u32>().to_be_bytes()[1..]);
    }
    bytes
}

/// Returns other texts that resemble a key.
pub(super) fn similar(key: &str) -> Vec<(&'static str, String)> {
    let cut = |length: usize| key.get(..length).unwrap_or(key).to_owned();
    let mut similar = vec![
        ("in lower case", key.to_lowercase()),
        ("in upper case", key.to_uppercase()),
        ("without its last character", cut(key.len() - 1)),
        ("with another last character", format!("{}!", cut(key.len() - 1))),
        ("with one character more", format!("{key}0")),
        ("with a blank behind it", format!("{key} ")),
        ("with a line end behind it", format!("{key}\n")),
        ("in quotes", format!("\"{key}\"")),
        ("without its leading zeros", key.trim_start_matches('0').to_owned()),
        ("cut after 16 bytes", cut(16)),
        ("cut after 32 bytes", cut(32)),
        ("cut after 72 bytes", cut(72)),
        ("cut after 255 bytes", cut(255)),
        ("as a number", key.parse().map_or(String::new(), |number: f64| number.to_string())),
    ];
    similar.retain(|(_, text)| !text.is_empty() && text != key);
    similar
}

pub(super) fn network(text: &str) -> Network {
    text.parse().expect("the networks of the suite follow the grammar")
}

pub(super) fn scope(text: &str) -> Scope {
    text.parse().expect("the scopes of the suite follow the grammar")
}

fn two_rates() -> Option<Quota> {
    let burst = "10/second".parse::<Rate>().ok()?.with_burst(25).ok()?;
    Quota::all_of([burst, "100000/day".parse().ok()?]).ok()
}
