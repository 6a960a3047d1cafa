//! A bounded queue of link events, for drivers.

use crate::Event;

/// Keeps the newest `N` events. What was dropped to make room is told once, in its place, as
/// [`Event::Lagged`].
#[derive(Debug)]
pub struct EventQueue<const N: usize> {
    events: [Option<Event>; N],
    first: usize,
    len: usize,
    lagged: bool,
}

impl<const N: usize> Default for EventQueue<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> EventQueue<N> {
    /// An empty queue.
    #[must_use]
    pub const fn new() -> Self {
        Self { events: [None; N], first: 0, len: 0, lagged: false }
    }

    /// Adds an event, dropping the oldest if there is no room.
    pub fn push(&mut self, event: Event) {
        if self.len == N {
            self.lagged = true;
            self.take_first();
        }
        let end = (self.first + self.len) % N.max(1);
        if let Some(place) = self.events.get_mut(end) {
            *place = Some(event);
            self.len += 1;
        }
    }

    /// Takes the oldest event.
    pub fn pop(&mut self) -> Option<Event> {
        if core::mem::take(&mut self.lagged) { Some(Event::Lagged) } else { self.take_first() }
    }

    fn take_first(&mut self) -> Option<Event> {
        let event = self.events.get_mut(self.first)?.take()?;
        self.first = (self.first + 1) % N.max(1);
        self.len -= 1;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Fault};

    #[test]
    fn events_come_out_in_order_and_losses_are_told_once() {
        let mut queue = EventQueue::<2>::new();
        for code in 0..4 {
            queue.push(Event::Fault(Fault::Chip(code)));
        }
        assert_eq!(queue.pop(), Some(Event::Lagged));
        assert_eq!(queue.pop(), Some(Event::Fault(Fault::Chip(2))));
        queue.push(Event::Down(Error::LinkDown));
        assert_eq!(queue.pop(), Some(Event::Fault(Fault::Chip(3))));
        assert_eq!(queue.pop(), Some(Event::Down(Error::LinkDown)));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn a_queue_without_room_only_tells_that_it_lost_something() {
        let mut queue = EventQueue::<0>::new();
        queue.push(Event::Down(Error::LinkDown));
        assert_eq!(queue.pop(), Some(Event::Lagged));
        assert_eq!(queue.pop(), None);
    }
}
