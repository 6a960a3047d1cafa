//! Name lookup: one at a time, and the firmware does nothing else meanwhile.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{AddressFamily, Error, Fault, Lookup, SockFd};
use netdev_uart::UartLink;

use crate::codec::Answer;
use crate::codec::Value::Data;
use crate::exchange::{Flight, Owner};
use crate::method::{lwip, most};
use crate::state::Core;

/// How far the one lookup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupState {
    Free,
    /// The chip is being given the name with this fingerprint.
    Asking(u32),
    /// The chip has the name.
    Asked,
    Done(Ipv4Addr),
    Failed(Error),
}

impl<L: UartLink> Core<'_, L> {
    /// Repeated until the chip has the whole name.
    pub(crate) fn start_lookup(
        &mut self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        if name.is_empty() || name.len() > most::HOST_NAME || name.contains('\0') {
            return Err(Error::HostUnknown.into());
        }
        if family == Some(AddressFamily::Inet6) {
            return Err(Error::Unsupported.into());
        }
        self.reap_lookup();
        let lookups = &self.shared.lookups;
        let taken = lookups.handle(0).is_some() || lookups.is_closing(0);
        let out = self.is_out(Owner::Lookup);
        let mark = fingerprint(name.as_bytes());
        // Taken by somebody else's lookup, which ends.
        if taken || (out && self.state.lookup != LookupState::Asking(mark)) {
            return Err(nb::Error::WouldBlock);
        }
        if !out {
            self.drop_mail(Owner::Lookup);
        }
        let asked = self.ask(Owner::Lookup, &lwip::GETHOSTBYNAME, &[Data(name.as_bytes())]);
        let flight = self.state.exchange.flight().filter(|it| it.owner == Owner::Lookup);
        self.state.lookup = match asked {
            Ok(answer) => resolved(&answer),
            Err(nb::Error::WouldBlock) if flight.is_some_and(Flight::is_sent) => LookupState::Asked,
            Err(nb::Error::WouldBlock) => {
                self.state.lookup = LookupState::Asking(mark);
                return Err(nb::Error::WouldBlock);
            }
            Err(error) => return Err(error),
        };
        let token = lookups.open()?;
        Ok(Lookup::new(token.slot(), token.generation()))
    }

    pub(crate) fn lookup_result(
        &mut self,
        lookup: Lookup,
        out: &mut [IpAddr],
    ) -> nb::Result<usize, Error> {
        self.shared.lookups.slot(SockFd::new(lookup.slot(), lookup.generation()))?;
        if self.state.lookup == LookupState::Asked {
            self.state.lookup = match self.answer(Owner::Lookup, &lwip::GETHOSTBYNAME) {
                Ok(answer) => resolved(&answer),
                Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
                Err(nb::Error::Other(error)) => LookupState::Failed(error),
            };
        }
        match self.state.lookup {
            LookupState::Done(addr) => {
                let Some(place) = out.first_mut() else { return Ok(0) };
                *place = IpAddr::V4(addr);
                Ok(1)
            }
            LookupState::Failed(error) => Err(error.into()),
            _ => Err(Error::BadSocket.into()),
        }
    }

    /// Frees the lookup after its owner ended it and the chip has let go of it.
    pub(crate) fn reap_lookup(&mut self) {
        if self.shared.lookups.is_closing(0) && !self.is_out(Owner::Lookup) {
            self.drop_mail(Owner::Lookup);
            self.state.lookup = LookupState::Free;
            self.shared.lookups.release(0);
        }
    }

    /// The chip was reset.
    pub(crate) fn lose_lookup(&mut self) {
        if self.state.lookup != LookupState::Free {
            self.state.lookup = LookupState::Failed(Error::Fault(Fault::Restarted));
        }
    }
}

/// On failure the four bytes of the address are anything; which failure it is differs with no use
/// to anybody: -6, -16 and -1 were seen.
fn resolved(answer: &Answer) -> LookupState {
    match (answer.bytes(), answer.array::<4>()) {
        ([.., 0], Some(addr)) => LookupState::Done(Ipv4Addr::from(addr)),
        ([], _) => LookupState::Failed(Error::Fault(Fault::Frame)),
        _ => LookupState::Failed(Error::HostUnknown),
    }
}

/// FNV-1a: tells texts apart that have to stay the same from call to call.
pub(crate) fn fingerprint(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811C_9DC5, step)
}
