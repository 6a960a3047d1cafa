//! Joining and leaving a network, and what the module tells about it unasked.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{Error, Event, IpConfig, LinkStatus, Network, Wifi};
use netdev_uart::UartLink;

use crate::command::{CIPDNS, CIPSTA, CWJAP, CWMODE, CWQAP};
use crate::links::LinkState;
use crate::op::{LinkStep, Op};
use crate::query::{Reply, printable};
use crate::sockets::{Kind, SOCKETS};
use crate::state::Core;

/// What the driver knows of the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WifiLink {
    pub(crate) stage: Stage,
    /// Which credentials the join under way was started with.
    credentials: u32,
    /// Whoever joined was not told yet what came of it.
    untold: bool,
    pub(crate) config: Option<IpConfig>,
    /// The module is set to be a station.
    pub(crate) station: bool,
    /// How many networks the scan under way has found.
    pub(crate) found: usize,
}

/// How far that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Down,
    /// The module is being given the credentials, associates, and waits for DHCP.
    Joining(LinkStep),
    /// The address is asked for, then the name servers.
    Settling(LinkStep),
    Up,
    Opening(LinkStep),
    Open,
}

impl WifiLink {
    pub(crate) const DOWN: Self = Self {
        stage: Stage::Down,
        credentials: 0,
        untold: false,
        config: None,
        station: true,
        found: 0,
    };

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up | Stage::Open)
    }

    /// The device's address while the link is up.
    pub(crate) fn address(&self) -> Option<IpConfig> {
        self.config.filter(|_| self.is_up())
    }

    /// Notes the address that the module was given while the link is up.
    pub(crate) fn set_address(&mut self, set: &IpConfig) {
        if let Some(config) = &mut self.config {
            (config.addr, config.prefix, config.gateway) = (set.addr, set.prefix, set.gateway);
        }
    }

    /// Notes what the module was told, for whoever asks for the device's addresses.
    pub(crate) fn set_name_servers(&mut self, servers: [Option<IpAddr>; 2]) {
        if let Some(config) = &mut self.config {
            config.dns = servers;
        }
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn join(&mut self, network: &Network<'_>) -> nb::Result<(), Error> {
        let Network::Wifi(wifi) = network else { return Err(Error::Unsupported.into()) };
        let fits = (1..=SSID_MAX).contains(&wifi.ssid.len())
            && wifi.passphrase.len() <= PASSPHRASE_MAX
            && printable(wifi.ssid)
            && printable(wifi.passphrase);
        if !fits {
            return Err(Error::InvalidInput.into());
        }
        let credentials = fingerprint(wifi);
        let link = self.state.wifi;
        if !link.untold || link.credentials != credentials {
            if matches!(self.state.exchange.flight.map(|it| it.op), Some(Op::Link(_))) {
                return Err(nb::Error::WouldBlock);
            }
            self.link_is_down(Error::LinkDown);
            let first = if link.station { LinkStep::Join } else { LinkStep::StationMode };
            self.state.wifi.credentials = credentials;
            self.state.wifi.untold = true;
            self.state.wifi.stage = Stage::Joining(first);
        }
        for _ in 0..STEPS {
            let done = match self.state.wifi.stage {
                Stage::Up => Ok(()),
                Stage::Joining(LinkStep::Join) => self.give_credentials(wifi),
                Stage::Joining(_) => self.be_station(),
                Stage::Settling(step) => self.settle(step),
                Stage::Down | Stage::Opening(_) | Stage::Open => Err(Error::LinkDown.into()),
            };
            let up = self.state.wifi.stage == Stage::Up;
            if up || matches!(done, Err(nb::Error::Other(_))) {
                self.state.wifi.untold = false;
                return done;
            }
            done?;
        }
        Err(nb::Error::WouldBlock)
    }

    fn be_station(&mut self) -> nb::Result<(), Error> {
        let suffixed = self.state.firmware.suffixed;
        let answer = self.ask(Op::Link(LinkStep::StationMode), |it| {
            it.start(CWMODE).current(suffixed).number(1);
        });
        self.or_down(answer)?;
        self.state.wifi.station = true;
        self.state.wifi.stage = Stage::Joining(LinkStep::Join);
        Ok(())
    }

    fn give_credentials(&mut self, wifi: &Wifi<'_>) -> nb::Result<(), Error> {
        let suffixed = self.state.firmware.suffixed;
        let answer = self.ask(Op::Link(LinkStep::Join), |it| {
            it.start(CWJAP).current(suffixed).text(wifi.ssid).text(wifi.passphrase);
        });
        self.or_down(answer)?;
        self.state.wifi.stage = Stage::Settling(LinkStep::Address);
        Ok(())
    }

    /// An error ends what is under way.
    pub(crate) fn or_down(&mut self, answer: nb::Result<Reply, Error>) -> nb::Result<Reply, Error> {
        if matches!(answer, Err(nb::Error::Other(_))) {
            self.state.wifi.stage = Stage::Down;
        }
        answer
    }

    /// Asks for the address, then for the name servers.
    fn settle(&mut self, step: LinkStep) -> nb::Result<(), Error> {
        let suffixed = self.state.firmware.suffixed;
        if step == LinkStep::Address {
            let answer = self.ask(Op::Link(step), |it| {
                it.start(CIPSTA).current(suffixed).query();
            });
            let reply = self.or_down(answer)?;
            self.state.wifi.config = config(&reply);
            if self.state.wifi.config.is_none() {
                self.state.wifi.stage = Stage::Down;
                return Err(Error::LinkDown.into());
            }
            self.state.wifi.stage = Stage::Settling(LinkStep::NameServers);
            return Ok(());
        }
        let servers = match self.ask(Op::Link(LinkStep::NameServers), |it| {
            it.start(CIPDNS).current(suffixed).query();
        }) {
            Ok(reply) => reply.addrs,
            Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
            // Not every firmware tells.
            Err(nb::Error::Other(_)) => [None; 3],
        };
        let mut known = servers.into_iter().flatten().filter(|it| !it.is_unspecified());
        self.state.wifi.set_name_servers([(); 2].map(|()| known.next().map(IpAddr::V4)));
        self.state.wifi.stage = Stage::Up;
        self.now_up();
        Ok(())
    }

    pub(crate) fn now_up(&mut self) {
        if let Some(config) = self.state.wifi.config {
            self.state.events.push(Event::Up(config));
        }
        self.state.time.joined();
    }

    /// `WIFI GOT IP`: the end of our own join, or a link that came back by itself.
    pub(crate) fn got_ip(&mut self) {
        match self.state.wifi.stage {
            Stage::Down | Stage::Up | Stage::Settling(_) if self.is_on() => {
                self.state.mails.drop_link();
                self.state.wifi.stage = Stage::Settling(LinkStep::Address);
            }
            _ => {}
        }
    }

    fn is_on(&self) -> bool {
        self.state.boot.power == crate::boot::Power::On
    }

    /// `WIFI DISCONNECT`. A join begins with one if there was a network before.
    pub(crate) fn disconnected(&mut self) {
        if matches!(self.state.wifi.stage, Stage::Up | Stage::Settling(_)) {
            self.link_is_down(Error::LinkDown);
        }
    }

    /// Goes on with a link that came back by itself.
    pub(crate) fn tend_wifi(&mut self) {
        if let Stage::Settling(step) = self.state.wifi.stage
            && self.is_idle()
        {
            let _ = self.settle(step);
        }
    }

    pub(crate) fn leave(&mut self) -> nb::Result<(), Error> {
        self.ask(Op::Link(LinkStep::Leave), |it| {
            it.start(CWQAP);
        })?;
        self.link_is_down(Error::LinkDown);
        Ok(())
    }

    pub(crate) fn status(&mut self) -> nb::Result<LinkStatus, Error> {
        Ok(match self.state.wifi.stage {
            Stage::Down => LinkStatus::Down,
            Stage::Joining(_) | Stage::Settling(_) | Stage::Opening(_) => LinkStatus::Joining,
            Stage::Up => LinkStatus::Up,
            Stage::Open => LinkStatus::AccessPoint(self.stations()?),
        })
    }

    /// The module closes connections with the link, and tells so one by one; what it still holds can
    /// be read. Who is not told by then has no connection any more.
    pub(crate) fn link_is_down(&mut self, why: Error) {
        let was_up = self.state.wifi.is_up();
        self.state.wifi.stage = Stage::Down;
        self.state.wifi.config = None;
        if !was_up {
            return;
        }
        self.state.events.push(Event::Down(why));
        for index in (0_u8..).take(SOCKETS) {
            let Ok(socket) = self.socket(index).copied() else { continue };
            let just_closed = socket
                .closed
                .is_some_and(|at| self.now.saturating_since(at) < TOGETHER && !socket.end_read);
            let link = socket.link.and_then(|id| self.link(id).copied());
            let open = link.is_some_and(|it| it.state == LinkState::Up && it.avail == 0);
            if socket.kind == Kind::Stream && (just_closed || open) {
                self.fail_socket(index, why);
            }
        }
    }
}

pub(crate) fn config(reply: &Reply) -> Option<IpConfig> {
    let [addr, gateway, mask] = reply.addrs;
    let addr = addr.filter(|it| !it.is_unspecified())?;
    let prefix = mask.map_or(24, |it| u32::from(it).leading_ones());
    let mut config = IpConfig::new(addr.into(), u8::try_from(prefix).unwrap_or(32));
    config.gateway = gateway.filter(|it: &Ipv4Addr| !it.is_unspecified()).map(IpAddr::V4);
    Some(config)
}

/// Tells two sets of credentials apart (FNV-1a), so that a call repeated with others starts over.
fn fingerprint(wifi: &Wifi<'_>) -> u32 {
    let bytes = wifi.ssid.bytes().chain([0]).chain(wifi.passphrase.bytes());
    bytes.fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

pub(crate) const STEPS: u32 = 8;
pub(crate) const SSID_MAX: usize = 32;
pub(crate) const PASSPHRASE_MAX: usize = 63;
/// A `CLOSED` so shortly before `WIFI DISCONNECT` comes from it.
const TOGETHER: core::time::Duration = core::time::Duration::from_millis(200);
