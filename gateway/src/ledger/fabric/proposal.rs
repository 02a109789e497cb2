//! A proposed transaction, from its first bytes to the signed envelope.

use std::time::SystemTime;

use fabric_protos::{
    common, peer,
    prost::{Message, bytes::Bytes},
    prost_types::Timestamp,
};
use sillok_contract::digest::sha256;

use super::{identity::Identity, receipt};
use crate::ledger::{Call, Endorsed, LedgerError};

/// A signed proposal, and what of it comes back in the prepared transaction.
#[derive(Debug)]
pub(super) struct Proposal {
    /// The transaction's id.
    pub(super) transaction: String,
    /// What goes to the peer.
    pub(super) signed: peer::SignedProposal,
    header: common::Header,
    /// The payload without transient data, as the ledger keeps it.
    recorded: Vec<u8>,
}

impl Proposal {
    /// Proposes a call. The nonce must be random and never used again.
    pub(super) fn new(
        identity: &Identity,
        channel: &str,
        chaincode: &str,
        call: Call,
        now: SystemTime,
        nonce: &[u8],
    ) -> Self {
        let transaction = transaction_id(nonce, &identity.creator);
        let channel_header = channel_header(channel, chaincode, &transaction, now);
        let signature_header = common::SignatureHeader {
            creator: identity.creator.clone(),
            nonce: Bytes::copy_from_slice(nonce),
        };
        let header = common::Header {
            channel_header: channel_header.encode_to_vec().into(),
            signature_header: signature_header.encode_to_vec().into(),
        };
        let (payload, recorded) = payloads(chaincode, call);
        let proposal = peer::Proposal {
            header: header.encode_to_vec().into(),
            payload: payload.into(),
            extension: Bytes::new(),
        };
        let proposal_bytes = Bytes::from(proposal.encode_to_vec());
        let signature = identity.sign(&proposal_bytes);
        Self { transaction, signed: peer::SignedProposal { proposal_bytes, signature }, header, recorded }
    }

    /// Signs the transaction that a peer prepared, once it is sure that it is of this proposal and no other.
    pub(super) fn sign(
        &self,
        identity: &Identity,
        prepared: common::Envelope,
    ) -> Result<Endorsed, LedgerError> {
        let response = self.proposal_response(&prepared).map_err(|why| LedgerError::Endorse {
            transaction: self.transaction.clone(),
            reason: format!("the peer prepared another transaction than was proposed: {why}"),
        })?;
        let action = receipt::action(&response).map_err(|error| LedgerError::Malformed(error.to_string()))?;
        let signature = identity.sign(&prepared.payload);
        Ok(Endorsed {
            transaction: self.transaction.clone(),
            envelope: common::Envelope { payload: prepared.payload, signature }.encode_to_vec(),
            answer: action.response.unwrap_or_default().payload.into(),
        })
    }

    /// The endorsed payload of a prepared transaction.
    fn proposal_response(&self, prepared: &common::Envelope) -> Result<Bytes, String> {
        let payload: common::Payload = decode(&prepared.payload)?;
        if payload.header.as_ref() != Some(&self.header) {
            return Err("its header differs".to_owned());
        }
        let (recorded, action) = endorsed_action(&payload.data)?;
        if recorded != self.recorded {
            return Err("its call differs".to_owned());
        }
        let response: peer::ProposalResponsePayload = decode(&action.proposal_response_payload)?;
        if response.proposal_hash != self.hash() {
            return Err("what the offices endorsed differs".to_owned());
        }
        Ok(action.proposal_response_payload)
    }

    /// By what the endorsers name the proposal.
    fn hash(&self) -> Vec<u8> {
        let common::Header { channel_header, signature_header } = &self.header;
        sha256(&[channel_header, signature_header, &self.recorded]).to_vec()
    }
}

/// Hexadecimal SHA-256 of nonce and creator.
fn transaction_id(nonce: &[u8], creator: &[u8]) -> String {
    hex::encode(sha256(&[nonce, creator]))
}

