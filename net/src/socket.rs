//! What every connection and listener stands on: a socket of a device, with deadlines, one caller
//! per side, and a close that is heard everywhere.

use core::cell::Cell;
use core::fmt;
use core::net::SocketAddr;

use critical_section::Mutex;
use netdev::Stopped;

use crate::addr::canonical;
use crate::side::{Entry, Owner, Promise, Sides};
use crate::{
    Addr, AddressFamily, Cause, DeviceError, Instant, Netdev, Network, Protocol, Side, SockFd,
    SockType,
};

/// A socket that is closed when dropped. Nothing in here is generic over what is done, so that the
/// loop that waits exists once in a program.
pub(crate) struct Socket {
    device: &'static dyn Netdev,
    fd: Mutex<Cell<SockFd>>,
    network: Network,
    /// Unknown until the device has told, which it may do late.
    local: Mutex<Cell<Option<SocketAddr>>>,
    remote: Option<SocketAddr>,
    sides: Sides,
}

/// One step of a call on the device: keeps its result to itself.
pub(crate) type Step<'a> = dyn FnMut() -> nb::Result<(), DeviceError> + 'a;

impl Socket {
    /// Opens a socket; `WouldBlock` while one is being closed that will be free.
    pub(crate) fn try_open(
        device: &'static dyn Netdev,
        network: Network,
        family: AddressFamily,
    ) -> nb::Result<Self, Cause> {
        let (kind, protocol) = if network.is_udp() {
            (SockType::Dgram, Protocol::Udp)
        } else {
            (SockType::Stream, Protocol::Tcp)
        };
        let fd = device.socket(family, kind, protocol).map_err(|error| error.map(Cause::Device))?;
        Ok(Self::adopt(device, fd, network))
    }

    /// The same, waiting.
    pub(crate) fn open(
        device: &'static dyn Netdev,
        network: Network,
        family: AddressFamily,
    ) -> Result<Self, Cause> {
        let mut socket = None;
        wait(device, &|| None, &mut || {
            socket = Some(Self::try_open(device, network, family)?);
            Ok(())
        })?;
        socket.ok_or(Cause::Device(DeviceError::InvalidState))
    }

    /// A socket that the device already opened.
    pub(crate) const fn adopt(device: &'static dyn Netdev, fd: SockFd, network: Network) -> Self {
        Self {
            device,
            fd: Mutex::new(Cell::new(fd)),
            network,
            local: Mutex::new(Cell::new(None)),
            remote: None,
            sides: Sides::new(),
        }
    }

    pub(crate) fn set_remote(&mut self, addr: SocketAddr) {
        self.remote = Some(canonical(addr));
    }

    /// Takes this for the local address where the device cannot tell better.
    pub(crate) fn assume_local(&self, addr: Option<SocketAddr>) {
        let addr = addr.map(canonical);
        critical_section::with(|cs| self.local.borrow(cs).set(addr));
    }

    /// Asks the device for the local address until it answers.
    pub(crate) fn learn_local(&self, deadline: Option<Instant>) -> Result<(), Cause> {
        match until(self.device, deadline, || self.device.local_addr(self.fd())) {
            Ok(addr) => self.assume_local(Some(addr)),
            Err(Cause::Device(DeviceError::Unsupported)) => {}
            Err(cause) => return Err(cause),
        }
        Ok(())
    }

    /// Asks the device for the local address once; `false` if it has to be asked again.
    pub(crate) fn try_learn_local(&self) -> bool {
        match self.device.local_addr(self.fd()) {
            Ok(addr) => self.assume_local(Some(addr)),
            Err(nb::Error::WouldBlock) => return false,
            Err(nb::Error::Other(_)) => {}
        }
        true
    }

