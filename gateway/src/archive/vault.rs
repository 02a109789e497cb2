//! The archive as the platform uses it: evidence goes in and comes out, and what rests is sealed.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::{
    Archive, ArchiveError, Cursor, Evidence, KeyId, OfficeKeys, RecordId, Result, WrappedRecord, seal,
};

/// Records that a rotation takes at once.
const PAGE: u32 = 256;
/// And wraps at one moment.
const AT_ONCE: usize = 16;
/// How often a rotation goes through the archive, at most: what is stored under an old key meanwhile is found by the next.
const PASSES: u32 = 5;
/// Names of records that a rotation's outcome holds, at most.
const NAMED: usize = 20;

/// An archive and the keys that open it.
#[derive(Clone)]
pub struct Vault {
    archive: Arc<dyn Archive>,
    keys: Arc<OfficeKeys>,
}

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// Records whose key is under the newest office key now and was not before.
    pub rewrapped: u64,
    /// Records of which it could not be wrapped anew.
    pub left: u64,
    /// Some of those.
    pub unwrapped: Vec<Unwrapped>,
}

/// A record whose key could not be wrapped anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unwrapped {
    /// Its id, in hexadecimal.
    pub record: String,
    /// Why, as a stable code.
    pub code: &'static str,
    /// Why, in words.
    pub reason: String,
}

impl Vault {
    /// An archive with an office's keys.
    pub fn new(archive: Arc<dyn Archive>, keys: Arc<OfficeKeys>) -> Self {
        Self { archive, keys }
    }

    /// Whether it can store and load now.
    pub async fn ready(&self) -> Result<()> {
        self.keys.newest()?;
        self.archive.ready().await
    }

    /// Stores evidence, unless there is some under its id: the first stays. Whether this was it. May be called again after
    /// any error. `now` is in microseconds since the Unix epoch.
    pub async fn store(&self, id: &RecordId, evidence: &Evidence, now: i64) -> Result<bool> {
        let sealed = seal::seal(&self.keys, *id, &evidence.to_json(), now)?;
        self.archive.put(&sealed).await
    }

    /// The evidence with this id.
    pub async fn load(&self, id: &RecordId) -> Result<Option<Evidence>> {
        let Some(sealed) = self.archive.get(id).await? else { return Ok(None) };
        Evidence::from_json(*id, &seal::open(&self.keys, &sealed)?).map(Some)
    }

    /// Wraps every record's key by the newest office key, while the archive is used. It may be cut short at any instant and
    /// begun again: what is done is passed over. `tell` is called with how much of a pass is behind, of 2^32 parts.
    ///
    /// A record that another process stored under an old key meanwhile is found by a further pass; there is one until a pass
    /// finds nothing to do.
    pub async fn rotate(&self, tell: &(dyn Fn(u32) + Send + Sync)) -> Result<Rotation> {
        let mut rotation = Rotation::default();
        for _ in 0..PASSES {
            let before = rotation.rewrapped;
            (rotation.left, rotation.unwrapped) = (0, Vec::new());
            self.each_page(tell, async |records| self.rewrap_all(records, &mut rotation).await).await?;
            if rotation.rewrapped == before {
                break;
            }
        }
        Ok(rotation)
    }

    /// How many records there are under each office key.
    pub async fn count(&self, tell: &(dyn Fn(u32) + Send + Sync)) -> Result<BTreeMap<KeyId, u64>> {
        let mut counts = BTreeMap::new();
        self.each_page(tell, async |records| {
            for record in records {
                *counts.entry(record.key.office_key).or_default() += 1;
            }
            Ok(())
        })
        .await?;
        Ok(counts)
    }

    /// The office's keys.
    pub fn keys(&self) -> &OfficeKeys {
        &self.keys
    }

    async fn each_page(
        &self,
        tell: &(dyn Fn(u32) + Send + Sync),
        mut each: impl AsyncFnMut(Vec<WrappedRecord>) -> Result<()>,
    ) -> Result<()> {
        let mut after: Option<Cursor> = None;
        loop {
            let page = self.archive.page(after.as_ref(), PAGE).await?;
            each(page.records).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
            tell(after.as_ref().map(Cursor::part).unwrap_or_default());
        }
    }

    async fn rewrap_all(&self, records: Vec<WrappedRecord>, rotation: &mut Rotation) -> Result<()> {
        let mut done = stream::iter(records)
            .map(async |record| (record.id, self.rewrap(&record).await))
            .buffer_unordered(AT_ONCE);
        while let Some((id, rewrapped)) = done.next().await {
            match rewrapped {
                Ok(true) => rotation.rewrapped += 1,
                Ok(false) => {}
                Err(error) if error.is_of_record() => {
                    rotation.left += 1;
                    if rotation.unwrapped.len() < NAMED {
                        rotation.unwrapped.push(Unwrapped {
                            record: id.to_string(),
                            code: error.code(),
                            reason: error.to_string(),
                        });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether there was something to do. Where another one was quicker, there is not.
    async fn rewrap(&self, record: &WrappedRecord) -> Result<bool> {
        match seal::rewrap(&self.keys, record)? {
            Some(key) => self.archive.rewrap(&record.id, &record.key, &key).await,
            None => Ok(false),
        }
    }
}

impl ArchiveError {
    /// Whether it is one record's, and the others go on.
    fn is_of_record(&self) -> bool {
        matches!(self, Self::KeyMissing { .. } | Self::Damaged(_))
    }
}