/// The one action of an endorser transaction: the proposal's recorded payload, and the endorsed result.
pub(super) fn endorsed_action(transaction: &[u8]) -> Result<(Bytes, peer::ChaincodeEndorsedAction), String> {
    let mut transaction: peer::Transaction = decode(transaction)?;
    let (Some(action), true) = (transaction.actions.pop(), transaction.actions.is_empty()) else {
        return Err("it has not one action".to_owned());
    };
    let payload: peer::ChaincodeActionPayload = decode(&action.payload)?;
    let action = payload.action.ok_or("its action is missing")?;
    Ok((payload.chaincode_proposal_payload, action))
}

/// Decodes a peer's message.
pub(super) fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|error| error.to_string())
}

fn channel_header(
    channel: &str,
    chaincode: &str,
    transaction: &str,
    now: SystemTime,
) -> common::ChannelHeader {
    let extension = peer::ChaincodeHeaderExtension { chaincode_id: Some(chaincode_id(chaincode)) };
    common::ChannelHeader {
        r#type: common::HeaderType::EndorserTransaction.into(),
        timestamp: Some(Timestamp::from(now)),
        channel_id: channel.to_owned(),
        tx_id: transaction.to_owned(),
        extension: extension.encode_to_vec().into(),
        ..Default::default()
    }
}

fn chaincode_id(name: &str) -> peer::ChaincodeId {
    peer::ChaincodeId { name: name.to_owned(), ..Default::default() }
}

