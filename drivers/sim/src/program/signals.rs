//! What the system tells a program while it serves.

use std::io;

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGHUP: reset the chip.
    HangUp,
    /// SIGINT or SIGTERM: end.
    End,
}

#[cfg(unix)]
mod unix {
    use core::sync::atomic::{AtomicBool, Ordering};
    use core::time::Duration;
    use std::sync::Arc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;

    use super::{Signal, io};

    /// The signals that are caught.
    #[derive(Debug)]
    pub(in super::super) struct Signals {
        hang_up: Arc<AtomicBool>,
        end: Arc<AtomicBool>,
    }

    impl Signals {
        pub(in super::super) fn catch() -> io::Result<Self> {
            let signals = Self { hang_up: Arc::default(), end: Arc::default() };
            flag::register(SIGHUP, signals.hang_up.clone())?;
            flag::register(SIGINT, signals.end.clone())?;
            flag::register(SIGTERM, signals.end.clone())?;
            Ok(signals)
        }

        pub(in super::super) fn wait(&self) -> Signal {
            loop {
                if self.end.load(Ordering::Relaxed) {
                    return Signal::End;
                }
                if self.hang_up.swap(false, Ordering::Relaxed) {
                    return Signal::HangUp;
                }
                std::thread::sleep(ROUND);
            }
        }
    }

    /// Between two looks.
    const ROUND: Duration = Duration::from_millis(20);
}

#[cfg(not(unix))]
mod none {
    use super::{Signal, io};

    /// There are none here: the program serves until it is killed.
    #[derive(Debug)]
    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) fn wait(&self) -> Signal {
            loop {
                std::thread::park();
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) use none::Signals;
#[cfg(unix)]
pub(super) use unix::Signals;
