//! CRC-32 of ISO-HDLC, as zip, PNG and Ethernet use it (ITU-T V.42 section 8.1.1.6.2).

/// The polynomial, with its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// Returns the checksum, computed bit by bit: 50 bytes per generated key need no table.
pub(super) fn of(text: &[u8]) -> u32 {
    !text.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
        })
    })
}
