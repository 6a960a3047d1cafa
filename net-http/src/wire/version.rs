//! `HTTP/1.1`.

/// A protocol version: two numbers of one digit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Version {
    /// The number before the dot.
    pub major: u8,
    /// The number after it.
    pub minor: u8,
}

impl Version {
    /// HTTP/1.0.
    pub const HTTP_10: Self = Self { major: 1, minor: 0 };
    /// HTTP/1.1.
    pub const HTTP_11: Self = Self { major: 1, minor: 1 };

    /// Reads `HTTP/`, a digit, a dot, a digit, and nothing else.
    #[must_use]
    pub const fn parse(text: &[u8]) -> Option<Self> {
        let [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] = text
        else {
            return None;
        };
        Some(Self { major: *major - b'0', minor: *minor - b'0' })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::{self, Value};
    use std::format;
    use std::string::String;

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let out = &case["out"];
        let expected = out["ok"].as_bool().unwrap().then(|| Version {
            major: u8::try_from(out["major"].as_u64().unwrap()).unwrap(),
            minor: u8::try_from(out["minor"].as_u64().unwrap()).unwrap(),
        });
        let found = Version::parse(&vectors::bytes(&case["in"]["s"]));
        (found != expected).then(|| format!("{found:?}"))
    }
}
