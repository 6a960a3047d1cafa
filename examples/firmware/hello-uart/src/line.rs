//! The second serial port of the MPS2 board (CMSDK), served by its interrupts.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::exception;
use netdev_uart::{Halves, RxReader, RxRing, Serial, TxRing, TxWriter};

use crate::register::Register;

static RX: RxRing<1024> = RxRing::new();
static TX: TxRing<256> = TxRing::new();

/// The line to the chip, as the drivers take it.
pub type Link = Serial<Halves<RxReader<'static, 1024>, TxWriter<'static, 256, fn(), fn() -> bool>>>;

/// Starts the port and its interrupts.
pub fn link() -> Link {
    register(DIVIDER).write(CLOCK_HZ / BAUD);
    register(CONTROL).write(TX_ON | RX_ON | RX_INTERRUPT);
    // SAFETY: the handler uses nothing but the rings, which are made for it, and its port.
    unsafe {
        NVIC::unmask(Interrupt(RECEIVED));
        NVIC::unmask(Interrupt(SENT));
    }
    Serial::new(Halves(RX.reader(), TX.writer(start as fn(), is_idle as fn() -> bool)))
}

/// Lets the handler send what waits: it comes when the interrupt is made to.
fn start() {
    NVIC::pend(Interrupt(SENT));
}

fn is_idle() -> bool {
    register(STATE).read() & TX_FULL == 0
}

/// Every interrupt that has no handler of its own: those of the port, since no other is switched on.
#[exception]
unsafe fn DefaultHandler(_: i16) {
    let (data, state) = (register(DATA), register(STATE));
    register(INTERRUPTS).write(BOTH_INTERRUPTS);
    while state.read() & RX_FULL != 0 {
        if state.read() & RX_OVERRUN != 0 {
            RX.lose();
            state.write(RX_OVERRUN);
        }
        RX.push(data.read() as u8);
    }
    while state.read() & TX_FULL == 0 {
        let Some(byte) = TX.pop() else {
            register(CONTROL).write(TX_ON | RX_ON | RX_INTERRUPT);
            return;
        };
        register(CONTROL).write(TX_ON | RX_ON | RX_INTERRUPT | TX_INTERRUPT);
        data.write(byte.into());
    }
}

fn register(offset: usize) -> Register {
    // SAFETY: a register of the second serial port of this chip.
    unsafe { Register::at(PORT + offset) }
}

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the numbers are those of the port, and do not change.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

const PORT: usize = 0x4000_5000;
const RECEIVED: u16 = 2;
const SENT: u16 = 3;

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPTS: usize = 0x0C;
const DIVIDER: usize = 0x10;

const TX_FULL: u32 = 1;
const RX_FULL: u32 = 1 << 1;
const RX_OVERRUN: u32 = 1 << 3;
const TX_ON: u32 = 1;
const RX_ON: u32 = 1 << 1;
const TX_INTERRUPT: u32 = 1 << 2;
const RX_INTERRUPT: u32 = 1 << 3;
const BOTH_INTERRUPTS: u32 = 0b11;

const CLOCK_HZ: u32 = 25_000_000;
const BAUD: u32 = 115_200;
