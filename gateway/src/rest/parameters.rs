//! What stands in paths and query strings: whatever it cannot be is a problem document.

use axum::extract::{FromRequestParts, Path, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::HttpProblem;

/// A path's one parameter.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(HttpProblem))]
pub(super) struct InPath<T>(pub(super) T);

/// The parameters of the query string.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(HttpProblem))]
pub(super) struct InQuery<T>(pub(super) T);

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The bookmark that the page before ended with.
    #[serde(default)]
    pub(super) bookmark: String,
}

/// How much of a list one answer holds: a number from 1 to `MOST`, which it is where nothing is asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct Limit<const MOST: u32>(u32);

impl<const MOST: u32> Limit<MOST> {
    pub(super) fn get(self) -> u32 {
        self.0
    }
}

impl<const MOST: u32> Default for Limit<MOST> {
    fn default() -> Self {
        Self(MOST)
    }
}

impl<const MOST: u32> TryFrom<u32> for Limit<MOST> {
    type Error = String;

    fn try_from(wanted: u32) -> Result<Self, String> {
        match (1..=MOST).contains(&wanted) {
            true => Ok(Self(wanted)),
            false => Err(format!("`limit` is a number from 1 to {MOST}")),
        }
    }
}

/// Of what number a list goes on behind: one that every reader of JSON reads exactly.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct After(u64);

impl After {
    pub(super) fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for After {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        match number < 1 << 53 {
            true => Ok(Self(number)),
            false => Err("`after` is a number from 0 to 9007199254740991"),
        }
    }
}
