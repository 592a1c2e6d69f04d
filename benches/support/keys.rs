/// The length of 32 random bytes in base64, and of the random part of generated keys.
pub(crate) const KEY_BYTES: usize = 43;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes the key with this number. Keys are made on demand, since ten million of them would distort the memory figures.
pub(crate) fn key(number: u64) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    for (word, digits) in (0..).zip(key.chunks_mut(8)) {
        for (digit, byte) in digits.iter_mut().zip(mix(number * 8 + word).to_le_bytes()) {
            *digit = DIGITS[usize::from(byte % 62)];
        }
    }
    key
}

/// The name of the client that has only this key.
pub(crate) fn name(number: u64) -> String {
    format!("Client {number}")
}

/// The finalizer of `SplitMix64` (Steele and others, 2014).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
