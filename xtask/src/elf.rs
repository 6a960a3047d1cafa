//! How much flash and RAM a firmware image takes.

use std::path::Path;

use object::elf::{SHF_ALLOC, SHT_NOBITS};
use object::{Object as _, ObjectSection as _, SectionFlags};

use crate::Outcome;

/// Where RAM starts on every Cortex-M; flash lies below.
const RAM_START: u64 = 0x2000_0000;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Code, constants and the initial values of variables.
    pub(crate) flash: u64,
    /// Variables; the stack comes on top.
    pub(crate) ram: u64,
}

/// Adds up the sections that an image occupies.
pub(crate) fn sizes(image: &Path) -> Outcome<Sizes> {
    let failed = |error: String| format!("{}: {error}", image.display());
    let bytes = std::fs::read(image).map_err(|error| failed(error.to_string()))?;
    sizes_of(&bytes).map_err(failed)
}

fn sizes_of(bytes: &[u8]) -> Outcome<Sizes> {
    let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
    let mut sizes = Sizes { flash: 0, ram: 0 };
    for section in file.sections() {
        let SectionFlags::Elf { sh_type, sh_flags, .. } = section.flags() else { continue };
        if (sh_flags & SHF_ALLOC).0 == 0 {
            continue;
        }
        if sh_type != SHT_NOBITS {
            sizes.flash += section.size();
        }
        if section.address() >= RAM_START {
            sizes.ram += section.size();
        }
    }
    Ok(sizes)
}

/// Where an image's stack may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// First address above the variables.
    pub(crate) lowest: u64,
    /// First address above the stack, which grows downwards from here.
    pub(crate) start: u64,
}

impl Stack {
    /// Bytes that it may take.
    pub(crate) fn length(&self) -> u64 {
        self.start.saturating_sub(self.lowest)
    }
}

/// Finds the stack: from the end of the variables to the first word of the vector table.
pub(crate) fn stack(image: &Path) -> Outcome<Stack> {
    let bytes = std::fs::read(image).map_err(|error| error.to_string())?;
    let file = object::File::parse(bytes.as_slice()).map_err(|error| error.to_string())?;
    let vectors = file.section_by_name(".vector_table").ok_or("no vector table")?;
    let vectors = vectors.data().map_err(|error| error.to_string())?;
    let first = vectors.first_chunk::<4>().ok_or("an empty vector table")?;
    let ends = file.sections().filter(|section| section.address() >= RAM_START);
    let lowest = ends.map(|section| section.address() + section.size()).max();
    Ok(Stack { lowest: lowest.unwrap_or(RAM_START), start: u32::from_le_bytes(*first).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_file_is_no_image() {
        assert!(sizes_of(b"not an image").is_err());
    }
}
