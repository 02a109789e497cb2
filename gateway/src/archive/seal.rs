//! Sealing and opening. Pure but for randomness.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use p256::elliptic_curve::zeroize::Zeroizing;

use super::{
    ArchiveError, KeyId, OfficeKeys, RecordId, Result, Sealed, WrappedKey, WrappedRecord, office_key::cipher,
};
use crate::keys::random;

/// Bytes that a record's content may have: what Cassandra takes in one statement is 16 MiB.
pub const MAX_CONTENT: usize = 4 * 1024 * 1024;

/// Seals content under a new key, and wraps that by the office's newest key. `now` is in microseconds since the Unix epoch.
pub(crate) fn seal(keys: &OfficeKeys, id: RecordId, content: &[u8], now: i64) -> Result<Sealed> {
    if content.len() > MAX_CONTENT {
        return Err(ArchiveError::TooLarge { size: content.len(), limit: MAX_CONTENT });
    }
    let key = Zeroizing::new(random::<32>().map_err(|_| ArchiveError::NoRandomness)?);
    let (nonce, ciphertext) = encrypt(&cipher(&key), &of_record(&id), content)?;
    Ok(Sealed { id, key: wrap(keys, &id, &key)?, nonce, ciphertext, created_at: now })
}

/// The content of a record.
pub(crate) fn open(keys: &OfficeKeys, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
    let key = unwrap(keys, &sealed.id, &sealed.key)?;
    decrypt(&cipher(&key), &of_record(&sealed.id), sealed.nonce, &sealed.ciphertext)
        .ok_or(ArchiveError::Damaged(sealed.id))
}

/// The record's key under the office's newest key; none where it is that already.
pub(crate) fn rewrap(keys: &OfficeKeys, record: &WrappedRecord) -> Result<Option<WrappedKey>> {
    if keys.newest()?.0 == record.key.office_key {
        return Ok(None);
    }
    wrap(keys, &record.id, &*unwrap(keys, &record.id, &record.key)?).map(Some)
}

fn wrap(keys: &OfficeKeys, id: &RecordId, key: &[u8; 32]) -> Result<WrappedKey> {
    let (office_key, cipher) = keys.newest()?;
    let (nonce, ciphertext) = encrypt(&cipher, &of_key(&office_key, id), key)?;
    Ok(WrappedKey { office_key, bytes: [&nonce[..], &ciphertext].concat() })
}

fn unwrap(keys: &OfficeKeys, id: &RecordId, wrapped: &WrappedKey) -> Result<Zeroizing<[u8; 32]>> {
    let missing = || ArchiveError::KeyMissing {
        record: *id,
        key: wrapped.office_key.clone(),
        directory: keys.directory().to_owned(),
    };
    let cipher = keys.get(&wrapped.office_key)?.ok_or_else(missing)?;
    let (nonce, ciphertext) = wrapped.bytes.split_first_chunk().ok_or(ArchiveError::Damaged(*id))?;
    let bytes = decrypt(&cipher, &of_key(&wrapped.office_key, id), *nonce, ciphertext);
    let mut key = Zeroizing::new([0; 32]);
    match bytes.filter(|bytes| bytes.len() == key.len()) {
        Some(bytes) => key.copy_from_slice(&bytes),
        None => return Err(ArchiveError::Damaged(*id)),
    }
    Ok(key)
}

fn of_record(id: &RecordId) -> Vec<u8> {
    [&b"sillok-archive/1 record\0"[..], &id.0].concat()
}

fn of_key(office_key: &KeyId, id: &RecordId) -> Vec<u8> {
    [b"sillok-archive/1 key\0", office_key.as_str().as_bytes(), b"\0", &id.0].concat()
}

fn encrypt(cipher: &RandomizedNonceKey, beside: &[u8], plain: &[u8]) -> Result<([u8; NONCE_LEN], Vec<u8>)> {
    // Long enough at once: a buffer that grows would leave plaintext behind in memory.
    let mut bytes = Vec::with_capacity(plain.len() + cipher.algorithm().tag_len());
    bytes.extend_from_slice(plain);
    let nonce = cipher
        .seal_in_place_append_tag(Aad::from(beside), &mut bytes)
        .map_err(|_| ArchiveError::NoRandomness)?;
    Ok((*nonce.as_ref(), bytes))
}

