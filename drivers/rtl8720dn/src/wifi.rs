//! Joining and leaving a network, being one, and what happens to the link.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{
    AccessPointSettings, Auth, Error, Event, Fault, Instant, IpConfig, LinkStatus, Network, Wifi,
};
use netdev_uart::UartLink;

use crate::codec::Value::{Bin, I32, Null, Present, U32};
use crate::codec::{Answer, Value};
use crate::exchange::Owner;
use crate::lookup::fingerprint;
use crate::method::{Method, callback, most, tcpip, value, wifi};
use crate::settings::ip_info;
use crate::sockets::{Kind, SOCKETS};
use crate::state::Core;

/// What the driver knows of the link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    step: Step,
    /// Which network the join under way is about.
    network: u32,
    /// When the chip is next worth a question about its radio.
    pub(crate) look_at: Instant,
    pub(crate) config: Option<IpConfig>,
    /// Asked for, for this and later joins.
    pub(crate) fixed: Option<IpConfig>,
    pub(crate) name_servers: [Option<Ipv4Addr>; 2],
    /// How many of them the chip was told since they were asked for.
    pub(crate) names_set: u8,
    /// Stations of our access point.
    stations: u8,
    /// The radio was switched on since the chip was reset.
    pub(crate) radio: bool,
    pub(crate) resetting: bool,
}

/// How far it has come: the step whose answer is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Down,
    /// The firmware begins in a mode without a radio, in which "on" does nothing. So it is "off" first.
    Init,
    Off,
    Settle,
    On,
    Connect,
    /// It failed, and is asked why.
    Why,
    StopDhcp,
    FixedAddress,
    Dhcp,
    SetNames(u8),
    Address,
    Names(u8),
    Up,
    OpenAccessPoint,
    Dhcps,
    OwnAddress,
    Open,
}

impl Link {
    pub(crate) const DOWN: Self = Self {
        step: Step::Down,
        network: 0,
        look_at: Instant::START,
        config: None,
        fixed: None,
        name_servers: [None; 2],
        names_set: 0,
        stations: 0,
        radio: false,
        resetting: false,
    };

