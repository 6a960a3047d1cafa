//! Log macros for the crates of this workspace, here once: `log` wins where both it and `defmt` are
//! on, and without either the arguments are only type-checked. Not part of the public interface.

#[doc(hidden)]
#[cfg(feature = "defmt")]
pub use defmt;
#[doc(hidden)]
#[cfg(feature = "log")]
pub use log;

macro_rules! level {
    ($dollar:tt $name:ident) => {
        #[doc(hidden)]
        #[macro_export]
        #[cfg(feature = "log")]
        macro_rules! $name {
                            ($dollar($arg:tt)*) => { $crate::fmt::log::$name!($dollar($arg)*) };
                        }

        #[doc(hidden)]
        #[macro_export]
        #[cfg(all(feature = "defmt", not(feature = "log")))]
        macro_rules! $name {
                            ($dollar($arg:tt)*) => {{
                                use $crate::fmt::defmt;
                                defmt::$name!($dollar($arg)*)
                            }};
                        }

        #[doc(hidden)]
        #[macro_export]
        #[cfg(not(any(feature = "defmt", feature = "log")))]
        macro_rules! $name {
                            ($dollar($arg:tt)*) => {{
                        if false {
                            let _ = ::core::format_args!($dollar($arg)*);
                        }
                    }};
                        }
    };
}

level!($ error);
level!($ warn);
level!($ info);
level!($ debug);
level!($ trace);
