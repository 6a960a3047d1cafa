//! Basic authentication (RFC 7617).

use core::fmt::{self, Write};

use crate::Request;
use crate::wire::ascii::{cut, same};

impl Request<'_> {
    /// User name and password, decoded into `room`, if the client has sent them.
    ///
    /// Differs from Go: credentials that are not UTF-8, or larger than `room`, count as absent.
    #[must_use]
    pub fn basic_auth<'b>(&self, room: &'b mut [u8]) -> Option<(&'b str, &'b str)> {
        credentials(self.header("Authorization")?, room)
    }
}

/// The value of an Authorization field for these credentials.
///
/// ```
/// assert_eq!(net_http::basic_auth("u", "p").to_string(), "Basic dTpw");
/// ```
#[must_use]
pub const fn basic_auth<'a>(user: &'a str, password: &'a str) -> impl fmt::Display + use<'a> {
    Credentials { user, password }
}

struct Credentials<'a> {
    user: &'a str,
    password: &'a str,
}

impl fmt::Display for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic ")?;
        let mut bytes = self.user.bytes().chain(*b":").chain(self.password.bytes());
        while let Some(first) = bytes.next() {
            let (second, third) = (bytes.next(), bytes.next());
            let bits = [first, second.unwrap_or(0), third.unwrap_or(0)];
            let bits = bits.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            f.write_char(letter(bits >> 18))?;
            f.write_char(letter(bits >> 12))?;
            f.write_char(second.map_or('=', |_| letter(bits >> 6)))?;
            f.write_char(third.map_or('=', |_| letter(bits)))?;
        }
        Ok(())
    }
}

fn credentials<'b>(field: &str, room: &'b mut [u8]) -> Option<(&'b str, &'b str)> {
    let (scheme, text) = field.split_at_checked(b"Basic ".len())?;
    if !same(scheme.as_bytes(), b"basic ") {
        return None;
    }
    let length = decode(text.as_bytes(), room)?;
    cut(core::str::from_utf8(room.get(..length)?).ok()?, b':')
}

/// Standard base64 with its padding; how many bytes it gave.
fn decode(text: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let last = text.len() / 4;
    for (index, four) in text.chunks(4).enumerate() {
        let padding = four.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || padding > 0 && index + 1 < last {
            return None;
        }
        let mut bits = 0_u32;
        for byte in four {
            let digit = if *byte == b'=' { 0 } else { digit(*byte)? };
            bits = bits << 6 | digit;
        }
        if four.iter().take(4 - padding).any(|byte| *byte == b'=') {
            return None;
        }
        for byte in bits.to_be_bytes().iter().skip(1).take(3 - padding) {
            *room.get_mut(length)? = *byte;
            length += 1;
        }
    }
    Some(length)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn letter(bits: u32) -> char {
    let place = usize::try_from(bits & 0x3F).unwrap_or(0);
    char::from(DIGITS.get(place).copied().unwrap_or(b'A'))
}

fn digit(byte: u8) -> Option<u32> {
    DIGITS.iter().position(|digit| *digit == byte).and_then(|place| u32::try_from(place).ok())
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::{self, Value};
    use std::format;
    use std::string::{String, ToString};

    fn difference(case: &Value) -> Option<String> {
        let (input, out) = (&case["in"], &case["out"]);
        if input["op"] == "set" {
            let (user, password) = (input["user"].as_str()?, input["password"].as_str()?);
            let found = basic_auth(user, password).to_string();
            return (out["value"] != found).then_some(found);
        }
        let mut room = [0; 128];
        let found = credentials(input["value"].as_str().unwrap(), &mut room);
        let expected =
            (out["ok"] == true).then(|| (out["user"].as_str(), out["password"].as_str()));
        let same = found.map(|(user, password)| (Some(user), Some(password))) == expected;
        (!same).then(|| format!("{found:?}"))
    }

    pub(crate) static GROUP: vectors::Group = vectors::group!("basic_auth", difference);

    #[test]
    fn credentials_answer_as_recorded() {
        GROUP.check();
    }

    #[test]
    fn what_has_no_room_counts_as_absent() {
        assert_eq!(credentials("Basic dTpw", &mut [0; 3]), Some(("u", "p")));
        assert_eq!(credentials("Basic dTpw", &mut [0; 2]), None);
        assert_eq!(credentials("Basic d===", &mut [0; 9]), None);
        assert_eq!(credentials("Basic dT==dTpw", &mut [0; 9]), None);
    }
}
