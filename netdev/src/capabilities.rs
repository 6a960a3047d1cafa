//! What a device can do, and the limits that no driver can mend.

/// What this device, with this firmware, can do.
///
/// A driver finds out by asking the firmware; programs ask here instead of comparing versions.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Capabilities {
    /// How many sockets may be open at once, listeners included.
    pub sockets: u16,
    /// Largest datagram that can be sent in one piece, in bytes of payload; 0 without UDP.
    pub datagram: u16,
    /// What works.
    pub features: Features,
    /// What does not work as BSD says, and cannot be mended above the firmware.
    pub limits: Limits,
}

impl Capabilities {
    /// A device with this many sockets and nothing else yet.
    #[must_use]
    pub const fn new(sockets: u16) -> Self {
        Self { sockets, datagram: 0, features: Features::NONE, limits: Limits::NONE }
    }

    /// The same, with datagrams of up to `bytes`.
    #[must_use]
    pub const fn datagrams(mut self, bytes: u16) -> Self {
        self.datagram = bytes;
        self.features = self.features.with(Features::UDP);
        self
    }

    /// The same, with more features.
    #[must_use]
    pub const fn with(mut self, features: Features) -> Self {
        self.features = self.features.with(features);
        self
    }

    /// The same, with more limits.
    #[must_use]
    pub const fn limited(mut self, limits: Limits) -> Self {
        self.limits = self.limits.with(limits);
        self
    }

    /// Whether all of `features` work.
    #[must_use]
    pub const fn has(&self, features: Features) -> bool {
        self.features.contains(features)
    }
}

macro_rules! flag_set {
    ($(#[$meta:meta])* $set:ident { $($(#[$doc:meta])* $name:ident = $bit:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $set(u32);

        impl $set {
            /// The empty set.
            pub const NONE: Self = Self(0);
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)+

            /// Both sets together.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether all of `other` is in here.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Names of what is in the set.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$name, stringify!($name)),)+]
                    .into_iter()
                    .filter_map(move |(flag, name)| self.contains(flag).then_some(name))
            }
        }
    };
}

flag_set! {
    /// Things that some devices can do and others cannot.
    Features {
        /// TCP connections to peers.
        TCP_CONNECT = 0,
        /// TCP listeners.
        TCP_LISTEN = 1,
        /// UDP sockets.
        UDP = 2,
        /// UDP sockets that name a destination with each datagram.
        UDP_SEND_TO = 3,
        /// TLS sessions run by the device.
        TLS = 4,
        /// IPv6 as well as IPv4.
        INET6 = 5,
        /// Name lookup by the device.
        NAME_LOOKUP = 6,
        /// `shutdown` of one direction.
        SHUTDOWN = 7,
        /// `SockFlags::PEEK`.
        PEEK = 8,
        /// `SockOpt::KeepAlive`.
        KEEP_ALIVE = 9,
        /// `SockOpt::NoDelay`.
        NO_DELAY = 10,
        /// `SockOpt::Linger`.
        LINGER = 11,
        /// `next_ready` knows which sockets have something to do.
        READINESS = 12,
        /// `wake_on` wakes.
        WAKERS = 13,
    }
}

flag_set! {
    /// Limits of a firmware that a driver cannot mend.
    Limits {
        /// A connection that the peer reset reads as ended.
        RESET_READS_AS_END = 0,
        /// A write to a connection whose peer stopped reading can stop the chip until the peer
        /// reads again or the driver resets it.
        WRITE_CAN_STALL_CHIP = 1,
        /// Empty datagrams are swallowed.
        EMPTY_DATAGRAMS_LOST = 2,
        /// A connect that fails does not tell why.
        CONNECT_ERRORS_UNTOLD = 3,
        /// Closing a listener does not free its port until the chip is reset; the driver keeps the
        /// listener and hands it out again for the same port.
        LISTENER_KEEPS_PORT = 4,
        /// At most one connection waits before it is accepted, whatever backlog was asked for.
        BACKLOG_OF_ONE = 5,
        /// One call can stop the whole chip for seconds (connect, name lookup, scan).
        CALLS_BLOCK_CHIP = 6,
        /// A datagram that is cut does not tell its true length.
        CUT_DATAGRAM_UNTOLD = 7,
        /// The receive queue of datagrams is so short that a burst loses some.
        DATAGRAM_BURST_LOST = 8,
        /// When the peer has ended its direction and all of it was read, the firmware closes the
        /// connection: what is still to be sent cannot be.
        PEER_END_ENDS_BOTH = 9,
        /// A connection is accepted only once its peer has sent something: a server cannot be the
        /// first to speak.
        ACCEPTED_AFTER_DATA = 10,
        /// There is one listener; a second one is refused while it stands.
        ONE_LISTENER = 11,
        /// Numbers of connections are given out again at once: a close that is on its way while the
        /// peer ends the same connection can end another that has just come in.
        CLOSE_CAN_HIT_NEXT = 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_bit_of_its_own() {
        let all = (Features(u32::MAX).names().count(), Limits(u32::MAX).names().count());
        let bits = 0..u32::BITS;
        let of = |bit: u32| (Features(1 << bit).names().count(), Limits(1 << bit).names().count());
        assert!(bits.clone().all(|bit| of(bit).0 <= 1 && of(bit).1 <= 1), "two names for one bit");
        let alone = bits.map(of).fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        assert_eq!(alone, all, "a flag of several bits");
    }

    #[test]
    fn a_set_names_what_is_in_it() {
        let caps = Capabilities::new(10).datagrams(1472).with(Features::PEEK);
        assert!(caps.has(Features::UDP.with(Features::PEEK)));
        assert!(!caps.has(Features::TLS));
        assert!(caps.features.names().eq(["UDP", "PEEK"]));
    }
}
