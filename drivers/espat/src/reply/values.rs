//! Numbers, addresses and times in lines.

use core::net::Ipv4Addr;

use netdev::HardwareAddr;

/// `<a.b.c.d>...` of GMR: the first three numbers.
pub(crate) fn version(value: &[u8]) -> [u8; 3] {
    let mut numbers = [0; 3];
    let dotted = value.split(|byte| !byte.is_ascii_digit() && *byte != b'.').next();
    let parts = dotted.unwrap_or_default().split(|&byte| byte == b'.');
    for (place, part) in numbers.iter_mut().zip(parts) {
        *place = number(part).and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
    }
    numbers
}

/// An IPv4 address, quoted or not.
pub(crate) fn addr(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = unquoted(text).split(|&byte| byte == b'.');
    for octet in &mut octets {
        *octet = u8::try_from(number(parts.next()?)?).ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

/// A link address, quoted or not.
pub(crate) fn mac(text: &[u8]) -> Option<HardwareAddr> {
    let mut octets = [0; 6];
    let mut parts = unquoted(text).split(|&byte| byte == b':');
    for octet in &mut octets {
        let &[high, low] = parts.next()? else { return None };
        *octet = hex(high)? << 4 | hex(low)?;
    }
    parts.next().is_none().then_some(HardwareAddr(octets))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

/// A decimal number.
pub(crate) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// The same with a sign.
pub(crate) fn signed(text: &[u8]) -> Option<i16> {
    let (sign, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    i16::try_from(number(digits)?).ok().map(|it| it * sign)
}

/// `0x` and hexadecimal digits.
pub(crate) fn hex_number(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"0x")?;
    digits
        .iter()
        .try_fold(0_u16, |sum, &digit| sum.checked_mul(16)?.checked_add(u16::from(hex(digit)?)))
}

/// Seconds since 1970 of `Tue Oct 19 17:47:56 2021`; `None` before the clock was set.
pub(crate) fn time(value: &[u8]) -> Option<u64> {
    let mut words = value.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let month = words.nth(1)?;
    let month = MONTHS.iter().position(|it| *it == month)?;
    let day = u64::from(number(words.next()?)?);
    let mut clock = words.next()?.split(|&byte| byte == b':').map(number);
    let mut unit = || clock.next().flatten().map(u64::from);
    let (hours, minutes, seconds) = (unit()?, unit()?, unit()?);
    let year = u64::from(number(words.next()?)?);
    let fits = (2000..10_000).contains(&year) && (1..=31).contains(&day);
    if !fits || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let leaps = (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 - 477;
    let in_year = DAYS_BEFORE.get(month).copied()? + u64::from(leap && month > 1);
    let days = (year - 1970) * 365 + leaps + in_year + day - 1;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

pub(crate) fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(text)
}

/// Fields between commas; not for texts that may hold commas themselves.
#[derive(Clone)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let at = self.0.iter().position(|&byte| byte == b',').unwrap_or(self.0.len());
        let (field, rest) = self.0.split_at(at);
        self.0 = rest.get(1..).unwrap_or_default();
        Some(field)
    }
}

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];
const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
