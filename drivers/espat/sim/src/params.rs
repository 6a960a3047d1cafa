//! The grammar of a command line: name, form, parameters (docs of the protocol, sections 2.2, 2.3).

use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

/// The four forms of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Test,
    Query,
    Set,
    Execute,
}

/// Why a command is refused: the number behind `ERR CODE:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) u32);

impl Refusal {
    /// The line does not begin with `AT`.
    pub(crate) const NO_AT: Self = Self(0x0103_0000);
    /// The line is too long.
    pub(crate) const LENGTH: Self = Self(0x0104_0000);
    /// A value out of its range.
    pub(crate) const VALUE: Self = Self(0x0107_0000);
    /// There is no such command.
    pub(crate) const UNKNOWN: Self = Self(0x0109_0000);
    /// The state of things forbids it.
    pub(crate) const STATE: Self = Self(0x010A_0000);
    /// The command has no such form.
    pub(crate) const FORM: Self = Self(0x010C_0000);

    fn parse(index: usize) -> Self {
        Self(0x0108_0000 | u32::try_from(index).unwrap_or(0) & 0xFFFF)
    }

    fn count(need: usize, given: usize) -> Self {
        let need = u32::try_from(need).unwrap_or(0) & 0xFF;
        let given = u32::try_from(given).unwrap_or(0) & 0xFF;
        Self(0x0106_0000 | need << 8 | given)
    }

    /// Whether the host could have known.
    pub(crate) fn is_malformed(self) -> bool {
        self != Self::STATE && self != Self::UNKNOWN
    }
}

/// A line taken apart.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// In capitals: `+GMR`, `E0`, nothing for a bare `AT`.
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) params: &'a [u8],
}

/// Takes a line without its end apart.
pub(crate) fn split_line(line: &[u8]) -> Result<Line<'_>, Refusal> {
    let [b'A' | b'a', b'T' | b't', rest @ ..] = line else { return Err(Refusal::NO_AT) };
    let first = usize::from(rest.first() == Some(&b'+'));
    let length = first + rest.iter().skip(first).take_while(|byte| is_name(**byte)).count();
    let (name, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
    let (form, params) = match rest {
        [] => (Form::Execute, rest),
        b"?" => (Form::Query, rest),
        b"=?" => (Form::Test, rest),
        [b'=', params @ ..] => (Form::Set, params),
        _ => return Err(Refusal::UNKNOWN),
    };
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    Ok(Line { name, form, params })
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_!%-./:".contains(&byte)
}

/// The parameters of a command, taken one after the other.
#[derive(Debug)]
pub(crate) struct Args<'a> {
    fields: Vec<&'a [u8]>,
    next: usize,
}

impl<'a> Args<'a> {
    /// Splits at every comma without a backslash before it. Quotes protect nothing.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut fields = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(byte) = text.get(at) {
            match byte {
                b'\\' => at += 1,
                b',' => {
                    fields.push(text.get(start..at).unwrap_or(&[]));
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        fields.push(text.get(start..).unwrap_or(&[]));
        Self { fields, next: 0 }
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.fields.len().saturating_sub(self.next)
    }

    /// Whether the next one is there and begins with a quote.
    pub(crate) fn text_is_next(&self) -> bool {
        self.fields.get(self.next).is_some_and(|field| field.first() == Some(&b'"'))
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        let field = self.fields.get(self.next).copied();
        self.next += 1;
        field.filter(|field| !field.is_empty())
    }

    /// A number, or nothing where it is left out.
    pub(crate) fn opt<T: TryFrom<i64>>(
        &mut self,
        range: RangeInclusive<i64>,
    ) -> Result<Option<T>, Refusal> {
        let index = self.next;
        let Some(field) = self.take() else { return Ok(None) };
        let value = number(field).ok_or(Refusal::parse(index))?;
        if !range.contains(&value) {
            return Err(Refusal::VALUE);
        }
        T::try_from(value).map(Some).map_err(|_| Refusal::VALUE)
    }

    /// A number that has to be there.
    pub(crate) fn number<T: TryFrom<i64>>(
        &mut self,
        range: RangeInclusive<i64>,
    ) -> Result<T, Refusal> {
        self.opt(range)?.ok_or_else(|| self.missing())
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self) -> Result<bool, Refusal> {
        self.number::<u8>(0..=1).map(|value| value == 1)
    }

    /// A string of so many bytes, or nothing where it is left out.
    pub(crate) fn opt_text(
        &mut self,
        length: RangeInclusive<usize>,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let index = self.next;
        let Some(field) = self.take() else { return Ok(None) };
        let value = string(field).ok_or(Refusal::parse(index))?;
        if length.contains(&value.len()) { Ok(Some(value)) } else { Err(Refusal::LENGTH) }
    }

    /// A string that has to be there.
    pub(crate) fn text(&mut self, length: RangeInclusive<usize>) -> Result<Vec<u8>, Refusal> {
        self.opt_text(length)?.ok_or_else(|| self.missing())
    }

    /// An IPv4 address in quotes, or nothing.
    pub(crate) fn opt_addr(&mut self) -> Result<Option<Ipv4Addr>, Refusal> {
        let Some(text) = self.opt_text(0..=64)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&text);
        text.parse().map(Some).map_err(|_| Refusal::VALUE)
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.left() == 0 {
            return Ok(());
        }
        Err(Refusal::count(self.next, self.fields.len()))
    }

