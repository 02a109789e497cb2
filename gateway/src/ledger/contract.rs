//! The contract's functions with their types, over whichever ledger runs it.

mod signing;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use sillok_contract::{
    Code,
    act::{ActRecord, Acted},
    batch::{Batch, Body, Entries, Head, TRANSIENT},
    credential::Credential,
    digest::Digest,
    erasure::Erasures,
    function,
    id::{CertificateId, EducatorId, LearnerId, MspId, ObjectionId, OfficerId, SchoolId},
    objection::{Objection, ObjectionTexts},
    registry::{Changed, Educator, Learner, Listing, Office, Officer, School, SchoolChange, WalletKey},
};

use super::{Call, Commit, Ledger, LedgerError, Receipt, transact};

/// A client of the contract. What is not on the ledger is none; every other refusal is an error. The functions that
/// change the registry wait until the change is in a block, and need a ledger with an administrator's identity.
#[derive(Clone)]
pub struct Contract {
    ledger: Arc<dyn Ledger>,
}

impl Contract {
    /// On this ledger.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger }
    }

    /// The ledger.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// An office.
    pub async fn office(&self, id: &MspId) -> Result<Option<Office>, LedgerError> {
        self.find(function::GET_OFFICE, [id.as_str()]).await
    }

    /// A school.
    pub async fn school(&self, id: &SchoolId) -> Result<Option<School>, LedgerError> {
        self.find(function::GET_SCHOOL, [id.as_str()]).await
    }

    /// A page of the schools, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn schools(&self, page_size: u32, bookmark: &str) -> Result<Listing<School>, LedgerError> {
        self.read(function::LIST_SCHOOLS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// An educator.
    pub async fn educator(&self, id: &EducatorId) -> Result<Option<Educator>, LedgerError> {
        self.find(function::GET_EDUCATOR, [id.as_str()]).await
    }

    /// The educator whose certificate has this thumbprint: SHA-256 of its DER.
    pub async fn educator_by_certificate(
        &self,
        thumbprint: &[u8; 32],
    ) -> Result<Option<Educator>, LedgerError> {
        self.find(function::FIND_EDUCATOR, [hex::encode(thumbprint)]).await
    }

    /// A page of the educators, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn educators(&self, page_size: u32, bookmark: &str) -> Result<Listing<Educator>, LedgerError> {
        self.read(function::LIST_EDUCATORS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// An officer.
    pub async fn officer(&self, id: &OfficerId) -> Result<Option<Officer>, LedgerError> {
        self.find(function::GET_OFFICER, [id.as_str()]).await
    }

    /// The officer whose certificate has this thumbprint: SHA-256 of its DER.
    pub async fn officer_by_certificate(
        &self,
        thumbprint: &[u8; 32],
    ) -> Result<Option<Officer>, LedgerError> {
        self.find(function::FIND_OFFICER, [hex::encode(thumbprint)]).await
    }

    /// A page of the officers, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn officers(&self, page_size: u32, bookmark: &str) -> Result<Listing<Officer>, LedgerError> {
        self.read(function::LIST_OFFICERS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// A learner.
    pub async fn learner(&self, id: &LearnerId) -> Result<Option<Learner>, LedgerError> {
        self.find(function::GET_LEARNER, [id.as_str()]).await
    }

    /// A page of the learners, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn learners(&self, page_size: u32, bookmark: &str) -> Result<Listing<Learner>, LedgerError> {
        self.read(function::LIST_LEARNERS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// A school's last batch; of a registered school without one, sequence 0.
    pub async fn head(&self, school: &SchoolId) -> Result<Head, LedgerError> {
        self.read(function::GET_HEAD, [school.as_str()]).await
    }

    /// A batch: header, leaves and transaction.
    pub async fn batch(&self, school: &SchoolId, sequence: u64) -> Result<Option<Batch>, LedgerError> {
        self.find(function::GET_BATCH, [school.as_str(), &sequence.to_string()]).await
    }

    /// A batch's body; for members of the offices.
    pub async fn body(&self, school: &SchoolId, sequence: u64) -> Result<Option<Body>, LedgerError> {
        self.find(function::GET_BODY, [school.as_str(), &sequence.to_string()]).await
    }

    /// A page of a learner's entries, newest first; at most 500. The first page has an empty bookmark.
    pub async fn entries(
        &self,
        learner: &LearnerId,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Entries, LedgerError> {
        self.read(function::LIST_ENTRIES, [learner.as_str(), &page_size.to_string(), bookmark]).await
    }

    /// How many entries a learner has now, attested by both offices. `nonce` is 16 to 64 random bytes in lower-case
    /// hexadecimal digits: who drew them knows by them that the answer is none from before. The receipt's answer is a
    /// [`sillok_contract::batch::Trail`]: [`super::receipt::verify`] it, then read it with [`answer`].
    pub async fn trail(&self, learner: &LearnerId, nonce: &str) -> Result<Receipt, LedgerError> {
        self.ledger.attest(Call::new(function::GET_TRAIL, [learner.as_str(), nonce])).await
    }

    /// What was erased of a batch's body; of most, nothing.
    pub async fn erasures(&self, school: &SchoolId, sequence: u64) -> Result<Erasures, LedgerError> {
        self.read(function::GET_ERASURES, [school.as_str(), &sequence.to_string()]).await
    }

    /// An act as it was received.
    pub async fn recorded_act(&self, act: &Digest) -> Result<Option<ActRecord>, LedgerError> {
        self.find(function::GET_ACT, [act.to_string()]).await
    }

    /// A certificate: its state, and the acts that moved it.
    pub async fn certificate(&self, id: &CertificateId) -> Result<Option<Credential>, LedgerError> {
        self.find(function::GET_CERTIFICATE, [id.as_str()]).await
    }

    /// A page of a learner's certificates, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn certificates(
        &self,
        learner: &LearnerId,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Listing<Credential>, LedgerError> {
        self.read(function::LIST_CERTIFICATES, [learner.as_str(), &page_size.to_string(), bookmark]).await
    }

    /// A page of the certificates that are neither refused nor issued, those that were asked for first at the front; at
    /// most 500. The first page has an empty bookmark.
    pub async fn waiting_certificates(
        &self,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Listing<Credential>, LedgerError> {
        self.read(function::LIST_WAITING_CERTIFICATES, [page_size.to_string().as_str(), bookmark]).await
    }

    /// Where a certificate stands now, attested by both offices, for who drew the nonce as in [`Contract::trail`]; none
    /// if there is no such certificate, which nobody attests. The receipt's answer is a
    /// [`sillok_contract::credential::CredentialStatus`].
    pub async fn certificate_status(
        &self,
        id: &CertificateId,
        nonce: &str,
    ) -> Result<Option<Receipt>, LedgerError> {
        let call = Call::new(function::GET_CERTIFICATE_STATUS, [id.as_str(), nonce]);
        found(self.ledger.attest(call).await)
    }

    /// An objection: its state, and the acts that moved it.
    pub async fn objection(&self, id: &ObjectionId) -> Result<Option<Objection>, LedgerError> {
        self.find(function::GET_OBJECTION, [id.as_str()]).await
    }

    /// A page of a learner's objections, in the order of their ids; at most 500. The first page has an empty bookmark.
    pub async fn objections(
        &self,
        learner: &LearnerId,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Listing<Objection>, LedgerError> {
        self.read(function::LIST_OBJECTIONS, [learner.as_str(), &page_size.to_string(), bookmark]).await
    }

    /// A page of the objections that are not decided, those that are due first at the front; at most 500. The first page
    /// has an empty bookmark.
    pub async fn open_objections(
        &self,
        page_size: u32,
        bookmark: &str,
    ) -> Result<Listing<Objection>, LedgerError> {
        self.read(function::LIST_OPEN_OBJECTIONS, [page_size.to_string().as_str(), bookmark]).await
    }

    /// Why an objection was filed and dismissed; for members of the offices.
    pub async fn objection_texts(&self, id: &ObjectionId) -> Result<Option<ObjectionTexts>, LedgerError> {
        self.find(function::GET_OBJECTION_TEXTS, [id.as_str()]).await
    }

    /// The call that records an act. Its answer is an [`Acted`]: read it with [`answer`]. Beside it travels what the act
    /// names by its hash or place: the bytes of a [`sillok_contract::objection::Reason`] under
    /// [`sillok_contract::objection::TRANSIENT`], each redacted body under its [`sillok_contract::key::body`].
    pub fn record_act(act: &str, beside: impl IntoIterator<Item = (String, Vec<u8>)>) -> Call {
        let call = Call::new(function::RECORD_ACT, [act]);
        Call { transient: beside.into_iter().collect(), ..call }
    }

    /// Records an act and waits until it is in a block. Called again after a failure it answers with the first
    /// transaction, so nothing needs to be stored between the phases. For a client of the support office.
    pub async fn act(
        &self,
        act: &str,
        beside: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<(Acted, Commit), LedgerError> {
        let (acted, commit) = transact(self.ledger.as_ref(), Self::record_act(act, beside)).await?;
        Ok((answer(&acted)?, commit))
    }

    /// The call that records a batch. Its answer is a [`sillok_contract::batch::Recorded`]: read it with [`answer`].
    pub fn record_batch(header: Vec<u8>, body: Vec<u8>) -> Call {
        Call::new(function::RECORD_BATCH, [header]).with_transient(TRANSIENT, body)
    }

    /// Registers an office. For an administrator of it.
    pub async fn register_office(&self, office: &Office) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_OFFICE, [json(office)]).await
    }

    /// Registers a school. For an administrator of the education office.
    pub async fn register_school(&self, school: &School) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_SCHOOL, [json(school)]).await
    }

    /// Changes a school. For an administrator of the education office.
    pub async fn update_school(&self, change: &SchoolChange) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::UPDATE_SCHOOL, [json(change)]).await
    }

    /// Registers educators, at most 500, all or none. For an administrator of either office.
    pub async fn register_educators(&self, educators: &[Educator]) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_EDUCATORS, [json(educators)]).await
    }

    /// Revokes an educator from a time on, in microseconds since the Unix epoch. For an administrator of either office.
    pub async fn revoke_educator(
        &self,
        id: &EducatorId,
        since: i64,
    ) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REVOKE_EDUCATOR, [id.to_string(), since.to_string()]).await
    }

    /// Registers officers, at most 500, all or none. For an administrator of their own office.
    pub async fn register_officers(&self, officers: &[Officer]) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_OFFICERS, [json(officers)]).await
    }

    /// Revokes an officer from a time on, in microseconds since the Unix epoch. For an administrator of their office.
    pub async fn revoke_officer(&self, id: &OfficerId, since: i64) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REVOKE_OFFICER, [id.to_string(), since.to_string()]).await
    }

    /// Registers learners, at most 500, all or none. For an administrator of the support office.
    pub async fn register_learners(&self, learners: &[Learner]) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_LEARNERS, [json(learners)]).await
    }

    /// Enrols a learner at another school from a time on, in microseconds since the Unix epoch. For an administrator
    /// of the support office.
    pub async fn move_learner(
        &self,
        id: &LearnerId,
        school: &SchoolId,
        since: i64,
    ) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::MOVE_LEARNER, [id.to_string(), school.to_string(), since.to_string()]).await
    }

    /// Registers a key of a learner's wallet, which ends the one before. For an administrator of the support office.
    pub async fn register_wallet_key(
        &self,
        learner: &LearnerId,
        key: &WalletKey,
    ) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REGISTER_WALLET_KEY, [learner.as_str().into(), json(key)]).await
    }

    /// Revokes the key of a learner's wallet that is in force at a time, from then on, in microseconds since the Unix
    /// epoch. For an administrator of the support office.
    pub async fn revoke_wallet_key(
        &self,
        learner: &LearnerId,
        since: i64,
    ) -> Result<(Changed, Commit), LedgerError> {
        self.change(function::REVOKE_WALLET_KEY, [learner.to_string(), since.to_string()]).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Result<T, LedgerError> {
        let call = Call::new(function, arguments);
        answer(&self.ledger.evaluate(call).await?)
    }

    async fn find<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Result<Option<T>, LedgerError> {
        found(self.read(function, arguments).await)
    }

    async fn change(
        &self,
        function: &str,
        arguments: impl IntoIterator<Item = impl Into<Vec<u8>>>,
    ) -> Result<(Changed, Commit), LedgerError> {
        let call = Call::new(function, arguments);
        let (changed, commit) = transact(self.ledger.as_ref(), call).await?;
        Ok((answer(&changed)?, commit))
    }
}

/// What is not on the ledger is none.
fn found<T>(found: Result<T, LedgerError>) -> Result<Option<T>, LedgerError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(LedgerError::Refused(refusal))
            if matches!(refusal.code, Code::NotFound | Code::SignatureNotFound) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Reads what the contract answered.
pub fn answer<T: DeserializeOwned>(answer: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(answer)
        .map_err(|error| LedgerError::Malformed(format!("the contract's answer: {error}")))
}

fn json(document: &(impl Serialize + ?Sized)) -> Vec<u8> {
    serde_json::to_vec(document).expect("the registry's documents have only text, numbers and lists")
}
