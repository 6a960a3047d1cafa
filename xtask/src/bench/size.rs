//! `bench size`: what a hello server on a WiFi co-processor costs a chip.

use std::path::PathBuf;

use crate::baremetal::{CORTEX_M3, Compiler};
use crate::bench::simulator::Simulator;
use crate::bench::stack;
use crate::boards::Warnings;
use crate::elf::{self, Sizes};
use crate::workspace::Workspace;
use crate::{Outcome, boards};

/// What is measured.
const IMAGES: &[Image] = &[
    Image { name: "hello-wifinina", package: "hello-wifinina", run: Run::Scripted },
    Image { name: "hello-espat", package: "hello-uart", run: Run::Simulated("espat-sim") },
    Image { name: "hello-rtl8720dn", package: "hello-uart", run: Run::Simulated("rtl8720dn-sim") },
];

/// An image, and the package under `examples/firmware` that it comes from.
struct Image {
    name: &'static str,
    package: &'static str,
    run: Run,
}

/// How an image is run to see its stack.
#[derive(Clone, Copy)]
enum Run {
    /// With a chip scripted inside it, by the feature `scripted`.
    Scripted,
    /// With this simulator at its serial port, by the feature `measured`.
    Simulated(&'static str),
}

impl Run {
    fn feature(self) -> &'static str {
        match self {
            Self::Scripted => "scripted",
            Self::Simulated(_) => "measured",
        }
    }
}

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

/// The images in their two forms.
pub(crate) struct Images {
    compiler: Compiler,
    built: Vec<Built>,
}

struct Built {
    image: &'static Image,
    /// Of the form that speaks to a real bus or line.
    sizes: Sizes,
    /// The form that runs in QEMU.
    runs: PathBuf,
}

/// Builds both forms.
pub(crate) fn build(workspace: &Workspace, warnings: Warnings) -> Outcome<Images> {
    let compiler = Compiler::find_for_size(CORTEX_M3)
        .and_then(|found| found.can_link().map(|()| found))
        .map_err(|reason| format!("{reason}; get it with `cargo xtask setup`"))?;
    let mut built = Vec::new();
    for image in IMAGES {
        let folder = workspace.root.join("examples/firmware").join(image.package);
        let plain = boards::build_images(workspace, &folder, &compiler, &[], warnings)?;
        let sizes = elf::sizes(&plain.join(image.name))?;
        let features = [image.run.feature()];
        let other = boards::build_images(workspace, &folder, &compiler, &features, warnings)?;
        built.push(Built { image, sizes, runs: other.join(image.name) });
    }
    Ok(Images { compiler, built })
}

/// Builds, measures and prints the table.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let images = build(workspace, Warnings::Shown)?;
    let measured: Vec<_> = images.built.iter().map(|it| (it, deepest(workspace, it))).collect();
    println!("{CORTEX_M3}, opt-level s, fat LTO, panic = abort; bytes");
    println!("compiler: {}", images.compiler.describe());
    println!();
    let heads = ["image", "flash", "static RAM", "worst stack", "RAM in all"];
    print_columns(heads.map(str::to_owned));
    for (built, stack) in &measured {
        let Sizes { flash, ram, .. } = built.sizes;
        Row { name: built.image.name, flash, ram, stack: stack.clone().ok() }.print();
    }
    OTHERS.iter().for_each(Row::print);
    println!();
    println!("worst stack: {}", stack::METHOD);
    for (built, stack) in measured {
        if let Err(reason) = stack {
            println!("worst stack of {}: not measured: {reason}", built.image.name);
        }
    }
    Ok(())
}

fn deepest(workspace: &Workspace, built: &Built) -> Outcome<u64> {
    match built.image.run {
        Run::Scripted => stack::measure(&built.runs, &workspace.target, None),
        Run::Simulated(package) => {
            let simulator = Simulator::start(workspace, package)?;
            stack::measure(&built.runs, &workspace.target, Some(simulator.addr()))
        }
    }
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
