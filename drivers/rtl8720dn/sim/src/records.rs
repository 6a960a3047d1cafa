//! Structures that cross the line as bytes.

use core::net::Ipv4Addr;

use crate::config::AccessPoint;
use crate::wifi::Credentials;

pub(crate) const SCAN_RECORD: usize = 62;

/// Bytes at their offsets in a record of zeros.
struct Record(Vec<u8>);

impl Record {
    fn new(length: usize) -> Self {
        Self(vec![0; length])
    }

    fn put(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.0.iter_mut().skip(offset).zip(bytes).for_each(|(to, byte)| *to = *byte);
        self
    }

    fn u32(self, offset: usize, value: u32) -> Self {
        self.put(offset, &value.to_le_bytes())
    }
}

/// At most so many bytes, so that a terminator stays.
fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

/// 17 characters and a NUL.
pub(crate) fn mac_text(mac: [u8; 6]) -> [u8; 18] {
    let [a, b, c, d, e, f] = mac;
    let text = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
    let mut all = [0; 18];
    all.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
    all
}

pub(crate) fn parse_mac(text: &[u8]) -> Option<[u8; 6]> {
    let text = core::str::from_utf8(text.get(..17)?).ok()?;
    let mut mac = [0; 6];
    for (to, pair) in mac.iter_mut().zip(text.split(':')) {
        *to = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(mac)
}

pub(crate) fn scan_record(ap: &AccessPoint) -> Vec<u8> {
    let ssid = cut(ap.ssid.as_bytes(), 32);
    Record::new(SCAN_RECORD)
        .put(0, &[length(ssid)])
        .put(1, ssid)
        .put(34, &ap.bssid)
        .put(40, &ap.rssi.to_le_bytes())
        .u32(46, ap.security())
        .u32(50, NO_WPS)
        .u32(54, ap.channel.into())
        .u32(58, u32::from(ap.channel <= 14))
        .0
}

pub(crate) fn ap_info(ap: &AccessPoint) -> Vec<u8> {
    let ssid = cut(ap.ssid.as_bytes(), 32);
    Record::new(88)
        .u32(4, 88)
        .put(8, &ap.bssid)
        .put(14, &100_u16.to_le_bytes())
        .put(18, &[length(ssid)])
        .put(19, ssid)
        .put(51, &[ap.channel])
        .put(56, &ap.rssi.to_le_bytes())
        .0
}

pub(crate) fn setting(
    mode: u32,
    ssid: &[u8],
    channel: u8,
    security: u32,
    password: &[u8],
) -> Vec<u8> {
    Record::new(108)
        .u32(0, mode)
        .put(4, cut(ssid, 32))
        .put(37, &[channel])
        .u32(38, security)
        .put(42, cut(password, 64))
        .0
}

pub(crate) fn reconnect(with: &Credentials, channel: u8, offered: Ipv4Addr) -> Vec<u8> {
    let passphrase = with.passphrase.as_deref().unwrap_or(&[]);
    Record::new(156)
        .put(0, cut(&with.ssid, 35))
        .put(36, cut(passphrase, 64))
        .u32(144, channel.into())
        .u32(148, with.security)
        .put(152, &offered.octets())
        .0
}

const NO_WPS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_are_text() {
        let mac = [0x2C, 0xF7, 0xF1, 0, 0, 1];
        assert_eq!(&mac_text(mac), b"2c:f7:f1:00:00:01\0");
        assert_eq!(parse_mac(&mac_text(mac)), Some(mac));
        assert_eq!(parse_mac(b"2c:f7"), None);
        assert_eq!(parse_mac(b"2c:f7:f1:00:00:0x\0"), None);
    }

    #[test]
    fn a_scan_record_has_its_fields_where_they_belong() {
        let mut ap = AccessPoint::new("home", "long enough");
        ap.channel = 36;
        let record = scan_record(&ap);
        assert_eq!(record.len(), 62);
        assert_eq!(&record[..6], b"\x04home\0");
        assert_eq!(&record[34..40], &ap.bssid);
        assert_eq!(&record[40..42], (-42_i16).to_le_bytes());
        assert_eq!(&record[46..62], [4, 0, 0x40, 0, 6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0]);
    }
}
