//! Settings that the firmware keeps and tells again, and that change nothing here.

#[derive(Debug)]
pub(crate) struct Knobs {
    pub(crate) channel: i32,
    pub(crate) channel_plan: u8,
    pub(crate) network_mode: u32,
    pub(crate) lps_dtim: u8,
}

impl Default for Knobs {
    fn default() -> Self {
        Self { channel: 1, channel_plan: 0x7F, network_mode: 11, lps_dtim: 1 }
    }
}
