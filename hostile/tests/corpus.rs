//! Every file that once broke a parser, or that a fuzzer needed to come further: no panic, in bounded memory.

use std::path::PathBuf;
use tessera_hostile::{TARGETS, Target};

/// What this process may hold at its peak, in MiB.
const MEMORY: u64 = 300;

/// The files of a target's corpus.
fn files(name: &str) -> Vec<PathBuf> {
    let folder = format!("{}/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
    files.sort();
    files
}

/// The peak of this process's memory in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux machine");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
}

/// The time may be long only in a way that shows: a file of the corpus takes milliseconds.
fn check(name: &str, target: Target) {
    let files = files(name);
    assert!(!files.is_empty(), "{name} has no corpus");
    for file in files {
        println!("{}", file.display());
        target(&std::fs::read(&file).expect("a file that was listed"));
        assert!(peak() < MEMORY, "{}: {} MiB", file.display(), peak());
    }
}

#[test]
fn nothing_in_the_corpus_breaks_a_parser() {
    TARGETS.iter().for_each(|(name, target)| check(name, *target));
}

#[test]
fn short_inputs_break_no_parser() {
    let one = (0..=255u8).map(|byte| vec![byte]);
    let two = (0..=255u8).flat_map(|a| [0u8, 1, 0x7f, 0x80, 0xd8, 0xff].map(|b| vec![a, b]));
    let long = (0..=255u8).map(|byte| vec![byte; 300]);
    for input in [Vec::new()].into_iter().chain(one).chain(two).chain(long) {
        TARGETS.iter().for_each(|(_, target)| target(&input));
    }
}

#[test]
fn every_target_is_fuzzed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");
    let manifest = std::fs::read_to_string(format!("{folder}/Cargo.toml")).expect("the fuzzer's manifest");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        assert!(std::path::Path::new(&format!("{folder}/targets/{name}.rs")).exists(), "{name}");
    }
}