fn decrypt(
    cipher: &RandomizedNonceKey,
    beside: &[u8],
    nonce: [u8; NONCE_LEN],
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher.open_in_place(nonce, Aad::from(beside), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    fn keys() -> (OfficeKeys, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        (OfficeKeys::open_or_make(directory.path(), NOW).unwrap(), directory)
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_alone() {
        let (keys, _directory) = keys();
        let [one, two] = [1, 2].map(|id| seal(&keys, RecordId([id; 32]), b"the same", NOW).unwrap());
        assert_eq!(**open(&keys, &one).unwrap(), *b"the same");
        assert_ne!((&one.ciphertext, &one.key.bytes), (&two.ciphertext, &two.key.bytes));
        let damaged = |sealed: Sealed| {
            let id = sealed.id;
            assert_eq!(open(&keys, &sealed).unwrap_err(), ArchiveError::Damaged(id));
        };
        damaged(Sealed { id: two.id, ..one.clone() });
        damaged(Sealed { key: two.key.clone(), ..one.clone() });
        damaged(Sealed { ciphertext: two.ciphertext.clone(), nonce: two.nonce, ..one.clone() });
        damaged(Sealed { nonce: two.nonce, ..one.clone() });
        let cut = WrappedKey { bytes: one.key.bytes[..11].to_vec(), ..one.key.clone() };
        damaged(Sealed { key: cut, ..one });
    }

    #[test]
    fn a_key_wrapped_anew_opens_the_same_ciphertext_and_needs_the_old_office_key_no_more() {
        let (keys, directory) = keys();
        let sealed = seal(&keys, RecordId([1; 32]), b"content", NOW).unwrap();
        let record = WrappedRecord { id: sealed.id, key: sealed.key.clone() };
        assert_eq!(rewrap(&keys, &record).unwrap(), None);
        let newest = OfficeKeys::make(directory.path(), NOW).unwrap();
        let key = rewrap(&keys, &record).unwrap().unwrap();
        assert_eq!(key.office_key, newest);
        std::fs::remove_file(directory.path().join(format!("{}.key", record.key.office_key))).unwrap();
        assert_eq!(**open(&keys, &Sealed { key: key.clone(), ..sealed.clone() }).unwrap(), *b"content");
        let missing = open(&keys, &sealed).unwrap_err();
        assert_eq!(missing.code(), "archive.key_missing");
        assert!(missing.to_string().contains(record.key.office_key.as_str()));
        // Another office key's name on what was wrapped under the first.
        let renamed = WrappedKey { office_key: newest, ..sealed.key.clone() };
        assert_eq!(open(&keys, &Sealed { key: renamed, ..sealed }).unwrap_err().code(), "archive.damaged");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let (keys, _directory) = keys();
        let error = seal(&keys, RecordId([0; 32]), &vec![0; MAX_CONTENT + 1], NOW).unwrap_err();
        assert_eq!(error.code(), "archive.too_large");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_changed_bit_opens(content: Vec<u8>, place: prop::sample::Index, bit in 0..8u8) {
            let (keys, _directory) = keys();
            let sealed = seal(&keys, RecordId([3; 32]), &content, NOW).unwrap();
            prop_assert_eq!(&*open(&keys, &sealed).unwrap(), &content);
            let mut changed = sealed.clone();
            let parts = [&mut changed.id.0[..], &mut changed.key.bytes, &mut changed.nonce, &mut changed.ciphertext];
            let mut bytes: Vec<_> = parts.into_iter().flatten().collect();
            let place = place.index(bytes.len());
            *bytes[place] ^= 1 << bit;
            prop_assert_eq!(open(&keys, &changed).unwrap_err().code(), "archive.damaged");
        }
    }
}
