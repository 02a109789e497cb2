//! A Fabric receipt: the proposal response payload, which the offices' peers sign together with their identities.

use std::collections::BTreeMap;

use fabric_protos::{common, kvrwset, msp, peer, rwset};

use super::proposal::{decode, endorsed_action};
use crate::ledger::{
    Endorsement, Engine, Receipt,
    receipt::{EndorsedWrites, Endorser, NAMESPACE, ReceiptError, Roots, canonical, endorsing_offices},
};

/// A chaincode's answer that is endorsed.
const OK: i32 = 200;

/// The receipt of an envelope that took effect in a block.
pub(super) fn of(transaction: &str, envelope: &common::Envelope, block: u64) -> Result<Receipt, String> {
    let payload: common::Payload = decode(&envelope.payload)?;
    let (_, action) = endorsed_action(&payload.data)?;
    let endorsements = action.endorsements.into_iter().map(|endorsement| Endorsement {
        endorser: endorsement.endorser.into(),
        signature: endorsement.signature.into(),
    });
    Ok(Receipt {
        engine: Engine::Fabric,
        transaction: transaction.to_owned(),
        block,
        payload: action.proposal_response_payload.into(),
        endorsements: endorsements.collect(),
    })
}

/// Verifies a receipt with Fabric's form of payload.
///
/// The payload does not name the transaction; the contract's event in it does, so a transaction without one has no
/// verifiable receipt.
pub fn verify(receipt: &Receipt, roots: &Roots) -> Result<EndorsedWrites, ReceiptError> {
    let msps = endorsing_offices(receipt, roots, endorser)?;
    let action = action(&receipt.payload)?;
    let event: peer::ChaincodeEvent = canonical("event", &action.events)?;
    if event.tx_id != receipt.transaction {
        return Err(ReceiptError::Transaction);
    }
    let response = action.response.unwrap_or_default();
    if response.status != OK {
        return Err(ReceiptError::Status(response.status));
    }
    Ok(EndorsedWrites { msps, writes: public_writes(&action.results)?, answer: response.payload.into() })
}

/// What it says was written; its endorsements are not looked at.
pub fn writes(receipt: &Receipt) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    public_writes(&action(&receipt.payload)?.results)
}

/// What the endorsers say the transaction does.
pub(super) fn action(payload: &[u8]) -> Result<peer::ChaincodeAction, ReceiptError> {
    let payload: peer::ProposalResponsePayload = canonical("payload", payload)?;
    canonical("action", &payload.extension)
}

fn endorser(bytes: &[u8]) -> Result<Endorser, ReceiptError> {
    let identity: msp::SerializedIdentity = canonical("endorser", bytes)?;
    Ok(Endorser { msp: identity.mspid, certificate: identity.id_bytes.into() })
}

