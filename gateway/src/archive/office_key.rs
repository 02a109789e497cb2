//! An office's own keys, under which the keys of records and of signers are wrapped: 32 random bytes each, in a directory
//! of files that only their owner may read.
//!
//! The file `ID.key` holds one line of hexadecimal digits. An id is the time of its making and a fingerprint of the key, so
//! the greatest is the newest, and a file under a wrong name is found out. The newest wraps; all open. A process looks at
//! the directory before each use, so it wraps under a new key from the moment that its file is there.

use std::{
    collections::BTreeMap,
    fmt, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use jiff::Timestamp;
use p256::elliptic_curve::zeroize::Zeroizing;
use serde::Serialize;
use sillok_contract::digest::sha256;

use super::{ArchiveError, Result};
use crate::keys::{KeyError, random, write_private};

/// Which key of an office: `20261122T093000Z-` and sixteen hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct KeyId(String);

impl KeyId {
    /// What an archive holds as one; whether there is such a key is another question.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}

/// One key. Its memory is wiped when it goes.
struct OfficeKey(Zeroizing<[u8; 32]>);

impl OfficeKey {
    fn id(&self, made: Timestamp) -> KeyId {
        KeyId(format!("{}-{}", made.strftime("%Y%m%dT%H%M%SZ"), self.fingerprint()))
    }

    fn fingerprint(&self) -> String {
        hex::encode(&sha256(&[b"sillok-office-key/1", self.0.as_slice()])[..8])
    }

    fn read(path: &Path, id: &KeyId) -> Result<Self> {
        let wrong = |reason: String| ArchiveError::KeyFile { path: path.to_owned(), reason };
        let metadata = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(wrong("others than its owner may read it; chmod 600 it".to_owned()));
        }
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| wrong(error.to_string()))?;
        let mut key = Self(Zeroizing::new([0; 32]));
        hex::decode_to_slice(text.trim_end(), key.0.as_mut_slice())
            .map_err(|_| wrong("it is not 64 hexadecimal digits".to_owned()))?;
        match id.0.rsplit_once('-') {
            Some((_, fingerprint)) if fingerprint == key.fingerprint() => Ok(key),
            _ => Err(wrong(format!(
                "it holds another key than its name says: that one's name ends in -{}",
                key.fingerprint()
            ))),
        }
    }
}

/// What was read of the directory, and of which state of it.
struct Read {
    keys: BTreeMap<KeyId, OfficeKey>,
    changed: Option<SystemTime>,
    at: SystemTime,
}

/// An office's keys. `Debug` shows their ids.
pub struct OfficeKeys {
    directory: PathBuf,
    read: RwLock<Arc<Read>>,
}

/// A change so shortly before it was read may not have been the last one of its instant.
const SETTLED: Duration = Duration::from_secs(2);

impl OfficeKeys {
    /// Reads the keys of a directory, of which there has to be one.
    pub fn open(directory: &Path) -> Result<Self> {
        let read = RwLock::new(Arc::new(read(directory)?));
        let keys = Self { directory: directory.to_owned(), read };
        keys.newest().map(drop)?;
        Ok(keys)
    }

    /// The same; where there is none, the first is made.
    pub fn open_or_make(directory: &Path, now: i64) -> Result<Self> {
        match Self::open(directory) {
            Err(ArchiveError::NoKey(_)) => {
                Self::make(directory, now)?;
                Self::open(directory)
            }
            opened => opened,
        }
    }

