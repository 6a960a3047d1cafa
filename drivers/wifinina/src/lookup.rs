//! Name lookup: one at a time, and the firmware does nothing else meanwhile.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{AddressFamily, Error, Fault, Lookup, SockFd};

use crate::command::{GET_HOST_BY_NAME, HOST_NAME_MAX, REQ_HOST_BY_NAME};
use crate::exchange::Owner;
use crate::frame::Answer;
use crate::spi::SpiLink;
use crate::state::Core;

/// How far the one lookup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupState {
    Free,
    /// The chip has the name.
    Asked,
    /// The chip has an address, to be fetched.
    Resolved,
    Done(Ipv4Addr),
    Failed(Error),
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn start_lookup(
        &mut self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        if name.is_empty() || name.len() > HOST_NAME_MAX || name.contains('\0') {
            return Err(Error::HostUnknown.into());
        }
        if family == Some(AddressFamily::Inet6) {
            return Err(Error::Unsupported.into());
        }
        self.reap_lookup();
        // Taken by somebody else's lookup, which ends.
        let token = self.shared.lookups.open().map_err(|_| nb::Error::WouldBlock)?;
        let asked = self.ask(Owner::Lookup, &REQ_HOST_BY_NAME, &[name.as_bytes()]);
        self.state.lookup = match asked {
            Ok(answer) => resolved(&answer),
            Err(nb::Error::WouldBlock) if self.is_out(Owner::Lookup) => LookupState::Asked,
            Err(error) => {
                self.shared.lookups.release(0);
                return Err(error);
            }
        };
        Ok(Lookup::new(token.slot(), token.generation()))
    }

    pub(crate) fn lookup_result(
        &mut self,
        lookup: Lookup,
        out: &mut [IpAddr],
    ) -> nb::Result<usize, Error> {
        self.shared.lookups.slot(SockFd::new(lookup.slot(), lookup.generation()))?;
        loop {
            let next = match self.state.lookup {
                LookupState::Free => return Err(Error::BadSocket.into()),
                LookupState::Failed(error) => return Err(error.into()),
                LookupState::Done(addr) => {
                    let Some(place) = out.first_mut() else { return Ok(0) };
                    *place = IpAddr::V4(addr);
                    return Ok(1);
                }
                LookupState::Asked => {
                    self.answer_to(Owner::Lookup, &REQ_HOST_BY_NAME).map(|answer| resolved(&answer))
                }
                LookupState::Resolved => {
                    self.ask(Owner::Lookup, &GET_HOST_BY_NAME, &[]).map(|answer| found(&answer))
                }
            };
            self.state.lookup = match next {
                Ok(state) => state,
                Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
                Err(nb::Error::Other(error)) => LookupState::Failed(error),
            };
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
        self.drop_mail(Owner::Lookup);
        if self.state.lookup != LookupState::Free {
            self.state.lookup = LookupState::Failed(Error::Fault(Fault::Restarted));
        }
    }
}

fn resolved(answer: &Answer) -> LookupState {
    if answer.is_zero() { LookupState::Failed(Error::HostUnknown) } else { LookupState::Resolved }
}

/// The firmware stores the broadcast address before it asks, and leaves it there on failure.
fn found(answer: &Answer) -> LookupState {
    match answer.array::<4>().map(Ipv4Addr::from) {
        Some(Ipv4Addr::BROADCAST) => LookupState::Failed(Error::HostUnknown),
        Some(addr) => LookupState::Done(addr),
        None => LookupState::Failed(Error::Fault(Fault::Frame)),
    }
}
