//! Makes the seeds and what the targets hold them against: `cargo run --example seeds`, in tests/fuzz.
//!
//! Every key is made anew and thrown away, so that nobody can make another signature that verifies. Those of `replication`
//! are not made here: they are what PostgreSQL 15 told, through pg_logical_slot_get_binary_changes, of a table's changes.

mod certificate;
mod chaincode_messages;
mod fabric;
mod school;
mod signature;
mod statements;

use std::{error::Error, fs, path::Path};

use school::{Batch, School};
use sillok_contract::id::LearnerId;
use sillok_gateway::{
    keys::{AccessToken, Expected, PrivateKey, Validity},
    ledger::embedded::Embedded,
};

/// When all of it happens: 2026-02-25, in microseconds since the Unix epoch.
const NOW: i64 = 1_772_000_000_000_000;
/// The call that the access tokens are for.
const CALL: Expected<'_> = Expected {
    audience: "https://gateway.example",
    method: "GET",
    uri: "https://gateway.example/v1/entries/1",
    now: NOW,
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result {
    let directory = tempfile::tempdir()?;
    let ledger = Embedded::open(directory.path().join("ledger.redb"), || NOW)?;
    let mut school = School::register(&ledger).await?;
    fixed(&ledger, &school)?;
    let batches = recorded(&mut school, &ledger).await?;
    certificate::write_all(&ledger, &batches).await?;
    access_tokens(&ledger, &school)?;
    signature::write_all()?;
    chaincode_messages::write_streams()?;
    statements::write_all()
}

/// The offices' roots and the educator's certificate.
fn fixed(ledger: &Embedded, school: &School) -> Result {
    for msp in ["OfficeMSP", "SupportMSP"] {
        let authority = ledger.authority(msp).ok_or("the ledger has both offices")?;
        write(&format!("fixed/{msp}.pem"), authority.certificate().to_pem())?;
    }
    write("fixed/educator.pem", school.certificate.to_pem())
}

/// Requests, queries, entries, batches and proofs: of one batch of one entry, and one of three. The row that these delete
/// the last batch writes anew.
async fn recorded(school: &mut School, ledger: &Embedded) -> Result<Vec<Batch>> {
    let mut batches = Vec::new();
    for (name, count) in [("one", 1), ("three", 3)] {
        let batch = school.record(count).await?;
        write(&format!("seeds/request/{name}"), &batch.request)?;
        write(&format!("seeds/request/query-of-{name}"), &batch.queries[count - 1])?;
        for (index, entry) in batch.entries.iter().enumerate() {
            write(&format!("seeds/entry/{name}-{index}"), entry)?;
        }
        write(&format!("seeds/batch/body-of-{name}"), batch.body())?;
        write(&format!("seeds/batch/{name}"), batch.header_and_body()?)?;
        write(
            &format!("seeds/proof/embedded-{name}"),
            batch.proof(count - 1, batch.receipt.clone()).to_json(),
        )?;
        if name == "three" {
            write("seeds/proof/fabric-three", batch.proof(1, fabric::receipt(&batch, ledger)?).to_json())?;
        }
        batches.push(batch);
    }
    batches.push(school.record(2).await?);
    Ok(batches)
}

/// One of an educator, one of an officer (the gateway's own identity) and one of a learner.
fn access_tokens(ledger: &Embedded, school: &School) -> Result {
    let support = ledger.authority("SupportMSP").ok_or("the ledger has both offices")?;
    let gateway = support.issue("gateway", "client", Validity::days(NOW, 30))?;
    let learner = PrivateKey::generate()?;
    write("fixed/gateway.pem", gateway.certificate.to_pem())?;
    write("fixed/learner.pem", learner.public_key().to_pem()?)?;
    let signers = [
        ("educator", AccessToken::of_certificate(&school.certificate, school.key.clone())?),
        ("officer", AccessToken::of_officer(&gateway.certificate, gateway.key)?),
        ("learner", AccessToken::of_learner(LearnerId::new("L0001")?, learner)),
    ];
    for (name, signer) in signers {
        write(&format!("seeds/access_token/{name}"), signer.sign(&CALL, 300))?;
    }
    Ok(())
}

/// A file of this crate.
fn write(path: &str, content: impl AsRef<[u8]>) -> Result {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::create_dir_all(path.parent().ok_or("a file is in a directory")?)?;
    Ok(fs::write(path, content)?)
}
