//! Dates as HTTP writes them (RFC 9110 section 5.6.7).

/// `Sun, 06 Nov 1994 08:49:37 GMT`, for seconds since 1970, from the year 0 to 9999.
pub(crate) fn format(unix: i64) -> [u8; 29] {
    // 32 bits of days are more than four digits of years; divisions of 64 bits are large on a chip.
    let unix = unix.clamp(EARLIEST, LATEST);
    let days = i32::try_from(unix.div_euclid(DAY)).unwrap_or(0);
    let second = u32::try_from(unix.rem_euclid(DAY)).unwrap_or(0);
    let (year, month, day) = civil(u32::try_from(days + TO_1970).unwrap_or(0));
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let weekday = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
    put(&mut text, 0, three(WEEKDAYS, weekday));
    put(&mut text, 5, &two(day));
    put(&mut text, 8, three(MONTHS, usize::from(month)));
    put(&mut text, 12, &two(year / 100));
    put(&mut text, 14, &two(year % 100));
    put(&mut text, 17, &two(second / 3600));
    put(&mut text, 20, &two(second / 60 % 60));
    put(&mut text, 23, &two(second % 60));
    text
}

/// Reads a date in one of the three forms that HTTP knows; seconds since 1970.
///
/// As Go does it: weekdays are not compared with the date, more spaces than one pass, as do an hour of
/// one digit and a fraction of a second.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.as_bytes();
    fixdate(&mut Reader(text))
        .or_else(|| rfc850(&mut Reader(text)))
        .or_else(|| asctime(&mut Reader(text)))
}

