//! What an archive holds.

use std::{fmt, str::FromStr};

use super::KeyId;

/// A record's id: for a signature, the SHA-256 of what it signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 32]);

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

impl FromStr for RecordId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// A record's key, under an office key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Which office key wraps it.
    pub office_key: KeyId,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// A record as it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its id.
    pub id: RecordId,
    /// The key that its ciphertext is under.
    pub key: WrappedKey,
    /// The ciphertext's nonce.
    pub nonce: [u8; 12],
    /// The content's ciphertext and tag.
    pub ciphertext: Vec<u8>,
    /// When it was sealed, microseconds since the Unix epoch.
    pub created_at: i64,
}

impl Sealed {
    /// Whether that is this record: its key may have been wrapped anew meanwhile.
    pub(crate) fn is_same(&self, that: &Self) -> bool {
        (self.id, self.nonce, &self.ciphertext) == (that.id, that.nonce, &that.ciphertext)
    }
}

/// A record without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedRecord {
    /// Its id.
    pub id: RecordId,
    /// Its key.
    pub key: WrappedKey,
}

/// A place in an archive's order. Records are spread evenly over all places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub(super) Vec<u8>);

impl Cursor {
    /// How much of the archive is before it, of 2^32 parts.
    pub fn part(&self) -> u32 {
        let mut first = [0; 4];
        for (to, from) in first.iter_mut().zip(&self.0) {
            *to = *from;
        }
        u32::from_be_bytes(first)
    }
}

/// A part of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<WrappedRecord>,
    /// Where the next page begins; none after the last.
    pub next: Option<Cursor>,
}
