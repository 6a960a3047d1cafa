//! Joining and leaving a network.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Error, Event, Fault, HardwareAddr, Instant, IpConfig, LinkStatus, Network, Wifi};

use crate::boot::Power;
use crate::command::{
    DISCONNECT, GET_CONN_STATUS, GET_DNS_CONFIG, GET_IPADDR, GET_MACADDR, GET_REASON_CODE,
    PASSPHRASE_MAX, SET_NET, SET_PASSPHRASE, SSID_MAX, reason, status,
};
use crate::exchange::Owner;
use crate::sockets::{Kind, SOCKETS};
use crate::spi::SpiLink;
use crate::state::Core;

/// What the driver knows of the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    join: Join,
    /// Which credentials the join under way was started with.
    credentials: u32,
    since: Instant,
    look_at: Instant,
    config: Option<IpConfig>,
    /// A reset that was asked for is under way.
    pub(crate) resetting: bool,
    /// The static address that the chip was given since its last reset, with gateway and mask.
    pub(crate) static_address: Option<[Ipv4Addr; 3]>,
}

/// How far a join has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    Down,
    /// The chip is being given the credentials.
    Credentials,
    /// The chip associates, and waits for DHCP.
    Associating,
    /// It failed; the chip is asked why.
    Why,
    Address,
    NameServers,
    Up,
    /// The chip opens an access point of our own; then its address is asked for.
    Opening,
    OpenAddress,
    Open,
}

impl Link {
    pub(crate) const DOWN: Self = Self {
        join: Join::Down,
        credentials: 0,
        since: Instant::START,
        look_at: Instant::START,
        config: None,
        resetting: false,
        static_address: None,
    };

    /// The device's address while the link is up.
    pub(crate) fn address(&self) -> Option<IpConfig> {
        self.config.filter(|_| self.is_up())
    }

    fn is_up(&self) -> bool {
        matches!(self.join, Join::Up | Join::Open)
    }

    fn is_joining(&self) -> bool {
        !self.is_up() && !matches!(self.join, Join::Down | Join::Opening | Join::OpenAddress)
    }

    /// Notes what the chip was told, for whoever asks for the device's addresses.
    pub(crate) fn set_address(&mut self, config: IpConfig) {
        if let Some(known) = &mut self.config {
            *known = config;
        }
    }

    /// The same for the name servers alone.
    pub(crate) fn set_name_servers(&mut self, servers: [Option<IpAddr>; 2]) {
        if let Some(config) = &mut self.config {
            config.dns = servers;
        }
    }
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn join(&mut self, network: &Network<'_>) -> nb::Result<(), Error> {
        let Network::Wifi(wifi) = network else { return Err(Error::Unsupported.into()) };
        if wifi.ssid.is_empty()
            || wifi.ssid.len() > SSID_MAX
            || wifi.passphrase.len() > PASSPHRASE_MAX
        {
            return Err(Error::InvalidInput.into());
        }
        self.begin_join(wifi)?;
        loop {
            let next = match self.state.link.join {
                Join::Up => return Ok(()),
                Join::Down | Join::Opening | Join::OpenAddress | Join::Open => {
                    return Err(Error::LinkDown.into());
                }
                Join::Credentials => self.give_credentials(wifi)?,
                Join::Associating => self.look_whether_joined()?,
                Join::Why => return self.report_failure(),
                Join::Address => self.fetch_address()?,
                Join::NameServers => self.fetch_name_servers()?,
            };
            self.state.link.join = next;
            if let (Join::Up, Some(config)) = (next, self.state.link.config) {
                self.state.events.push(Event::Up(config));
            }
        }
    }

    /// Starts over when no join is under way, or one with other credentials.
    fn begin_join(&mut self, wifi: &Wifi<'_>) -> nb::Result<(), Error> {
        let credentials = fingerprint(wifi);
        let link = self.state.link;
        if link.is_joining() && link.credentials == credentials {
            return Ok(());
        }
        self.start_over(Join::Credentials)?;
        self.state.link.credentials = credentials;
        Ok(())
    }

