//! A handle on a chip that was given away: its counters, and what befalls it from outside.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::Counters;
use crate::faults::Fault;

/// Clones are handles on the same chip. What is asked for here happens the next time that the chip
/// moves on.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    shared: Arc<Mutex<Shared>>,
    /// There are orders, so that a chip need not lock to know that there are none.
    ordered: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Shared {
    counters: Counters,
    orders: Vec<Order>,
    faults: Vec<Fault>,
    server_name: Option<String>,
}

/// What is to happen to the chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Vanish(Option<String>),
    Return(Option<String>),
    Dhcp(bool),
    TruncateAddresses(bool),
    Event([u8; 48]),
    Callback,
    Station(bool),
    Reboot,
    Halt,
}

impl Monitor {
    /// Counts since the last clear.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Starts to count anew.
    pub fn clear(&self) {
        self.lock().counters = Counters::default();
    }

    /// The next reply that no other fault waits for is hit by `fault`.
    pub fn strike(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// All access points go away; a station that was in one is told.
    pub fn lose_access_points(&self) {
        self.order(Order::Vanish(None));
    }

    /// The access point of that name goes away.
    pub fn lose_access_point(&self, ssid: &str) {
        self.order(Order::Vanish(Some(ssid.into())));
    }

    /// All access points are there again.
    pub fn restore_access_points(&self) {
        self.order(Order::Return(None));
    }

    /// The access point of that name is there again.
    pub fn restore_access_point(&self, ssid: &str) {
        self.order(Order::Return(Some(ssid.into())));
    }

    /// Whether a DHCP server answers.
    pub fn set_dhcp(&self, answers: bool) {
        self.order(Order::Dhcp(answers));
    }

    /// Whether addresses in replies lose all but their first byte, on versions that may do that.
    pub fn set_truncate_addresses(&self, on: bool) {
        self.order(Order::TruncateAddresses(on));
    }

    /// The firmware sends this event.
    pub fn send_event(&self, record: [u8; 48]) {
        self.order(Order::Event(record));
    }

    /// The firmware calls the host (`wifi_dns_found`), and its IP task stands still until the host
    /// has answered.
    pub fn call_host(&self) {
        self.order(Order::Callback);
    }

    /// A station joins the chip's own access point, or leaves it.
    pub fn set_station(&self, there: bool) {
        self.order(Order::Station(there));
    }

    /// The chip restarts by itself, as a watchdog makes it.
    pub fn reboot(&self) {
        self.order(Order::Reboot);
    }

    /// The chip stops, until `CHIP_PU` falls.
    pub fn halt(&self) {
        self.order(Order::Halt);
    }

    /// The name that the last TLS handshake told the server (SNI), if it told one.
    #[must_use]
    pub fn server_name(&self) -> Option<String> {
        self.lock().server_name.clone()
    }

    pub(crate) fn set_server_name(&self, name: Option<String>) {
        self.lock().server_name = name;
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    pub(crate) fn has_orders(&self) -> bool {
        self.ordered.load(Ordering::Acquire)
    }

    pub(crate) fn take_orders(&self) -> Vec<Order> {
        self.ordered.store(false, Ordering::Release);
        core::mem::take(&mut self.lock().orders)
    }

    pub(crate) fn take_fault(&self) -> Option<Fault> {
        let mut shared = self.lock();
        (!shared.faults.is_empty()).then(|| shared.faults.remove(0))
    }

    fn order(&self, order: Order) {
        self.lock().orders.push(order);
        self.ordered.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