    pub(crate) const fn device(&self) -> &'static dyn Netdev {
        self.device
    }

    /// The handle, for calls inside a step.
    pub(crate) fn fd(&self) -> SockFd {
        critical_section::with(|cs| self.fd.borrow(cs).get())
    }

    /// Goes on with another socket; `false`, and that one is closed, if nobody wants it any more.
    pub(crate) fn replace_fd(&self, fd: SockFd) -> bool {
        critical_section::with(|cs| self.fd.borrow(cs).set(fd));
        let wanted = !self.sides.closed();
        if !wanted {
            self.device.close(fd);
        }
        wanted
    }

    /// The handle while it is worth something.
    pub(crate) fn socket(&self) -> Option<SockFd> {
        (!self.sides.closed()).then(|| self.fd())
    }

    pub(crate) const fn network(&self) -> Network {
        self.network
    }

    pub(crate) const fn sides(&self) -> &Sides {
        &self.sides
    }

    pub(crate) fn local(&self) -> Option<SocketAddr> {
        let known = || critical_section::with(|cs| self.local.borrow(cs).get());
        if known().is_none() && !self.sides.closed() {
            self.try_learn_local();
        }
        known()
    }

    pub(crate) fn local_addr(&self) -> Option<Addr> {
        self.local().map(|addr| self.network.addr(addr))
    }

    pub(crate) const fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    pub(crate) fn remote_addr(&self) -> Option<Addr> {
        self.remote.map(|addr| self.network.addr(addr))
    }

    /// Waits until this caller has the side and `step` is done: until the side's deadline at the
    /// latest, or until somebody closes.
    pub(crate) fn run(&self, side: Side, step: &mut Step<'_>) -> Result<(), Cause> {
        self.run_in(&mut None, side, &[], step)
    }

    /// One try of the same. `WouldBlock` also while somebody else has the side.
    pub(crate) fn try_run(
        &self,
        side: Side,
        bytes: &[u8],
        step: &mut Step<'_>,
    ) -> nb::Result<(), Cause> {
        let passed = |at| self.device.platform().now() >= at;
        if self.sides.deadline(side).is_some_and(passed) {
            return Err(nb::Error::Other(Cause::DeadlineExceeded));
        }
        let mut turn = None;
        let done = self.step_in(&mut turn, side, bytes, step);
        if let (Err(nb::Error::WouldBlock), Some(turn)) = (&done, &mut turn) {
            turn.promised = Some(bytes);
        }
        done
    }

    /// Closes once; [`Cause::Closed`] from then on.
    pub(crate) fn give_up(&self) -> Result<(), Cause> {
        if !self.sides.closed() {
            self.local(); // the last chance to learn it
            if self.sides.close() {
                self.device.close(self.fd());
                return Ok(());
            }
        }
        Err(Cause::Closed)
    }

    /// Waits for something that belongs to no side; the device's answer is bounded.
    pub(crate) fn control(&self, step: &mut Step<'_>) -> Result<(), Cause> {
        wait(self.device, &|| None, &mut || self.guarded(step))
    }

    pub(crate) fn run_in<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        side: Side,
        bytes: &[u8],
        step: &mut Step<'_>,
    ) -> Result<(), Cause> {
        let deadline = || self.sides.deadline(side);
        wait(self.device, &deadline, &mut || self.step_in(turn, side, bytes, step))
    }

    fn step_in<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        side: Side,
        bytes: &[u8],
        step: &mut Step<'_>,
    ) -> nb::Result<(), Cause> {
        if turn.is_none() {
            if self.sides.closed() {
                return Err(nb::Error::Other(Cause::Closed));
            }
            match self.sides.enter(side, bytes) {
                Entry::Entered => *turn = Some(Turn { socket: self, side, promised: None }),
                Entry::Occupied => return Err(nb::Error::WouldBlock),
                Entry::Spoilt => return Err(nb::Error::Other(Cause::Spoilt)),
            }
        }
        self.guarded(step)
    }

    /// A step on a socket that may be closed any moment: what the device then says about a stale
    /// handle is not told to anybody.
    fn guarded(&self, step: &mut Step<'_>) -> nb::Result<(), Cause> {
        if self.sides.closed() {
            return Err(nb::Error::Other(Cause::Closed));
        }
        step().map_err(|error| match error {
            nb::Error::WouldBlock => nb::Error::WouldBlock,
            nb::Error::Other(_) if self.sides.closed() => nb::Error::Other(Cause::Closed),
            nb::Error::Other(error) => nb::Error::Other(error.into()),
        })
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, remote) = (self.local(), self.remote);
        write!(f, "{} {local:?}->{remote:?}", self.network)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.sides.close() {
            self.device.close(self.fd());
        }
    }
}

/// The right to call the device for one side. Given back on every path, a panic included.
pub(crate) struct Turn<'a> {
    socket: &'a Socket,
    side: Side,
    /// A `try_write` that will be repeated, and its bytes.
    promised: Option<&'a [u8]>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Socket { device, ref sides, .. } = *self.socket;
        let fd = self.socket.fd();
        let next = match self.promised {
            _ if self.side == Side::Read || sides.closed() => Owner::Free,
            _ if !device.in_flight(fd, self.side) => Owner::Free,
            Some(bytes) => Owner::Promised(Promise::of(bytes)),
            None => Owner::Spoilt,
        };
        sides.leave(self.side, next);
    }
}

/// Waits for a device that no connection stands on yet.
pub(crate) fn until<T>(
    device: &dyn Netdev,
    deadline: Option<Instant>,
    mut op: impl FnMut() -> nb::Result<T, DeviceError>,
) -> Result<T, Cause> {
    let mut value = None;
    wait(device, &|| deadline, &mut || {
        value = Some(op().map_err(|error| error.map(Cause::Device))?);
        Ok(())
    })?;
    value.ok_or(Cause::Device(DeviceError::InvalidState))
}

/// The one place of this crate that waits, for everything, so that the loop is compiled once.
pub(crate) fn wait(
    device: &dyn Netdev,
    deadline: &dyn Fn() -> Option<Instant>,
    step: &mut dyn FnMut() -> nb::Result<(), Cause>,
) -> Result<(), Cause> {
    netdev::wait(device, deadline, step).map_err(|stopped| match stopped {
        Stopped::Failed(cause) => cause,
        Stopped::Deadline => Cause::DeadlineExceeded,
    })
}