/// The contract's writes on the channel. Its reads, other namespaces (Fabric's own) and hashes of private data are
/// signed too, but nobody asks for them.
fn public_writes(results: &[u8]) -> Result<BTreeMap<String, Option<Vec<u8>>>, ReceiptError> {
    let sets: rwset::TxReadWriteSet = canonical("read-write set", results)?;
    let mut of_contract = sets.ns_rwset.into_iter().filter(|set| set.namespace == NAMESPACE);
    let (Some(set), None) = (of_contract.next(), of_contract.next()) else {
        return Err(ReceiptError::Malformed(format!(
            "it has not one write set of the contract {NAMESPACE:?}"
        )));
    };
    let set: kvrwset::KvrwSet = canonical("write set", &set.rwset)?;
    let mut writes = BTreeMap::new();
    for write in set.writes {
        let value = (!write.is_delete).then(|| write.value.to_vec());
        if writes.insert(write.key, value).is_some() {
            return Err(ReceiptError::Malformed("a key is written twice".to_owned()));
        }
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use fabric_protos::prost::Message as _;
    use p256::ecdsa::Signature;

    use super::{
        super::fixture::{self, Member, Organisation, action, offices, payload, roots},
        *,
    };
    use crate::ledger::{Engine, receipt};

    fn peers(offices: &[Organisation; 2]) -> [Member; 2] {
        [offices[0].member("peer"), offices[1].member("peer")]
    }

    fn good(offices: &[Organisation; 2]) -> Receipt {
        let [office, support] = peers(offices);
        fixture::receipt(payload(&action(), b"hash"), &[&support, &office])
    }

    /// A receipt whose payload both offices endorsed, whatever it is.
    fn endorsed(payload: Vec<u8>) -> Result<EndorsedWrites, ReceiptError> {
        let offices = offices();
        let [office, support] = peers(&offices);
        receipt::verify(&fixture::receipt(payload, &[&office, &support]), &roots(&offices))
    }

    #[test]
    fn what_both_offices_endorsed_is_given_back() {
        let offices = offices();
        let writes = receipt::verify(&good(&offices), &roots(&offices)).unwrap();
        assert_eq!(writes.msps, ["OfficeMSP", "SupportMSP"]);
        assert_eq!(writes.answer, b"done");
        let expected = [("batch/s/1".to_owned(), Some(b"header".to_vec())), ("gone".to_owned(), None)];
        assert_eq!(writes.writes, BTreeMap::from(expected));
    }

    #[test]
    fn every_bit_counts() {
        let offices = offices();
        let (good, roots) = (good(&offices), roots(&offices));
        let json = serde_json::to_vec(&good).unwrap();
        for position in 0..json.len() * 8 {
            let mut changed = json.clone();
            changed[position / 8] ^= 1 << (position % 8);
            let Ok(changed) = serde_json::from_slice::<Receipt>(&changed) else { continue };
            if changed.block != good.block {
                // No office signs the block's number.
                assert_eq!(Receipt { block: good.block, ..changed }, good);
            } else {
                assert!(receipt::verify(&changed, &roots).is_err(), "bit {position}");
            }
        }
    }

    #[test]
    fn an_endorsement_missing_or_of_anyone_else_is_told() {
        let offices = offices();
        let (good, roots) = (good(&offices), roots(&offices));
        let mut one = good.clone();
        one.endorsements.truncate(1);
        assert_eq!(receipt::verify(&one, &roots), Err(ReceiptError::Missing("OfficeMSP".into())));
        one.endorsements.clear();
        assert_eq!(receipt::verify(&one, &roots), Err(ReceiptError::Missing("OfficeMSP".into())));

        let [office, support] = peers(&offices);
        let client = offices[0].member("client");
        let impostor = Organisation::new("OfficeMSP").member("peer");
        let school = Organisation::new("SchoolMSP").member("peer");
        for (endorser, error) in [
            (&client, ReceiptError::NotAPeer("OfficeMSP".into())),
            (&impostor, ReceiptError::Issuer("OfficeMSP".into())),
            (&school, ReceiptError::UnknownOffice("SchoolMSP".into())),
        ] {
            let with = fixture::receipt(good.payload.clone(), &[&office, &support, endorser]);
            assert_eq!(receipt::verify(&with, &roots), Err(error));
        }
    }

    #[test]
    fn the_higher_s_is_refused_as_fabric_refuses_it() {
        let offices = offices();
        let mut receipt = good(&offices);
        let low = Signature::from_der(&receipt.endorsements[0].signature).unwrap();
        let high = Signature::from_scalars(low.r().to_bytes(), (-*low.s()).to_bytes()).unwrap();
        receipt.endorsements[0].signature = high.to_der().as_bytes().to_vec();
        let refused = receipt::verify(&receipt, &roots(&offices));
        assert_eq!(refused, Err(ReceiptError::Signature("SupportMSP".into())));
    }

    #[test]
    fn a_receipt_of_another_transaction_or_of_none_is_refused() {
        let offices = offices();
        let other = Receipt { transaction: "5f1d".into(), ..good(&offices) };
        assert_eq!(receipt::verify(&other, &roots(&offices)), Err(ReceiptError::Transaction));
        let silent = peer::ChaincodeAction { events: "".into(), ..action() };
        assert_eq!(endorsed(payload(&silent, b"hash")), Err(ReceiptError::Transaction));
    }

    #[test]
    fn a_failure_that_was_endorsed_proves_nothing() {
        let response = peer::Response { status: 500, ..Default::default() };
        let failed = peer::ChaincodeAction { response: Some(response), ..action() };
        assert_eq!(endorsed(payload(&failed, b"hash")), Err(ReceiptError::Status(500)));
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused() {
        let twice = kvrwset::KvrwSet {
            writes: vec![kvrwset::KvWrite { key: "k".into(), ..Default::default() }; 2],
            ..Default::default()
        };
        let mut sets = fixture::results(&twice);
        let doubled = peer::ChaincodeAction { results: sets.encode_to_vec().into(), ..action() };
        assert!(matches!(endorsed(payload(&doubled, b"hash")), Err(ReceiptError::Malformed(_))));
        sets.ns_rwset.push(sets.ns_rwset[1].clone());
        let two = peer::ChaincodeAction { results: sets.encode_to_vec().into(), ..action() };
        assert!(matches!(endorsed(payload(&two, b"hash")), Err(ReceiptError::Malformed(_))));
        let unknown_field = [payload(&action(), b"hash"), vec![0x78, 1]].concat();
        assert!(matches!(endorsed(unknown_field), Err(ReceiptError::Malformed(_))));
    }

    #[test]
    fn roots_are_those_of_at_least_two_offices() {
        let [office, support] = offices();
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("OfficeMSP.pem", &office.root);
        write("README", "not a certificate");
        let alone = Roots::read_dir(directory.path()).unwrap_err();
        assert!(matches!(alone, ReceiptError::Roots(_)), "{alone}");
        write("SupportMSP.pem", &support.root);
        let both = Roots::read_dir(directory.path()).unwrap();
        assert_eq!(both.msps().collect::<Vec<_>>(), ["OfficeMSP", "SupportMSP"]);
        assert_eq!(both, roots(&[office, support]));
        for wrong in ["", "text", &offices()[0].member("peer").certificate] {
            write("SupportMSP.pem", wrong);
            assert!(matches!(Roots::read_dir(directory.path()), Err(ReceiptError::Roots(_))), "{wrong}");
        }
    }

    #[test]
    fn a_receipt_says_which_engine_made_it() {
        let offices = offices();
        let other = Receipt { engine: Engine::Embedded, ..good(&offices) };
        assert!(receipt::verify(&other, &roots(&offices)).is_err());
    }
}
