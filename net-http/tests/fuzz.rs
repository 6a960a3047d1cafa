//! The fuzz targets without a fuzzer: their corpora, and inputs made of them by chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

#[allow(
    unreachable_pub,
    clippy::alloc_instead_of_core,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a package of its own, outside the workspace"
)]
#[path = "../fuzz/src/lib.rs"]
mod harness;

use std::path::Path;

/// Tells which input it was, should it fail.
struct Running(String);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was {}", self.0);
        }
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> =
        files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    all.sort();
    all
}

/// Numbers without a pattern, the same in each run.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(state >> 33).unwrap() % sides.max(1)
    }
}

fn run(target: &str, harness: fn(&[u8])) {
    let corpus = corpus(target);
    assert!((10..=200).contains(&corpus.len()), "{} files", corpus.len());
    for (name, input) in &corpus {
        let _running = Running(name.clone());
        harness(input);
    }
    for seed in 0..1_000 {
        let mut roll = dice(seed);
        let mut input = Vec::new();
        for _ in 0..1 + roll(3) {
            let (_, part) = &corpus[roll(corpus.len())];
            input.extend_from_slice(&part[roll(part.len())..]);
        }
        for _ in 0..roll(8) {
            if let Some(byte) = input.get_mut(roll(1000)) {
                *byte = roll(256).to_le_bytes()[0];
            }
        }
        let _running = Running(format!("seed {seed}: {}", input.escape_ascii()));
        harness(&input);
    }
}

#[test]
fn requests_break_nothing() {
    run("request", harness::request);
}

#[test]
fn chunks_break_nothing() {
    run("chunked", harness::chunked);
}

#[test]
fn cookies_break_nothing() {
    run("cookies", harness::cookies);
}

#[test]
fn ranges_break_nothing() {
    run("range", harness::range);
}

#[test]
fn patterns_break_nothing() {
    run("patterns", harness::patterns);
}
