//! How acts move a document from state to state.

use std::collections::BTreeSet;

use super::{Declined, Document, MAX_PARTIES, Part, State};
use crate::{
    Code, Ledger, Refusal,
    act::{DocumentDecline, DocumentOpen, DocumentWithdraw, Step},
    id::{DocumentId, SignerId},
    json, key,
    registry::{self, check_time},
    snapshot::Snapshot,
};

/// Whose bytes a party has signed already cannot be signed by them again, so that the document would never be complete:
/// it is refused at once. A document that is opened anew has bytes of its own, such as a new date.
pub(crate) fn open(
    ledger: &mut dyn Ledger,
    act: &DocumentOpen,
    by: SignerId,
    opened: Step,
) -> Result<(), Refusal> {
    check_time("deadline", act.deadline)?;
    if act.deadline <= opened.at {
        return Err(Refusal::new(Code::DocumentExpired, "the deadline is later than now"));
    }
    check_parties(act)?;
    check_ledger(ledger, act)?;
    let id = &act.document;
    for signer in act.parties.iter().chain([&by]).collect::<BTreeSet<_>>() {
        ledger.put(&key::document_of(signer, id), id.as_str().into())?;
    }
    let parties = act.parties.iter().map(|signer| Part { signer: signer.clone(), signed: None }).collect();
    let document = Document {
        id: id.clone(),
        digest: act.digest,
        opened_by: by,
        purpose: act.purpose,
        ordered: act.ordered,
        deadline: act.deadline,
        state: State::Open,
        parties,
        opened,
        declined: None,
        withdrawn: None,
    };
    put(ledger, &document)
}

pub(crate) fn decline(
    ledger: &mut dyn Ledger,
    act: &DocumentDecline,
    by: SignerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut document = standing(ledger, &act.document, step.at)?;
    match document.part(&by) {
        None => return Err(not_a_party(&by, &document)),
        Some(Part { signed: Some(_), .. }) => {
            return Err(Refusal::new(
                Code::DocumentState,
                format!("{by} has signed {} already", document.id),
            ));
        }
        Some(_) => {}
    }
    document.state = State::Refused;
    document.declined = Some(Declined { by, step });
    put(ledger, &document)
}

pub(crate) fn withdraw(
    ledger: &mut dyn Ledger,
    act: &DocumentWithdraw,
    by: &SignerId,
    step: Step,
) -> Result<(), Refusal> {
    let mut document = standing(ledger, &act.document, step.at)?;
    if document.opened_by != *by {
        return Err(Refusal::new(
            Code::DocumentParty,
            format!("{} was opened by {}, who alone withdraws it", document.id, document.opened_by),
        ));
    }
    document.state = State::Withdrawn;
    document.withdrawn = Some(step);
    put(ledger, &document)
}

fn check_parties(act: &DocumentOpen) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new(Code::DocumentParties, why));
    if !(1..=MAX_PARTIES).contains(&act.parties.len()) {
        return refuse(format!("a document has 1 to {MAX_PARTIES} parties"));
    }
    let mut seen = BTreeSet::new();
    match act.parties.iter().find(|party| !seen.insert(*party)) {
        Some(twice) => refuse(format!("{twice} is a party twice")),
        None => Ok(()),
    }
}

/// The id is fresh, the parties are registered, and none has signed these bytes.
fn check_ledger(ledger: &mut dyn Ledger, act: &DocumentOpen) -> Result<(), Refusal> {
    let key = key::document(&act.document);
    let of = |party: &SignerId| [key::signer(party), key::signature(act.digest, party)];
    let snapshot = Snapshot::read(ledger, act.parties.iter().flat_map(of).chain([key.clone()]))?;
    if snapshot.text(&key).is_some() {
        return Err(Refusal::new(Code::AlreadyExists, format!("{key} stands already; draw another id")));
    }
    for party in &act.parties {
        let [signer, signature] = of(party);
        if snapshot.text(&signer).is_none() {
            return Err(Refusal::new(
                Code::SignerUnknown,
                format!("the party {party} is no registered signer; have them registered first"),
            ));
        }
        if snapshot.text(&signature).is_some() {
            return Err(Refusal::new(
                Code::SignatureExists,
                format!(
                    "signature already exists: {party} has signed these bytes; open a document of others"
                ),
            ));
        }
    }
    Ok(())
}

/// The document, if it is open at that time.
fn standing(ledger: &mut dyn Ledger, id: &DocumentId, time: i64) -> Result<Document, Refusal> {
    let document: Document = registry::get(ledger, &key::document(id))?;
    document.check_open(time)?;
    Ok(document)
}

impl Document {
    /// Refuses a time at which it is not open.
    pub(super) fn check_open(&self, time: i64) -> Result<(), Refusal> {
        match self.state_at(time) {
            State::Open => Ok(()),
            State::Expired => Err(Refusal::new(
                Code::DocumentExpired,
                format!("the document {} expired at {}; open another", self.id, self.deadline),
            )),
            state => Err(Refusal::new(
                Code::DocumentState,
                format!("the document {} is {} already", self.id, json::word(&state)),
            )),
        }
    }
}

pub(super) fn not_a_party(signer: &SignerId, document: &Document) -> Refusal {
    Refusal::new(Code::DocumentParty, format!("{signer} is not a party of the document {}", document.id))
}

pub(super) fn put(ledger: &mut dyn Ledger, document: &Document) -> Result<(), Refusal> {
    ledger.put(&key::document(&document.id), json::canonical(document))
}
