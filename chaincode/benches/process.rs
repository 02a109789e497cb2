//! `RecordBatch` by the program itself: a process of its own over loopback gRPC, and a peer that answers from memory.
//! Beside it the contract alone on the same batches; what is between the two is the protocol and its round trips.
//! `cargo bench -p sillok-chaincode`
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a benchmark, on the tests' fixtures")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed benchmark")]

#[path = "../tests/load/mod.rs"]
mod load;
#[path = "../shim/tests/peer/mod.rs"]
mod peer;
#[path = "../tests/program/mod.rs"]
mod program;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fabric_protos::peer::ChaincodeAdditionalParams;
use load::{
    Load,
    batches::{SHAPES, record},
};
use peer::{FakePeer, patiently};
use prost::Message as _;
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
        let load = Load::new(requests, queries);
        let calls = runtime.block_on(load.run(&mut peer, 1, 1));
        let size = load.message("").encoded_len();
        println!("{name}: {size} bytes to the chaincode, {calls} calls of the ledger");
        group.throughput(Throughput::Elements((requests * queries) as u64));
        group.bench_function(format!("by the process, {name}"), |bencher| {
            bencher.iter(|| runtime.block_on(load.run(&mut peer, 1, 1)));
        });
        group.bench_function(format!("the contract alone, {name}"), |bencher| {
            bencher.iter_batched_ref(
                || load.ledger.clone(),
                |ledger| record(ledger, black_box(&load.header)),
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

criterion_group!(program_itself, process);
criterion_main!(program_itself);
