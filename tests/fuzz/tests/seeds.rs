//! The seeds of every target, as they are and changed a little, as the fuzzer would begin. It takes seconds and no
//! fuzzer, so it runs with every test run; an input that a fuzzer found and that was mended goes among the seeds.

use std::{fs, path::PathBuf};

use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use sillok_fuzz::TARGETS;

/// How many changed seeds are tried of each target.
const CHANGED: u32 = 1_000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let files = fs::read_dir(&directory).expect("every target has seeds");
    let mut files: Vec<_> = files.map(|file| file.expect("the directory is readable").path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).expect("a seed is readable")).collect()
}

#[test]
fn every_directory_of_seeds_is_a_targets() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let mut found: Vec<_> = fs::read_dir(directory)
        .expect("there are seeds")
        .map(|entry| entry.expect("the directory is readable").file_name().into_string())
        .collect::<Result<_, _>>()
        .expect("their names are text");
    found.sort();
    assert_eq!(found, TARGETS.map(|(name, _)| name));
}

#[test]
fn the_seeds_hold() {
    for (target, check) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() > 2, "{target} has seeds");
        seeds.iter().for_each(|seed| check(seed));
    }
}

/// One change: a byte replaced, a piece cut out, or a piece of another seed put in.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Cut(Index, Index),
    Insert(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (place(), place()).prop_map(|(from, to)| Change::Cut(from, to)),
        (place(), place(), place()).prop_map(|(at, from, to)| Change::Insert(at, from, to)),
    ]
}

fn piece(bytes: &[u8], from: Index, to: Index) -> std::ops::Range<usize> {
    let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
    from.min(to)..from.max(to)
}

fn apply(bytes: &mut Vec<u8>, change: &Change, other: &[u8]) {
    match change {
        Change::Replace(at, byte) if !bytes.is_empty() => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Replace(..) => {}
        Change::Cut(from, to) => drop(bytes.drain(piece(bytes, *from, *to))),
        Change::Insert(at, from, to) => {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, other[piece(other, *from, *to)].iter().copied());
        }
    }
}

#[test]
fn changed_seeds_hold() {
    for (target, check) in TARGETS {
        let seeds = seeds(target);
        let inputs = (select(seeds.clone()), select(seeds), prop::collection::vec(change(), 1..4));
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(CHANGED) });
        let held = runner.run(&inputs, |(mut bytes, other, changes)| {
            changes.iter().for_each(|change| apply(&mut bytes, change, &other));
            check(&bytes);
            Ok(())
        });
        held.unwrap_or_else(|failed| panic!("{target}: {failed}"));
    }
}
