//! Dates as HTTP writes them (RFC 9110 section 5.6.7).

/// `Sun, 06 Nov 1994 08:49:37 GMT`, for seconds since 1970 up to the year 9999.
pub(crate) fn format(unix: u64) -> [u8; 29] {
    // 32 bits of days are more than four digits of years; divisions of 64 bits are large on a chip.
    let days = u32::try_from(unix / 86_400).unwrap_or(u32::MAX / 2).min(u32::MAX / 2);
    let second = u32::try_from(unix % 86_400).unwrap_or(0);
    let (year, month, day) = civil(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let weekday = usize::try_from(days % 7).unwrap_or(0);
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

/// Year, month from 0 and day of a day since 1970-01-01. Years are counted from March 1st, so that
/// the leap day is the last of its year; 146,097 days are 400 years.
fn civil(days: u32) -> (u32, u8, u32) {
    let days = days + 719_468;
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
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn dates_answer_as_recorded() {
        let mut compared = 0;
        for case in vectors::cases(include_str!("../../testdata/parse_time.json")) {
            let op = case["in"]["op"].as_str().unwrap();
            let unix = if op == "format" { &case["in"]["unix"] } else { &case["out"]["unix"] };
            let Some(unix) = unix.as_u64() else { continue };
            let out = &case["out"];
            let expected = out["formatted"].as_str().or(out["s"].as_str()).unwrap();
            assert_eq!(core::str::from_utf8(&format(unix)).unwrap(), expected, "{case}");
            compared += 1;
        }
        assert!(compared > 10, "{compared}");
    }

    #[test]
    fn no_number_of_seconds_panics() {
        for unix in [0, 1, 68_169_600, 951_782_400, u64::from(u32::MAX), u64::MAX] {
            let _ = format(unix);
        }
    }
}
