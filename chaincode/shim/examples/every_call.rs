//! A chaincode whose functions are the stub's: to see on a real peer what each of them does, and to learn the crate from.
//!
//! `peer chaincode query -C records -n NAME -c '{"Args":["get","key"]}'`; see `dispatch` for all functions.

use sillok_shim::{
    Bytes, Chaincode, HistoryIterator, LedgerError, Page, Response, Settings, StateIterator, Stub,
    composite_key,
};

struct EveryCall;

impl Chaincode for EveryCall {
    fn invoke(&self, stub: &Stub) -> Response {
        dispatch(stub).unwrap_or_else(|error| Response::error(format!("{}: {error}", error.code())))
    }
}

/// What peers' users ask every chaincode for; enough to show that it is there.
const METADATA: &str = r#"{"info":{"title":"every-call","version":"1"},"contracts":{}}"#;

fn dispatch(stub: &Stub) -> Result<Response, LedgerError> {
    let (function, arguments) = stub.function()?;
    let arguments: Vec<_> = arguments.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let text = match (function, arguments.as_slice()) {
        ("org.hyperledger.fabric:GetMetadata", []) => METADATA.into(),
        ("transaction", []) => transaction(stub)?,
        ("get", [key]) => show(stub.get_state(key)?),
        ("get_many", keys) => show_all(stub.get_states(keys)?),
        ("put", pairs) => write(pairs, |key, value| stub.put_state(key, value.to_owned()))?,
        ("delete", [key]) => stub.delete_state(key).map(|()| String::new())?,
        ("put_composite", [kind, parts @ .., value]) => {
            stub.put_state(&composite_key::join(kind, parts)?, (*value).to_owned()).map(|()| String::new())?
        }
        ("range", [start, end]) => key_values(stub.get_state_by_range(start, end)?)?,
        ("first", [start, end]) => first(stub.get_state_by_range(start, end)?)?,
        ("range_page", [start, end, size, bookmark]) => {
            page(stub.get_state_by_range_page(start, end, size.parse().unwrap_or(0), bookmark)?)
        }
        ("partial", [kind, parts @ ..]) => key_values(stub.get_state_by_partial_composite_key(kind, parts)?)?,
        ("partial_page", [kind, size, bookmark, parts @ ..]) => {
            let size = size.parse().unwrap_or(0);
            page(stub.get_state_by_partial_composite_key_page(kind, parts, size, bookmark)?)
        }
        ("query", [query]) => key_values(stub.get_query_result(query)?)?,
        ("history", [key]) => history(stub.get_history_for_key(key)?)?,
        ("policy", [key]) => show(stub.get_state_validation_parameter(key)?),
        ("set_policy", [key]) => {
            let policy = stub.transient("policy").cloned().unwrap_or_default();
            stub.set_state_validation_parameter(key, policy).map(|()| String::new())?
        }
        ("event", [name, payload]) => stub.set_event(name, (*payload).to_owned()).map(|()| String::new())?,
        ("call", [name, channel, arguments @ ..]) => {
            let arguments = arguments.iter().map(|it| Bytes::from((*it).to_owned())).collect();
            return stub.invoke_chaincode(name, channel, arguments);
        }
        ("private", [collection, function, arguments @ ..]) => {
            private(stub, collection, function, arguments)?
        }
        ("panic", []) => panic!("as it was asked to"),
        _ => return Ok(Response::error(format!("no function {function} of {} arguments", arguments.len()))),
    };
    Ok(Response::success(text))
}

fn private(stub: &Stub, collection: &str, function: &str, arguments: &[&str]) -> Result<String, LedgerError> {
    let data = stub.private_data(collection)?;
    Ok(match (function, arguments) {
        ("get", [key]) => show(data.get(key)?),
        ("get_many", keys) => show_all(data.get_many(keys)?),
        ("hash", [key]) => data.hash(key)?.map_or_else(String::new, |hash| format!("{hash:x}")),
        ("put", [key]) => {
            let value = stub.transient("value").cloned().unwrap_or_default();
            data.put(key, value).map(|()| String::new())?
        }
        ("delete", [key]) => data.delete(key).map(|()| String::new())?,
        ("purge", [key]) => data.purge(key).map(|()| String::new())?,
        ("range", [start, end]) => key_values(data.get_by_range(start, end)?)?,
        ("policy", [key]) => show(data.validation_parameter(key)?),
        ("set_policy", [key]) => {
            let policy = stub.transient("policy").cloned().unwrap_or_default();
            data.set_validation_parameter(key, policy).map(|()| String::new())?
        }
        _ => format!("no private function {function} of {} arguments", arguments.len()),
    })
}

fn transaction(stub: &Stub) -> Result<String, LedgerError> {
    let msp = stub.identity()?.msp_id;
    let seconds = stub.timestamp()?.seconds;
    Ok(format!("{} on {} at {seconds} by {msp}", stub.transaction_id(), stub.channel_id()))
}

fn write(pairs: &[&str], put: impl Fn(&str, &str) -> Result<(), LedgerError>) -> Result<String, LedgerError> {
    pairs.chunks_exact(2).try_for_each(|pair| put(pair[0], pair[1])).map(|()| String::new())
}

fn show(value: Option<Bytes>) -> String {
    value.map_or_else(|| "none".into(), |value| String::from_utf8_lossy(&value).into_owned())
}

fn show_all(values: Vec<Option<Bytes>>) -> String {
    values.into_iter().map(show).collect::<Vec<_>>().join(" ")
}

fn key_values(mut found: StateIterator<'_>) -> Result<String, LedgerError> {
    found.try_fold(String::new(), |text, found| Ok(text + &found?.key.replace('\0', "/") + " "))
}

/// Leaves the iterator open, for its drop to close.
fn first(mut found: StateIterator<'_>) -> Result<String, LedgerError> {
    Ok(found.next().transpose()?.map_or_else(String::new, |found| found.key))
}

fn page(page: Page) -> String {
    let keys: Vec<_> = page.results.iter().map(|found| found.key.replace('\0', "/")).collect();
    format!("{} next {:?}", keys.join(" "), page.bookmark)
}

fn history(mut changes: HistoryIterator<'_>) -> Result<String, LedgerError> {
    changes.try_fold(String::new(), |text, change| Ok(text + &show(change?.value) + " "))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Ok(sillok_shim::serve(EveryCall, Settings::from_env()?, sillok_shim::termination()).await?)
}