/// The payload with transient data, and without.
fn payloads(chaincode: &str, call: Call) -> (Vec<u8>, Vec<u8>) {
    let mut args = vec![Bytes::from(call.function)];
    args.extend(call.arguments.into_iter().map(Bytes::from));
    let spec = peer::ChaincodeSpec {
        chaincode_id: Some(chaincode_id(chaincode)),
        input: Some(peer::ChaincodeInput { args, ..Default::default() }),
        ..Default::default()
    };
    let input = peer::ChaincodeInvocationSpec { chaincode_spec: Some(spec) }.encode_to_vec();
    let mut payload = peer::ChaincodeProposalPayload { input: input.into(), ..Default::default() };
    let recorded = payload.encode_to_vec();
    payload.transient_map = call.transient.into_iter().map(|(name, value)| (name, value.into())).collect();
    (payload.encode_to_vec(), recorded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::time::{Duration, UNIX_EPOCH};

    use p256::ecdsa::{DerSignature, VerifyingKey, signature::Verifier as _};

    use super::{
        super::fixture::{self, Member, Organisation},
        *,
    };

    const NONCE: &[u8] = b"used once";

    fn client() -> (Member, Identity) {
        let member = Organisation::new("SupportMSP").member("client");
        let directory = tempfile::tempdir().unwrap();
        let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        std::fs::write(&certificate, &member.certificate).unwrap();
        std::fs::write(&key, member.key.serialize_pem()).unwrap();
        let identity = Identity::read("SupportMSP", &certificate, &key).unwrap();
        (member, identity)
    }

    fn propose(identity: &Identity) -> Proposal {
        let call = Call::new("RecordBatch", ["header"]).with_transient("body", b"secret".to_vec());
        let now = UNIX_EPOCH + Duration::new(1_790_000_000, 5);
        Proposal::new(identity, "records", "sillok", call, now, NONCE)
    }

    fn assert_signed(by: &Member, message: &[u8], signature: &[u8]) {
        let key: VerifyingKey = *by.signing_key().verifying_key();
        key.verify(message, &DerSignature::try_from(signature).unwrap()).unwrap();
    }

    /// The transaction a peer prepares from a proposal.
    fn prepare(proposal: &Proposal) -> common::Envelope {
        let action = peer::ChaincodeEndorsedAction {
            proposal_response_payload: fixture::payload(&fixture::action(), &proposal.hash()).into(),
            endorsements: Vec::new(),
        };
        envelope(proposal.header.clone(), proposal.recorded.clone(), action)
    }

    fn envelope(
        header: common::Header,
        recorded: Vec<u8>,
        action: peer::ChaincodeEndorsedAction,
    ) -> common::Envelope {
        let payload = peer::ChaincodeActionPayload {
            chaincode_proposal_payload: recorded.into(),
            action: Some(action),
        };
        let action = peer::TransactionAction {
            header: header.signature_header.clone(),
            payload: payload.encode_to_vec().into(),
        };
        let data = peer::Transaction { actions: vec![action] }.encode_to_vec().into();
        common::Envelope {
            payload: common::Payload { header: Some(header), data }.encode_to_vec().into(),
            signature: Bytes::new(),
        }
    }

    #[test]
    fn a_proposal_says_what_fabric_asks_for() {
        let (member, identity) = client();
        let proposal = propose(&identity);
        assert_signed(&member, &proposal.signed.proposal_bytes, &proposal.signed.signature);

        let sent: peer::Proposal = decode(&proposal.signed.proposal_bytes).unwrap();
        let header: common::Header = decode(&sent.header).unwrap();
        let channel: common::ChannelHeader = decode(&header.channel_header).unwrap();
        assert_eq!((channel.r#type, channel.channel_id.as_str()), (3, "records"));
        assert_eq!(channel.timestamp, Some(Timestamp { seconds: 1_790_000_000, nanos: 5 }));
        assert_eq!(channel.tx_id, proposal.transaction);
        let extension: peer::ChaincodeHeaderExtension = decode(&channel.extension).unwrap();
        assert_eq!(extension.chaincode_id.unwrap().name, "sillok");
        let signer: common::SignatureHeader = decode(&header.signature_header).unwrap();
        assert_eq!((&signer.creator, &signer.nonce[..]), (&identity.creator, NONCE));

        let payload: peer::ChaincodeProposalPayload = decode(&sent.payload).unwrap();
        assert_eq!(payload.transient_map["body"], "secret");
        let spec: peer::ChaincodeInvocationSpec = decode(&payload.input).unwrap();
        assert_eq!(spec.chaincode_spec.unwrap().input.unwrap().args, ["RecordBatch", "header"]);
    }

    #[test]
    fn a_transactions_id_is_the_hash_of_nonce_and_creator() {
        let known = "936a185caaa266bb9cbe981e9e05cb78cd732b0b3280eb944412bb6f8f8f07af";
        assert_eq!(transaction_id(b"hello", b"world"), known);
        let (_, identity) = client();
        assert_eq!(propose(&identity).transaction, transaction_id(NONCE, &identity.creator));
    }

    #[test]
    fn transient_data_is_not_in_what_is_recorded() {
        let (_, identity) = client();
        let proposal = propose(&identity);
        let endorsed = proposal.sign(&identity, prepare(&proposal)).unwrap();
        assert!(!endorsed.envelope.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn the_prepared_transaction_is_signed_as_it_came() {
        let (member, identity) = client();
        let proposal = propose(&identity);
        let prepared = prepare(&proposal);
        let endorsed = proposal.sign(&identity, prepared.clone()).unwrap();
        assert_eq!((endorsed.transaction, endorsed.answer), (proposal.transaction, b"done".to_vec()));
        let envelope: common::Envelope = decode(&endorsed.envelope).unwrap();
        assert_eq!(envelope.payload, prepared.payload);
        assert_signed(&member, &envelope.payload, &envelope.signature);
    }

    #[test]
    fn another_transaction_than_was_proposed_is_not_signed() {
        let (_, identity) = client();
        let proposal = propose(&identity);
        let action = |hash: &[u8]| peer::ChaincodeEndorsedAction {
            proposal_response_payload: fixture::payload(&fixture::action(), hash).into(),
            endorsements: Vec::new(),
        };
        let other_header = common::Header { channel_header: "other".into(), ..proposal.header.clone() };
        let hash = proposal.hash();
        for prepared in [
            envelope(other_header, proposal.recorded.clone(), action(&hash)),
            envelope(proposal.header.clone(), b"other".to_vec(), action(&hash)),
            envelope(proposal.header.clone(), proposal.recorded.clone(), action(b"other")),
            common::Envelope::default(),
            common::Envelope { payload: "\u{7}".into(), signature: Bytes::new() },
        ] {
            let refused = proposal.sign(&identity, prepared).unwrap_err();
            assert!(matches!(refused, LedgerError::Endorse { .. }), "{refused}");
        }
    }
}