    /// The device's address while the link is up.
    pub(crate) fn address(&self) -> Option<IpConfig> {
        self.config.filter(|_| self.is_up())
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.step, Step::Up | Step::Open)
    }

    /// As a station.
    pub(crate) fn is_joined(&self) -> bool {
        self.step == Step::Up
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.is_up() && self.step != Step::Down
    }
}

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn join(&mut self, network: &Network<'_>) -> nb::Result<(), Error> {
        let Network::Wifi(wifi) = network else { return Err(Error::Unsupported.into()) };
        let sound = sound(wifi.ssid, wifi.passphrase);
        if !sound {
            return Err(Error::InvalidInput.into());
        }
        let security = security(wifi)?;
        self.advance([wifi.ssid, wifi.passphrase], false, &|core, step| {
            core.join_step(step, wifi, security)
        })
    }

    pub(crate) fn start_access_point(
        &mut self,
        settings: &AccessPointSettings<'_>,
    ) -> nb::Result<(), Error> {
        let sound = sound(settings.ssid, settings.passphrase);
        if !sound || settings.channel == 0 {
            return Err(Error::InvalidInput.into());
        }
        self.advance([settings.ssid, settings.passphrase], true, &|core, step| {
            core.access_point_step(step, settings)
        })
    }

    /// Goes from step to step; starts over for another network, or one that is up.
    fn advance(
        &mut self,
        names: [&str; 2],
        own: bool,
        step: &dyn Fn(&mut Self, Step) -> nb::Result<Step, Error>,
    ) -> nb::Result<(), Error> {
        let [ssid, passphrase] = names.map(|name| fingerprint(name.as_bytes()));
        let network = ssid ^ passphrase.rotate_left(1) ^ u32::from(own);
        if !self.state.link.is_busy() || self.state.link.network != network {
            if self.is_out(Owner::Link) {
                return Err(nb::Error::WouldBlock);
            }
            self.drop_mail(Owner::Link);
            self.link_is_down(Error::LinkDown);
            self.state.link.step = Step::Init;
            self.state.link.network = network;
        }
        for _ in 0..STEPS {
            let now = self.state.link.step;
            let next = step(self, now).inspect_err(|error| {
                if *error != nb::Error::WouldBlock {
                    self.state.link.step = Step::Down;
                }
            })?;
            self.state.link.step = next;
            if self.state.link.is_up() {
                if let Some(config) = self.state.link.config {
                    self.state.events.push(Event::Up(config));
                }
                return Ok(());
            }
        }
        Err(nb::Error::WouldBlock)
    }

    fn join_step(&mut self, step: Step, wifi: &Wifi<'_>, security: u32) -> nb::Result<Step, Error> {
        let fixed = self.state.link.fixed;
        Ok(match step {
            Step::Connect => {
                let ssid = Bin(wifi.ssid.as_bytes());
                let key = passphrase(wifi.passphrase);
                let values = [ssid, key, U32(security), I32(-1), U32(0)];
                match self.ask_link(&wifi::CONNECT, &values)?.result() {
                    Some(0) if fixed.is_some() => Step::StopDhcp,
                    Some(0) => Step::Dhcp,
                    _ => Step::Why,
                }
            }
            Step::Why => return Err(self.why()?.into()),
            Step::StopDhcp => {
                self.ask_link(&tcpip::DHCPC_STOP, STATION)?;
                Step::FixedAddress
            }
            Step::FixedAddress => {
                let info = fixed.map_or([0; 12], |config| ip_info(&config));
                self.ask_link(&tcpip::SET_IP_INFO, &[U32(value::STATION), Bin(&info)])?;
                Step::SetNames(0)
            }
            // On failure the firmware reports an address all the same, by an event: 192.168.1.80.
            Step::Dhcp => match self.ask_link(&tcpip::DHCPC_START, STATION)?.result() {
                Some(0) => Step::SetNames(0),
                _ => return Err(Error::TimedOut.into()),
            },
            Step::SetNames(which) => {
                self.set_name_server(Owner::Link, which)?;
                if which == 0 { Step::SetNames(1) } else { Step::Address }
            }
            Step::Address => {
                self.fetch_address(value::STATION)?;
                Step::Names(0)
            }
            Step::Names(which) => {
                self.fetch_name_server(which)?;
                if which == 0 { Step::Names(1) } else { Step::Up }
            }
            step => self.radio_step(step, value::MODE_STA, Step::Connect)?,
        })
    }

    fn access_point_step(
        &mut self,
        step: Step,
        settings: &AccessPointSettings<'_>,
    ) -> nb::Result<Step, Error> {
        Ok(match step {
            Step::OpenAccessPoint => {
                let security = if settings.passphrase.is_empty() { OPEN } else { WPA2_AES };
                let ssid = Bin(settings.ssid.as_bytes());
                let key = passphrase(settings.passphrase);
                let values = [ssid, key, U32(security), I32(settings.channel.into())];
                match self.ask_link(&wifi::START_AP, &values)?.result() {
                    Some(0) => Step::Dhcps,
                    _ => return Err(Error::InvalidInput.into()),
                }
            }
            Step::Dhcps => {
                self.ask_link(&tcpip::DHCPS_START, &[U32(value::ACCESS_POINT)])?;
                Step::OwnAddress
            }
            Step::OwnAddress => {
                self.fetch_address(value::ACCESS_POINT)?;
                self.state.link.stations = 0;
                Step::Open
            }
            step => self.radio_step(step, value::MODE_AP, Step::OpenAccessPoint)?,
        })
    }

    /// The steps until the radio runs in a mode.
    fn radio_step(&mut self, step: Step, mode: u32, then: Step) -> nb::Result<Step, Error> {
        Ok(match step {
            Step::Init => {
                self.ask_link(&tcpip::INIT, &[])?;
                Step::Off
            }
            Step::Off => {
                self.ask_link(&wifi::OFF, &[])?;
                self.state.link.radio = false;
                self.state.link.look_at = self.call.now() + SETTLE;
                Step::Settle
            }
            Step::Settle if self.call.now() < self.state.link.look_at => {
                return Err(nb::Error::WouldBlock);
            }
            Step::Settle => Step::On,
            // 1 means that it was on.
            Step::On => match self.ask_link(&wifi::ON, &[U32(mode)])?.result() {
                Some(0 | 1) => {
                    self.state.link.radio = mode == value::MODE_STA;
                    then
                }
                _ => return Err(Error::LinkDown.into()),
            },
            _ => return Err(Error::LinkDown.into()),
        })
    }

    /// The steps until the radio runs, for a scan. Whether it does.
    pub(crate) fn switch_radio_on(&mut self) -> nb::Result<bool, Error> {
        if self.state.link.radio {
            return Ok(true);
        }
        if !self.state.link.is_busy() {
            self.link_is_down(Error::LinkDown);
            self.state.link.step = Step::Init;
            self.state.link.network = 0;
        }
        for _ in 0..STEPS {
            let step = self.state.link.step;
            let next = self.radio_step(step, value::MODE_STA, Step::Down).inspect_err(|error| {
                if *error != nb::Error::WouldBlock {
                    self.state.link.step = Step::Down;
                }
            })?;
            self.state.link.step = next;
            if next == Step::Down {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn ask_link(
        &mut self,
        method: &'static Method,
        values: &[Value<'_>],
    ) -> nb::Result<Answer, Error> {
        self.ask(Owner::Link, method, values)
    }

    fn why(&mut self) -> nb::Result<Error, Error> {
        let code = self.ask_link(&wifi::GET_LAST_ERROR, &[])?.result();
        Ok(match code {
            Some(1) => Error::NoSuchNetwork,
            Some(3 | 6) => Error::AuthFailed,
            Some(4) => Error::TimedOut,
            _ => Error::LinkDown,
        })
    }

    fn fetch_address(&mut self, interface: u32) -> nb::Result<(), Error> {
        let answer = self.ask_link(&tcpip::GET_IP_INFO, &[U32(interface)])?;
        let octets: [u8; 12] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        let [a, b, c, d, m, n, o, p, e, f, g, h] = octets;
        let prefix = u32::from_be_bytes([m, n, o, p]).leading_ones();
        let prefix = u8::try_from(prefix).unwrap_or(32);
        let mut config = IpConfig::new(Ipv4Addr::new(a, b, c, d).into(), prefix);
        config.gateway = known(Ipv4Addr::new(e, f, g, h));
        self.state.link.config = Some(config);
        Ok(())
    }

    fn fetch_name_server(&mut self, which: u8) -> nb::Result<(), Error> {
        let values = [U32(value::STATION), U32(which.into())];
        let answer = self.ask_link(&tcpip::GET_DNS_INFO, &values)?;
        let server = answer.array::<4>().map(Ipv4Addr::from);
        let config = self.state.link.config.as_mut();
        if let Some(place) = config.and_then(|it| it.dns.get_mut(usize::from(which))) {
            *place = server.and_then(known);
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self) -> nb::Result<(), Error> {
        if !self.is_out(Owner::Link) {
            self.state.link.step = match self.state.link.step {
                step if self.state.link.is_up() => step,
                _ => Step::Down,
            };
        }
        self.ask_link(&wifi::DISCONNECT, &[])?;
        self.link_is_down(Error::LinkDown);
        Ok(())
    }

    pub(crate) fn status(&mut self) -> nb::Result<LinkStatus, Error> {
        if self.state.link.is_busy() {
            return Ok(LinkStatus::Joining);
        }
        if self.state.link.step == Step::Open {
            return Ok(LinkStatus::AccessPoint(self.state.link.stations));
        }
        let answer = self.ask(Owner::Query(NO_SOCKET), &wifi::IS_CONNECTED_TO_AP, &[])?;
        match (answer.result(), self.state.link.is_up()) {
            (Some(0), true) => return Ok(LinkStatus::Up),
            // It would have said that it left the network, had it not been reset by itself.
            (_, true) => self.restart(),
            _ => {}
        }
        Ok(LinkStatus::Down)
    }

    pub(crate) fn reset(&mut self) -> nb::Result<(), Error> {
        if !self.state.link.resetting {
            self.restart();
            self.state.link.resetting = true;
        }
        self.power_up().inspect_err(|error| {
            self.state.link.resetting &= *error == nb::Error::WouldBlock;
        })?;
        self.state.link.resetting = false;
        Ok(())
    }

    /// Something happened, so the chip says.
    pub(crate) fn link_event(&mut self, event: &[u8; callback::EVENT]) {
        let [id, ..] = *event;
        let link = &mut self.state.link;
        match (id, link.step) {
            (STA_DISCONNECTED, Step::Up) => self.link_is_down(Error::LinkDown),
            (AP_STACONNECTED, Step::Open) => link.stations = link.stations.saturating_add(1),
            (AP_STADISCONNECTED, Step::Open) => link.stations = link.stations.saturating_sub(1),
            (SCAN_DONE, _) => link.look_at = Instant::START,
            _ => {}
        }
    }

    /// Connections do not outlive the link.
    pub(crate) fn link_is_down(&mut self, why: Error) {
        let was_up = self.state.link.is_up();
        let reset = why == Error::Fault(Fault::Restarted);
        let link = &mut self.state.link;
        link.step = Step::Down;
        link.config = None;
        link.radio &= !reset;
        if was_up {
            self.state.events.push(Event::Down(why));
        }
        for index in (0_u8..).take(SOCKETS) {
            let kind = self.socket(index).map(|socket| socket.kind);
            if let Ok(Kind::Stream | Kind::Connecting(_)) = kind {
                self.fail_socket(index, why);
            }
        }
    }
}

const STATION: &[Value<'_>] = &[U32(value::STATION)];

fn sound(ssid: &str, passphrase: &str) -> bool {
    let fits =
        passphrase.is_empty() || (PASSPHRASE_MIN..=most::PASSPHRASE).contains(&passphrase.len());
    (1..=most::SSID).contains(&ssid.len()) && fits
}

fn passphrase(passphrase: &str) -> Value<'_> {
    if passphrase.is_empty() { Null } else { Present(passphrase.as_bytes()) }
}

fn security(wifi: &Wifi<'_>) -> Result<u32, Error> {
    Ok(match wifi.auth {
        _ if wifi.passphrase.is_empty() => OPEN,
        Auth::Wep => WEP_PSK,
        Auth::Wpa => WPA_AES,
        Auth::Wpa2 => WPA2_AES,
        Auth::Wpa2Mixed => WPA2_MIXED,
        Auth::Wpa3 => WPA3_AES,
        _ => return Err(Error::Unsupported),
    })
}

fn known(addr: Ipv4Addr) -> Option<IpAddr> {
    (!addr.is_unspecified()).then_some(IpAddr::V4(addr))
}

/// Owner of questions that are about no socket.
pub(crate) const NO_SOCKET: u8 = u8::MAX;
const SCAN_DONE: u8 = 1;
const STA_DISCONNECTED: u8 = 5;
const AP_STACONNECTED: u8 = 16;
const AP_STADISCONNECTED: u8 = 17;
const OPEN: u32 = 0;
const WEP_PSK: u32 = 1;
const WPA_AES: u32 = 0x0020_0004;
const WPA2_AES: u32 = 0x0040_0004;
const WPA2_MIXED: u32 = 0x0040_0006;
const WPA3_AES: u32 = 0x0080_0004;
const PASSPHRASE_MIN: usize = 8;
/// Between off and on.
const SETTLE: Duration = Duration::from_millis(20);
/// Most steps in one call.
const STEPS: u32 = 20;
