//! What the operator can watch. Names end in their unit.

use std::time::{Duration, Instant};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::SchoolAudit;
use crate::{monitor, records::Finding};

const RECORDED: &str = "sillok_entries_recorded_total";
const SET_ASIDE: &str = "sillok_entries_set_aside_total";
const UNRECORDED: &str = "sillok_entries_unrecorded";
const STUCK: &str = "sillok_schools_stuck";
const BATCH_ENTRIES: &str = "sillok_batch_entries";
const RECORD_SECONDS: &str = "sillok_entry_record_delay_seconds";
const PHASE_SECONDS: &str = "sillok_ledger_phase_duration_seconds";
const FAULTS: &str = "sillok_batcher_faults_total";
const INVALID: &str = "sillok_transactions_invalid_total";
const DRIFT: &str = "sillok_drift_writes_total";
const MONITOR: &str = "sillok_monitor_alerts_total";
const WATCHING: &str = "sillok_watch_active";
const RETAINED: &str = "sillok_watch_retained_bytes";

const OBJECTIONS_OVERDUE: &str = "sillok_objections_overdue";

const AUDIT_FINDINGS: &str = "sillok_audit_findings";
const AUDIT_ENDED: &str = "sillok_audit_ended_timestamp_seconds";
const AUDIT_FAILED: &str = "sillok_audit_failures_total";
const AUDIT_SCHOOLS: &str = "sillok_audit_schools_total";
const AUDIT_ENTRIES: &str = "sillok_audit_entries_total";
const AUDIT_ROWS: &str = "sillok_audit_rows_total";
const AUDIT_SUSPECTS: &str = "sillok_audit_suspects_total";

/// Says what each is, to the recorder that is installed.
pub(crate) fn describe() {
    describe_counter!(RECORDED, "Entries that came to rest on the ledger");
    describe_counter!(SET_ASIDE, "Entries that the ledger refused, by code; somebody has to look");
    describe_gauge!(UNRECORDED, "Entries in the database that are not on the ledger yet");
    describe_gauge!(STUCK, "Schools whose batches wait until somebody has looked");
    describe_histogram!(BATCH_ENTRIES, "Entries of a recorded batch");
    describe_histogram!(RECORD_SECONDS, "From the execution of a batch's oldest entry to its record");
    describe_histogram!(PHASE_SECONDS, "A ledger call, by phase and result");
    describe_counter!(FAULTS, "Failures on the way to the ledger that will be tried again, by kind");
    describe_counter!(INVALID, "Transactions that were ordered and took no effect, by status");
    describe_gauge!(OBJECTIONS_OVERDUE, "Objections that an office should have decided by now");
    describe_gauge!(AUDIT_FINDINGS, "In how many things the last audit found database and ledger to differ");
    describe_gauge!(AUDIT_ENDED, "When the last audit of all ended; 0: none has");
    describe_counter!(AUDIT_FAILED, "Audits that could not be made");
    describe_counter!(AUDIT_SCHOOLS, "Schools audited");
    describe_counter!(AUDIT_ENTRIES, "Entries that audits have read");
    describe_counter!(AUDIT_ROWS, "Rows that audits have compared");
    describe_counter!(AUDIT_SUSPECTS, "Learners whom audits have looked at precisely");
    describe_counter!(DRIFT, "Rows found changed past the gateway, by kind, table and operation");
    describe_counter!(MONITOR, "Alerts that the monitor raised, by kind");
    describe_gauge!(WATCHING, "Whether this gateway is the one that watches the database");
    describe_gauge!(RETAINED, "Bytes of its log that the database keeps for the watch");
    // There from the beginning, so that an alarm can rest on it.
    stuck(0);
    objections_overdue(0);
    for kind in monitor::KINDS {
        counter!(MONITOR, "kind" => kind).absolute(0);
    }
    gauge!(AUDIT_FINDINGS).set(0.0);
    gauge!(AUDIT_ENDED).set(0.0);
}

/// So many entries wait for the ledger.
pub(super) fn unrecorded(count: u64) {
    gauge!(UNRECORDED).set(count as f64);
}

/// The batches of so many schools wait until somebody has looked.
pub(super) fn stuck(schools: usize) {
    gauge!(STUCK).set(schools as f64);
}

/// A batch came to rest.
pub(super) fn recorded(entries: usize, oldest: Duration) {
    counter!(RECORDED).increment(entries as u64);
    histogram!(BATCH_ENTRIES).record(entries as f64);
    histogram!(RECORD_SECONDS).record(oldest);
}

/// So many objections should have been decided by now.
pub(super) fn objections_overdue(count: usize) {
    gauge!(OBJECTIONS_OVERDUE).set(count as f64);
}

/// The ledger refused an entry.
pub(super) fn set_aside(code: &'static str) {
    counter!(SET_ASIDE, "code" => code).increment(1);
}

/// A ledger call ended.
pub(super) fn phase(phase: &'static str, worked: bool, since: Instant) {
    let result = if worked { "ok" } else { "error" };
    histogram!(PHASE_SECONDS, "phase" => phase, "result" => result).record(since.elapsed());
}

/// A batch met a failure that will be tried again.
pub(super) fn fault(kind: &'static str) {
    counter!(FAULTS, "kind" => kind).increment(1);
}

/// A transaction was ordered and took no effect.
pub(super) fn invalid(status: &str) {
    counter!(INVALID, "status" => status.to_owned()).increment(1);
}

/// A school was audited.
pub(super) fn audited(audit: &SchoolAudit) {
    counter!(AUDIT_SCHOOLS).increment(1);
    counter!(AUDIT_ENTRIES).increment(audit.entries);
    counter!(AUDIT_ROWS).increment(audit.rows);
    counter!(AUDIT_SUSPECTS).increment(audit.suspects);
}

/// An audit of all ended at this time, in microseconds, and found so much.
pub(super) fn audit_ended(findings: u64, time: i64) {
    gauge!(AUDIT_FINDINGS).set(findings as f64);
    gauge!(AUDIT_ENDED).set(time as f64 / 1e6);
}

/// An audit could not be made.
pub(super) fn audit_failed() {
    counter!(AUDIT_FAILED).increment(1);
}

/// Something was found that did not come through the gateway.
pub(super) fn drift(finding: &Finding) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (kind, table, operation) = (finding.kind.clone(), text(&finding.table), text(&finding.operation));
    // A table that was emptied is one write, however many rows it had.
    counter!(DRIFT, "kind" => kind, "table" => table, "operation" => operation)
        .increment(finding.rows.max(1));
}

/// The monitor saw something of this kind.
pub(super) fn out_of_the_ordinary(kind: &str) {
    counter!(MONITOR, "kind" => kind.to_owned()).increment(1);
}

/// Whether this gateway is the one that watches.
pub(super) fn watching(watching: bool) {
    gauge!(WATCHING).set(f64::from(u8::from(watching)));
}

/// So many bytes of its log the database keeps for the watch.
pub(super) fn retained(bytes: u64) {
    gauge!(RETAINED).set(bytes as f64);
}
