//! A server and its clients on a network in memory, in virtual time.
#![allow(dead_code, reason = "every test file uses a part")]

use core::time::Duration;

use net::netdev::{Netdev, Platform};
use net::{Cause, Connection, Dialer, TcpConn, TcpListener};
use net_http::{Handler, Limits, Server, Stop};
use netdev_sim::{Internet, Registered, SimDevice, Task, VirtualClock};

pub(crate) struct Bench {
    pub(crate) clock: VirtualClock,
    pub(crate) server: &'static SimDevice,
    pub(crate) client: &'static SimDevice,
    stop: &'static Stop,
    task: Option<Task<Result<(), net_http::Error>>>,
    _seat: Registered,
}

/// How long a client listens before it takes the answer for whole.
pub(crate) const QUIET: Duration = Duration::from_millis(300);

impl Bench {
    pub(crate) fn new(handler: &'static (dyn Handler + Sync)) -> Self {
        Self::with::<4, 1024>(Limits::new(), handler)
    }

    pub(crate) fn with<const CONNS: usize, const HEAD: usize>(
        limits: Limits,
        handler: &'static (dyn Handler + Sync),
    ) -> Self {
        Self::on::<CONNS, HEAD>(limits, handler, 256)
    }

    pub(crate) fn on<const CONNS: usize, const HEAD: usize>(
        limits: Limits,
        handler: &'static (dyn Handler + Sync),
        sockets: u16,
    ) -> Self {
        let clock = VirtualClock::new();
        let seat = clock.register();
        let internet = Internet::new(&clock);
        let server = SimDevice::on(&internet, [10, 0, 0, 1].into()).with_sockets(sockets).leak();
        let client = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
        let stop: &'static Stop = Box::leak(Box::default());
        let listener = net::listen_on(server, "tcp", "10.0.0.1:80").unwrap();
        let task = clock.spawn(move || {
            let server = Server::<TcpListener, CONNS, HEAD>::new(listener, handler);
            server.limits(limits).stop_with(stop).serve()
        });
        Self { clock, server, client, stop, task: Some(task), _seat: seat }
    }

    pub(crate) fn dial(&self) -> TcpConn {
        let dialler = Dialer::on(self.client).timeout(Duration::from_secs(100));
        match dialler.dial("tcp", "10.0.0.1:80").unwrap() {
            Connection::Tcp(conn) => conn,
            other => panic!("{other:?}"),
        }
    }

    /// Sends on a new connection and gives what comes back, and whether the server closed.
    pub(crate) fn ask(&self, raw: &[u8]) -> (String, bool) {
        let conn = self.dial();
        conn.write(raw).unwrap();
        self.hear(&conn)
    }

    /// What comes until the server closes or is quiet.
    pub(crate) fn hear(&self, conn: &TcpConn) -> (String, bool) {
        let (mut all, mut piece) = (Vec::new(), [0; 4096]);
        let closed = loop {
            conn.set_read_deadline(Some(self.client.platform().now() + QUIET)).unwrap();
            match conn.read(&mut piece) {
                Ok(0) => break true,
                Ok(count) => all.extend_from_slice(&piece[..count]),
                Err(error) if error.cause() == Cause::DeadlineExceeded => break false,
                Err(_) => break true,
            }
        };
        (without_date(&String::from_utf8_lossy(&all)), closed)
    }

    pub(crate) fn client_now(&self) -> net::Instant {
        self.client.platform().now()
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_micros(self.clock.now().as_micros())
    }

    pub(crate) fn stop(&self) {
        self.stop.request();
    }

    /// Waits for the end of the server.
    pub(crate) fn end(&mut self) -> Result<(), net_http::Error> {
        self.stop();
        self.task.take().unwrap().join().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop();
        if let Some(task) = self.task.take()
            && !std::thread::panicking()
        {
            task.join().unwrap().unwrap();
        }
    }
}

/// The text without the Date fields, each of which has the right length.
pub(crate) fn without_date(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("Date: ") {
        out.push_str(before);
        assert_eq!(&behind[26..31], "GMT\r\n");
        rest = &behind[31..];
    }
    out + rest
}