    fn start_over(&mut self, join: Join) -> nb::Result<(), Error> {
        if self.is_out(Owner::Link) {
            return Err(nb::Error::WouldBlock);
        }
        self.drop_mail(Owner::Link);
        self.link_is_down(Error::LinkDown);
        self.state.link.since = self.call.now();
        self.state.link.join = join;
        Ok(())
    }

    pub(crate) fn begin_access_point(&mut self) -> nb::Result<(), Error> {
        match self.state.link.join {
            Join::Opening | Join::OpenAddress => Ok(()),
            _ => self.start_over(Join::Opening),
        }
    }

    pub(crate) fn access_point_is_starting(&self) -> bool {
        self.state.link.join == Join::Opening
    }

    /// The chip has answered whether it takes the settings.
    pub(crate) fn access_point_started(&mut self, accepted: bool) -> Result<(), Error> {
        self.state.link.join = if accepted { Join::OpenAddress } else { Join::Down };
        if accepted { Ok(()) } else { Err(Error::InvalidInput) }
    }

    pub(crate) fn finish_access_point(&mut self) -> nb::Result<(), Error> {
        self.fetch_address()?;
        self.state.link.join = Join::Open;
        if let Some(config) = self.state.link.config {
            self.state.events.push(Event::Up(config));
        }
        Ok(())
    }

    fn give_credentials(&mut self, wifi: &Wifi<'_>) -> nb::Result<Join, Error> {
        let (ssid, passphrase) = (wifi.ssid.as_bytes(), wifi.passphrase.as_bytes());
        if passphrase.is_empty() {
            self.ask(Owner::Link, &SET_NET, &[ssid])?;
        } else {
            self.ask(Owner::Link, &SET_PASSPHRASE, &[ssid, passphrase])?;
        }
        self.state.link.since = self.call.now();
        Ok(Join::Associating)
    }

    fn look_whether_joined(&mut self) -> nb::Result<Join, Error> {
        let now = self.call.now();
        if now < self.state.link.look_at && !self.is_out(Owner::Link) {
            return Err(nb::Error::WouldBlock);
        }
        let code = self.ask(Owner::Link, &GET_CONN_STATUS, &[])?.byte();
        self.state.link.look_at = now + LOOK;
        match code.ok_or(Error::Fault(Fault::Frame))? {
            status::CONNECTED => Ok(Join::Address),
            status::CONNECT_FAILED => Ok(Join::Why),
            status::IDLE | status::NO_SSID_AVAIL => Err(nb::Error::WouldBlock),
            // Stopping the old link reports a disconnect after the join has begun.
            _ if now.saturating_since(self.state.link.since) < SETTLE => Err(nb::Error::WouldBlock),
            _ => Ok(Join::Why),
        }
    }

    fn report_failure(&mut self) -> nb::Result<(), Error> {
        let code = match self.ask(Owner::Link, &GET_REASON_CODE, &[]) {
            Ok(answer) => answer.byte(),
            Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
            // Firmware before 1.2.3 does not tell.
            Err(nb::Error::Other(_)) => None,
        };
        self.state.link.join = Join::Down;
        Err(nb::Error::Other(match code {
            Some(reason::NO_AP_FOUND) => Error::NoSuchNetwork,
            Some(
                reason::AUTH_EXPIRE
                | reason::AUTH_FAIL
                | reason::HANDSHAKE_TIMEOUT
                | reason::HANDSHAKE_TIMEOUT_4WAY,
            ) => Error::AuthFailed,
            _ => Error::LinkDown,
        }))
    }

    fn fetch_address(&mut self) -> nb::Result<Join, Error> {
        let answer = self.ask(Owner::Link, &GET_IPADDR, &[])?;
        let octets: [u8; 12] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        let word =
            |at: usize| octets.get(at..at + 4).and_then(|it| it.try_into().ok()).unwrap_or([0; 4]);
        let (addr, mask, gateway) = (word(0), word(4), word(8));
        let prefix = u32::from_be_bytes(mask).leading_ones();
        let mut config =
            IpConfig::new(Ipv4Addr::from(addr).into(), u8::try_from(prefix).unwrap_or(32));
        config.gateway = known(Ipv4Addr::from(gateway));
        self.state.link.config = Some(config);
        Ok(if self.state.firmware.dns_config { Join::NameServers } else { Join::Up })
    }

