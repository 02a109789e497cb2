//! Signatures come in: their form is checked, and the rest is the verifier's.

use std::sync::Arc;

use serde_json::json;
use sillok_contract::{
    Code, Refusal,
    digest::Digest,
    document::State,
    id::{DocumentId, SignerId},
    signature::{Presented, Signature, Statement, Subject},
};

use super::{
    SignatureCreated, SignatureStatus, SignatureSubmission,
    carried::{named, told},
    verifier::parse,
};
use crate::{
    events::{Effect, SignatureChange, SignatureMove, Topic},
    problem::{Kind, Problem},
    records::{SignatureState, StoredSignature},
    service::{Caller, Core, problems, registry::KnownSigner},
};

impl Core {
    /// Takes a signature in. The same again is answered with where it stands.
    pub(in crate::service) async fn submit_signature(
        &self,
        caller: &Caller,
        sent: SignatureSubmission,
    ) -> Result<SignatureStatus, Problem> {
        let presented = Presented { jws: sent.signature, approval: sent.approval };
        let (signature, approval) = parse(&presented).map_err(refused)?;
        let signer = self.signer_of(&signature).await?;
        let now = (self.clock)();
        let change = match self.stored_signature(&signature.digest).await? {
            None => {
                self.check_subject(&signature.statement.subject, &signer).await?;
                SignatureChange::New(stored(named(&signature), &signer.id, SignatureState::Created, now))
            }
            // What was not its signer's own keeps nobody from handing in what is.
            Some(known) if known.state == SignatureState::Invalid => {
                match self.examine(&signature, approval.as_ref(), &signer, now).await?.holds {
                    true => SignatureChange::Move(again(signature.digest, SignatureState::Created, now)),
                    false => return Ok(known.into()),
                }
            }
            Some(known) => return Ok(known.into()),
        };
        let effect = arrived(change, presented, &signature, caller.to_string(), now);
        self.taken_in(&signature.digest, &effect).await
    }

    /// Stores what was sent of a signature; where it stands then, by this or by what was quicker.
    pub(super) async fn taken_in(
        &self,
        digest: &Digest,
        effect: &Effect,
    ) -> Result<SignatureStatus, Problem> {
        let done = self.records.commit(effect).await.map_err(problems::of_records)?;
        if let (true, [SignatureChange::New(stored)]) = (done, &effect.signatures[..]) {
            return Ok(stored.clone().into());
        }
        let stored = self.stored_signature(digest).await?;
        stored
            .map(SignatureStatus::from)
            .ok_or_else(|| problems::internal(&"a stored signature is not there"))
    }

    /// Who is registered with the certificate that a signature brings along.
    pub(super) async fn signer_of(&self, signature: &Signature) -> Result<Arc<KnownSigner>, Problem> {
        let signer = self.registry.signer(&signature.certificate.thumbprint()).await?;
        signer.ok_or_else(|| {
            let why = "the signature's certificate is of no registered signer; have it registered first";
            problems::of_refusal(Kind::Forbidden, &Refusal::new(Code::SignerUnknown, why))
        })
    }

    /// Early, and a convenience: what the ledger would refuse because of where a document or another signature stands.
    pub(super) async fn check_subject(&self, subject: &Subject, signer: &KnownSigner) -> Result<(), Problem> {
        match subject {
            Subject::Hash(_) => Ok(()),
            Subject::Signature(digest) => {
                let found = self.contract().signature_by_digest(digest).await.map_err(problems::of_ledger)?;
                let absent = || {
                    let detail = "the signature that this one counter-signs is not on the ledger";
                    Problem::new(Kind::Conflict, "signature.not_found", detail)
                };
                found.map(drop).ok_or_else(absent)
            }
            Subject::Document(id) => {
                let document = self.document_on_ledger(id).await?;
                let conflict = |code: Code, why: String| {
                    Err(problems::of_refusal(Kind::Conflict, &Refusal::new(code, why)))
                };
                if !document.parties.iter().any(|part| part.signer == signer.id) {
                    let why = format!("{} is no party of the document {id}", signer.id);
                    return Err(problems::of_refusal(
                        Kind::Forbidden,
                        &Refusal::new(Code::DocumentParty, why),
                    ));
                }
                match document.state_at((self.clock)()) {
                    State::Expired => {
                        conflict(Code::DocumentExpired, format!("the deadline of the document {id} is over"))
                    }
                    State::Open if document.awaited().any(|awaited| *awaited == signer.id) => Ok(()),
                    State::Open => conflict(
                        Code::DocumentTurn,
                        format!("it is another party's turn to sign the document {id}, or {} has", signer.id),
                    ),
                    _ => conflict(Code::DocumentState, format!("the document {id} is not open any more")),
                }
            }
        }
    }
}

/// What is written of a signature that comes in for the first time.
pub(crate) fn arrival(
    presented: Presented,
    signature: &Signature,
    signer: &SignerId,
    source: String,
    now: i64,
) -> Effect {
    let change = SignatureChange::New(stored(named(signature), signer, SignatureState::Created, now));
    arrived(change, presented, signature, source, now)
}

fn arrived(
    change: SignatureChange,
    presented: Presented,
    signature: &Signature,
    source: String,
    now: i64,
) -> Effect {
    let created = SignatureCreated { presented, source, received_at: now };
    let told = told(Topic::SignaturesCreated, named(signature), now, now, json!(created));
    Effect::default().change(change).tell(told)
}

/// What is kept of a signature that is new.
pub(super) fn stored(
    (digest, statement): (Digest, &Statement),
    signer: &SignerId,
    state: SignatureState,
    now: i64,
) -> StoredSignature {
    StoredSignature {
        id: digest.0,
        hash: statement.hash.0,
        signer: signer.clone(),
        subject: statement.subject.to_string(),
        document: document_of(&statement.subject).cloned(),
        state,
        verdict: None,
        recorded: None,
        refusal: None,
        created_at: now,
        updated_at: now,
    }
}

/// One that did not hold begins again.
pub(super) fn again(digest: Digest, to: SignatureState, now: i64) -> SignatureMove {
    SignatureMove::new(digest.0, SignatureState::Invalid, to, now)
}

fn document_of(subject: &Subject) -> Option<&DocumentId> {
    match subject {
        Subject::Document(id) => Some(id),
        Subject::Signature(_) | Subject::Hash(_) => None,
    }
}

fn refused(refusal: Refusal) -> Problem {
    let kind = match refusal.code {
        Code::SignatureTooLarge | Code::ActTooLarge => Kind::TooLarge,
        Code::ActSigner => Kind::Forbidden,
        _ => Kind::Invalid,
    };
    problems::of_refusal(kind, &refusal)
}
