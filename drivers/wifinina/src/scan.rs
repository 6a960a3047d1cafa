//! Looking for networks, and being one.

use core::time::Duration;

use netdev::{AccessPoint, AccessPointSettings, Auth, Error, HardwareAddr, Instant};

use crate::command::{
    Command, GET_IDX_BSSID, GET_IDX_CHANNEL, GET_IDX_ENCT, GET_IDX_RSSI, PASSPHRASE_MAX,
    PASSPHRASE_MIN, SCAN_NETWORKS, SET_AP_NET, SET_AP_PASSPHRASE, SSID_MAX, encryption,
};
use crate::exchange::Owner;
use crate::firmware::Firmware;
use crate::frame::Answer;
use crate::spi::SpiLink;
use crate::state::Core;

/// How far a scan has come: how many networks were found, and which detail of which one is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    found: u8,
    index: u8,
    detail: Detail,
    /// When its caller was last here. The networks so far are in that caller's memory.
    touched: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Strength,
    Protection,
    Address,
    Channel,
}

impl<L: SpiLink> Core<'_, L> {
    /// The names come at once, everything else network by network. Ends the link: the firmware
    /// restarts its radio for a scan.
    pub(crate) fn scan(&mut self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        let now = self.call.now();
        let given_up = |scan: &mut Scan| now.saturating_since(scan.touched) >= GIVEN_UP;
        self.state.scan.take_if(given_up);
        let mut scan = match self.state.scan {
            Some(scan) => Scan { touched: now, ..scan },
            None => self.scan_names(found)?,
        };
        while scan.index < scan.found {
            self.state.scan = Some(scan);
            let answer = match self.ask(Owner::Scan, scan.detail.command(), &[&[scan.index]]) {
                Ok(answer) => answer,
                Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
                Err(error) => {
                    self.state.scan = None;
                    return Err(error);
                }
            };
            let Some(network) = found.get_mut(usize::from(scan.index)) else {
                self.state.scan = None;
                return Err(Error::InvalidInput.into());
            };
            scan = scan.noted(network, &answer, self.state.firmware);
        }
        self.state.scan = None;
        Ok(usize::from(scan.found))
    }

    fn scan_names(&mut self, found: &mut [AccessPoint]) -> nb::Result<Scan, Error> {
        self.link_is_down(Error::LinkDown);
        let mut count = 0_u8;
        let mut places = found.iter_mut();
        self.ask_names(Owner::Scan, &SCAN_NETWORKS, |name| {
            if let Some(place) = places.next() {
                *place = AccessPoint::EMPTY;
                for (to, from) in place.ssid.iter_mut().zip(name) {
                    *to = *from;
                }
                place.ssid_len = u8::try_from(name.len()).unwrap_or(0);
                count += 1;
            }
        })?;
        let touched = self.call.now();
        Ok(Scan { found: count, index: 0, detail: Detail::Strength, touched })
    }

    pub(crate) fn start_access_point(
        &mut self,
        settings: &AccessPointSettings<'_>,
    ) -> nb::Result<(), Error> {
        let (ssid, passphrase) = (settings.ssid.as_bytes(), settings.passphrase.as_bytes());
        let fits =
            passphrase.is_empty() || (PASSPHRASE_MIN..=PASSPHRASE_MAX).contains(&passphrase.len());
        if ssid.is_empty() || ssid.len() > SSID_MAX || !fits || settings.channel == 0 {
            return Err(Error::InvalidInput.into());
        }
        self.begin_access_point()?;
        if self.access_point_is_starting() {
            let channel = [settings.channel];
            let answer = if passphrase.is_empty() {
                self.ask(Owner::Link, &SET_AP_NET, &[ssid, &channel])?
            } else {
                self.ask(Owner::Link, &SET_AP_PASSPHRASE, &[ssid, passphrase, &channel])?
            };
            self.access_point_started(!answer.is_zero())?;
        }
        self.finish_access_point()
    }
}

impl Detail {
    fn command(self) -> &'static Command {
        match self {
            Self::Strength => &GET_IDX_RSSI,
            Self::Protection => &GET_IDX_ENCT,
            Self::Address => &GET_IDX_BSSID,
            Self::Channel => &GET_IDX_CHANNEL,
        }
    }
}

impl Scan {
    /// Writes one detail down; one that makes no sense is left out.
    fn noted(mut self, network: &mut AccessPoint, answer: &Answer, firmware: Firmware) -> Self {
        self.detail = match self.detail {
            Detail::Strength => {
                let dbm = answer.array().map_or(0, i32::from_le_bytes);
                network.rssi = i16::try_from(dbm).unwrap_or(0);
                Detail::Protection
            }
            Detail::Protection => {
                network.auth = auth(answer.byte(), firmware.arduino_esp32);
                Detail::Address
            }
            Detail::Address => {
                let mut octets: [u8; 6] = answer.array().unwrap_or_default();
                if firmware.bssid_reversed() {
                    octets.reverse();
                }
                network.bssid = HardwareAddr(octets);
                Detail::Channel
            }
            Detail::Channel => {
                network.channel = answer.byte().unwrap_or(0);
                self.index += 1;
                Detail::Strength
            }
        };
        self
    }
}

/// Firmware built on arduino-esp32 answers ESP-IDF's own numbers (`wifi_auth_mode_t`).
fn auth(code: Option<u8>, arduino_esp32: bool) -> Auth {
    match (code, arduino_esp32) {
        (Some(encryption::WPA), false) | (Some(2), true) => Auth::Wpa,
        (Some(encryption::WPA2), false) | (Some(3), true) => Auth::Wpa2,
        (Some(4), true) => Auth::Wpa2Mixed,
        (Some(encryption::WEP), false) | (Some(1), true) => Auth::Wep,
        (Some(encryption::OPEN), false) | (Some(0), true) => Auth::Open,
        _ => Auth::Other,
    }
}

/// Who has not come by for so long will not. Waiting callers come every 10 ms.
const GIVEN_UP: Duration = Duration::from_millis(500);
