//! Handles and the sockets behind them.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use netdev::{Error, SockFd};

/// The sockets of a device, by slot. Grows as needed, up to what a handle can name.
#[derive(Debug)]
pub(crate) struct Table<S> {
    inner: RwLock<Inner<S>>,
}

#[derive(Debug)]
pub(crate) struct Inner<S> {
    slots: Vec<Slot<S>>,
    /// Oldest first, so that a slot's generations last as long as possible.
    free: VecDeque<u16>,
}

#[derive(Debug)]
struct Slot<S> {
    generation: u16,
    socket: Option<Arc<S>>,
}

/// How many sockets handles can tell apart.
pub(crate) const MOST: u16 = u16::MAX;

impl<S> Table<S> {
    pub(crate) const fn new() -> Self {
        Self { inner: RwLock::new(Inner { slots: Vec::new(), free: VecDeque::new() }) }
    }

    /// Puts a socket in and tells its handle.
    pub(crate) fn open(&self, socket: Arc<S>) -> Result<SockFd, Error> {
        let mut inner = self.write();
        let inner = &mut *inner;
        let index = match inner.free.pop_front() {
            Some(index) => index,
            None => inner.grow()?,
        };
        let slot = inner.slots.get_mut(usize::from(index)).ok_or(Error::NoSockets)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.socket = Some(socket);
        Ok(SockFd::new(index, slot.generation))
    }

    /// Takes a socket out; its handle is stale from now on.
    pub(crate) fn close(&self, fd: SockFd) -> Option<Arc<S>> {
        let mut inner = self.write();
        let slot = inner.slots.get_mut(usize::from(fd.slot()))?;
        let socket = slot.socket.take_if(|_| slot.generation == fd.generation())?;
        inner.free.push_back(fd.slot());
        Some(socket)
    }

    pub(crate) fn get(&self, fd: SockFd) -> Option<Arc<S>> {
        self.read().get(fd).cloned()
    }

    /// Who is in this slot now.
    pub(crate) fn at(&self, slot: u16) -> Option<(SockFd, Arc<S>)> {
        let inner = self.read();
        let Slot { generation, socket } = inner.slots.get(usize::from(slot))?;
        Some((SockFd::new(slot, *generation), socket.clone()?))
    }

    pub(crate) fn open_now(&self) -> usize {
        let inner = self.read();
        inner.slots.len().saturating_sub(inner.free.len())
    }

    /// For many looks in a row.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Inner<S>> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<S>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Inner<S> {
    pub(crate) fn get(&self, fd: SockFd) -> Option<&Arc<S>> {
        let slot = self.slots.get(usize::from(fd.slot()))?;
        slot.socket.as_ref().filter(|_| slot.generation == fd.generation())
    }

    fn grow(&mut self) -> Result<u16, Error> {
        let index = u16::try_from(self.slots.len()).ok().filter(|&index| index < MOST);
        let index = index.ok_or(Error::NoSockets)?;
        self.slots.push(Slot { generation: 0, socket: None });
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_go_stale_and_run_out() {
        let table = Table::new();
        let first = table.open(Arc::new(0)).unwrap();
        assert_eq!(table.close(first).as_deref(), Some(&0));
        assert!(table.close(first).is_none() && table.get(first).is_none());
        let fds: Vec<SockFd> = (1..=MOST).map(|n| table.open(Arc::new(n)).unwrap()).collect();
        assert_eq!(table.open_now(), usize::from(MOST));
        assert!(table.get(first).is_none(), "its slot has a new owner");
        assert_eq!(table.open(Arc::new(0)), Err(Error::NoSockets));
        table.close(fds[500]);
        assert_eq!(table.open(Arc::new(7)).map(SockFd::slot), Ok(fds[500].slot()));
    }
}