/// Reads when a cookie ends: the year has four digits, hyphens may stand around the month, and any zone
/// of three capitals counts as GMT.
pub(crate) fn parse_expires(text: &str) -> Option<i64> {
    let mut text = Reader(text.as_bytes());
    text.name(WEEKDAYS)?;
    text.literal(b", ")?;
    let day = text.number(2)?;
    let between: &[u8] = if text.0.starts_with(b"-") { b"-" } else { b" " };
    text.literal(between)?;
    let month = text.name(MONTHS)?;
    text.literal(between)?;
    let year = text.number(4)?;
    text.literal(b" ")?;
    let second = text.time()?;
    text.literal(b" ")?;
    text.zone()?;
    unix(year, month, day, second)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn fixdate(text: &mut Reader<'_>) -> Option<i64> {
    text.name(WEEKDAYS)?;
    text.literal(b", ")?;
    let day = text.number(2)?;
    text.literal(b" ")?;
    let month = text.name(MONTHS)?;
    text.literal(b" ")?;
    let year = text.number(4)?;
    text.literal(b" ")?;
    let second = text.time()?;
    text.literal(b" GMT")?;
    text.ended()?;
    unix(year, month, day, second)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`; any zone of three capitals counts as GMT.
fn rfc850(text: &mut Reader<'_>) -> Option<i64> {
    let weekday = text.name(WEEKDAYS)?;
    let rest: &[u8] = match weekday {
        0 => b"rsday",
        1 | 3 | 4 => b"day",
        2 => b"urday",
        5 => b"sday",
        _ => b"nesday",
    };
    text.word(rest)?;
    text.literal(b", ")?;
    let day = text.number(2)?;
    text.literal(b"-")?;
    let month = text.name(MONTHS)?;
    text.literal(b"-")?;
    let year = text.number(2)?;
    text.literal(b" ")?;
    let second = text.time()?;
    text.literal(b" ")?;
    let year = if year >= 69 { 1900 + year } else { 2000 + year };
    text.zone()?;
    unix(year, month, day, second)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &mut Reader<'_>) -> Option<i64> {
    text.name(WEEKDAYS)?;
    text.literal(b" ")?;
    let month = text.name(MONTHS)?;
    text.literal(b" ")?;
    let day = text.short_number()?;
    text.literal(b" ")?;
    let second = text.time()?;
    text.literal(b" ")?;
    let year = text.number(4)?;
    text.ended()?;
    unix(year, month, day, second)
}

/// What is left of a date.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    /// These bytes; where they have a space there may be several.
    fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        for byte in bytes {
            let (first, rest) = self.0.split_first()?;
            if first != byte {
                return None;
            }
            self.0 = rest;
            while let (b' ', [b' ', rest @ ..]) = (*byte, self.0) {
                self.0 = rest;
            }
        }
        Some(())
    }

    /// These letters, in any case.
    fn word(&mut self, letters: &[u8]) -> Option<()> {
        let (word, rest) = self.0.split_at_checked(letters.len())?;
        self.0 = rest;
        word.eq_ignore_ascii_case(letters).then_some(())
    }

    /// The place of a name of three letters in a text of names.
    fn name(&mut self, names: &[u8]) -> Option<u32> {
        let (word, rest) = self.0.split_at_checked(3)?;
        let place = names.chunks(3).position(|name| name.eq_ignore_ascii_case(word))?;
        self.0 = rest;
        u32::try_from(place).ok()
    }

    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        text.iter().try_fold(0_u32, |number, byte| {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            Some(number * 10 + u32::from(digit))
        })
    }

    /// A number of one digit or two.
    fn short_number(&mut self) -> Option<u32> {
        self.number(if self.0.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 })
    }

    /// `08:49:37`, as seconds of the day.
    fn time(&mut self) -> Option<u32> {
        let hour = self.short_number().filter(|hour| *hour < 24)?;
        self.literal(b":")?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        self.literal(b":")?;
        let second = self.number(2).filter(|second| *second < 60)?;
        if let [b'.' | b',', b'0'..=b'9', ..] = self.0 {
            self.0 = self.0.get(1..)?;
            while let [b'0'..=b'9', rest @ ..] = self.0 {
                self.0 = rest;
            }
        }
        Some((hour * 60 + minute) * 60 + second)
    }

    /// The last three letters are capitals.
    fn zone(&self) -> Option<()> {
        (self.0.len() == 3 && self.0.iter().all(u8::is_ascii_uppercase)).then_some(())
    }

    const fn ended(&self) -> Option<()> {
        if self.0.is_empty() { Some(()) } else { None }
    }
}

/// Seconds since 1970, for a month from 0 and the second of a day; `None` for a day that is none.
fn unix(year: u32, month: u32, day: u32, second: u32) -> Option<i64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 => 28 + u32::from(leap),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    if day == 0 || day > length {
        return None;
    }
    // Years are counted from March 1st, and from 400 years before 0, so that nothing is negative.
    let (year, month) = if month < 2 { (year + 399, month + 10) } else { (year + 400, month - 2) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((i64::from(days) - ERA - i64::from(TO_1970)) * DAY + i64::from(second))
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days of 400 years.
const ERA: i64 = 146_097;
/// Days from March 1st of the year 0 to 1970.
const TO_1970: i32 = 719_468;
/// The first second of March of the year 0, and the last of 9999.
const EARLIEST: i64 = -62_162_035_200;
const LATEST: i64 = 253_402_300_799;

/// Year, month from 0 and day of a day since March 1st of the year 0. Years are counted from March 1st, so that
/// the leap day is the last of its year; 146,097 days are 400 years.
fn civil(days: u32) -> (u32, u8, u32) {
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, wrapped) = if month < 10 { (month + 2, 0) } else { (month - 10, 1) };
    (era * 400 + year + wrapped, u8::try_from(month).unwrap_or(0), date)
}

fn two(number: u32) -> [u8; 2] {
    let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
    [digit(number / 10), digit(number)]
}

#[inline(never)]
fn put(text: &mut [u8; 29], at: usize, part: &[u8]) {
    if let Some(place) = text.get_mut(at..at + part.len()) {
        place.copy_from_slice(part);
    }
}

/// The name in this place of a text of names.
fn three(names: &[u8], place: usize) -> &[u8] {
    names.get(place * 3..place * 3 + 3).unwrap_or_default()
}

const WEEKDAYS: &[u8] = b"ThuFriSatSunMonTueWed";
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::Value;
    use std::string::String;

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let out = &case["out"];
        let text = |unix| String::from_utf8(format(unix).to_vec()).unwrap();
        if case["in"]["op"] == "format" {
            let found = text(case["in"]["unix"].as_i64().unwrap());
            return (out["s"] != found).then_some(found);
        }
        let found = parse(case["in"]["s"].as_str().unwrap());
        let same = found == out["unix"].as_i64()
            && found.map(text).as_deref() == out["formatted"].as_str();
        (!same).then(|| std::format!("{found:?}"))
    }

    #[test]
    fn every_day_is_read_as_it_was_written() {
        for day in (-719_000..2_900_000).step_by(13) {
            let text = format(day * DAY + 4711);
            assert_eq!(parse(core::str::from_utf8(&text).unwrap()), Some(day * DAY + 4711));
        }
    }

    #[test]
    fn no_number_of_seconds_panics() {
        for unix in [0, 1, 68_169_600, 951_782_400, i64::MIN, i64::MAX] {
            let _ = format(unix);
        }
    }
}
