//! One hardware register.

/// A 32-bit register at a fixed address.
pub struct Register(usize);

impl Register {
    /// Names the register at `address`.
    ///
    /// # Safety
    /// `address` must be that of a 32-bit register of this chip, whose reads and writes have no
    /// effect on memory.
    pub const unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    /// Reads it.
    pub fn read(&self) -> u32 {
        // SAFETY: `at` was promised a register.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    /// Writes it.
    pub fn write(&self, value: u32) {
        // SAFETY: `at` was promised a register.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