    fn fetch_name_servers(&mut self) -> nb::Result<Join, Error> {
        let answer = self.ask(Owner::Link, &GET_DNS_CONFIG, &[])?;
        let [a, b, c, d, e, f, g, h] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        if let Some(config) = &mut self.state.link.config {
            config.dns = [known(Ipv4Addr::new(a, b, c, d)), known(Ipv4Addr::new(e, f, g, h))];
        }
        Ok(Join::Up)
    }

    pub(crate) fn leave(&mut self) -> nb::Result<(), Error> {
        self.ask(Owner::Link, &DISCONNECT, &[])?;
        self.link_is_down(Error::LinkDown);
        Ok(())
    }

    pub(crate) fn status(&mut self) -> nb::Result<LinkStatus, Error> {
        let joining = self.state.link.is_joining();
        // Whoever looks after the link wants to know whether all is well. A listener whose slot was
        // freed by a garbled command never raises GPIO0 again, and a garbled STOP frees nothing.
        self.stir();
        self.state.audit = true;
        let code = self.ask(Owner::Query, &GET_CONN_STATUS, &[])?.byte();
        Ok(match code.ok_or(Error::Fault(Fault::Frame))? {
            _ if joining => LinkStatus::Joining,
            status::CONNECTED if self.state.link.join == Join::Up => LinkStatus::Up,
            // Adafruit 3 tells only how a station fares, which an access point's chip is not.
            _ if self.state.firmware.arduino_esp32 && self.state.link.join == Join::Open => {
                LinkStatus::AccessPoint(0)
            }
            // As after boot, and nobody told it to: the chip has started anew, and knows nothing of us.
            status::IDLE | status::STOPPED if self.state.link.is_up() => {
                self.restart();
                LinkStatus::Down
            }
            status::AP_LISTENING => LinkStatus::AccessPoint(0),
            status::AP_CONNECTED => LinkStatus::AccessPoint(1),
            _ => {
                self.link_is_down(Error::LinkDown);
                LinkStatus::Down
            }
        })
    }

    pub(crate) fn reset(&mut self) -> nb::Result<(), Error> {
        if self.state.power == Power::On && !self.state.link.resetting {
            self.restart();
            self.state.link.resetting = true;
        }
        self.power_up()?;
        self.state.link.resetting = false;
        Ok(())
    }

    pub(crate) fn hardware_addr(&mut self) -> nb::Result<HardwareAddr, Error> {
        let answer = self.ask(Owner::Query, &GET_MACADDR, &[])?;
        let mut octets: [u8; 6] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        if self.state.firmware.mac_reversed() {
            octets.reverse();
        }
        Ok(HardwareAddr(octets))
    }

    /// The firmware closes every connection with the link, behind its slots' backs.
    pub(crate) fn link_is_down(&mut self, why: Error) {
        let was_up = self.state.link.is_up();
        self.state.link.join = Join::Down;
        self.state.link.config = None;
        if was_up {
            self.state.events.push(Event::Down(why));
        }
        for index in (0_u8..).take(SOCKETS) {
            self.doom_socket(index, why);
            if let Ok(socket) = self.socket(index)
                && let Kind::Listener(listener) = &mut socket.kind
                && listener.guest.take().is_some()
            {
                self.state.sweep = Some(0);
            }
        }
    }
}

fn known(addr: Ipv4Addr) -> Option<IpAddr> {
    (!addr.is_unspecified()).then_some(IpAddr::V4(addr))
}

/// Tells two sets of credentials apart (FNV-1a), so that a call repeated with others starts over.
fn fingerprint(wifi: &Wifi<'_>) -> u32 {
    let bytes = wifi.ssid.bytes().chain([0]).chain(wifi.passphrase.bytes());
    bytes.fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Between two questions whether the join is through.
const LOOK: Duration = Duration::from_millis(50);
/// How long a "disconnected" may still be the old link's.
const SETTLE: Duration = Duration::from_secs(1);
