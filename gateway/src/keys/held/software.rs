//! Held keys as files, each sealed under a key of its own that an office key wraps.
//!
//! The file `LABEL.held` is JSON: the members of a [`Sealed`], whose content is the key in PKCS#8 PEM and whose id is the
//! SHA-256 of the label. So a file under another name does not open. A key is in memory while it signs, and not longer.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use p256::elliptic_curve::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};
use sillok_contract::digest::sha256;
use tempfile::NamedTempFile;

use super::{HeldError, HeldKeys, Label, Result};
use crate::{
    archive::{self, KeyId, OfficeKeys, RecordId, Sealed, WrappedKey, WrappedRecord},
    base64url, clock,
    keys::{PrivateKey, PublicKey},
};

const EXTENSION: &str = "held";

/// A directory of sealed keys.
pub struct SoftwareKeys {
    directory: PathBuf,
    office: Arc<OfficeKeys>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    office_key: String,
    #[serde(with = "base64url")]
    wrapped_key: Vec<u8>,
    #[serde(with = "base64url")]
    nonce: Vec<u8>,
    #[serde(with = "base64url")]
    ciphertext: Vec<u8>,
    created_at: i64,
}

impl SoftwareKeys {
    /// The keys of a directory, which is made if need be.
    pub fn open(directory: &Path, office: Arc<OfficeKeys>) -> Result<Self> {
        crate::server::make_directory(directory).map_err(|error| away(directory, &error))?;
        Ok(Self { directory: directory.to_owned(), office })
    }

    /// Wraps each key's own key by the newest office key; how many it was. May be cut short and begun again.
    pub fn rewrap(&self) -> Result<u64> {
        let mut count = 0;
        for file in fs::read_dir(&self.directory).map_err(|error| away(&self.directory, &error))? {
            let path = file.map_err(|error| away(&self.directory, &error))?.path();
            let Some(label) = label_of(&path) else { continue };
            let Some(sealed) = self.sealed(&label)? else { continue };
            let record = WrappedRecord { id: sealed.id, key: sealed.key.clone() };
            if let Some(key) = archive::rewrap(&self.office, &record)? {
                let written = self.beside(&Sealed { key, ..sealed })?;
                written.persist(&path).map_err(|error| away(&path, &error.error))?;
                self.sync()?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn path(&self, label: &Label) -> PathBuf {
        self.directory.join(format!("{label}.{EXTENSION}"))
    }

    fn sealed(&self, label: &Label) -> Result<Option<Sealed>> {
        let path = self.path(label);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(away(&path, &error)),
        };
        let damaged = |reason: String| HeldError::Damaged { label: label.clone(), reason };
        let file: File = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
        if file.version != 1 {
            return Err(damaged(format!("its file has the form {}, and this program knows 1", file.version)));
        }
        Ok(Some(Sealed {
            id: id_of(label),
            key: WrappedKey { office_key: KeyId::new(file.office_key), bytes: file.wrapped_key },
            nonce: file.nonce.try_into().map_err(|_| damaged("its nonce is not of 12 bytes".to_owned()))?,
            ciphertext: file.ciphertext,
            created_at: file.created_at,
        }))
    }

    fn key(&self, label: &Label) -> Result<Option<PrivateKey>> {
        let Some(sealed) = self.sealed(label)? else { return Ok(None) };
        let pem = archive::open(&self.office, &sealed)?;
        let damaged = |reason: String| HeldError::Damaged { label: label.clone(), reason };
        let pem = std::str::from_utf8(&pem).map_err(|error| damaged(error.to_string()))?;
        PrivateKey::from_pem(pem).map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// A whole file without a name yet.
    fn beside(&self, sealed: &Sealed) -> Result<NamedTempFile> {
        let file = File {
            version: 1,
            office_key: sealed.key.office_key.to_string(),
            wrapped_key: sealed.key.bytes.clone(),
            nonce: sealed.nonce.to_vec(),
            ciphertext: sealed.ciphertext.clone(),
            created_at: sealed.created_at,
        };
        let json = serde_json::to_vec(&file).expect("a file has text and numbers only");
        let write = || {
            let mut written = NamedTempFile::new_in(&self.directory)?;
            written.write_all(&json)?;
            written.as_file().sync_all()?;
            Ok(written)
        };
        write().map_err(|error| away(&self.directory, &error))
    }

    /// What was named in the directory is on disk.
    fn sync(&self) -> Result<()> {
        let synced = fs::File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| away(&self.directory, &error))
    }
}

impl HeldKeys for SoftwareKeys {
    fn ready(&self) -> Result<()> {
        self.office.newest()?;
        fs::read_dir(&self.directory).map(drop).map_err(|error| away(&self.directory, &error))
    }

    fn generate(&self, label: &Label) -> Result<PublicKey> {
        let made = PrivateKey::generate().map_err(|error| HeldError::Unavailable(error.to_string()))?;
        let pem = made.to_pem().map(|pem| Zeroizing::new(pem.as_bytes().to_vec()));
        let pem = pem.map_err(|error| HeldError::Unavailable(error.to_string()))?;
        let sealed = archive::seal(&self.office, id_of(label), &pem, clock::now())?;
        let path = self.path(label);
        self.beside(&sealed)?.persist_noclobber(&path).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => HeldError::Exists(label.clone()),
            _ => away(&path, &error.error),
        })?;
        self.sync()?;
        Ok(*made.public_key())
    }

