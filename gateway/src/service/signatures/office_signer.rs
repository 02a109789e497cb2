//! The office's signer: makes the signatures that people approved, with the keys that the office holds for them.
//!
//! It believes nobody's word for an approval: each is held against the ledger's registry here, by the one process that
//! has the keys. A signature that was made and not stored is gone, and is made once more.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use sillok_contract::{
    Code,
    act::{MAX_AHEAD, MAX_BEHIND, SignedAct},
    digest::Digest,
    signature::{Presented, Signature},
};

use super::{
    SignatureCreated, SignatureRequested,
    carried::{Fault, named, read, told},
    signing::Signing,
};
use crate::{
    archive::ArchiveError,
    events::{Effect, Event, Group, HandleError, Handler, NewEvent, SignatureChange, SignatureMove, Topic},
    keys::held::{HeldError, Label},
    monitor::{Failure, SignatureVerified},
    problem::{Kind, Problem},
    records::{SignatureState, StoredSignature},
    service::Core,
};

/// How many signatures are made at one moment, at most; a token has sessions of its own.
const AT_ONCE: usize = 8;

/// Handles `signatures.requested`.
pub(in crate::service) struct OfficeSigner {
    pub(in crate::service) core: Arc<Core>,
    pub(in crate::service) group: Group,
}

#[async_trait]
impl Handler for OfficeSigner {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        let mut asked = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            asked.push(Asked::of(event).map_err(|fault| fault.at(index))?);
        }
        // No event is to blame for what goes wrong from here on.
        let effects = stream::iter(asked).map(|asked| self.core.made(&self.group, asked)).buffered(AT_ONCE);
        let effects: Vec<_> = effects.try_collect().await.map_err(|fault: Fault| fault.at(0))?;
        self.core.records.commit_all(&effects).await?;
        Ok(())
    }
}

/// A signature that somebody asks for.
struct Asked {
    event: String,
    digest: Digest,
    requested: SignatureRequested,
}

impl Asked {
    fn of(event: &Event) -> Result<Self, Fault> {
        let requested: SignatureRequested = read(event)?;
        let digest = Digest::try_from(requested.signature.clone());
        let digest = digest.map_err(|refusal| Fault::Poison(refusal.to_string()))?;
        Ok(Self { event: event.id.clone(), digest, requested })
    }
}

/// Why a signature is not made.
enum Unmade {
    /// Something that making it needs is away, for all signatures: it is tried again.
    Later(String),
    /// This one will not be made.
    Never(Failure),
}

impl Core {
    /// What comes of a signature that is asked for: it is made, or it is told why not. One that nobody waits for is not.
    async fn made(&self, group: &Group, asked: Asked) -> Result<Effect, Fault> {
        let effect = Effect::of(group, &asked.event);
        let stored = self.stored_signature(&asked.digest).await?;
        let Some(stored) = stored.filter(|stored| stored.state == SignatureState::Requested) else {
            return Ok(effect);
        };
        let (from, now) = (SignatureState::Requested, (self.clock)());
        match self.make(&asked).await {
            Ok(signature) => {
                let change = SignatureMove::new(asked.digest.0, from, SignatureState::Created, now);
                let told = created(&asked, &signature, now);
                Ok(effect.change(SignatureChange::Move(change)).tell(told))
            }
            Err(Unmade::Later(reason)) => Err(Fault::Later(reason)),
            Err(Unmade::Never(failure)) => {
                let Failure { code, detail } = &failure;
                tracing::warn!(signature = %asked.digest, code, detail, "a signature that was asked for is not made");
                let change = SignatureMove {
                    refusal: Some(failure.clone()),
                    ..SignatureMove::new(asked.digest.0, from, SignatureState::Refused, now)
                };
                let told = self.not_made(&asked, &stored, failure, now).await;
                Ok(effect.change(SignatureChange::Move(change)).tell(told))
            }
        }
    }

