use keygate::key::KeyFormat;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A prefix, and a key on the next line. Without a next line, a valid key is made from the text.
pub(super) fn matches(text: &[u8]) {
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let prefix = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let well_formed = (1..=16).contains(&prefix.len())
        && prefix.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
        && !prefix.as_bytes()[0].is_ascii_digit();
    let format = KeyFormat::new(&prefix);
    assert_eq!(format.is_ok(), well_formed, "{prefix:?}");
    let Ok(format) = format else { return };
    let Some(key) = lines.next() else { return };
    let mut digits: Vec<u8> = key.iter().map(|byte| DIGITS[usize::from(*byte) % 62]).collect();
    digits.resize(43, b'0');
    let made = with_checksum([prefix.as_bytes(), b"_", &digits].concat());
    assert!(format.matches(&made));

    let is_key = key.len() > 6
        && key.starts_with(format!("{prefix}_").as_bytes())
        && key.len() == prefix.len() + 50
        && key[prefix.len() + 1..].iter().all(u8::is_ascii_alphanumeric)
        && with_checksum(key[..key.len() - 6].to_vec()) == key;
    assert_eq!(format.matches(key), is_key);
    // Any single wrong character breaks the checksum.
    for at in 0..made.len() {
        let mut wrong = made.clone();
        wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
        assert!(!format.matches(&wrong), "with another character {at}");
    }
}

fn with_checksum(mut text: Vec<u8>) -> Vec<u8> {
    let mut sum = u64::from(crc32(&text));
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.insert(0, DIGITS[usize::try_from(sum % 62).expect("a digit")]);
        sum /= 62;
    }
    text.extend(digits);
    text
}

/// CRC-32 of ISO-HDLC, bit by bit.
fn crc32(text: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in text {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}
