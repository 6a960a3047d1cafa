//! What the measured form tells the machine that runs it, through the first serial port.

use crate::register::Register;

const PORT: usize = 0x4000_4000;

/// Says where the server listens.
pub(crate) fn listening(port: u16) {
    let mut digits = [b'0'; 5];
    let mut rest = port;
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    say(b"port ");
    say(&digits);
    say(b"\n");
}

/// Says that something was not as it should be.
pub(crate) fn failed(why: &str) {
    say(b"failed: ");
    say(why.as_bytes());
    say(b"\n");
}

fn say(text: &[u8]) {
    // SAFETY: registers of the first serial port of this chip.
    let [data, state, control, divider] =
        [0x00, 0x04, 0x08, 0x10].map(|offset| unsafe { Register::at(PORT + offset) });
    divider.write(16);
    control.write(1);
    for byte in text {
        while state.read() & 1 != 0 {}
        data.write((*byte).into());
    }
}
