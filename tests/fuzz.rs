//! The bodies of the fuzz targets, for a bounded time on stable Rust: the corpora as they are, and changed.

use bot_bottle::{check, egress};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::path::{Path, PathBuf};

/// A target's name, its body, and the number of changed inputs that it is given.
type Target = (&'static str, fn(&[u8]), u32);

const TARGETS: [Target; 8] = [
    ("syntax", check::fuzzed::syntax, 10_000),
    ("fixes", check::fuzzed::fixes, 1500),
    ("hello", egress::fuzzed::hello, 40_000),
    ("path", egress::fuzzed::path, 80_000),
    ("header_rules", egress::fuzzed::header_rules, 10_000),
    ("redaction", egress::fuzzed::redaction, 5000),
    ("websocket", egress::fuzzed::websocket, 10_000),
    ("audit", egress::fuzzed::audit, 20_000),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn names(of: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder().join(of)).expect("a folder").flatten();
    let name = |path: PathBuf| path.file_stem().map(|n| n.to_string_lossy().into_owned());
    let mut all: Vec<_> = entries.filter_map(|e| name(e.path())).collect();
    all.sort();
    all
}

/// The inputs of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder().join("corpus").join(target)).expect("a corpus").flatten();
    let mut paths: Vec<_> = entries.map(|e| e.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("an input")).collect()
}

/// A change: where (in thousandths), how many bytes go, and what comes.
type Change = (usize, usize, Vec<u8>);

fn changed(input: &[u8], changes: &[Change]) -> Vec<u8> {
    changes.iter().fold(input.to_vec(), |mut input, (at, gone, new)| {
        let at = at * input.len() / 1000;
        let end = (at + gone).min(input.len());
        input.splice(at..end, new.iter().copied());
        input
    })
}

#[test]
fn the_bodies_hold_for_each_corpus_and_for_changed_inputs() {
    for (target, body, cases) in TARGETS {
        let inputs = corpus(target);
        inputs.iter().for_each(|input| body(input));
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let input = proptest::sample::select(inputs);
        let change = (0..=1000usize, 0..12usize, prop::collection::vec(any::<u8>(), 0..6));
        let strategy = (input, prop::collection::vec(change, 0..6));
        let held = runner.run(&strategy, |(input, changes)| {
            body(&changed(&input, &changes));
            Ok(())
        });
        held.unwrap_or_else(|error| panic!("{target}: {error}"));
    }
}

#[test]
fn each_target_has_a_corpus_and_a_program() {
    let mut targets: Vec<_> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).expect("a manifest");
    for target in targets {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
    }
}
