//! What must hold of each parser of foreign bytes, whatever the bytes. The fuzzer (`fuzz.rs`) looks for bytes of which
//! it does not; `tests/seeds.rs` tries the seeds and changed ones with every test run.

pub mod access_token;
pub mod act;
pub mod batch;
pub mod certificate;
pub mod chaincode_message;
pub mod entry;
pub mod policy;
pub mod proof;
pub mod replication;
pub mod request;
pub mod signature;
pub mod wallet;

/// What panics where something does not hold of these bytes.
pub type Check = fn(&[u8]);

/// Every target, by the name of its seeds' directory.
pub const TARGETS: [(&str, Check); 12] = [
    ("access_token", access_token::check),
    ("act", act::check),
    ("batch", batch::check),
    ("certificate", certificate::check),
    ("chaincode_message", chaincode_message::check),
    ("entry", entry::check),
    ("policy", policy::check),
    ("proof", proof::check),
    ("replication", replication::check),
    ("request", request::check),
    ("signature", signature::check),
    ("wallet", wallet::check),
];

/// The target of this name.
pub fn target(name: &str) -> Option<Check> {
    TARGETS.into_iter().find(|(known, _)| *known == name).map(|(_, check)| check)
}
