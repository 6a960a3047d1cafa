//! The methods of `wifi_tcpip`.

use core::net::Ipv4Addr;

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::records;
use crate::wait::{Step, Wait};
use crate::wifi::IpInfo;

/// What lwIP's raw calls say to a host that has no business there.
const ERR_ARG: i32 = -16;

impl Firmware {
    pub(crate) fn tcpip(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        let out = Out::default();
        match id {
            2 => {
                let _ = self.set_mac(args.bytes(0));
                return self.start_dhcp(0, now);
            }
            7 => {
                let info = self.info(args.number(0));
                out.bin(&info.bytes()).i32(0)
            }
            8 => {
                let info = IpInfo::from_bytes(args.bytes(1));
                self.set_info(args.number(0), info);
                out.i32(0)
            }
            9 => {
                let addr = address(args.bytes(2));
                let [main, backup] = &mut self.wifi.dns;
                *(if args.number(1) == 1 { backup } else { main }) = addr;
                out.i32(0)
            }
            10 => {
                let [main, backup] = self.wifi.dns;
                let addr = if args.number(1) == 1 { backup } else { main };
                out.bin(&addr.octets()).i32(0)
            }
            13 => return self.start_dhcp(args.number(0), now),
            16 => return self.wild(),
            17 => out.bin(&records::mac_text(self.setup.mac)).i32(0),
            18 => self.set_mac(args.bytes(1)),
            20..=34 => {
                self.monitor.count(|c| c.not_modelled += 1);
                out.bin(&[0; 32]).i32(ERR_ARG)
            }
            19 => {
                self.monitor.count(|c| c.not_modelled += 1);
                out.i32(0)
            }
            36 => out.bin(address(args.bytes(0)).to_string().as_bytes()),
            37 => out.u16(checksum(args.bytes(0))),
            // A host name is taken and has no effect.
            _ => out.i32(0),
        }
        .into()
    }

    fn info(&self, interface: u32) -> IpInfo {
        let [station, own] = &self.wifi.ip;
        if interface == 1 { *own } else { *station }
    }

    fn set_info(&mut self, interface: u32, info: IpInfo) {
        let [station, own] = &mut self.wifi.ip;
        *(if interface == 1 { own } else { station }) = info;
    }

    /// Without a link there is nobody to ask. With one, the answer is waited for, and it alone.
    fn start_dhcp(&mut self, interface: u32, now: Instant) -> Step {
        if interface == 1 {
            return Out::from(0).into();
        }
        if self.wifi.network().is_none() {
            return Out::from(-1).into();
        }
        let answers = self.wifi.dhcp_answers;
        let length = if answers { self.setup.dhcp } else { self.setup.dhcp_limit };
        self.resume_dhcp(now + length, answers, now)
    }

    pub(crate) fn resume_dhcp(&mut self, until: Instant, answers: bool, now: Instant) -> Step {
        if now < until && answers == self.wifi.dhcp_answers && self.wifi.network().is_some() {
            return Step::Wait(Wait::Dhcp { until, answers });
        }
        let leased = self.wifi.lease();
        Out::from(if leased { 0 } else { -1 }).into()
    }
}

fn address(bytes: &[u8]) -> Ipv4Addr {
    match *bytes {
        [a, b, c, d, ..] => Ipv4Addr::new(a, b, c, d),
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

/// The sum of little-endian words in one's complement, complemented.
fn checksum(bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(0_u32, |sum, word| {
        let low = word.first().copied().unwrap_or(0);
        let high = word.get(1).copied().unwrap_or(0);
        sum + u32::from(u16::from_le_bytes([low, high]))
    });
    let folded = (sum & 0xFFFF) + (sum >> 16);
    let folded = (folded & 0xFFFF) + (folded >> 16);
    !u16::try_from(folded & 0xFFFF).unwrap_or(0)
}
