//! The deepest stack of an image, measured in QEMU.
//!
//! The RAM above the variables is filled with a pattern before the chip starts; after the image has
//! said that it is done, it is read back, and the lowest changed byte is the mark.

use core::time::Duration;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::bench::visit;
use crate::elf::{self, Stack};
use crate::setup::QEMU;
use crate::{Outcome, process};

/// How the figure came about, for the reader of the table.
pub(crate) const METHOD: &str = "measured, not computed: high-water mark in QEMU (mps2-an385), RAM \
    painted before the start, after the image served its page through a chip scripted inside it \
    in place of the SPI bus, or a simulated one at its serial port; a path that was not taken is \
    not in it";

/// What the image writes to its serial port once it has served.
const DONE: &str = "done";
/// What it writes before the port that it listens on, if others are to visit it.
const PORT: &str = "port ";
/// What the image writes if it could not.
const FAILED: &str = "failed";

/// No image needs longer; one that hangs must not hang us.
const LIMIT: Duration = Duration::from_secs(20);

/// Neither zero nor all ones, and an unlikely value of a variable.
const PAINT: u8 = 0xA5;

/// Runs the image and returns how deep its stack went, in bytes. At its second serial port is the
/// chip at that address, if there is one.
pub(crate) fn measure(image: &Path, target: &Path, chip: Option<&str>) -> Outcome<u64> {
    if !process::is_installed(QEMU) {
        return Err(format!("no {QEMU}; get it with `cargo xtask setup --qemu`"));
    }
    let stack = elf::stack(image)?;
    let files = Files::new(&target.join("bare-metal/stack"), &stack)?;
    let mut machine = start(image, &stack, &files, chip)?;
    let said = wait_for_verdict(&mut machine, &files);
    let dumped = said.and_then(|()| dump(&mut machine, &stack, &files));
    process::end(&mut machine);
    dumped?;
    deepest(&fs::read(&files.dump).map_err(|error| error.to_string())?)
}

/// The files that QEMU reads and writes.
struct Files {
    paint: PathBuf,
    serial: PathBuf,
    dump: PathBuf,
}

impl Files {
    fn new(folder: &Path, stack: &Stack) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let file = |name: &str| folder.join(name);
        let files = Self { paint: file("paint"), serial: file("serial"), dump: file("dump") };
        let length = usize::try_from(stack.length()).map_err(|error| error.to_string())?;
        let _ = fs::remove_file(&files.dump);
        fs::write(&files.serial, "").map_err(|error| error.to_string())?;
        fs::write(&files.paint, vec![PAINT; length]).map_err(|error| error.to_string())?;
        Ok(files)
    }
}

fn start(image: &Path, stack: &Stack, files: &Files, chip: Option<&str>) -> Outcome<Child> {
    let paint = files.paint.display();
    let mut command = Command::new(QEMU);
    command.args(["-machine", "mps2-an385", "-display", "none", "-monitor", "stdio"]);
    command.arg("-serial").arg(format!("file:{}", files.serial.display()));
    if let Some((host, port)) = chip.and_then(|addr| addr.rsplit_once(':')) {
        let line = format!("socket,id=line,host={host},port={port},nodelay=on");
        command.arg("-chardev").arg(line).args(["-serial", "chardev:line"]);
    }
    command
        .arg("-device")
        .arg(format!("loader,file={paint},addr={:#x},force-raw=on", stack.lowest));
    command.arg("-kernel").arg(image);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().map_err(|error| format!("cannot start {QEMU}: {error}"))
}

fn wait_for_verdict(machine: &mut Child, files: &Files) -> Outcome {
    let start = Instant::now();
    loop {
        let said = fs::read_to_string(&files.serial).unwrap_or_default();
        if said.contains(FAILED) {
            return Err(format!("the image failed: {}", said.trim()));
        }
        if said.contains(DONE) {
            return Ok(());
        }
        let port = said.split_once(PORT).and_then(|(_, rest)| rest.split_once('\n'));
        if let Some((port, _)) = port {
            return visit::visit(port.trim());
        }
        if machine.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Err(format!("{QEMU} ended early"));
        }
        if start.elapsed() >= LIMIT {
            return Err(format!("the image said nothing within {} s", LIMIT.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes RAM to a file, through QEMU's monitor, and lets QEMU end.
fn dump(machine: &mut Child, stack: &Stack, files: &Files) -> Outcome {
    let mut monitor = machine.stdin.take().ok_or("no monitor")?;
    let (address, length) = (stack.lowest, stack.length());
    let save = format!("pmemsave {address:#x} {length} \"{}\"", files.dump.display());
    writeln!(monitor, "stop\n{save}\nquit").map_err(|error| error.to_string())?;
    let start = Instant::now();
    while machine.try_wait().map_err(|error| error.to_string())?.is_none() {
        if start.elapsed() >= LIMIT {
            return Err(format!("{QEMU} did not save the memory"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Bytes from the lowest changed one to the end of the memory that the stack may use.
fn deepest(memory: &[u8]) -> Outcome<u64> {
    match memory.iter().take_while(|byte| **byte == PAINT).count() {
        0 => Err("the stack reached the variables".into()),
        untouched => Ok((memory.len() - untouched) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_the_lowest_changed_byte() {
        let mut memory = [PAINT; 64];
        memory[50] = 0;
        memory[60] = 7;
        assert_eq!(deepest(&memory), Ok(14));
        memory[0] = 0;
        assert!(deepest(&memory).is_err());
    }
}
