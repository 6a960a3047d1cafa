//! The fuzz targets without a fuzzer: its corpus, and inputs made of the corpus by chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

#[allow(
    unreachable_pub,
    clippy::cast_possible_truncation,
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

fn run(name: String, input: &[u8]) {
    let _running = Running(name);
    harness::line(input);
    harness::replies(input);
}

fn part(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> =
        files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    all.sort();
    all
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    ["line", "replies"].into_iter().flat_map(part).collect()
}

/// Numbers without a pattern, the same in each run.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(state >> 33).unwrap() % sides
    }
}

#[test]
fn the_corpus_breaks_nothing() {
    let corpus = corpus();
    assert!((20..=200).contains(&corpus.len()), "{} files", corpus.len());
    for (name, input) in corpus {
        run(name, &input);
    }
}

#[test]
fn inputs_made_of_the_corpus_by_chance_break_nothing() {
    let corpus = corpus();
    for seed in 0..3_000 {
        let mut roll = dice(seed);
        let mut input = Vec::new();
        for _ in 0..1 + roll(3) {
            let (_, part) = &corpus[roll(corpus.len())];
            let start = roll(part.len());
            input.extend_from_slice(&part[start..]);
        }
        for _ in 0..roll(8) {
            let at = roll(input.len());
            input[at] = roll(256).to_le_bytes()[0];
        }
        run(format!("seed {seed}: {input:02x?}"), &input);
    }
}
