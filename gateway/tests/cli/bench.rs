//! `sillok bench`: what it tells, and that everything that was executed came to rest. No figure is judged here.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::program::Program;

/// A measurement that is over soon.
const SHORT: &str = "bench --callers 4 --schools 2 --queries 5 --warm-up 1 --seconds 1 --single-schools 2 \
                     --overload 8 --greedy 20 --learners 2 --signatures 20";

fn positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number > 0.0)
}

#[test]
fn everything_is_measured_and_everything_executed_is_recorded() {
    let program = Program::new();
    let done = program.run(&format!("--json {SHORT} --history 1000"));
    assert_eq!(done.exit, 0, "{done:?}");
    assert_eq!(done.stdout.lines().count(), 1, "one object");
    let report = done.result();
    assert!(positive(&report["recorded"]) && report["executed"] == report["recorded"], "{report}");
    for runs in ["saturated", "paced"] {
        let runs = report[runs].as_array().unwrap();
        assert_eq!(runs.len(), 1);
        for run in runs {
            assert_eq!(run["executed"], run["recorded"], "{run}");
            assert!(positive(&run["queries_executed_per_second"]), "{run}");
            assert!(["p50", "p99", "p999"].iter().all(|quantile| positive(&run["latency_ms"][quantile])));
            assert!(positive(&run["proof_ms"]["p99"]), "{run}");
        }
    }
    let straight = report["straight"].as_array().unwrap();
    let ways: Vec<_> = straight.iter().map(|straight| straight["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["each_its_own", "together", "ahead"]);
    assert!(straight.iter().all(|straight| positive(&straight["queries_per_second"])));
    assert!(positive(&report["single"]["queries_recorded_per_second"]));
    assert_eq!(report["contract"][0]["queries_per_request"], 5);
    assert!(positive(&report["proofs"][0]["checked_per_second"]));
    assert_eq!(report["overload"]["callers"], 8);
    if cfg!(target_os = "linux") {
        let beside = &report["greedy"];
        let number = |value: &Value| value.as_f64().unwrap();
        let (allowed, had) = (number(&beside["rate"]), number(&beside["greedy"]["requests_per_second"]));
        // Ten times as many were tried. On a machine that can send no more than this nobody is refused.
        assert!(had <= 2.0 * allowed, "in a second what one may have at a moment, and in a second: {beside}");
        assert!(["without", "with"].iter().all(|usual| positive(&beside[usual]["requests_per_second"])));
    }
    assert!(positive(&report["disk"][0]["bytes"]["ledger"]));
    of_learners(&report, 2);
    of_the_platform(&report);
    assert_eq!(report["audit"]["entries"], report["recorded"], "each entry is read, and once");
    assert_eq!(report["audit"]["schools"], 3);
    assert!(positive(&report["audit"]["rows"]) && positive(&report["audit"]["entries_per_second"]));
    assert!(report["past"].is_null(), "SQLite is not watched");
    let targets = report["targets"].as_array().unwrap();
    assert!(targets.iter().all(|target| target["met"].is_boolean() && target["measured"].is_number()));
    if cfg!(target_os = "linux") {
        let processes = report["saturated"][0]["processes"].as_array().unwrap();
        let names: Vec<_> = processes.iter().map(|process| process["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["sillok bench", "sillok serve", "everything else"]);
        assert!(processes[..2].iter().all(|process| positive(&process["memory_mib"])));
    }
}

/// Learners of 24 marks each: wallets, verification, certificates.
fn of_learners(report: &Value, learners: u64) {
    let (wallets, certificates) = (&report["wallets"], &report["certificates"]);
    assert_eq!((&wallets["count"], &wallets["entries"]), (&learners.into(), &24.into()), "{wallets}");
    assert_eq!(
        (&certificates["count"], &certificates["proofs"]),
        (&learners.into(), &24.into()),
        "{certificates}"
    );
    for (of, time) in [
        (wallets, "sync_ms"),
        (wallets, "verify_ms"),
        (&report["verification"], "latency_ms"),
        (certificates, "whole_ms"),
        (certificates, "issue_ms"),
        (certificates, "offline_ms"),
        (certificates, "with_status_ms"),
    ] {
        assert!(positive(&of[time]["p50"]), "{time}: {of}");
    }
    assert!(
        positive(&certificates["per_second"]) && positive(&report["verification"]["learners_per_second"])
    );
}

/// Signatures: each that was taken in is recorded. There is no broker, and the embedded engines are one process's.
fn of_the_platform(report: &Value) {
    let platform = &report["platform"];
    for run in ["saturated", "paced"] {
        let run = &platform[run];
        assert!(positive(&run["created"]) && run["created"] == run["recorded"], "{platform}");
        assert!(positive(&run["created_per_second"]) && positive(&run["recorded_ms"]["p99"]), "{platform}");
    }
    assert!(platform["broker"].is_null() && platform["parallel"] == serde_json::json!([]), "{platform}");
}

/// A part by itself: nothing of the others is made.
#[test]
fn a_part_can_be_measured_alone() {
    let program = Program::new();
    let done = program.run(&format!("--json {SHORT} --parts learners"));
    assert_eq!(done.exit, 0, "{done:?}");
    let report = done.result();
    of_learners(&report, 2);
    assert_eq!(report["saturated"], serde_json::json!([]));
    assert!(report["audit"].is_null() && report["single"].is_null(), "{report}");
    assert_eq!(report["recorded"], 24 * 60, "the class's marks and no others");
}

/// It is ended while it measures the database alone, and while its gateway is under load.
#[test]
fn a_signal_ends_it_and_nothing_is_left_behind() {
    for (stage, signal, exit) in
        [("straight to the database", "-INT", 130), ("entries recorded;", "-TERM", 143)]
    {
        let program = Program::new();
        let temporary = program.path("temporary");
        fs::create_dir(&temporary).unwrap();
        let mut command = program.command();
        command.args(SHORT.split_whitespace()).env("TMPDIR", &temporary);
        let mut bench = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(bench.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(told.any(|line| line.contains(stage)), "{stage}");
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1, "its directory");

        assert!(Command::new("kill").args([signal, &bench.id().to_string()]).status().unwrap().success());
        let last = told.last().unwrap();
        assert!(last.starts_with("sillok: bench.ended: SIG"), "{last}");
        assert_eq!(bench.wait().unwrap().code(), Some(exit));
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "its directory is gone");
        assert!(!running_with(temporary.to_str().unwrap().as_bytes()), "its gateway is gone");
    }
}

/// Whether a process runs with this in its environment, where that can be seen.
fn running_with(text: &[u8]) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let mut environments = processes.filter_map(|process| fs::read(process.path().join("environ")).ok());
    environments.any(|environment| environment.windows(text.len()).any(|part| part == text))
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_begins() {
    let program = Program::new();
    for (words, argument) in [
        ("bench --queries 0", "--queries"),
        ("bench --schools 65", "--schools"),
        ("bench --reads 101", "--reads"),
        ("bench --learners 61", "--learners"),
        ("bench --past 3", "--past"),
        ("bench --signatures 9", "--signatures"),
    ] {
        let (exit, code, detail) = program.refused(words);
        assert_eq!((exit, code.as_str()), (2, "usage"), "{words}");
        assert!(detail.contains(argument), "{detail}");
    }
    let (exit, code, _) = program.refused("bench --fabric --network nowhere");
    assert_eq!((exit, code.as_str()), (2, "config.invalid"));
}
