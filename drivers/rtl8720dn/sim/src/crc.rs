//! The checksum of a frame's message.

/// CRC-16, polynomial 0x1021, from 0xEF4A, neither reflected nor inverted.
pub(crate) fn crc16(message: &[u8]) -> u16 {
    message.iter().fold(START, |crc, byte| {
        let mixed = crc ^ (u16::from(*byte) << 8);
        (0..8).fold(mixed, |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ POLYNOMIAL }
        })
    })
}

const START: u16 = 0xEF4A;
const POLYNOMIAL: u16 = 0x1021;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_come_out() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(crc16(b""), 0xEF4A);
        assert_eq!(crc16(&[0]), 0x46C1);
        assert_eq!(crc16(&[0; 4]), 0x8A68);
        assert_eq!(crc16(b"123456789"), 0x89AC);
        assert_eq!(crc16(&all), 0xD640);
    }
}
