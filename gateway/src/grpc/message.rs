//! What the service answers, as gRPC's messages.

use sillok_contract::credential::State;
use sillok_proto::gateway::{self, entry_state::Status, list_objections_request::State as Wanted};

use crate::{
    certificate::Verdict,
    drift::{History, Plan, SignedReport},
    problem::{Kind, Problem},
    records::Alert,
    service::{
        Batch, CertificateState, EntryRecorded, EntryState, ErasureState, LearnerEntry, LearnerWithRows,
        ObjectionState, Objections, Place, QueryResult, RequestState, WaitingCertificates,
    },
};

/// How many are wanted: 0 means the most.
pub(super) fn limit(wanted: u32, most: u32) -> Result<u32, Problem> {
    if wanted <= most {
        return Ok(wanted);
    }
    Err(Problem::new(Kind::Invalid, "query.malformed", format!("`limit` is a number from 0 to {most}")))
}

pub(super) fn request(state: RequestState) -> gateway::RequestState {
    gateway::RequestState {
        request: state.request.to_string(),
        results: state.results.into_iter().map(result).collect(),
    }
}

fn result(result: QueryResult) -> gateway::QueryResult {
    let rows_json = result.data.map(|rows| serde_json::Value::from(rows).to_string()).unwrap_or_default();
    gateway::QueryResult { entry: Some(entry(result.entry)), rows: result.rows, rows_json }
}

pub(super) fn entry(state: EntryState) -> gateway::EntryState {
    let mut message = gateway::EntryState {
        entry: state.entry.to_string(),
        school: state.school.into(),
        learner: state.learner.into(),
        ..gateway::EntryState::default()
    };
    match state.place {
        Place::Pending => message.set_status(Status::Pending),
        Place::Recorded { sequence, index, transaction, block } => {
            message.set_status(Status::Recorded);
            (message.sequence, message.index) = (sequence, index);
            (message.transaction, message.block) = (transaction, block);
        }
        Place::SetAside { refusal } => {
            message.set_status(Status::SetAside);
            message.refusal = refusal;
        }
    }
    message
}

pub(super) fn recorded(recorded: EntryRecorded) -> gateway::EntryRecorded {
    gateway::EntryRecorded { cursor: recorded.cursor.to_string(), entry: Some(entry(recorded.entry)) }
}

pub(super) fn numbered(numbered: LearnerEntry) -> gateway::LearnerEntry {
    gateway::LearnerEntry { number: numbered.number, entry: Some(entry(numbered.entry)) }
}

pub(super) fn batch(batch: Batch) -> gateway::Batch {
    gateway::Batch {
        school: batch.school.into(),
        sequence: batch.sequence,
        header_hash: batch.header_hash.to_string(),
        previous: batch.previous.to_string(),
        root: batch.root.to_string(),
        count: batch.count,
        first_time: batch.first_time,
        last_time: batch.last_time,
        transaction: batch.transaction,
        block: batch.block,
    }
}

pub(super) fn report(signed: SignedReport) -> gateway::Report {
    let json = String::from_utf8(signed.report.to_json()).expect("JSON is UTF-8");
    gateway::Report { json, jws: signed.jws }
}

pub(super) fn history(history: History) -> gateway::History {
    let json = serde_json::to_string(&history).expect("a history has only text, numbers and lists");
    gateway::History { json }
}

pub(super) fn plan(plan: Plan) -> gateway::RestorationPlan {
    let json = serde_json::to_string(&plan).expect("a plan has only text, numbers and lists");
    gateway::RestorationPlan { json }
}

pub(super) fn alert(Alert { id, seen_at, finding, advice }: Alert) -> gateway::Alert {
    gateway::Alert {
        id,
        seen_at,
        kind: finding.kind,
        table: finding.table.unwrap_or_default(),
        key_json: finding.key.map(|key| serde_json::Value::Object(key).to_string()).unwrap_or_default(),
        operation: finding.operation.unwrap_or_default(),
        rows: finding.rows,
        committed_at: finding.committed_at.unwrap_or_default(),
        xid: finding.xid.unwrap_or_default(),
        lsn: finding.lsn.unwrap_or_default(),
        detail: finding.detail.unwrap_or_default(),
        evidence: finding.evidence.map(|evidence| gateway::Evidence {
            count: evidence.count,
            from: evidence.from,
            until: evidence.until,
            events: evidence.events,
        }),
        advice,
    }
}

pub(super) fn certificate(state: CertificateState) -> gateway::CertificateState {
    gateway::CertificateState {
        certificate: state.certificate.to_string(),
        learner: state.learner.into(),
        state: word(&state.state),
        agrees: state.agrees,
        report: state.report,
        digest: state.digest.unwrap_or_default(),
        expires_at: state.expires_at.unwrap_or_default(),
        transaction: state.transaction,
    }
}

pub(super) fn waiting(page: &WaitingCertificates) -> gateway::WaitingCertificates {
    gateway::WaitingCertificates { json: json(page) }
}

pub(super) fn verdict(verdict: &Verdict) -> gateway::CertificateVerdict {
    let json = serde_json::to_string(verdict).expect("a verdict has string keys only");
    gateway::CertificateVerdict { outcome: verdict.outcome.as_str().to_owned(), json }
}

/// The word that JSON has for it.
fn word(state: &State) -> String {
    let word = serde_json::to_value(state).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn learner(learner: LearnerWithRows) -> gateway::LearnerWithRows {
    let LearnerWithRows { learner, registered, school } = learner;
    gateway::LearnerWithRows { learner, registered, school: school.map(Into::into).unwrap_or_default() }
}

pub(super) fn erasure(state: ErasureState) -> gateway::Erasure {
    gateway::Erasure { json: json(&state) }
}

pub(super) fn objection(objection: ObjectionState) -> gateway::Objection {
    gateway::Objection { json: json(&objection) }
}

pub(super) fn objections(objections: Objections) -> gateway::Objections {
    gateway::Objections { json: json(&objections) }
}

/// Whether only what is open is asked for, where it is said.
pub(super) fn open(state: Wanted) -> Option<bool> {
    match state {
        Wanted::Unspecified => None,
        Wanted::Open => Some(true),
        Wanted::All => Some(false),
    }
}

/// The JSON that REST answers.
pub(super) fn json(answer: &impl serde::Serialize) -> String {
    serde_json::to_string(answer).expect("what is answered has only text, numbers and lists")
}
