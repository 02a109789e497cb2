//! A peer that has the contract record the same batch on the same state, many at once, and endorses none of them.

#[path = "../../contract/benches/batches/mod.rs"]
pub mod batches;

use fabric_protos::{
    msp::SerializedIdentity,
    peer::{
        self, ChaincodeMessage, GetState, GetStateMultiple, GetStateMultipleResult, chaincode_message::Type,
    },
};
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;
use sillok_contract::function::RECORD_BATCH;

use super::peer::{FakePeer, proposal_of, proposed};
use batches::{draft, ledger::Memory, recording, world::World};

/// A batch that is about to be recorded.
pub struct Load {
    /// What the contract finds on the ledger, and the transaction that it is called in.
    pub ledger: Memory,
    /// Its argument.
    pub header: Vec<u8>,
}

impl Load {
    /// A batch of so many requests with so many queries each.
    pub fn new(requests: usize, queries: usize) -> Self {
        let mut world = World::new();
        let draft = draft(&world, requests, queries);
        let (transaction, header) = recording(&mut world, &draft);
        Self { ledger: Memory { transaction, ..world.ledger }, header }
    }

    /// Has it recorded so many times, so many of them at once. Gives how often the ledger was called.
    pub async fn run(&self, peer: &mut FakePeer, times: usize, at_once: usize) -> usize {
        let (mut begun, mut ended, mut calls) = (0, 0, 0);
        while ended < times {
            while begun < times.min(ended + at_once) {
                peer.send(self.message(&format!("{begun:064x}"))).await;
                begun += 1;
            }
            let call = peer.expect_any().await;
            if call.r#type() == Type::Completed {
                let response = peer::Response::decode(call.payload).unwrap();
                assert_eq!(response.status, 200, "{}", response.message);
                ended += 1;
            } else {
                peer.answer(&call, self.answer(&call)).await;
                calls += 1;
            }
        }
        calls
    }

    fn answer(&self, call: &ChaincodeMessage) -> Bytes {
        let value = |key: &String| Bytes::from(self.ledger.state.get(key).cloned().unwrap_or_default());
        match call.r#type() {
            Type::GetState => value(&GetState::decode(call.payload.clone()).unwrap().key),
            Type::GetStateMultiple => {
                let keys = GetStateMultiple::decode(call.payload.clone()).unwrap().keys;
                GetStateMultipleResult { values: keys.iter().map(value).collect() }.encode_to_vec().into()
            }
            Type::WriteBatchState => Bytes::new(),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&call.payload)),
        }
    }

    /// The transaction as a peer sends it, under this id.
    pub fn message(&self, id: &str) -> ChaincodeMessage {
        let transaction = &self.ledger.transaction;
        let by = transaction.creator.clone().unwrap();
        let creator = SerializedIdentity { mspid: by.msp, id_bytes: by.certificate.into() };
        let timestamp = Timestamp { seconds: transaction.time / 1_000_000, nanos: 0 };
        let transient =
            transaction.transient.iter().map(|(name, value)| (name.clone(), value.clone().into()));
        let proposal = proposal_of(id, &creator, timestamp, transient.collect());
        let arguments = vec![RECORD_BATCH.into(), self.header.clone().into()];
        proposed(Type::Transaction, id, arguments, proposal)
    }
}
