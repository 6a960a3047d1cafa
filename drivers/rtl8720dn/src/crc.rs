//! The checksum of a message: CRC-16, polynomial 0x1021, initial value 0xEF4A, nothing reflected,
//! nothing inverted at the end.

/// A checksum that is being computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crc(u16);

impl Crc {
    /// The checksum of no byte at all.
    pub(crate) const NEW: Self = Self(0xEF4A);

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.nibble(byte >> 4);
            self.nibble(byte & 0xF);
        }
    }

    pub(crate) fn value(self) -> u16 {
        self.0
    }

    /// Half a byte at a time: 32 bytes of table, where whole bytes would take 512.
    fn nibble(&mut self, nibble: u8) {
        let index = usize::from(self.0 >> 12) ^ usize::from(nibble);
        let change = TABLE.get(index).copied().unwrap_or(0);
        self.0 = (self.0 << 4) ^ change;
    }
}

const TABLE: [u16; 16] = table();

const fn table() -> [u16; 16] {
    let mut table = [0; 16];
    let mut index = 0;
    let mut nibble = 0_u16;
    while index < 16 {
        let mut value = nibble << 12;
        let mut bit = 0;
        while bit < 4 {
            value = (value << 1) ^ if value & 0x8000 == 0 { 0 } else { 0x1021 };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "the compiler computes this, within bounds")]
        {
            table[index] = value;
        }
        index += 1;
        nibble += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(bytes: &[u8]) -> u16 {
        let mut crc = Crc::NEW;
        crc.update(bytes);
        crc.value()
    }

    #[test]
    fn the_check_values_are_those_of_the_firmware() {
        let mut all = [0; 256];
        for (place, byte) in all.iter_mut().zip(0..=u8::MAX) {
            *place = byte;
        }
        assert_eq!(crc(b""), 0xEF4A);
        assert_eq!(crc(&[0]), 0x46C1);
        assert_eq!(crc(&[0; 4]), 0x8A68);
        assert_eq!(crc(b"123456789"), 0x89AC);
        assert_eq!(crc(&all), 0xD640);
    }

    #[test]
    fn pieces_add_up() {
        for split in 0..=9 {
            let (first, second) = b"123456789".split_at(split);
            let mut crc = Crc::NEW;
            crc.update(first);
            crc.update(second);
            assert_eq!(crc.value(), 0x89AC);
        }
    }
}
