//! The contract described in the form of Fabric's contract API, for tools that ask for it.

use serde_json::{Map, Value, json};

use crate::{
    argument::{Form, MAX_PAGE, Parameter},
    batch::MAX_SEQUENCE,
    function::{FUNCTIONS, Function},
    id::MAX_LENGTH,
    registry::{MAX_DOCUMENTS, MAX_NAME, MAX_TIME},
    signature::MAX_SIGNATURES,
};

/// The contract's name: what a client may put before a function's, with a colon.
const CONTRACT: &str = "sillok";

/// Every function with the schema of each parameter. A function whose name has a colon belongs to the contract before
/// it.
pub(crate) fn metadata() -> Value {
    let mut contracts = Map::new();
    for function in FUNCTIONS {
        let (contract, name) = function.name.split_once(':').unwrap_or((CONTRACT, function.name));
        let entry = contracts.entry(contract).or_insert_with(|| empty_contract(contract));
        if let Some(transactions) = entry["transactions"].as_array_mut() {
            transactions.push(transaction(name, function));
        }
    }
    json!({
        "$schema": "https://hyperledger.github.io/fabric-chaincode-node/main/api/contract-schema.json",
        "info": information(CONTRACT),
        "contracts": contracts,
        "components": { "schemas": documents() },
    })
}

fn empty_contract(name: &str) -> Value {
    json!({ "name": name, "info": information(name), "default": name == CONTRACT, "transactions": [] })
}

fn information(title: &str) -> Value {
    json!({ "title": title, "version": env!("CARGO_PKG_VERSION") })
}

fn transaction(name: &str, function: &Function) -> Value {
    let tags = if function.writes { ["submit", "submitTx"] } else { ["evaluate", "evaluateTx"] };
    json!({
        "name": name,
        "tag": tags,
        "parameters": function.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({ "name": parameter.name, "schema": schema(parameter.form) })
}

fn schema(form: Form) -> Value {
    match form {
        Form::Text | Form::Bookmark => json!({ "type": "string" }),
        Form::Id => identifier(),
        Form::Nonce => json!({ "type": "string", "pattern": "^([0-9a-f]{2}){16,64}$" }),
        Form::Digest => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
        Form::Digests => {
            let items = schema(Form::Digest);
            json!({ "type": "array", "minItems": 1, "maxItems": MAX_SIGNATURES, "items": items })
        }
        Form::PageSize => integer(1, MAX_PAGE.into()),
        Form::Sequence => integer(1, MAX_SEQUENCE),
        Form::Time => integer(0, MAX_TIME as u64),
        Form::Document(name) => reference(name),
        Form::Documents(name) => {
            json!({ "type": "array", "minItems": 1, "maxItems": MAX_DOCUMENTS, "items": reference(name) })
        }
        Form::Bytes => json!({ "type": "string", "format": "binary" }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn identifier() -> Value {
    json!({ "type": "string", "maxLength": MAX_LENGTH, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$" })
}

fn integer(minimum: u64, maximum: u64) -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": minimum, "maximum": maximum })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME })
}

/// The documents that functions take, as the types of [`crate::registry`] read them.
fn documents() -> Value {
    let (time, pem) = (integer(0, MAX_TIME as u64), json!({ "type": "string" }));
    let batch = object(&[], json!({ "max_entries": integer(1, 1000), "max_age_ms": integer(1, 600_000) }));
    let enrolment = object(&["school", "since"], json!({ "school": identifier(), "since": time }));
    let coordinate = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{43}$" });
    let key = json!({
        "kty": { "const": "EC" }, "crv": { "const": "P-256" }, "x": coordinate, "y": coordinate,
    });
    let mut wallet = key.clone();
    wallet["since"] = time.clone();
    json!({
        "Office": object(
            &["id", "name", "authority"],
            json!({ "id": identifier(), "name": name(), "authority": pem }),
        ),
        "School": object(&["id", "name", "district", "authority"], json!({
            "id": identifier(), "name": name(), "district": name(), "office": identifier(), "authority": pem,
            "batch": batch, "closed_since": time,
        })),
        "SchoolChange": object(&["id"], json!({
            "id": identifier(), "name": name(), "district": name(), "batch": batch, "closed_since": time,
        })),
        "Educator": object(&["id", "school", "role", "certificate", "from"], json!({
            "id": identifier(), "school": identifier(), "role": identifier(), "certificate": pem,
            "thumbprint": { "type": "string" }, "from": time, "until": time, "revoked_since": time,
        })),
        "Officer": object(&["id", "office", "certificate", "from"], json!({
            "id": identifier(), "office": identifier(), "certificate": pem,
            "thumbprint": { "type": "string" }, "from": time, "until": time, "revoked_since": time,
        })),
        "Signer": object(&["id", "office", "certificate", "from"], json!({
            "id": identifier(), "office": identifier(), "certificate": pem, "thumbprint": { "type": "string" },
            "approval": object(&["kty", "crv", "x", "y"], key.clone()),
            "from": time, "until": time, "revoked_since": time,
        })),
        "WalletKey": object(&["kty", "crv", "x", "y", "since"], wallet),
        "Learner": object(&["id", "enrolments"], json!({
            "id": identifier(), "enrolments": { "type": "array", "minItems": 1, "items": enrolment },
        })),
    })
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}
