//! Logs and metrics.
//!
//! What is never logged: bodies, `Authorization`, statements and their parameters, rows, configuration secrets.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt::format::FmtSpan};

use crate::{
    config::{Log, LogFormat},
    events, service,
};

/// Libraries whose events quote what they work on, statements with their values among it: they stay silent whatever the
/// configuration's filter says.
const QUOTING: [&str; 1] = ["sqlparser"];

/// Bounds of the histograms of durations, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Begins to log to standard error. Once a process: a second call changes nothing.
pub fn log(settings: &Log) {
    // The configuration has checked the filter.
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = QUOTING.iter().fold(filter, |filter, library| {
        let silent = format!("{library}=off").parse().expect("a library's name and a level are a directive");
        filter.add_directive(silent)
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(console::colors_enabled_stderr())
        .with_writer(std::io::stderr);
    let _ = match settings.format {
        LogFormat::Human => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}

/// The process' metrics, recorded from the first call on.
pub fn metrics() -> Result<PrometheusHandle, BuildError> {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = RECORDER.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .build_recorder();
    let handle = RECORDER.get_or_init(|| {
        let handle = recorder.handle();
        // Where another recorder is installed already, this one stays empty.
        let _ = metrics::set_global_recorder(recorder);
        describe();
        handle
    });
    Ok(handle.clone())
}

fn describe() {
    metrics::describe_counter!(
        "sillok_requests_total",
        "Requests answered, by face, operation, status and code."
    );
    metrics::describe_histogram!(
        "sillok_request_seconds",
        metrics::Unit::Seconds,
        "Time until a request was answered."
    );
    service::describe_metrics();
    events::describe_metrics();
}
