//! `sillok bench`: what it tells, and that everything that was executed came to rest. No figure is judged here.

use serde_json::Value;

use crate::program::Program;

/// A measurement that is over soon.
const SHORT: &str =
    "bench --callers 4 --schools 2 --queries 5 --warm-up 1 --seconds 1 --single-schools 2 --overload 8";

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
    assert_eq!(report["straight"].as_array().unwrap().len(), 2, "one after the other, and several at once");
    assert!(positive(&report["single"]["queries_recorded_per_second"]));
    assert_eq!(report["contract"][0]["queries_per_request"], 5);
    assert!(positive(&report["proofs"][0]["checked_per_second"]));
    assert_eq!(report["overload"]["callers"], 8);
    assert!(positive(&report["disk"][0]["bytes"]["ledger"]));
    let targets = report["targets"].as_array().unwrap();
    assert!(targets.iter().all(|target| target["met"].is_boolean() && target["measured"].is_number()));
    if cfg!(target_os = "linux") {
        let processes = report["saturated"][0]["processes"].as_array().unwrap();
        let names: Vec<_> = processes.iter().map(|process| process["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["sillok bench", "sillok serve", "everything else"]);
        assert!(processes[..2].iter().all(|process| positive(&process["memory_mib"])));
    }
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_begins() {
    let program = Program::new();
    for (words, argument) in [
        ("bench --queries 0", "--queries"),
        ("bench --schools 65", "--schools"),
        ("bench --reads 101", "--reads"),
    ] {
        let (exit, code, detail) = program.refused(words);
        assert_eq!((exit, code.as_str()), (2, "usage"), "{words}");
        assert!(detail.contains(argument), "{detail}");
    }
    let (exit, code, _) = program.refused("bench --fabric --network nowhere");
    assert_eq!((exit, code.as_str()), (2, "config.invalid"));
}
