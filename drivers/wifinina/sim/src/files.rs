//! Files (0x60 to 0x67), with the replies that the firmware really gives.

use std::collections::BTreeMap;

use crate::firmware::{Firmware, Step};
use crate::frame::{BUFFER, Command, END, REPLY_FLAG, Reply, START};

/// Contents by absolute path. They survive a reset.
pub(crate) type Files = BTreeMap<Vec<u8>, Vec<u8>>;

/// Where the file system is mounted.
const MOUNT: &[u8] = b"/fs/";
const ENOENT: u8 = 2;
const OTA_OPEN_FAILED: u8 = 1;
/// What the partition holds; offsets past it fail.
const CAPACITY: usize = 1 << 20;

impl Firmware {
    pub(crate) fn file_command(&mut self, command: &Command) -> Step {
        let (offset, length) = (command.u32_le(4), command.u32_le(9));
        let (path, next) = command.string(13);
        let offset = usize::try_from(offset).unwrap_or(CAPACITY);
        let length = usize::try_from(length).unwrap_or(CAPACITY).min(BUFFER);
        match command.opcode() {
            0x60 => self.write_file(path, offset, &command.bytes(next + 1, length)).into(),
            0x61 => self.read_file(&path, offset, length).into(),
            0x62 => {
                self.files.remove(&path);
                Reply::Error.into()
            }
            0x63 => self.exists_file(&path).into(),
            0x66 => self.rename_file(command).into(),
            0x67 => {
                self.monitor.count(|c| c.not_modelled += 1);
                Reply::u8(OTA_OPEN_FAILED).into()
            }
            _ => {
                self.monitor.count(|c| c.not_modelled += 1);
                Reply::Error.into()
            }
        }
    }

    /// The reply is as long as what was written, and END is its last byte (Q18).
    fn write_file(&mut self, path: Vec<u8>, offset: usize, data: &[u8]) -> Reply {
        if !path.starts_with(MOUNT) || offset + data.len() > CAPACITY {
            return Reply::Raw(Vec::new());
        }
        let file = self.files.entry(path).or_default();
        let end = offset + data.len();
        file.resize(file.len().max(end), 0);
        if let Some(place) = file.get_mut(offset..end) {
            place.copy_from_slice(data);
        }
        let mut reply = vec![START, 0x60 | REPLY_FLAG];
        reply.resize(data.len(), 0);
        match reply.last_mut() {
            Some(last) => *last = END,
            None => return Reply::Error,
        }
        Reply::Raw(reply)
    }

    /// One param of so many bytes; its length byte wraps.
    fn read_file(&self, path: &[u8], offset: usize, length: usize) -> Reply {
        let Some(file) = self.files.get(path) else { return Reply::Raw(Vec::new()) };
        let mut data: Vec<u8> = file.iter().skip(offset).take(length).copied().collect();
        data.resize(length, 0);
        Reply::bytes(&data)
    }

    /// END comes one byte late (Q17).
    fn exists_file(&self, path: &[u8]) -> Reply {
        let size = self.files.get(path).map_or(-1, |file| i32::try_from(file.len()).unwrap_or(-1));
        let mut reply = vec![START, 0x63 | REPLY_FLAG, 1, 4];
        reply.extend_from_slice(&size.to_le_bytes());
        reply.extend_from_slice(&[0, END]);
        Reply::Raw(reply)
    }

    fn rename_file(&mut self, command: &Command) -> Reply {
        let (old, next) = command.string(3);
        let (new, _) = command.string(next);
        match self.files.remove(&old) {
            Some(file) => {
                self.files.insert(new, file);
                Reply::u8(0)
            }
            None => Reply::u8(ENOENT),
        }
    }
}
