//! The driver through a tunnel: its pins are one end of a TCP connection, the chip's model and the
//! PC's own sockets are behind the other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use netdev::{
    AddressFamily, Error, Event, Fault, Netdev, Netlink, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, StdPlatform, Stopped, wait,
};
use netdev_sim::tunnel::{self, Client, Server};
use netdev_sim::{Loopback, Polarity, SpiBench};
use wifinina::{OpenDrain, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config, Monitor, Persona};

type Pins = SpiPins<
    tunnel::Bus,
    tunnel::ChipSelect,
    tunnel::Ready,
    tunnel::Reset,
    OpenDrain<tunnel::Gpio0>,
>;

struct Rig {
    device: &'static Wifinina<'static, Pins, StdPlatform>,
    bench: SpiBench,
    monitor: Monitor,
    server: Server,
}

impl Rig {
    fn new(persona: &'static Persona) -> Self {
        let clock = StdPlatform::new();
        let chip = Chip::new(Config::new(persona), Box::new(Loopback::new()));
        let monitor = chip.monitor();
        let bench = SpiBench::new(chip, clock, 8_000_000);
        let server = Server::builder(bench.clone()).listen("127.0.0.1:0").unwrap();
        let client = Client::connect(server.addr()).unwrap();
        let pins = SpiPins::new(
            client.bus(),
            client.chip_select(),
            client.ready(),
            client.reset(Polarity::ActiveLow),
            OpenDrain::new(client.gpio0()),
        );
        let state = Box::leak(Box::new(State::new(pins)));
        Self { device: Box::leak(Box::new(Wifinina::new(state, clock))), bench, monitor, server }
    }

    fn until<T>(&self, step: impl FnMut() -> nb::Result<T, Error>) -> Result<T, Stopped> {
        let deadline = self.device.platform().now() + LIMIT;
        wait(self.device, || Some(deadline), step)
    }

    fn join(&self) {
        let (link, network) =
            (self.device.netlink().unwrap(), Network::wifi("test-ap", "test-pass"));
        self.until(|| link.join(&network)).unwrap();
    }

    fn socket(&self) -> SockFd {
        self.until(|| self.device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp))
            .unwrap()
    }

    fn connect(&self, addr: SocketAddr) -> SockFd {
        let fd = self.socket();
        self.until(|| self.device.connect(fd, Remote::Addr(addr))).unwrap();
        fd
    }

    fn send_all(&self, fd: SockFd, mut data: &[u8]) {
        while !data.is_empty() {
            let sent = self.until(|| self.device.send(fd, data, SockFlags::NONE)).unwrap();
            data = &data[sent..];
        }
    }

    fn recv_all(&self, fd: SockFd) -> Vec<u8> {
        let (mut all, mut buf) = (Vec::new(), [0; 2048]);
        loop {
            match self.until(|| self.device.recv(fd, &mut buf, SockFlags::NONE)).unwrap() {
                0 => return all,
                length => all.extend_from_slice(&buf[..length]),
            }
        }
    }

    /// What an older firmware is asked to find out what it is, it may not know.
    fn assert_faultless(&self) {
        let mut found = self.monitor.counters().offence_list().to_vec();
        found.retain(|(name, count)| *count > 0 && *name != "unknown_opcodes");
        assert!(found.is_empty(), "the chip was given what it chokes on: {found:?}");
    }
}

const LIMIT: Duration = Duration::from_secs(10);

/// Sends back what comes, to the end.
fn echo() -> (SocketAddr, std::thread::JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut all = vec![0; 64 * 1024];
        stream.read_exact(&mut all).unwrap();
        stream.write_all(&all).unwrap();
        all.len()
    });
    (addr, peer)
}

#[test]
fn sixty_four_kib_go_there_and_back_on_every_persona() {
    let data: Vec<u8> =
        (0..64 * 1024_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    for persona in Persona::ALL {
        let rig = Rig::new(persona);
        rig.join();
        let (addr, peer) = echo();
        let fd = rig.connect(addr);
        rig.send_all(fd, &data);
        assert!(rig.recv_all(fd) == data, "{}: what came back differs", persona.name);
        assert_eq!(peer.join().unwrap(), data.len());
        rig.device.close(fd);
        rig.assert_faultless();
        assert_eq!(rig.bench.counters().cs_low_while_busy, 0, "{}", persona.name);
    }
}

#[test]
fn a_listener_serves_a_client() {
    let rig = Rig::new(&Persona::ARDUINO_2_0_0);
    rig.join();
    let listener = rig.socket();
    rig.until(|| rig.device.bind(listener, ([0, 0, 0, 0], 0).into())).unwrap();
    rig.until(|| rig.device.listen(listener, 1)).unwrap();
    let addr = rig.until(|| rig.device.local_addr(listener)).unwrap();
    let peer = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(b"hello").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        (stream.local_addr().unwrap(), answer)
    });
    let (fd, from) = rig.until(|| rig.device.accept(listener)).unwrap();
    let mut hello = [0; 16];
    let length = rig.until(|| rig.device.recv(fd, &mut hello, SockFlags::NONE)).unwrap();
    assert_eq!(&hello[..length], b"hello");
    rig.send_all(fd, b"world");
    rig.device.close(fd);
    assert_eq!(peer.join().unwrap(), (from, b"world".to_vec()));
    rig.device.close(listener);
    rig.assert_faultless();
}

#[test]
fn a_chip_that_somebody_else_resets_is_joined_again() {
    let rig = Rig::new(&Persona::ARDUINO_2_0_0);
    rig.join();
    let mut other = TcpStream::connect(rig.server.addr()).unwrap();
    other.set_read_timeout(Some(LIMIT)).unwrap();
    other.write_all(b"\xFE\xFF").unwrap();
    other.read_exact(&mut [0]).unwrap();
    rig.join();
    let (addr, peer) = echo();
    let fd = rig.connect(addr);
    rig.send_all(fd, &vec![7; 64 * 1024]);
    assert_eq!(rig.recv_all(fd).len(), peer.join().unwrap());
    rig.device.close(fd);
}

#[test]
fn a_tunnel_that_breaks_is_a_fault_of_the_bus_and_no_panic() {
    let rig = Rig::new(&Persona::ARDUINO_2_0_0);
    rig.join();
    drop(rig.server);
    for _ in 0..3 {
        let deadline = rig.device.platform().now() + LIMIT;
        let answer = wait(rig.device, || Some(deadline), || rig.device.hardware_addr());
        let Err(Stopped::Failed(Error::Fault(fault))) = answer else { panic!("{answer:?}") };
        assert!(matches!(fault, Fault::Bus | Fault::Unresponsive), "{fault:?}");
    }
    let events: Vec<Event> = core::iter::from_fn(|| rig.device.next_event()).collect();
    assert!(events.iter().any(|event| matches!(event, Event::Fault(_))), "{events:?}");
}
