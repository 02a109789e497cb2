//! A peer that has the contract record batches, as many at once as it likes, and endorses none of them.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the contract's fixtures are made for more tests than this one"
)]

#[path = "../../contract/tests/contract/ledger.rs"]
mod ledger;
#[path = "../../contract/tests/contract/people.rs"]
mod people;
#[path = "../../contract/tests/contract/world.rs"]
mod world;

use std::collections::BTreeMap;

use fabric_protos::{
    msp::SerializedIdentity,
    peer::{self, ChaincodeMessage, GetStateMultiple, GetStateMultipleResult, chaincode_message::Type},
};
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;
use sillok_contract::Creator;

use super::peer::{FakePeer, proposal_of, proposed};
use world::{Draft, NOW_SECONDS, World};

/// A batch, and the state that its recording reads.
pub struct Load {
    state: BTreeMap<String, Vec<u8>>,
    header: Vec<u8>,
    body: Vec<u8>,
    creator: Creator,
}

impl Load {
    /// A batch of so many requests with so many queries each.
    pub fn new(requests: usize, queries: usize) -> Self {
        let world = World::new();
        let learners: Vec<_> = ["L1", "L2"].into_iter().cycle().take(queries).collect();
        let mut draft = Draft::new("school-1");
        for number in 0..requests {
            draft.add("kim", &world.kim, &format!("request-{number}"), &learners);
        }
        let (header, body) = draft.seal();
        Self { creator: world.creator("SupportMSP", "client"), state: world.ledger.state, header, body }
    }

    /// Has it recorded so many times, so many of them at once.
    pub async fn run(&self, peer: &mut FakePeer, times: usize, at_once: usize) {
        let (mut begun, mut ended) = (0, 0);
        while ended < times {
            while begun < times.min(ended + at_once) {
                peer.send(self.transaction(&format!("{begun:064x}"))).await;
                begun += 1;
            }
            let call = peer.expect_any().await;
            match call.r#type() {
                Type::GetStateMultiple => peer.answer(&call, self.read(&call.payload)).await,
                Type::WriteBatchState => peer.answer(&call, Bytes::new()).await,
                Type::Completed => {
                    let response = peer::Response::decode(call.payload).unwrap();
                    assert_eq!(response.status, 200, "{}", response.message);
                    ended += 1;
                }
                other => panic!("{other:?}: {}", String::from_utf8_lossy(&call.payload)),
            }
        }
    }

    fn read(&self, request: &Bytes) -> Vec<u8> {
        let keys = GetStateMultiple::decode(request.clone()).unwrap().keys;
        let value = |key: &String| self.state.get(key).cloned().unwrap_or_default().into();
        GetStateMultipleResult { values: keys.iter().map(value).collect() }.encode_to_vec()
    }

    fn transaction(&self, id: &str) -> ChaincodeMessage {
        let creator = SerializedIdentity {
            mspid: self.creator.msp.clone(),
            id_bytes: self.creator.certificate.clone().into(),
        };
        let timestamp = Timestamp { seconds: NOW_SECONDS, nanos: 0 };
        let transient = [("body".to_owned(), self.body.clone().into())].into();
        let arguments = vec!["RecordBatch".into(), self.header.clone().into()];
        proposed(Type::Transaction, id, arguments, proposal_of(id, &creator, timestamp, transient))
    }
}
