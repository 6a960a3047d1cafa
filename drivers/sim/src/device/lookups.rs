//! Name lookups under way, by token.

use core::net::IpAddr;

use netdev::{AddressFamily, Error, Lookup};

use crate::Stack;

#[derive(Default)]
pub(super) struct Lookups {
    open: Vec<Open>,
    started: u16,
}

struct Open {
    token: Lookup,
    name: String,
    family: Option<AddressFamily>,
    answer: Option<Result<Vec<IpAddr>, Error>>,
}

impl Lookups {
    pub(super) fn start(
        &mut self,
        stack: &mut dyn Stack,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        if !can_be_a_name(name) {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        if self.open.len() >= MOST {
            return Err(nb::Error::Other(Error::NoSockets));
        }
        self.started = self.started.wrapping_add(1);
        let token = Lookup::new(0, self.started);
        let mut lookup = Open { token, name: name.to_owned(), family, answer: None };
        lookup.ask(stack);
        self.open.push(lookup);
        Ok(token)
    }

    pub(super) fn result(
        &mut self,
        stack: &mut dyn Stack,
        token: Lookup,
        out: &mut [IpAddr],
    ) -> nb::Result<usize, Error> {
        let lookup = self.open.iter_mut().find(|open| open.token == token);
        let lookup = lookup.ok_or(Error::BadSocket)?;
        lookup.ask(stack);
        let found = match &lookup.answer {
            None => return Err(nb::Error::WouldBlock),
            Some(Err(error)) => return Err(nb::Error::Other(*error)),
            Some(Ok(found)) => found,
        };
        if out.is_empty() {
            return Err(nb::Error::Other(Error::InvalidInput));
        }
        for (to, addr) in out.iter_mut().zip(found) {
            *to = *addr;
        }
        Ok(out.len().min(found.len()))
    }

    pub(super) fn end(&mut self, token: Lookup) {
        self.open.retain(|open| open.token != token);
    }
}

impl Open {
    fn ask(&mut self, stack: &mut dyn Stack) {
        if self.answer.is_some() {
            return;
        }
        self.answer = match stack.lookup(&self.name) {
            Err(nb::Error::WouldBlock) => None,
            Err(nb::Error::Other(error)) => Some(Err(error)),
            Ok(mut found) => {
                found.retain(|addr| match self.family {
                    Some(AddressFamily::Inet) => addr.is_ipv4(),
                    Some(AddressFamily::Inet6) => addr.is_ipv6(),
                    _ => true,
                });
                Some(if found.is_empty() { Err(Error::HostUnknown) } else { Ok(found) })
            }
        };
    }
}

/// Labels of 1 to 63 bytes, 253 in all (RFC 1035 section 2.3.4), and nothing that does not print. A
/// literal IPv6 address passes, too.
fn can_be_a_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_graphic())
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Lookups at the same time.
const MOST: usize = 16;