    fn public(&self, label: &Label) -> Result<Option<PublicKey>> {
        Ok(self.key(label)?.map(|key| *key.public_key()))
    }

    fn sign(&self, label: &Label, message: &[u8]) -> Result<[u8; 64]> {
        let key = self.key(label)?.ok_or_else(|| HeldError::Unknown(label.clone()))?;
        Ok(key.sign_fixed(message))
    }
}

fn id_of(label: &Label) -> RecordId {
    RecordId(sha256(&[b"sillok-held-key/1\0", label.as_str().as_bytes()]))
}

fn label_of(path: &Path) -> Option<Label> {
    let of_key = path.extension().is_some_and(|extension| extension == EXTENSION);
    path.file_stem().filter(|_| of_key)?.to_str()?.parse().ok()
}

fn away(path: &Path, error: &std::io::Error) -> HeldError {
    HeldError::Unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn keys_wrapped_anew_sign_as_before_and_need_the_old_office_key_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let offices = directory.path().join("office");
        let office = Arc::new(OfficeKeys::open_or_make(&offices, clock::now()).unwrap());
        let keys = SoftwareKeys::open(&directory.path().join("held"), office.clone()).unwrap();
        let label: Label = "T1".parse().unwrap();
        let public = keys.generate(&label).unwrap();
        let old = office.ids().unwrap().pop().unwrap();
        OfficeKeys::make(&offices, clock::now()).unwrap();
        assert_eq!((keys.rewrap().unwrap(), keys.rewrap().unwrap()), (1, 0));
        fs::remove_file(offices.join(format!("{old}.key"))).unwrap();
        public.verify_fixed(b"message", &keys.sign(&label, b"message").unwrap()).unwrap();
    }

    #[test]
    fn what_is_on_disk_is_sealed_and_bound_to_its_label() {
        let directory = tempfile::tempdir().unwrap();
        let office = Arc::new(OfficeKeys::open_or_make(&directory.path().join("o"), clock::now()).unwrap());
        let keys = SoftwareKeys::open(directory.path(), office.clone()).unwrap();
        let [one, other]: [Label; 2] = ["one", "other"].map(|label| label.parse().unwrap());
        keys.generate(&one).unwrap();
        let file = fs::read(keys.path(&one)).unwrap();
        let pem = keys.key(&one).unwrap().unwrap().to_pem().unwrap();
        let line = pem.lines().nth(1).unwrap();
        assert!(!file.windows(16).any(|window| line.as_bytes().windows(16).any(|part| part == window)));
        fs::copy(keys.path(&one), keys.path(&other)).unwrap();
        assert_eq!(keys.sign(&other, b"m").unwrap_err().code(), "archive.damaged");
        fs::write(keys.path(&one), &file[..file.len() / 2]).unwrap();
        assert_eq!(keys.sign(&one, b"m").unwrap_err().code(), "held.damaged");
    }
}