    /// Makes a new key in a directory, which it makes if need be; from then on that one wraps. `now` is in microseconds
    /// since the Unix epoch; where that is not after the newest key's time, the new one's is a second later than that.
    pub fn make(directory: &Path, now: i64) -> Result<KeyId> {
        let wrong = |error: &dyn fmt::Display| ArchiveError::KeyFile {
            path: directory.to_owned(),
            reason: error.to_string(),
        };
        crate::server::make_directory(directory).map_err(|error| wrong(&error))?;
        let key = OfficeKey(Zeroizing::new(random().map_err(|_| ArchiveError::NoRandomness)?));
        let mut made = Timestamp::from_microsecond(now).map_err(|error| wrong(&error))?;
        if let Some(newest) = read(directory)?.keys.keys().next_back().and_then(made_at)
            && made.as_second() <= newest.as_second()
        {
            made = Timestamp::from_second(newest.as_second() + 1).map_err(|error| wrong(&error))?;
        }
        let id = key.id(made);
        let line = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(key.0.as_slice()))));
        let path = directory.join(format!("{id}.{EXTENSION}"));
        write_private(&path, line.as_bytes()).map_err(|error| match error {
            KeyError::File { path, error } => ArchiveError::KeyFile { path, reason: error.to_string() },
            other => wrong(&other),
        })?;
        Ok(id)
    }

    /// All keys' ids, the newest last.
    pub fn ids(&self) -> Result<Vec<KeyId>> {
        Ok(self.now()?.keys.keys().cloned().collect())
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The one that wraps.
    pub(crate) fn newest(&self) -> Result<(KeyId, RandomizedNonceKey)> {
        let read = self.now()?;
        let (id, key) =
            read.keys.last_key_value().ok_or_else(|| ArchiveError::NoKey(self.directory.clone()))?;
        Ok((id.clone(), cipher(&key.0)))
    }

    /// The one with this id.
    pub(super) fn get(&self, id: &KeyId) -> Result<Option<RandomizedNonceKey>> {
        Ok(self.now()?.keys.get(id).map(|key| cipher(&key.0)))
    }

    /// What is in the directory now. It is read again only where it has changed.
    fn now(&self) -> Result<Arc<Read>> {
        let known = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
        let changed = changed(&self.directory);
        let settled = changed.and_then(|changed| known.at.duration_since(changed).ok());
        if changed == known.changed && settled.is_some_and(|since| since > SETTLED) {
            return Ok(known);
        }
        let read = Arc::new(read(&self.directory)?);
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = read.clone();
        Ok(read)
    }
}

impl fmt::Debug for OfficeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("OfficeKeys")
            .field("ids", &read.keys.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

const EXTENSION: &str = "key";

pub(super) fn cipher(key: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, key).expect("a key of AES-256 has 32 bytes")
}

fn changed(directory: &Path) -> Option<SystemTime> {
    let metadata = fs::metadata(directory).ok()?;
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(metadata.ctime()).ok()?, nanoseconds))
}

fn made_at(id: &KeyId) -> Option<Timestamp> {
    let (time, _) = id.0.rsplit_once('-')?;
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// All `*.key` files of a directory; one that is no office key is refused, not left out: what is under it would be lost.
fn read(directory: &Path) -> Result<Read> {
    let at = SystemTime::now();
    let changed = changed(directory);
    let wrong = |error: std::io::Error| ArchiveError::KeyFile {
        path: directory.to_owned(),
        reason: error.to_string(),
    };
    let mut keys = BTreeMap::new();
    let files = match fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Read { keys, changed, at });
        }
        Err(error) => return Err(wrong(error)),
    };
    for file in files {
        let path = file.map_err(wrong)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && let Some(id) = path.file_stem().and_then(|stem| stem.to_str()).map(KeyId::new)
        {
            keys.insert(id.clone(), OfficeKey::read(&path, &id)?);
        }
    }
    Ok(Read { keys, changed, at })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::clock::now;

    #[test]
    fn the_newest_wraps_from_the_moment_its_file_is_there_and_all_open() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("keys");
        assert_eq!(OfficeKeys::open(&directory).unwrap_err().code(), "archive.no_key");
        let keys = OfficeKeys::open_or_make(&directory, now()).unwrap();
        let first = keys.newest().unwrap().0;
        // At the same instant, or after a clock was set back, the new one is still the newest.
        for at in [now(), now() - 3_600_000_000] {
            let made = OfficeKeys::make(&directory, at).unwrap();
            assert_eq!(keys.newest().unwrap().0, made);
        }
        assert!(keys.get(&first).unwrap().is_some());
        assert_eq!(keys.ids().unwrap().len(), 3);
        assert!(keys.get(&KeyId::new("20200101T000000Z-0123456789abcdef")).unwrap().is_none());
    }

    #[test]
    fn what_others_may_read_or_is_another_key_than_its_name_says_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let id = OfficeKeys::make(directory.path(), now()).unwrap();
        let path = directory.path().join(format!("{id}.key"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let told = |told: &str| {
            let error = OfficeKeys::open(directory.path()).unwrap_err();
            assert_eq!(error.code(), "archive.key_file");
            assert!(error.to_string().contains(told), "{error}");
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        told("chmod 600");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, "00".repeat(32)).unwrap();
        told("another key than its name says");
        fs::write(&path, &text[..60]).unwrap();
        told("64 hexadecimal digits");
        fs::write(&path, &text).unwrap();
        let keys = OfficeKeys::open(directory.path()).unwrap();
        assert!(!format!("{keys:?}").contains(text.trim_end()));
    }
}
