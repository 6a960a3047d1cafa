//! The methods of connections, written down once: each type has them as its own, so that no trait
//! needs to be imported, and through [`Conn`](crate::Conn). All of them go to the socket inside.

macro_rules! forward {
    ($type:ty: $($(#[$doc:meta])* $name:ident($($arg:ident: $in:ty),*) -> $out:ty;)+) => {
        impl $type {
            $($(#[$doc])* pub fn $name(&self, $($arg: $in),*) -> $out {
                self.inner().$name($($arg),*)
            })+
        }

        impl $crate::Conn for $type {
            $(fn $name(&self, $($arg: $in),*) -> $out {
                self.inner().$name($($arg),*)
            })+
        }
    };
}

macro_rules! conn_methods {
    ($type:ty) => {
        $crate::methods::forward! { $type:
            /// The device that it lives on.
            device() -> &'static dyn $crate::Netdev;
            /// The device's handle; `None` once closed.
            socket() -> Option<$crate::SockFd>;
            /// Waits for data and reads it; see [`Conn::read`](crate::Conn::read).
            ///
            /// # Errors
            /// `DeadlineExceeded`, `Closed`, or the device's.
            read(buf: &mut [u8]) -> Result<usize, $crate::Error>;
            /// Writes all of `data`; see [`Conn::write`](crate::Conn::write).
            ///
            /// # Errors
            /// As `read`, with how much the device took before.
            write(data: &[u8]) -> Result<usize, $crate::WriteError>;
            /// Writes several slices as one; see [`Conn::write_parts`](crate::Conn::write_parts).
            ///
            /// # Errors
            /// As `write`.
            write_parts(parts: &[&[u8]]) -> Result<usize, $crate::WriteError>;
            /// Tries to read once; see [`Conn::try_read`](crate::Conn::try_read).
            ///
            /// # Errors
            /// As `read`; `WouldBlock` if there is nothing yet, or somebody else reads.
            try_read(buf: &mut [u8]) -> nb::Result<usize, $crate::Error>;
            /// Tries to write once; see [`Conn::try_write`](crate::Conn::try_write).
            ///
            /// # Errors
            /// As `read`; `WouldBlock` if nothing is taken yet, or somebody else writes.
            try_write(data: &[u8]) -> nb::Result<usize, $crate::Error>;
            /// Closes; calls that wait end with `Closed`.
            ///
            /// # Errors
            /// `Closed` if it was before.
            close() -> Result<(), $crate::Error>;
            /// Our end, if the device knows it. Stays readable after close.
            local_addr() -> Option<$crate::Addr>;
            /// The peer's end. Stays readable after close.
            remote_addr() -> Option<$crate::Addr>;
            /// Sets both deadlines; see [`Conn::set_deadline`](crate::Conn::set_deadline).
            ///
            /// # Errors
            /// `Closed`.
            set_deadline(at: Option<$crate::Instant>) -> Result<(), $crate::Error>;
            /// Sets the moment from which on reads fail, those that wait included.
            ///
            /// # Errors
            /// `Closed`.
            set_read_deadline(at: Option<$crate::Instant>) -> Result<(), $crate::Error>;
            /// Sets the moment from which on writes fail, those that wait included.
            ///
            /// # Errors
            /// `Closed`.
            set_write_deadline(at: Option<$crate::Instant>) -> Result<(), $crate::Error>;
        }
    };
}

pub(crate) use {conn_methods, forward};
