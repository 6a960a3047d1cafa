//! Names that the bridge knows, and those that the system resolves for it.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::HashMap;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use netdev::Error;

#[derive(Default)]
pub(super) struct Names {
    table: HashMap<String, Ipv4Addr>,
    asked: HashMap<String, Receiver<io::Result<Vec<IpAddr>>>>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str, addr: Ipv4Addr) {
        self.table.insert(name.to_ascii_lowercase(), addr);
    }

    pub(super) fn lookup(&mut self, name: &str, outside: bool) -> nb::Result<Vec<IpAddr>, Error> {
        if let Ok(addr) = name.parse::<IpAddr>() {
            return Ok(vec![addr]);
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if let Some(addr) = self.table.get(&name) {
            return Ok(vec![IpAddr::V4(*addr)]);
        }
        if name == "localhost" || name.ends_with(".localhost") {
            return Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        }
        if !outside {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        self.ask(name)
    }

    /// The system's resolver blocks, so it gets a thread for each question.
    fn ask(&mut self, name: String) -> nb::Result<Vec<IpAddr>, Error> {
        let question = name.clone();
        let answer = self.asked.entry(name.clone()).or_insert_with(|| {
            let (answers, answer) = mpsc::channel();
            std::thread::spawn(move || answers.send(resolve(&question)));
            answer
        });
        let found = match answer.try_recv() {
            Err(TryRecvError::Empty) => return Err(nb::Error::WouldBlock),
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(TryRecvError::Disconnected) => Vec::new(),
        };
        self.asked.remove(&name);
        if found.is_empty() { Err(nb::Error::Other(Error::HostUnknown)) } else { Ok(found) }
    }
}

/// IPv4 addresses only: the bridge has no sockets for others.
fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let found = (name, 0).to_socket_addrs()?;
    Ok(found.map(|addr| addr.ip()).filter(IpAddr::is_ipv4).collect())
}
