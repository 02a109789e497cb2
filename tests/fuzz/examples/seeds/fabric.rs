//! A batch's receipt in the form that Fabric gives it: what two peers would have endorsed.

use fabric_protos::{kvrwset, msp, peer, prost::Message, rwset};
use sillok_contract::merkle::leaf_hash;
use sillok_gateway::{
    keys::{Authority, Validity},
    ledger::{Endorsement, Engine, Receipt, embedded::Embedded, receipt::NAMESPACE},
};
use sillok_proto::ledger::{BatchRecord, Leaf};

use super::{NOW, Result, school::Batch};

const TRANSACTION: &str = "5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c5f1c";

/// Endorsed by a peer of each office.
pub(super) fn receipt(batch: &Batch, ledger: &Embedded) -> Result<Receipt> {
    let payload = peer::ProposalResponsePayload {
        proposal_hash: vec![1; 32].into(),
        extension: action(batch).encode_to_vec().into(),
    }
    .encode_to_vec();
    let endorse = |msp| endorse(&payload, msp, ledger.authority(msp).ok_or("the ledger has both offices")?);
    let endorsements = vec![endorse("OfficeMSP")?, endorse("SupportMSP")?];
    Ok(Receipt { engine: Engine::Fabric, transaction: TRANSACTION.into(), block: 7, payload, endorsements })
}

fn endorse(payload: &[u8], msp: &str, authority: &Authority) -> Result<Endorsement> {
    let peer = authority.issue("peer", "peer", Validity::days(NOW, 30))?;
    let identity = msp::SerializedIdentity { mspid: msp.into(), id_bytes: peer.certificate.to_pem().into() };
    let endorser = identity.encode_to_vec();
    let signature = peer.key.sign_der(&[payload, &endorser].concat());
    Ok(Endorsement { endorser, signature })
}

fn action(batch: &Batch) -> peer::ChaincodeAction {
    let id = peer::ChaincodeId { name: NAMESPACE.into(), ..Default::default() };
    let event = peer::ChaincodeEvent {
        chaincode_id: NAMESPACE.into(),
        tx_id: TRANSACTION.into(),
        event_name: sillok_contract::batch::EVENT.into(),
        payload: "{}".into(),
    };
    peer::ChaincodeAction {
        results: results(batch).encode_to_vec().into(),
        events: event.encode_to_vec().into(),
        response: Some(peer::Response { status: 200, message: String::new(), payload: "{}".into() }),
        chaincode_id: Some(id),
    }
}

fn results(batch: &Batch) -> rwset::TxReadWriteSet {
    let leaf = |entry: &Vec<u8>| Leaf {
        hash: leaf_hash(entry).to_vec(),
        learner: "L0001".into(),
        number: 1,
        previous: None,
    };
    let record = BatchRecord {
        header: batch.formed.header.clone(),
        leaves: batch.entries.iter().map(leaf).collect(),
        transaction: TRANSACTION.into(),
    };
    let write = kvrwset::KvWrite { key: batch.key(), is_delete: false, value: record.encode_to_vec().into() };
    let writes = kvrwset::KvrwSet { writes: vec![write], ..Default::default() };
    let of_fabric = rwset::NsReadWriteSet { namespace: "_lifecycle".into(), ..Default::default() };
    let of_contract = rwset::NsReadWriteSet {
        namespace: NAMESPACE.into(),
        rwset: writes.encode_to_vec().into(),
        ..Default::default()
    };
    rwset::TxReadWriteSet { ns_rwset: vec![of_fabric, of_contract], ..Default::default() }
}
