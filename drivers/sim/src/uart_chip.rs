//! What a simulated UART co-processor looks like to the line.

use netdev::Instant;

/// A co-processor's firmware behind a serial line.
///
/// Every call tells the time; a model moves itself on to that moment first. It has no thread and no
/// clock of its own, so that in virtual time a run is the same each time. The line does the pacing:
/// a model is given bytes when their last bit has arrived, and is asked for bytes when there is room
/// for them on the wire.
pub trait UartChip: Send {
    /// These bytes have come in since the last call, back to back: one piece, as
    /// [`UartBench`](crate::UartBench) cuts them. `now` is when the last stop bit ended.
    fn receive(&mut self, bytes: &[u8], now: Instant);

    /// Puts what the firmware has to say into a prefix of `buf`, and tells how much that is. What
    /// does not fit stays with the firmware.
    fn transmit(&mut self, buf: &mut [u8], now: Instant) -> usize;

    /// When the model next does something by itself, if nothing comes in until then. With real
    /// sockets behind it, that is a moment to look at them.
    fn next_step(&self) -> Option<Instant>;

    /// The rate that the firmware's UART is set to. At another rate than the host's, both read
    /// garbage.
    fn baud(&self) -> u32;

    /// The chip's enable pin (CHIP_PU, EN): off (`false`) forgets everything, on boots.
    fn set_enabled(&mut self, enabled: bool, now: Instant);

    /// The host's RTS, as the chip's CTS sees it: whether it may send. Only firmwares that are told
    /// to obey it do.
    fn set_clear_to_send(&mut self, clear: bool, now: Instant) {
        let _ = (clear, now);
    }

    /// The chip's RTS: whether it takes bytes now. A chip without flow control always does.
    fn ready_to_receive(&self) -> bool {
        true
    }
}
