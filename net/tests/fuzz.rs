//! The fuzz targets without a fuzzer: their corpora, and inputs made of these by chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

#[allow(
    unreachable_pub,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a package of its own, outside the workspace"
)]
#[path = "../fuzz/src/lib.rs"]
mod harness;

use std::path::Path;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("addresses", harness::addresses),
    ("networks", harness::networks),
    ("macs", harness::macs),
    ("host_ports", harness::host_ports),
    ("end_points", harness::end_points),
];

/// Tells which input it was, should it fail.
struct Running(String);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was {}", self.0);
        }
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Numbers without a pattern, the same in each run.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(state >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn the_corpora_break_nothing() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!((20..=400).contains(&corpus.len()), "{name}: {} files", corpus.len());
        for input in corpus {
            let _running = Running(format!("{name}: {:?}", String::from_utf8_lossy(&input)));
            target(&input);
        }
    }
}

#[test]
fn inputs_made_of_the_corpora_by_chance_break_nothing() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for seed in 0..5_000 {
            let mut roll = dice(seed);
            let mut input = Vec::new();
            for _ in 0..1 + roll(2) {
                let part = &corpus[roll(corpus.len())];
                input.extend_from_slice(&part[roll(part.len())..]);
            }
            for _ in 0..roll(3) {
                let at = roll(input.len());
                if let Some(byte) = input.get_mut(at) {
                    *byte = b"0123456789abcdef:.[]%/- +"[roll(25)];
                }
            }
            let _running = Running(format!("{name}: {:?}", String::from_utf8_lossy(&input)));
            target(&input);
        }
    }
}
