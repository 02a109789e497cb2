//! Arguments come as byte strings; here they get their types.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    Code, Refusal, batch::MAX_SEQUENCE, digest::Digest, json, refusal::blame, registry::MAX_DOCUMENTS,
    signature::MAX_SIGNATURES,
};

/// The most items on one page.
pub(crate) const MAX_PAGE: u32 = 500;
/// How many bytes a nonce has.
const NONCE: RangeInclusive<usize> = 16..=64;
/// The longest array of documents, in bytes.
const MAX_ARRAY: usize = 4 * 1024 * 1024;

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text.
    Text,
    /// An identifier.
    Id,
    /// Where a page starts: empty, or what the page before gave.
    Bookmark,
    /// How many items at most, in decimal digits: 1 to 500.
    PageSize,
    /// A batch's number, in decimal digits.
    Sequence,
    /// Microseconds since the Unix epoch, in decimal digits.
    Time,
    /// What the caller has drawn at random to know the answer by: 16 to 64 bytes in lower-case hexadecimal digits.
    Nonce,
    /// A SHA-256 in lower-case hexadecimal digits.
    Digest,
    /// A JSON array of 1 to 100 SHA-256 in lower-case hexadecimal digits.
    Digests,
    /// A JSON object of the named schema.
    Document(&'static str),
    /// A JSON array of at most 500 objects of the named schema.
    Documents(&'static str),
    /// Bytes.
    Bytes,
}

/// A function's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub form: Form,
}

/// The arguments of a call, as many as there are parameters.
pub(crate) struct Arguments<'a> {
    parameters: &'a [Parameter],
    values: &'a [Vec<u8>],
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(parameters: &'a [Parameter], values: &'a [Vec<u8>]) -> Result<Self, Refusal> {
        if parameters.len() == values.len() {
            return Ok(Self { parameters, values });
        }
        let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
        Err(malformed(format!("the arguments are ({}); {} were given", names.join(", "), values.len())))
    }

    pub(crate) fn bytes(&self, index: usize) -> Result<&'a [u8], Refusal> {
        self.values.get(index).map(Vec::as_slice).ok_or_else(|| malformed("an argument is missing"))
    }

    pub(crate) fn text(&self, index: usize) -> Result<&'a str, Refusal> {
        std::str::from_utf8(self.bytes(index)?).map_err(|_| self.refuse(index, "is not UTF-8"))
    }

    pub(crate) fn id<T: TryFrom<String, Error = Refusal>>(&self, index: usize) -> Result<T, Refusal> {
        T::try_from(self.text(index)?.to_owned())
    }

    pub(crate) fn sequence(&self, index: usize) -> Result<u64, Refusal> {
        let number = self.digits(index)?.parse().ok().filter(|number| (1..=MAX_SEQUENCE).contains(number));
        number.ok_or_else(|| self.refuse(index, "is a number from 1 in decimal digits"))
    }

    pub(crate) fn page_size(&self, index: usize) -> Result<u32, Refusal> {
        let number = self.digits(index)?.parse().ok().filter(|number| (1..=MAX_PAGE).contains(number));
        number
            .ok_or_else(|| self.refuse(index, format!("is a number from 1 to {MAX_PAGE} in decimal digits")))
    }

    pub(crate) fn time(&self, index: usize) -> Result<i64, Refusal> {
        let time = self.digits(index)?.parse().ok();
        time.ok_or_else(|| {
            self.refuse(index, "is a time in microseconds since the Unix epoch in decimal digits")
        })
    }

    pub(crate) fn nonce(&self, index: usize) -> Result<&'a str, Refusal> {
        let text = self.text(index)?;
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match digits && text.len().is_multiple_of(2) && NONCE.contains(&(text.len() / 2)) {
            true => Ok(text),
            false => Err(self.refuse(index, "is 16 to 64 random bytes in lower-case hexadecimal digits")),
        }
    }

    pub(crate) fn digest(&self, index: usize) -> Result<Digest, Refusal> {
        Digest::try_from(self.text(index)?.to_owned())
            .map_err(|why| self.refuse(index, format!("is none: {why}")))
    }

    pub(crate) fn digests(&self, index: usize) -> Result<Vec<Digest>, Refusal> {
        let digests: Vec<_> = serde_json::from_slice(self.bytes(index)?)
            .map_err(|error| self.refuse(index, format!("is not a JSON array of digests: {error}")))?;
        match (1..=MAX_SIGNATURES).contains(&digests.len()) {
            true => Ok(digests),
            false => Err(self.refuse(index, format!("has 1 to {MAX_SIGNATURES} digests"))),
        }
    }

    pub(crate) fn document<T: DeserializeOwned>(&self, index: usize) -> Result<T, Refusal> {
        json::object(self.bytes(index)?)
            .map_err(|error| self.refuse(index, format!("is not as its schema says: {error}")))
    }

    pub(crate) fn documents<T: DeserializeOwned>(&self, index: usize) -> Result<Vec<T>, Refusal> {
        let read = |(place, document): (usize, &&RawValue)| {
            json::object(document.get().as_bytes()).map_err(|error| {
                blame(place)(self.refuse(index, format!("is not as its schema says at {place}: {error}")))
            })
        };
        self.array(index)?.iter().enumerate().map(read).collect()
    }

    fn array(&self, index: usize) -> Result<Vec<&'a RawValue>, Refusal> {
        let bytes = self.bytes(index)?;
        if bytes.len() > MAX_ARRAY {
            let why = format!("has at most {MAX_ARRAY} bytes; send more in several calls");
            return Err(self.refuse(index, why));
        }
        let documents: Vec<_> = serde_json::from_slice(bytes)
            .map_err(|error| self.refuse(index, format!("is not a JSON array: {error}")))?;
        if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
            let why = format!("has 1 to {MAX_DOCUMENTS} documents; send more in several calls");
            return Err(self.refuse(index, why));
        }
        Ok(documents)
    }

    /// Decimal digits and nothing else: `parse` alone would also take a sign.
    fn digits(&self, index: usize) -> Result<&'a str, Refusal> {
        let text = self.text(index)?;
        Ok(if text.bytes().all(|byte| byte.is_ascii_digit()) { text } else { "" })
    }

    fn refuse(&self, index: usize, why: impl std::fmt::Display) -> Refusal {
        let name = self.parameters.get(index).map_or("argument", |parameter| parameter.name);
        malformed(format!("{name} {why}"))
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::ArgumentMalformed, message)
}
