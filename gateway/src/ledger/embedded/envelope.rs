//! Transactions: proposed, endorsed, signed; and checked again when they are submitted.

use prost::Message as _;
use sillok_contract::certificate::Certificate;
use sillok_contract::digest::sha256;
use sillok_proto::embedded as wire;

use super::{
    identities::{Identities, Identity},
    simulation::private_write,
};
use crate::keys::{KeyError, PublicKey, random};

/// A proposal of a call by a creator; its transaction id is bound to creator and nonce.
pub(super) fn propose(
    creator: &Identity,
    timestamp: i64,
    function: &str,
    arguments: &[Vec<u8>],
) -> Result<wire::Proposal, KeyError> {
    let nonce = random::<24>()?.to_vec();
    Ok(wire::Proposal {
        transaction: transaction_id(&nonce, &creator.bytes),
        nonce,
        creator: creator.bytes.clone(),
        timestamp,
        function: function.to_owned(),
        arguments: arguments.to_vec(),
    })
}

fn transaction_id(nonce: &[u8], creator: &[u8]) -> String {
    hex::encode(sha256(&[nonce, creator]))
}

/// Both offices endorse an effect and the creator signs the whole.
pub(super) fn endorse(
    identities: &Identities,
    creator: &Identity,
    proposal: Vec<u8>,
    effect: &wire::Effect,
    private_values: Vec<wire::PrivateValue>,
) -> wire::Envelope {
    let effect = effect.encode_to_vec();
    let endorsements = identities.endorsers().map(|office| wire::Endorsement {
        endorser: office.bytes.clone(),
        signature: office.key.sign_der(&[effect.as_slice(), &office.bytes].concat()),
    });
    let transaction =
        wire::Transaction { proposal, endorsements: endorsements.collect(), effect: effect.clone() }
            .encode_to_vec();
    let signature = creator.key.sign_der(&transaction);
    wire::Envelope { transaction, signature, private_values }
}

/// An envelope that is what it says it is.
pub(super) struct Checked {
    pub(super) id: String,
    pub(super) envelope: wire::Envelope,
    pub(super) effect: wire::Effect,
    /// Whether both offices endorsed it.
    pub(super) endorsed: bool,
}

/// Why an envelope is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsound {
    #[error("it is not an envelope: {0}")]
    Malformed(#[from] prost::DecodeError),
    #[error("BAD_PROPOSAL_TXID: its transaction id does not follow from its nonce and creator")]
    TransactionId,
    #[error("BAD_CREATOR_SIGNATURE: {0}")]
    Creator(&'static str),
    #[error("its effect is that of another proposal")]
    Effect,
    #[error("its private values are not those whose hashes were endorsed")]
    PrivateValues,
}

/// Checks an envelope: its form, its id, its creator's signature and certificate, its endorsements.
pub(super) fn check(identities: &Identities, envelope: &[u8]) -> Result<Checked, Unsound> {
    let envelope = wire::Envelope::decode(envelope)?;
    let (id, effect, endorsed) = check_transaction(identities, &envelope.transaction, &envelope.signature)?;
    let private_writes = envelope.private_values.iter().zip(&effect.private_writes).map(|(value, write)| {
        private_write(&value.collection, &value.key, Some(value.value.as_slice()).filter(|_| !write.purged))
    });
    if envelope.private_values.len() != effect.private_writes.len()
        || !private_writes.eq(effect.private_writes.iter().cloned())
    {
        return Err(Unsound::PrivateValues);
    }
    Ok(Checked { id, envelope, effect, endorsed })
}

/// Checks what a block holds of a transaction; gives its id, its effect and whether both offices endorsed it.
pub(super) fn check_transaction(
    identities: &Identities,
    bytes: &[u8],
    signature: &[u8],
) -> Result<(String, wire::Effect, bool), Unsound> {
    let transaction = wire::Transaction::decode(bytes)?;
    let proposal = wire::Proposal::decode(transaction.proposal.as_slice())?;
    let effect = wire::Effect::decode(transaction.effect.as_slice())?;
    check_creator(identities, &proposal, bytes, signature)?;
    if transaction_id(&proposal.nonce, &proposal.creator) != proposal.transaction {
        return Err(Unsound::TransactionId);
    }
    if effect.proposal_hash != sha256(&[&transaction.proposal]) || effect.transaction != proposal.transaction
    {
        return Err(Unsound::Effect);
    }
    let endorsed = identities.endorsers().all(|office| is_endorsed_by(office, &transaction));
    Ok((proposal.transaction, effect, endorsed))
}

fn is_endorsed_by(office: &Identity, transaction: &wire::Transaction) -> bool {
    let signed = [transaction.effect.as_slice(), &office.bytes].concat();
    transaction.endorsements.iter().any(|endorsement| {
        endorsement.endorser == office.bytes
            && office.key.public_key().verify_der(&signed, &endorsement.signature).is_ok()
    })
}

fn check_creator(
    identities: &Identities,
    proposal: &wire::Proposal,
    signed: &[u8],
    signature: &[u8],
) -> Result<(), Unsound> {
    let creator = wire::Identity::decode(proposal.creator.as_slice())?;
    let certificate =
        str::from_utf8(&creator.certificate).ok().and_then(|pem| Certificate::from_pem(pem).ok());
    let certificate = certificate.ok_or(Unsound::Creator("the certificate cannot be read"))?;
    let authority = identities.authority(&creator.msp).ok_or(Unsound::Creator("there is no such MSP"))?;
    if certificate.issued_by(authority.certificate()).is_err() {
        return Err(Unsound::Creator("the certificate is not its MSP's"));
    }
    if certificate.valid_at(proposal.timestamp).is_err() {
        return Err(Unsound::Creator("the certificate was not valid at the time of the proposal"));
    }
    let key =
        PublicKey::of_certificate(&certificate).map_err(|_| Unsound::Creator("the key is not P-256"))?;
    key.verify_der(signed, signature).map_err(|_| Unsound::Creator("the signature is not valid"))
}