    /// Makes a signature, once its approval has been checked.
    async fn make(&self, asked: &Asked) -> Result<Signature, Unmade> {
        let signing = self.signing(&asked.requested.approval).await?;
        let now = (self.clock)();
        if signing.digest != asked.digest {
            return Err(never(
                Code::ApprovalMismatch.as_str(),
                "the approval is of another signature than the one that was asked for, or the registry has changed since; \
                 approve it anew",
            ));
        }
        if !in_time(&signing.approval, now) {
            return Err(never(
                Code::ApprovalTime.as_str(),
                "the approval is more than a day old, or of more than 5 minutes ahead; approve it anew",
            ));
        }
        let Signing { signer, unsigned, .. } = signing;
        let label: Label = signer.id.as_str().parse()?;
        let keys = self.held.clone();
        let signed = tokio::task::spawn_blocking(move || {
            let signature = keys.sign(&label, unsigned.as_bytes())?;
            Ok((unsigned.signed(&signature), label))
        });
        let signed: Result<_, HeldError> = signed.await.unwrap_or_else(|panicked| {
            Err(HeldError::Unavailable(format!("the use of a held key did not end: {panicked}")))
        });
        let (jws, label) = signed?;
        let own = |signature: &Signature| signature.verify().is_ok();
        Signature::parse(&jws).ok().filter(own).ok_or_else(|| HeldError::OtherKey(label).into())
    }
}

impl Core {
    /// Told as one that does not hold: so whoever watches over those sees this one, too.
    async fn not_made(
        &self,
        asked: &Asked,
        stored: &StoredSignature,
        failure: Failure,
        now: i64,
    ) -> NewEvent {
        let SignatureRequested { source, received_at, .. } = &asked.requested;
        let signer = self.registry.approver(&stored.signer).await.ok().flatten();
        let verified = SignatureVerified {
            signature: asked.digest.to_string(),
            hash: hex::encode(stored.hash),
            subject: stored.subject.clone(),
            signer: stored.signer.to_string(),
            certificate: signer.as_ref().map(|signer| signer.thumbprint.clone()).unwrap_or_default(),
            source: source.clone(),
            signed_at: *received_at,
            received_at: *received_at,
            verified_at: now,
            failure: Some(failure),
            revoked_since: signer.and_then(|signer| signer.revoked_since),
        };
        let key = stored.document.as_ref().map_or_else(|| hex::encode(stored.hash), ToString::to_string);
        let which = format!("{}/{received_at}", asked.digest);
        NewEvent::new(Topic::SignaturesVerified, key, &which, now, json!(verified))
    }
}

/// Whether the ledger would take the signature with this approval, by its time.
fn in_time(approval: &SignedAct, now: i64) -> bool {
    let signed_at = approval.signed_at();
    (signed_at.saturating_sub(MAX_AHEAD)..=signed_at.saturating_add(MAX_BEHIND)).contains(&now)
}

fn created(asked: &Asked, signature: &Signature, now: i64) -> NewEvent {
    let SignatureRequested { approval, source, received_at, .. } = asked.requested.clone();
    let presented = Presented { jws: signature.as_str().to_owned(), approval: Some(approval) };
    let created = SignatureCreated { presented, source, received_at };
    told(Topic::SignaturesCreated, named(signature), received_at, now, json!(created))
}

fn never(code: &str, detail: &str) -> Unmade {
    Unmade::Never(Failure { code: code.to_owned(), detail: detail.to_owned() })
}

impl From<Problem> for Unmade {
    fn from(problem: Problem) -> Self {
        match problem.kind {
            Kind::Unavailable | Kind::Internal | Kind::TimedOut | Kind::TooMany => {
                Self::Later(problem.detail)
            }
            _ => never(problem.code, &problem.detail),
        }
    }
}

/// What is wrong with all keys delays what is asked for; what is wrong with one key refuses it.
impl From<HeldError> for Unmade {
    fn from(error: HeldError) -> Self {
        let of_all = matches!(
            error,
            HeldError::Refused(_)
                | HeldError::Setting(_)
                | HeldError::OfficeKey(
                    ArchiveError::NoKey(_) | ArchiveError::KeyFile { .. } | ArchiveError::Setting(_)
                )
        );
        if of_all || error.retry() {
            return Self::Later(error.to_string());
        }
        // Its text names files; the caller gets what is theirs to know.
        tracing::error!(%error, "a held key cannot be used");
        let detail = match error {
            HeldError::Unknown(_) | HeldError::Label => "the office holds no key for this signer",
            HeldError::OtherKey(_) => "the key that the office holds is not that of the signer's certificate",
            _ => {
                "the office cannot use the key that it holds for this signer; it finds the reason in its log"
            }
        };
        never(error.code(), detail)
    }
}
