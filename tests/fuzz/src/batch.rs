//! A batch, as the gateway forms it and the offices' peers read it.

use prost::Message;
use sillok_contract::{
    Code, Creator, Ledger, Page, Refusal,
    batch::{self, TRANSIENT},
    entry::Entry,
    function::RECORD_BATCH,
    invoke,
};
use sillok_proto::ledger::{BatchBody, BatchHeader};

/// Reads the bytes as a body to form a batch of, and as a header and body to record.
pub fn check(bytes: &[u8]) {
    as_body(bytes);
    as_header_and_body(bytes);
}

/// What the gateway forms has the form that the ledger asks for: there it fails for nobody is registered.
fn as_body(bytes: &[u8]) {
    let Ok(body) = BatchBody::decode(bytes) else { return };
    let Some(Ok(first)) = body.entries.first().map(|entry| Entry::parse(entry)) else { return };
    let Ok(formed) = batch::build(&first.school, 1, [0; 32], &body.requests, &body.entries) else { return };
    let header = BatchHeader::decode(formed.header.as_slice()).expect("a header is formed");
    assert_eq!((header.count as usize, header.sequence), (body.entries.len(), 1));
    assert!((header.first_time..=header.last_time).contains(&first.executed_at));
    assert_eq!(record(formed.header, formed.body).code, Code::SchoolUnknown);
}

/// A zero byte ends neither of them: the header's length stands before it.
fn as_header_and_body(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let Some((header, body)) = rest.split_at_checked(usize::from(*length)) else { return };
    let code = record(header.to_vec(), body.to_vec()).code;
    assert!(
        !matches!(code, Code::LedgerCorrupt | Code::LedgerUnavailable),
        "{code:?} for the caller's bytes"
    );
}

/// Why a ledger where nobody is registered refuses it.
fn record(header: Vec<u8>, body: Vec<u8>) -> Refusal {
    invoke(&mut Unwritten { body }, RECORD_BATCH, &[header]).expect_err("nobody is registered")
}

/// One transaction by the gateway on a ledger that holds nothing, and of which nothing may come.
struct Unwritten {
    body: Vec<u8>,
}

impl Ledger for Unwritten {
    fn transaction_id(&self) -> &str {
        "5f1c"
    }

    fn timestamp(&self) -> i64 {
        1_772_000_000_000_000
    }

    fn creator(&self) -> Result<Creator, Refusal> {
        Ok(Creator {
            msp: "SupportMSP".to_owned(),
            certificate: include_bytes!("../fixed/gateway.pem").to_vec(),
        })
    }

    fn transient(&self, name: &str) -> Option<Vec<u8>> {
        (name == TRANSIENT).then(|| self.body.clone())
    }

    fn get(&mut self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }

    fn get_many(&mut self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
        Ok(vec![None; keys.len()])
    }

    fn put(&mut self, key: &str, _: Vec<u8>) -> Result<(), Refusal> {
        panic!("{key} was written")
    }

    fn delete(&mut self, key: &str) -> Result<(), Refusal> {
        panic!("{key} was deleted")
    }

    fn range(&mut self, _: &str, _: &str, _: u32, _: &str) -> Result<Page, Refusal> {
        Ok(Page::default())
    }

    fn private_get(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }

    fn private_hash(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }

    fn private_put(&mut self, _: &str, key: &str, _: Vec<u8>) -> Result<(), Refusal> {
        panic!("{key} was written")
    }

    fn private_purge(&mut self, _: &str, key: &str) -> Result<(), Refusal> {
        panic!("{key} was purged")
    }

    fn set_event(&mut self, name: &str, _: Vec<u8>) -> Result<(), Refusal> {
        panic!("{name} was told")
    }
}
