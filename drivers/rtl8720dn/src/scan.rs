//! Looking for networks.

use core::time::Duration;

use netdev::{AccessPoint, Auth, Error, Fault, HardwareAddr};
use netdev_uart::UartLink;

use crate::codec::Answer;
use crate::codec::Value::U16;
use crate::exchange::{Flight, Owner};
use crate::method::{most, wifi};
use crate::state::Core;
use crate::wifi::NO_SOCKET;

/// How far a scan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    Idle,
    /// The chip has begun; it is asked now and then whether it has finished.
    Runs,
    Count,
    /// So many networks are to be fetched.
    Fetch(usize),
    Fetching,
    /// They lie here, so many bytes of them.
    Here(usize, usize),
    Failed(Fault),
}

impl Scan {
    /// Up to where it holds the room for data.
    pub(crate) fn taken(self) -> usize {
        match self {
            Self::Here(at, len) => at + len,
            _ => 0,
        }
    }
}

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn scan(&mut self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        for _ in 0..STEPS {
            let next = match self.state.scan {
                Scan::Idle => self.begin_scan()?,
                Scan::Runs => self.await_scan()?,
                Scan::Count => self.count_networks(found.len())?,
                Scan::Fetch(0) => {
                    self.state.scan = Scan::Idle;
                    return Ok(0);
                }
                Scan::Fetch(count) => self.fetch_networks(count)?,
                Scan::Fetching => {
                    self.settle();
                    if self.state.scan == Scan::Fetching {
                        return Err(nb::Error::WouldBlock);
                    }
                    continue;
                }
                Scan::Here(at, len) => {
                    self.state.scan = Scan::Idle;
                    let records = self.data.get(at..at + len).unwrap_or_default();
                    return Ok(note(records, found));
                }
                Scan::Failed(fault) => {
                    self.state.scan = Scan::Idle;
                    return Err(Error::Fault(fault).into());
                }
            };
            self.state.scan = next;
        }
        Err(nb::Error::WouldBlock)
    }

    fn begin_scan(&mut self) -> nb::Result<Scan, Error> {
        if !self.switch_radio_on()? {
            return Err(nb::Error::WouldBlock);
        }
        let answer = self.ask(Owner::Query(NO_SOCKET), &wifi::SCAN_START, &[])?;
        if answer.result() != Some(0) {
            return Err(Error::LinkDown.into());
        }
        self.state.link.look_at = self.call.now() + LOOK;
        Ok(Scan::Runs)
    }

    fn await_scan(&mut self) -> nb::Result<Scan, Error> {
        let owner = Owner::Query(NO_SOCKET);
        if self.call.now() < self.state.link.look_at && !self.is_out(owner) {
            return Err(nb::Error::WouldBlock);
        }
        let answer = self.ask(owner, &wifi::IS_SCANING, &[])?;
        self.state.link.look_at = self.call.now() + LOOK;
        if answer.bytes() == [0] { Ok(Scan::Count) } else { Err(nb::Error::WouldBlock) }
    }

    /// Records beyond the count are those of earlier scans.
    fn count_networks(&mut self, wanted: usize) -> nb::Result<Scan, Error> {
        let answer = self.ask(Owner::Query(NO_SOCKET), &wifi::SCAN_GET_AP_NUM, &[])?;
        let count = answer.bytes().first_chunk().copied().map_or(0, u16::from_le_bytes);
        Ok(Scan::Fetch(usize::from(count).min(wanted).min(most::SCAN_RECORDS)))
    }

    fn fetch_networks(&mut self, count: usize) -> nb::Result<Scan, Error> {
        let (at, room) = self.room(count * RECORD, count * RECORD)?;
        let count = u16::try_from(room / RECORD).unwrap_or(0).max(1);
        self.post(Owner::Scan, &wifi::SCAN_GET_AP_RECORDS, &[U16(count)], (at, room, 0))?;
        Ok(Scan::Fetching)
    }

    /// The answer with the records.
    pub(crate) fn scanned(&mut self, flight: &Flight, answer: &Result<Answer, Fault>, data: usize) {
        self.state.scan = match answer {
            Ok(answer) if answer.result() == Some(0) => Scan::Here(flight.room_at, data),
            Ok(_) => Scan::Failed(Fault::Frame),
            Err(fault) => Scan::Failed(*fault),
        };
    }
}

/// Reads records into places. How many there were.
fn note(records: &[u8], found: &mut [AccessPoint]) -> usize {
    let records = records.chunks_exact(RECORD);
    let count = records.len().min(found.len());
    for (place, record) in found.iter_mut().zip(records) {
        *place = network(record).unwrap_or(AccessPoint::EMPTY);
    }
    count
}

fn network(record: &[u8]) -> Option<AccessPoint> {
    let mut network = AccessPoint::EMPTY;
    let (&len, rest) = record.split_first()?;
    network.ssid = *rest.first_chunk()?;
    network.ssid_len = len.min(32);
    network.bssid = HardwareAddr(*record.get(34..)?.first_chunk()?);
    network.rssi = i16::from_le_bytes(*record.get(40..)?.first_chunk()?);
    let security = u32::from_le_bytes(*record.get(46..)?.first_chunk()?);
    let channel = u32::from_le_bytes(*record.get(54..)?.first_chunk()?);
    network.channel = u8::try_from(channel).unwrap_or(0);
    network.auth = auth(security);
    Some(network)
}

fn auth(security: u32) -> Auth {
    const WPA: u32 = 0x0020_0000;
    const WPA2: u32 = 0x0040_0000;
    const WPA3: u32 = 0x0080_0000;
    match security {
        u32::MAX => Auth::Other,
        0 => Auth::Open,
        it if it & WPA3 != 0 => Auth::Wpa3,
        it if it & WPA != 0 && it & WPA2 != 0 => Auth::Wpa2Mixed,
        it if it & WPA2 != 0 => Auth::Wpa2,
        it if it & WPA != 0 => Auth::Wpa,
        it if it & 1 != 0 => Auth::Wep,
        _ => Auth::Other,
    }
}

/// Bytes of a record.
const RECORD: usize = 62;
/// Between two questions whether the scan is over.
const LOOK: Duration = Duration::from_millis(100);
const STEPS: u32 = 8;
