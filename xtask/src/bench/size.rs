//! `bench size`: what a hello server on a WiFi co-processor costs a chip.

use std::path::PathBuf;

use crate::baremetal::{CORTEX_M3, Compiler};
use crate::bench::stack;
use crate::boards::Warnings;
use crate::elf::{self, Sizes};
use crate::workspace::Workspace;
use crate::{Outcome, boards};

/// The image that is measured.
const PACKAGE: &str = "examples/firmware/hello-wifinina";

/// One line of the table, in bytes.
struct Row {
    name: &'static str,
    flash: u64,
    ram: u64,
    stack: Option<u64>,
}

/// Other stacks' hello servers and clients, built for the same chip by rustc 1.96 with the same
/// settings, their stack measured in the same way. All but the last two bring their own TCP/IP.
const OTHERS: &[Row] = &[
    Row { name: "picoserve + embassy-net", flash: 45_928, ram: 10_112, stack: Some(3_780) },
    Row { name: "edge-http + embassy-net", flash: 50_872, ram: 13_648, stack: Some(9_900) },
    Row { name: "reqwless + embassy-net (client)", flash: 52_884, ram: 11_096, stack: Some(4_184) },
    Row { name: "smoltcp, TCP without HTTP", flash: 18_240, ram: 5_128, stack: Some(2_668) },
    Row { name: "floor: bare loop over the chip", flash: 6_428, ram: 2_048, stack: None },
];

/// The image in its two forms.
pub(crate) struct Images {
    compiler: Compiler,
    /// What is measured for size: speaks to a real SPI bus.
    sized: Sizes,
    /// What runs in QEMU: the same program over a chip scripted inside the image.
    scripted: PathBuf,
}

/// Builds both forms.
pub(crate) fn build(workspace: &Workspace, warnings: Warnings) -> Outcome<Images> {
    let compiler = Compiler::find_for_size(CORTEX_M3)
        .and_then(|found| found.can_link().map(|()| found))
        .map_err(|reason| format!("{reason}; get it with `cargo xtask setup`"))?;
    let folder = workspace.root.join(PACKAGE);
    let image = boards::build_image(workspace, &folder, &compiler, &[], warnings)?;
    let sized = elf::sizes(&image)?;
    let scripted = boards::build_image(workspace, &folder, &compiler, &["scripted"], warnings)?;
    Ok(Images { compiler, sized, scripted })
}

/// Builds, measures and prints the table.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let images = build(workspace, Warnings::Shown)?;
    let stack = stack::measure(&images.scripted, &workspace.target);
    let Sizes { flash, ram, .. } = images.sized;
    let ours = Row { name: "hello-wifinina", flash, ram, stack: stack.clone().ok() };
    println!("{CORTEX_M3}, opt-level s, fat LTO, panic = abort; bytes");
    println!("compiler: {}", images.compiler.describe());
    println!();
    let heads = ["image", "flash", "static RAM", "worst stack", "RAM in all"];
    print_columns(heads.map(str::to_owned));
    for row in core::iter::once(&ours).chain(OTHERS) {
        row.print();
    }
    println!();
    match stack {
        Ok(_) => println!("worst stack: {}", stack::METHOD),
        Err(reason) => println!("worst stack: not measured: {reason}"),
    }
    Ok(())
}

impl Row {
    fn print(&self) {
        let bytes = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), grouped);
        let all = self.stack.map(|stack| stack + self.ram);
        let numbers = [Some(self.flash), Some(self.ram), self.stack, all].map(bytes);
        let [flash, ram, stack, all] = numbers;
        print_columns([self.name.to_owned(), flash, ram, stack, all]);
    }
}

fn print_columns([name, flash, ram, stack, all]: [String; 5]) {
    println!("{name:<33} {flash:>8} {ram:>11} {stack:>12} {all:>11}");
}

/// `45928` as `45,928`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(45_928), "45,928");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
