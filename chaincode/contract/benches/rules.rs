//! The rules that every query passes at each office: the request's check, the Merkle tree, the batch's check.
//! `cargo bench -p sillok-contract`
#![allow(missing_docs, unreachable_pub, dead_code, reason = "a benchmark, on the tests' fixtures")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed benchmark")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sillok_contract::{batch::build, certificate::Certificate, id::SchoolId, merkle, request::SignedRequest};

mod batches;

use batches::{SHAPES, draft, ledger::Memory, record, recording, world::World};

fn request(criterion: &mut Criterion) {
    let world = World::new();
    let certificate = Certificate::from_pem(&world.kim.pem).unwrap();
    let mut group = criterion.benchmark_group("request");
    for queries in [1, 30] {
        let jws = draft(&world, 1, queries).requests.remove(0);
        group.bench_function(format!("read, {queries} queries"), |bencher| {
            bencher.iter(|| SignedRequest::parse(black_box(&jws)).unwrap());
        });
        let signed = SignedRequest::parse(&jws).unwrap();
        group.bench_function(format!("verify, {queries} queries"), |bencher| {
            bencher.iter(|| black_box(&signed).verify_with(&certificate).unwrap());
        });
    }
}

fn tree(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("merkle");
    for size in [40_usize, 1_000] {
        let leaves: Vec<_> = (0..size).map(|leaf| merkle::leaf_hash(&leaf.to_be_bytes())).collect();
        let (root, path) = (merkle::root(&leaves), merkle::path(&leaves, size / 2));
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("root of {size}"), |bencher| {
            bencher.iter(|| merkle::root(black_box(&leaves)));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("path in {size}"), |bencher| {
            bencher.iter(|| merkle::path(black_box(&leaves), size / 2));
        });
        group.bench_function(format!("verify in {size}"), |bencher| {
            bencher.iter(|| {
                merkle::verify(black_box(&leaves[size / 2]), size as u64 / 2, size as u64, &path, &root)
            });
        });
    }
}

fn batch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch");
    for (name, requests, queries) in SHAPES {
        let mut world = World::new();
        let draft = draft(&world, requests, queries);
        let (entries, school) = (draft.entry_bytes(), SchoolId::new("school-1").unwrap());
        group.throughput(Throughput::Elements(entries.len() as u64));
        group.bench_function(format!("form, {name}"), |bencher| {
            bencher.iter(|| build(&school, 1, [0; 32], black_box(&draft.requests), &entries).unwrap());
        });
        let (transaction, header) = recording(&mut world, &draft);
        let fresh = || Memory { transaction: transaction.clone(), ..world.ledger.clone() };
        group.bench_function(format!("check and record, {name}"), |bencher| {
            bencher.iter_batched_ref(
                fresh,
                |ledger| record(ledger, black_box(&header)),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(rules, request, tree, batch);
criterion_main!(rules);
