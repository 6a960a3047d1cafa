//! What the firmware prints, byte for byte.

pub(crate) const OK: &[u8] = b"\r\nOK\r\n";
pub(crate) const ERROR: &[u8] = b"\r\nERROR\r\n";
pub(crate) const FAIL: &[u8] = b"\r\nFAIL\r\n";
pub(crate) const SEND_OK: &[u8] = b"\r\nSEND OK\r\n";
pub(crate) const SEND_FAIL: &[u8] = b"\r\nSEND FAIL\r\n";
/// `AT+CIPSEND` given up.
pub(crate) const SEND_CANCELED: &[u8] = b"\r\nSEND Canceled\r\n";
/// `AT+CIPSENDL` given up.
pub(crate) const SEND_CANCELLED: &[u8] = b"\r\nSEND CANCELLED\r\n";
pub(crate) const OK_PROMPT: &[u8] = b"\r\nOK\r\n\r\n>";
pub(crate) const PROMPT_APART: &[u8] = b"\r\n>";
pub(crate) const PROMPT_BLANK: &[u8] = b"> ";
pub(crate) const BUSY: &[u8] = b"\r\nbusy p...\r\n";
pub(crate) const BUSY_SENDING: &[u8] = b"\r\nbusy s...\r\n";
pub(crate) const READY: &[u8] = b"\r\nready\r\n";
pub(crate) const FORCED_RESTART: &[u8] = b"\r\nWill force to restart!!!\r\n";
pub(crate) const QUIT_PASSTHROUGH: &[u8] = b"\r\n+QUITT\r\n";
pub(crate) const WIFI_CONNECTED: &[u8] = b"WIFI CONNECTED\r\n";
pub(crate) const WIFI_GOT_IP: &[u8] = b"WIFI GOT IP\r\n";
pub(crate) const WIFI_DISCONNECT: &[u8] = b"WIFI DISCONNECT\r\n";
pub(crate) const TIME_UPDATED: &[u8] = b"+TIME_UPDATED\r\n";
