//! The ROM's boot log as a host at another rate sees it.

/// What the ROM of an ESP8266 prints, at 74,880 baud.
const LOG: &[u8] = b"\r\n ets Jan  8 2013,rst cause:2, boot mode:(3,6)\r\n\r\n";
const ROM_BAUD: u64 = 74_880;

/// The log as a receiver of that rate understands it: each bit is looked at in its middle, and what
/// has no stop bit is left out.
pub(crate) fn noise(baud: u32) -> Vec<u8> {
    let baud = u64::from(baud.max(1));
    let bits: Vec<bool> = LOG.iter().flat_map(|byte| frame(*byte)).collect();
    // Time in units of which a sender's bit has `baud`, and a receiver's `ROM_BAUD`.
    let level = |time: u64| {
        usize::try_from(time / baud).ok().and_then(|bit| bits.get(bit)).copied().unwrap_or(true)
    };
    let end = u64::try_from(bits.len()).unwrap_or(0) * baud;
    let (mut time, mut seen) = (0, Vec::new());
    while time < end {
        if level(time) {
            time += (ROM_BAUD / 16).max(1);
            continue;
        }
        let sample = |nth: u64| level(time + nth * ROM_BAUD + ROM_BAUD / 2);
        let byte = (0..8).fold(0_u8, |byte, bit| byte | u8::from(sample(bit + 1)) << bit);
        if sample(9) {
            seen.push(byte);
        }
        time += 10 * ROM_BAUD;
    }
    seen
}

/// Start bit, eight of data with the lowest first, stop bit.
fn frame(byte: u8) -> impl Iterator<Item = bool> {
    let data = (0..8).map(move |bit| byte >> bit & 1 == 1);
    core::iter::once(false).chain(data).chain(core::iter::once(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_roms_own_rate_the_log_can_be_read() {
        assert_eq!(noise(74_880), LOG);
    }

    #[test]
    fn at_another_rate_it_is_noise_without_a_line() {
        let seen = noise(115_200);
        assert!(seen.len() > 20, "{} bytes", seen.len());
        assert!(!seen.windows(2).any(|pair| pair == b"\r\n"), "{}", seen.escape_ascii());
    }
}
