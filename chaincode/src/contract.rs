//! The contract as a chaincode.

use sillok_contract::{Code, Refusal, invoke};
use sillok_shim::{Chaincode, LedgerError, Response, Stub};

use crate::ledger::PeerLedger;

/// The contract. A refusal is answered with status 500 and, as message, the refusal in JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct Contract;

impl Chaincode for Contract {
    fn invoke(&self, stub: &Stub) -> Response {
        call(stub).map_or_else(|refusal| refused(stub, &refusal), Response::success)
    }
}

fn call(stub: &Stub) -> Result<Vec<u8>, Refusal> {
    let malformed = |error: LedgerError| Refusal::new(Code::ArgumentMalformed, error.to_string());
    let (name, arguments) = stub.function().map_err(malformed)?;
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_vec()).collect();
    invoke(&mut PeerLedger::new(stub)?, name, &arguments)
}

/// The code alone is logged: a message may quote what it is about.
fn refused(stub: &Stub, refusal: &Refusal) -> Response {
    // Whatever a client calls a function, the log stays short.
    let function: String = stub.function().map_or("", |(name, _)| name).chars().take(64).collect();
    tracing::info!(
        transaction = stub.transaction_id(),
        function,
        code = refusal.code.as_str(),
        entry = refusal.entry,
        "refused"
    );
    Response::error(refusal.to_message())
}
