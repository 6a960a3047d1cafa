//! Calls into the device, in the order that the input says.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AccessPoint, AccessPointSettings, AddressFamily, IpConfig, Lookup, Netdev, Netlink, Network,
    Platform, PowerMode, Protocol, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};
use rtl8720dn::Rtl8720dn;

use super::World;
use super::chip::Chip;

/// Room for data: little, so that it runs out.
pub(crate) const ROOM: usize = 192;
type Device<'s> = Rtl8720dn<'s, Chip, World, ROOM>;

pub(crate) struct Calls<'d, 's> {
    device: &'d Device<'s>,
    world: World,
    open: Vec<SockFd>,
    lookup: Option<Lookup>,
    /// A call that answered "not yet" is repeated for a while, as callers do.
    last: (u8, u8),
    again: u8,
}

impl<'d, 's> Calls<'d, 's> {
    pub(crate) fn new(device: &'d Device<'s>, world: World) -> Self {
        Self { device, world, open: Vec::new(), lookup: None, last: (0, 0), again: 0 }
    }

    /// One call; how long the caller lets pass afterwards.
    pub(crate) fn make(&mut self) -> Duration {
        if self.again == 0 {
            self.last = (self.world.byte(), self.world.byte());
            self.again = 1 + (self.world.byte() & 0x1F);
        }
        self.again -= 1;
        let (call, argument) = self.last;
        let over = match call % 4 {
            0 => self.link(call / 4, argument),
            1 => self.socket(call / 4, argument),
            _ => self.transfer(call / 4, argument),
        };
        if over {
            self.again = 0;
        }
        Duration::from_millis(if over { 0 } else { 1 << (argument & 7) })
    }

    /// Calls about the link; whether they came to an end.
    fn link(&mut self, call: u8, argument: u8) -> bool {
        let device = self.device;
        let addr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, argument));
        match call % 18 {
            0..=2 => is_over(device.join(&Network::wifi("test-ap", "test-pass"))),
            3 => is_over(device.leave()),
            4 => is_over(device.status()),
            5 => is_over(device.reset()),
            6 => is_over(device.hardware_addr()),
            7 => device.next_event().is_none(),
            8 => is_over(device.scan(&mut [AccessPoint::EMPTY; 4])),
            9 => is_over(device.rssi()),
            10 => is_over(device.start_access_point(&AccessPointSettings::new("ap", "password"))),
            11 => is_over(device.set_address(Some(&IpConfig::new(addr, argument)))),
            12 => is_over(device.set_host_name("name")),
            13 => is_over(device.set_name_servers(&[addr, addr])),
            14 | 15 => is_over(device.set_power(if argument & 1 == 0 {
                PowerMode::Saving
            } else {
                PowerMode::Active
            })),
            16 => is_over(device.addr()),
            // It is due by then, or the caller has something else to do.
            _ => device.drive().is_none_or(|due| due <= self.world.now()),
        }
    }

    /// Sockets come and go.
    fn socket(&mut self, call: u8, argument: u8) -> bool {
        let (device, fd) = (self.device, self.pick(argument));
        let addr = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 9), u16::from(argument) << 4));
        match call % 14 {
            0 | 1 => {
                self.opened(device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp))
            }
            2 => self.opened(device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp)),
            3 | 4 => is_over(device.connect(fd, Remote::Addr(addr))),
            5 => is_over(device.connect(fd, Remote::Host("name", 80))),
            6 => is_over(device.bind(fd, addr)),
            7 => is_over(device.listen(fd, argument.into())),
            8 | 9 => self.opened(device.accept(fd).map(|(accepted, _)| accepted)),
            10 => {
                device.close(fd);
                self.open.retain(|open| *open != fd);
                true
            }
            11 => is_over(device.shutdown(fd, side(argument))),
            12 => is_over(device.set_sock_opt(
                fd,
                match argument & 3 {
                    0 => SockOpt::KeepAlive(Some(Duration::from_millis(argument.into()))),
                    1 => SockOpt::Broadcast(true),
                    _ => SockOpt::NoDelay(argument & 4 != 0),
                },
            )),
            _ => is_over(device.local_addr(fd)) & is_over(device.peer_addr(fd)),
        }
    }

    /// Data, and names.
    fn transfer(&mut self, call: u8, argument: u8) -> bool {
        let (device, fd) = (self.device, self.pick(argument));
        let (data, mut buf) = (vec![argument; usize::from(argument) << 4], [0; 200]);
        let room = &mut buf[..usize::from(argument).min(200)];
        let to = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 8), 53));
        match call % 12 {
            0 | 1 => is_over(device.send(fd, &data, SockFlags::NONE)),
            2 | 3 => is_over(device.recv(fd, room, SockFlags::NONE)),
            4 => is_over(device.recv(fd, room, SockFlags::PEEK)),
            5 => is_over(device.send_to(fd, &data, to, SockFlags::NONE)),
            6 | 7 => is_over(device.recv_from(fd, room, SockFlags::NONE)),
            8 => {
                device.in_flight(fd, side(argument));
                device.next_ready(Some(fd));
                device.next_ready(None);
                true
            }
            9 => {
                let begun = device.get_host_by_name("example.org", Some(AddressFamily::Inet));
                self.lookup = begun.as_ref().ok().copied().or(self.lookup);
                is_over(begun)
            }
            10 => self.lookup.is_none_or(|lookup| {
                is_over(device.lookup_result(lookup, &mut [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2]))
            }),
            _ => {
                if let Some(lookup) = self.lookup.take() {
                    device.end_lookup(lookup);
                }
                true
            }
        }
    }

    fn opened(&mut self, fd: nb::Result<SockFd, netdev::Error>) -> bool {
        self.open.extend(fd.as_ref().ok());
        is_over(fd)
    }

    /// An open socket, or a handle that nobody gave out.
    fn pick(&self, argument: u8) -> SockFd {
        let stale = SockFd::new(u16::from(argument & 0xF), u16::from(argument >> 4));
        let index = usize::from(argument & 7);
        if argument > 250 {
            stale
        } else {
            self.open.iter().rev().nth(index).copied().unwrap_or(stale)
        }
    }
}

fn is_over<T>(answer: nb::Result<T, netdev::Error>) -> bool {
    !matches!(answer, Err(nb::Error::WouldBlock))
}

fn side(argument: u8) -> Side {
    if argument & 1 == 0 { Side::Read } else { Side::Write }
}
