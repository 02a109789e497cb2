//! A signed request in a file: the body of POST /v1/requests, so that anything that speaks HTTP can send it too.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    cli::{Exit, Failure, private_file},
    keys::SignedQueries,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    request: String,
    queries: Vec<String>,
}

/// Into a new file that only its owner may read: the queries are about a learner.
pub(super) fn write(file: &Path, signed: &SignedQueries) -> Result<(), Failure> {
    let saved = Saved { request: signed.request.clone(), queries: signed.queries.clone() };
    let json = serde_json::to_vec(&saved).expect("it has only text");
    private_file::write_new(file, &json)
}

/// From its file.
pub(super) fn read(file: &Path) -> Result<SignedQueries, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Usage,
            "saved.malformed",
            format!("{}: {why}; name a file that --save wrote", file.display()),
        )
    };
    let text = fs::read(file).map_err(|error| wrong(&error))?;
    let Saved { request, queries } = serde_json::from_slice(&text).map_err(|error| wrong(&error))?;
    Ok(SignedQueries { request, queries })
}
