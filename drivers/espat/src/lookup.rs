//! Name lookup: one at a time, and the module does nothing else meanwhile.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{AddressFamily, Error, Fault, Lookup, SockFd};
use netdev_uart::UartLink;

use crate::command::CIPDOMAIN;
use crate::op::Op;
use crate::query::printable;
use crate::state::Core;

/// How far the one lookup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupState {
    Free,
    /// The module has the name.
    Asked,
    Done(Ipv4Addr),
    Failed(Error),
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn start_lookup(
        &mut self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        if name.is_empty() || name.len() > NAME_MAX || !printable(name) {
            return Err(Error::HostUnknown.into());
        }
        if family == Some(AddressFamily::Inet6) {
            return Err(Error::Unsupported.into());
        }
        self.reap_lookup();
        if !self.state.wifi.is_up() {
            return Err(Error::LinkDown.into());
        }
        if !self.may_start(Op::Lookup) {
            return Err(nb::Error::WouldBlock);
        }
        // Taken by somebody else's lookup, which ends.
        let token = self.shared.lookups.open().map_err(|_| nb::Error::WouldBlock)?;
        let posted = self.post(Op::Lookup, |it| {
            it.start(CIPDOMAIN).text(name);
        });
        if posted.is_err() {
            // A name that is too long for a command line: `net` has to ask the servers itself.
            self.shared.lookups.release(0);
            return Err(Error::Unsupported.into());
        }
        self.state.lookup = LookupState::Asked;
        Ok(Lookup::new(token.slot(), token.generation()))
    }

    pub(crate) fn looked_up(&mut self, ok: bool) {
        let [found, ..] = self.state.reply.addrs;
        self.state.lookup = match found {
            Some(addr) if ok && !addr.is_unspecified() => LookupState::Done(addr),
            _ if self.state.wifi.is_up() => LookupState::Failed(Error::HostUnknown),
            _ => LookupState::Failed(Error::LinkDown),
        };
    }

    pub(crate) fn lookup_lost(&mut self) {
        self.state.lookup = LookupState::Failed(Error::TimedOut);
    }

    pub(crate) fn lookup_result(
        &mut self,
        lookup: Lookup,
        out: &mut [IpAddr],
    ) -> nb::Result<usize, Error> {
        self.shared.lookups.slot(SockFd::new(lookup.slot(), lookup.generation()))?;
        match self.state.lookup {
            LookupState::Free => Err(Error::BadSocket.into()),
            LookupState::Asked => Err(nb::Error::WouldBlock),
            LookupState::Failed(error) => Err(error.into()),
            LookupState::Done(addr) => {
                let Some(place) = out.first_mut() else { return Ok(0) };
                *place = IpAddr::V4(addr);
                Ok(1)
            }
        }
    }

    /// Frees the lookup after its owner ended it and the module has let go of it.
    pub(crate) fn reap_lookup(&mut self) {
        if self.shared.lookups.is_closing(0) && !self.state.exchange.is_out(Op::Lookup) {
            self.state.lookup = LookupState::Free;
            self.shared.lookups.release(0);
        }
    }

    /// The module was reset.
    pub(crate) fn lose_lookup(&mut self) {
        if self.state.lookup == LookupState::Asked {
            self.state.lookup = LookupState::Failed(Error::Fault(Fault::Restarted));
        }
    }
}

/// The longest name that can be one (RFC 1035).
const NAME_MAX: usize = 253;
