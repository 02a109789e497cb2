//! Two offices with certificates made for a test, and what their peers would endorse.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use fabric_protos::{kvrwset, msp, peer, prost::Message, rwset};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::DecodePrivateKey as _,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::ledger::{Endorsement, Engine, Receipt, receipt::Roots};

/// The transaction that the fixture's receipts are of.
pub(super) const TRANSACTION: &str = "5f1c";

/// An organisation's authority.
pub(super) struct Organisation {
    pub(super) msp: &'static str,
    pub(super) root: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Someone with a certificate of an organisation.
pub(super) struct Member {
    pub(super) certificate: String,
    pub(super) key: KeyPair,
    msp: &'static str,
}

impl Organisation {
    pub(super) fn new(msp: &'static str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(&format!("CA of {msp}"), None);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let root = params.self_signed(&key).unwrap().pem();
        Self { msp, root, issuer: Issuer::new(params, key) }
    }

    pub(super) fn member(&self, unit: &str) -> Member {
        let key = KeyPair::generate().unwrap();
        let certificate = named("member", Some(unit)).signed_by(&key, &self.issuer).unwrap().pem();
        Member { certificate, key, msp: self.msp }
    }
}

impl Member {
    pub(super) fn signing_key(&self) -> SigningKey {
        SigningKey::from_pkcs8_pem(&self.key.serialize_pem()).unwrap()
    }

    pub(super) fn endorse(&self, payload: &[u8]) -> Endorsement {
        let endorser =
            msp::SerializedIdentity { mspid: self.msp.into(), id_bytes: self.certificate.clone().into() }
                .encode_to_vec();
        let signature: Signature = self.signing_key().sign(&[payload, &endorser].concat());
        Endorsement { endorser, signature: signature.normalize_s().to_der().as_bytes().to_vec() }
    }
}

fn named(common_name: &str, unit: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, common_name);
    if let Some(unit) = unit {
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
    }
    params
}

/// The two offices.
pub(super) fn offices() -> [Organisation; 2] {
    [Organisation::new("OfficeMSP"), Organisation::new("SupportMSP")]
}

pub(super) fn roots(offices: &[Organisation]) -> Roots {
    Roots::new(offices.iter().map(|office| (office.msp.to_owned(), office.root.clone().into_bytes())))
        .unwrap()
}

/// What the peers endorse: one value written, one deleted, by the transaction [`TRANSACTION`].
pub(super) fn action() -> peer::ChaincodeAction {
    let event = peer::ChaincodeEvent {
        chaincode_id: "sillok".into(),
        tx_id: TRANSACTION.into(),
        event_name: "BatchRecorded".into(),
        payload: "{}".into(),
    };
    let writes = kvrwset::KvrwSet {
        writes: vec![
            kvrwset::KvWrite { key: "batch/s/1".into(), is_delete: false, value: "header".into() },
            kvrwset::KvWrite { key: "gone".into(), is_delete: true, value: "".into() },
        ],
        ..Default::default()
    };
    peer::ChaincodeAction {
        results: results(&writes).encode_to_vec().into(),
        events: event.encode_to_vec().into(),
        response: Some(peer::Response { status: 200, message: String::new(), payload: "done".into() }),
        chaincode_id: Some(peer::ChaincodeId { name: "sillok".into(), ..Default::default() }),
    }
}

pub(super) fn results(writes: &kvrwset::KvrwSet) -> rwset::TxReadWriteSet {
    let of_fabric = rwset::NsReadWriteSet { namespace: "_lifecycle".into(), ..Default::default() };
    let of_contract = rwset::NsReadWriteSet {
        namespace: "sillok".into(),
        rwset: writes.encode_to_vec().into(),
        ..Default::default()
    };
    rwset::TxReadWriteSet { ns_rwset: vec![of_fabric, of_contract], ..Default::default() }
}

pub(super) fn payload(action: &peer::ChaincodeAction, proposal_hash: &[u8]) -> Vec<u8> {
    peer::ProposalResponsePayload {
        proposal_hash: proposal_hash.to_vec().into(),
        extension: action.encode_to_vec().into(),
    }
    .encode_to_vec()
}

/// A receipt of these bytes, endorsed by these members.
pub(super) fn receipt(payload: Vec<u8>, endorsers: &[&Member]) -> Receipt {
    let endorsements = endorsers.iter().map(|endorser| endorser.endorse(&payload)).collect();
    Receipt { engine: Engine::Fabric, transaction: TRANSACTION.into(), block: 7, payload, endorsements }
}
