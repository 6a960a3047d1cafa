//! A lock that cannot be waited for.

use core::cell::Cell;
use core::fmt;

use critical_section::Mutex;

use crate::{Error, Turns};

/// State that one caller at a time takes out. There is no way to wait for it.
///
/// Whoever comes while it is out gets `WouldBlock`: another thread, an interrupt, or a call further
/// up the very same stack. So nothing can deadlock, and contention is the "not yet" that callers
/// handle anyway.
///
/// Interrupts are off only while the value moves in and out, so keep `T` a word: a `&'static mut`
/// to the real state.
pub struct Exclusive<T> {
    home: Mutex<Cell<Option<T>>>,
    turns: Turns,
}

impl<T> Exclusive<T> {
    /// State that is at home.
    pub const fn new(value: T) -> Self {
        Self { home: Mutex::new(Cell::new(Some(value))), turns: Turns::new() }
    }

    /// Runs `f` on the state, with interrupts on. The state goes home when `f` returns or panics.
    ///
    /// # Errors
    /// `WouldBlock` if the state is out, and whatever `f` answers.
    pub fn try_with<R, E>(&self, f: impl FnOnce(&mut T) -> nb::Result<R, E>) -> nb::Result<R, E> {
        let mut loan = self.lend();
        loan.value.as_mut().map_or(Err(nb::Error::WouldBlock), f)
    }

    /// Who is next among those who found the state out, for [`Netdev::turns`](crate::Netdev::turns).
    pub const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// What does not depend on `f`, so that it exists once in a program.
    #[inline(never)]
    fn lend(&self) -> Loan<'_, T> {
        let value = critical_section::with(|cs| self.home.borrow(cs).take());
        if value.is_none() {
            self.turns.refuse();
        }
        Loan { home: &self.home, value }
    }

    /// As [`try_with`](Self::try_with), for what cannot fail: `None` if the state is out.
    pub fn if_home<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.try_with(|value| Ok::<R, nb::Error<Error>>(f(value))).ok()
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

struct Loan<'a, T> {
    home: &'a Mutex<Cell<Option<T>>>,
    value: Option<T>,
}

impl<T> Drop for Loan<'_, T> {
    #[inline(never)]
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            critical_section::with(|cs| self.home.borrow(cs).set(Some(value)));
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    type Answer = nb::Result<u8, Error>;

    #[test]
    fn whoever_comes_second_gets_would_block_also_on_the_same_stack() {
        let state = Exclusive::new(1_u8);
        let outer: Answer = state.try_with(|_| {
            let inner: Answer = state.try_with(|value| Ok(*value));
            assert_eq!(inner, Err(nb::Error::WouldBlock));
            Ok(7)
        });
        assert_eq!(outer, Ok(7));
        assert_eq!(state.if_home(|value| *value), Some(1));
    }

    #[test]
    fn a_panic_puts_the_state_back() {
        let state = Exclusive::new(1_u8);
        let caught = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            state.if_home(|value| {
                *value = 2;
                panic!("on purpose")
            })
        }));
        assert!(caught.is_err());
        assert_eq!(state.if_home(|value| *value), Some(2));
    }
}
