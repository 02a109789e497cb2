//! `RecordBatch` by the program itself: a process of its own over loopback gRPC, and a peer that answers from memory.
//! Beside it the contract alone on the same batches; what is between the two is the protocol and its round trips.
//! `cargo bench -p sillok-chaincode`
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a benchmark, on the tests' fixtures")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed benchmark")]

#[path = "../contract/benches/batches/mod.rs"]
mod batches;
#[path = "../shim/tests/peer/mod.rs"]
mod peer;
#[path = "../tests/program/mod.rs"]
mod program;

use std::{collections::BTreeMap, hint::black_box};

use batches::{
    SHAPES, draft,
    ledger::{Memory, Transaction},
    record, recording,
    world::World,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fabric_protos::{
    msp::SerializedIdentity,
    peer::{
        ChaincodeAdditionalParams, ChaincodeMessage, GetState, GetStateMultiple, GetStateMultipleResult,
        Response, chaincode_message::Type,
    },
};
use peer::{FakePeer, patiently, proposal_of, proposed};
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;
use sillok_contract::function::RECORD_BATCH;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;

/// As the network's peers are configured.
const OFFER: ChaincodeAdditionalParams = ChaincodeAdditionalParams {
    use_write_batch: true,
    max_size_write_batch: 1_000,
    use_get_multiple_keys: true,
    max_size_get_multiple_keys: 1_000,
};

fn process(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (_child, address, _log) = runtime.block_on(program::listening());
    let mut peer = runtime.block_on(connected(address));
    let mut group = criterion.benchmark_group("batch");
    for (name, requests, queries) in SHAPES {
        let mut world = World::new();
        let draft = draft(&world, requests, queries);
        let (transaction, header) = recording(&mut world, &draft);
        let message = message(&transaction, &header);
        let calls = runtime.block_on(run(&mut peer, &world.ledger.state, message.clone()));
        println!("{name}: {} bytes to the chaincode, {calls} calls of the ledger", message.encoded_len());
        group.throughput(Throughput::Elements((requests * queries) as u64));
        group.bench_function(format!("by the process, {name}"), |bencher| {
            bencher.iter_batched(
                || message.clone(),
                |message| runtime.block_on(run(&mut peer, &world.ledger.state, message)),
                BatchSize::SmallInput,
            );
        });
        let fresh = || Memory { transaction: transaction.clone(), ..world.ledger.clone() };
        group.bench_function(format!("the contract alone, {name}"), |bencher| {
            bencher.iter_batched_ref(
                fresh,
                |ledger| record(ledger, black_box(&header)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    close(runtime, peer);
}

async fn connected(address: String) -> FakePeer {
    let channel = patiently(Channel::from_shared(address).unwrap().connect()).await.unwrap();
    let mut peer = FakePeer::connect_on(channel).await.unwrap();
    peer.shake_hands(OFFER).await;
    peer
}

/// The process goes with its runtime, the stream before.
fn close(runtime: Runtime, peer: FakePeer) {
    let _guard = runtime.enter();
    drop(peer);
}

/// The transaction as a peer sends it.
fn message(transaction: &Transaction, header: &[u8]) -> ChaincodeMessage {
    let by = transaction.creator.clone().unwrap();
    let creator = SerializedIdentity { mspid: by.msp, id_bytes: by.certificate.into() };
    let timestamp = Timestamp { seconds: transaction.time / 1_000_000, nanos: 0 };
    let transient = transaction.transient.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let proposal = proposal_of(&transaction.id, &creator, timestamp, transient.collect());
    let arguments = vec![RECORD_BATCH.into(), Bytes::copy_from_slice(header)];
    proposed(Type::Transaction, &transaction.id, arguments, proposal)
}

/// Has the chaincode run a transaction on this state, which stays as it is; gives how often the ledger was called.
async fn run(peer: &mut FakePeer, state: &BTreeMap<String, Vec<u8>>, message: ChaincodeMessage) -> usize {
    let of = |key: &String| state.get(key).cloned().map(Bytes::from).unwrap_or_default();
    peer.send(message).await;
    let mut calls = 0;
    loop {
        let call = peer.expect_any().await;
        let answer: Bytes = match call.r#type() {
            Type::GetState => of(&GetState::decode(call.payload.clone()).unwrap().key),
            Type::GetStateMultiple => {
                let asked = GetStateMultiple::decode(call.payload.clone()).unwrap();
                let values = asked.keys.iter().map(of).collect();
                GetStateMultipleResult { values }.encode_to_vec().into()
            }
            Type::WriteBatchState => Bytes::new(),
            Type::Completed => {
                let response = Response::decode(call.payload).unwrap();
                assert_eq!(response.status, 200, "{}", response.message);
                return calls;
            }
            other => panic!("the chaincode sent {other:?}"),
        };
        peer.answer(&call, answer).await;
        calls += 1;
    }
}

criterion_group!(program_itself, process);
criterion_main!(program_itself);