    fn missing(&self) -> Refusal {
        Refusal::count(self.next, self.fields.len())
    }
}

/// Decimal, with a minus if need be, or hexadecimal behind `0x`.
fn number(field: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(field).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = match hex {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    if digits.is_empty() || digits.len() > 12 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    let fits = i64::from(i32::MIN)..=i64::from(u32::MAX);
    fits.contains(&value).then_some(value)
}

/// The inside of a quoted string: `\x` is x, and a quote must not stand alone.
fn string(field: &[u8]) -> Option<Vec<u8>> {
    let [b'"', inside @ ..] = field else { return None };
    let mut value = Vec::new();
    let mut bytes = inside.iter();
    loop {
        match bytes.next()? {
            b'\\' => value.push(*bytes.next()?),
            b'"' => return bytes.next().is_none().then_some(value),
            byte => value.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_do_not_protect_commas_and_backslashes_do() {
        assert_eq!(Args::new(br#""a,b""#).fields, [&br#""a"#[..], br#"b""#]);
        assert_eq!(Args::new(br#""a\,b",2"#).fields, [&br#""a\,b""#[..], b"2"]);
        assert_eq!(Args::new(br#""a\\",2"#).fields, [&br#""a\\""#[..], b"2"]);
    }

    #[test]
    fn the_documented_names_come_out() {
        assert_eq!(string(br#""ab\\\,c""#), Some(br"ab\,c".to_vec()));
        assert_eq!(string(br#""0123456789\"\\""#), Some(br#"0123456789"\"#.to_vec()));
        for bad in [&b"ab"[..], b"\"ab", b"\"a\"b\"", b"\"ab\\\"", b"\"", b"ab\""] {
            assert_eq!(string(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(number(b"-12"), Some(-12));
        assert_eq!(number(b"0x7FF"), Some(0x7FF));
        assert_eq!(number(b"4294967295"), Some(4_294_967_295));
        for bad in [&b"+1"[..], b"1a", b"", b"-", b"0x", b"4294967296", b" 1", b"1 ", b"--1"] {
            assert_eq!(number(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn lines_are_taken_apart() {
        let line = split_line(b"at+cwmode=1,0").unwrap();
        assert_eq!(
            (line.name.as_str(), line.form, line.params),
            ("+CWMODE", Form::Set, &b"1,0"[..])
        );
        assert_eq!(split_line(b"AT").unwrap().name, "");
        assert_eq!(split_line(b"ATE0").unwrap().name, "E0");
        assert_eq!(split_line(b"AT+X=?").unwrap().form, Form::Test);
        assert_eq!(split_line(b"AT+X?").unwrap().form, Form::Query);
        assert_eq!(split_line(b"AT+X?1").unwrap_err(), Refusal::UNKNOWN);
        assert_eq!(split_line(b"AT+X ").unwrap_err(), Refusal::UNKNOWN);
        assert_eq!(split_line(b" AT").unwrap_err(), Refusal::NO_AT);
        assert_eq!(split_line(b"").unwrap_err(), Refusal::NO_AT);
    }
}
