//! Link addresses of every length.

use core::fmt;

use crate::{AddrError, AddrErrorKind, HardwareAddr};

/// A link address of 6, 8 or 20 bytes: Go's `HardwareAddr`. Prints with colons.
///
/// What a device says about its link is the shorter [`HardwareAddr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MacAddr {
    bytes: [u8; 20],
    len: u8,
}

impl MacAddr {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The same as a device has it, if it has 6 bytes.
    #[must_use]
    pub fn hardware_addr(&self) -> Option<HardwareAddr> {
        self.as_bytes().try_into().ok().map(HardwareAddr)
    }
}

impl From<HardwareAddr> for MacAddr {
    fn from(HardwareAddr([a, b, c, d, e, f]): HardwareAddr) -> Self {
        let mut bytes = [0; 20];
        for (place, byte) in bytes.iter_mut().zip([a, b, c, d, e, f]) {
            *place = byte;
        }
        Self { bytes, len: 6 }
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.as_bytes().iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Reads a link address: Go's `ParseMAC`. Bytes are apart by colons or hyphens, or pairs of bytes by
/// dots, or all are together; one style throughout.
///
/// # Errors
/// [`AddrErrorKind::InvalidMac`], with the text.
///
/// ```
/// assert_eq!(net::parse_mac("240a.c401.0203")?.to_string(), "24:0a:c4:01:02:03");
/// # Ok::<(), net::AddrError>(())
/// ```
pub fn parse_mac(text: &str) -> Result<MacAddr, AddrError<'_>> {
    parse(text.as_bytes()).ok_or(AddrError { kind: AddrErrorKind::InvalidMac, addr: text })
}

fn parse(text: &[u8]) -> Option<MacAddr> {
    // How many bytes stand together, and what stands between them.
    let (together, between) = match (text.get(2)?, text.get(4)?) {
        (&between @ (b':' | b'-'), _) => (1, Some(between)),
        (_, b'.') => (2, Some(b'.')),
        _ => (text.len() / 2, None),
    };
    let (mut bytes, mut len, mut rest) = ([0; 20], 0_usize, text);
    loop {
        let [high, low, after @ ..] = rest else { return None };
        *bytes.get_mut(len)? = (nibble(*high)? << 4) | nibble(*low)?;
        len += 1;
        rest = match after {
            [] => break,
            [first, after @ ..] if len % together == 0 && Some(*first) == between => after,
            _ if len % together != 0 => after,
            _ => return None,
        };
    }
    let whole = len % together == 0 && matches!(len, 6 | 8 | 20);
    whole.then_some(MacAddr { bytes, len: u8::try_from(len).ok()? })
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
