//! A file under a passphrase, in the format of age (<https://c2sp.org/age>): scrypt makes a key of the passphrase, that one
//! holds the file's own key, and ChaCha20-Poly1305 the content. Any program that knows age opens it without us.

use std::fmt;

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use p256::elliptic_curve::zeroize::Zeroizing;

use crate::keys::{KeyError, random};

const VERSION: &str = "age-encryption.org/v1";
const LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// scrypt's work, as the power of two: 128 MiB of memory, and about a third of a second.
const WORK: u8 = 17;
/// The most work that a file may ask for: 1 GiB.
const MOST_WORK: u8 = 20;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// What a person knows, and nobody else. `Debug` shows nothing of it; its memory is wiped when it goes.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// One that opens a file.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// How many characters it has.
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").finish_non_exhaustive()
    }
}

/// Why a file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not of the format, or not under a passphrase.
    #[error("this is not a file of age under a passphrase")]
    Malformed,
    /// It asks for more work than a wallet has.
    #[error("the file asks for more than 1 GiB of memory to try a passphrase; no wallet of ours does")]
    Work,
    /// The passphrase is another.
    #[error("the passphrase does not open it")]
    Passphrase,
    /// The passphrase opens it, but it was changed or cut.
    #[error("the file is damaged: what it holds is not what was sealed")]
    Damaged,
}

/// The head of a file, with the key of what is behind it: opened once, the same passphrase seals again without its work.
pub struct Seal {
    header: Vec<u8>,
    key: Zeroizing<[u8; 16]>,
}

impl Seal {
    /// For a new file. It takes a moment, so that trying passphrases does.
    pub fn new(passphrase: &Passphrase) -> Result<Self, KeyError> {
        let (key, salt) = (Zeroizing::new(random::<16>()?), random::<16>()?);
        let mut wrapped = key.to_vec();
        let wrapping = cipher(&*stretched(passphrase, &salt, WORK).ok_or(KeyError::NoRandomness)?);
        wrapping
            .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut wrapped)
            .expect("sixteen bytes are not too long");
        let mut header = format!(
            "{VERSION}\n-> scrypt {} {WORK}\n{}\n---",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(wrapped)
        );
        let mac = hmac::sign(&header_key(&key), header.as_bytes());
        header.push_str(&format!(" {}\n", STANDARD_NO_PAD.encode(mac)));
        Ok(Self { header: header.into_bytes(), key })
    }

    /// Opens a file.
    pub fn open(file: &[u8], passphrase: &Passphrase) -> Result<(Self, Zeroizing<Vec<u8>>), SealError> {
        let header = Header::parse(file).ok_or(SealError::Malformed)?;
        if header.work > MOST_WORK {
            return Err(SealError::Work);
        }
        let wrapping = stretched(passphrase, &header.salt, header.work).ok_or(SealError::Malformed)?;
        let mut wrapped = Zeroizing::new(header.wrapped.to_vec());
        let key = cipher(&wrapping)
            .open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut wrapped)
            .map_err(|_| SealError::Passphrase)?;
        let key = Zeroizing::new(<[u8; 16]>::try_from(&*key).map_err(|_| SealError::Malformed)?);
        hmac::verify(&header_key(&key), header.signed, &header.mac).map_err(|_| SealError::Damaged)?;
        let content = opened(&key, header.payload).ok_or(SealError::Damaged)?;
        let header = file[..file.len() - header.payload.len()].to_vec();
        Ok((Self { header, key }, content))
    }

    /// The file with this content.
    pub fn close(&self, content: &[u8]) -> Result<Vec<u8>, KeyError> {
        let nonce = random::<16>()?;
        let cipher = cipher(&payload_key(&self.key, &nonce));
        let chunks = content.len().div_ceil(CHUNK).max(1);
        let mut file = Vec::with_capacity(self.header.len() + nonce.len() + content.len() + chunks * TAG);
        file.extend_from_slice(&self.header);
        file.extend_from_slice(&nonce);
        for number in 0..chunks {
            let chunk = &content[number * CHUNK..content.len().min((number + 1) * CHUNK)];
            let begin = file.len();
            file.extend_from_slice(chunk);
            let nonce = chunk_nonce(number, number + 1 == chunks);
            let tag = cipher.seal_in_place_separate_tag(nonce, Aad::empty(), &mut file[begin..]);
            file.extend_from_slice(tag.expect("a chunk is not too long").as_ref());
        }
        Ok(file)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

/// A file's head as it was read.
struct Header<'a> {
    salt: [u8; 16],
    work: u8,
    wrapped: [u8; 32],
    /// Up to and with the three dashes.
    signed: &'a [u8],
    mac: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> Header<'a> {
    fn parse(file: &'a [u8]) -> Option<Self> {
        let (version, rest) = line(file)?;
        let (stanza, rest) = line(rest)?;
        let (wrapped, rest) = line(rest)?;
        let (mac, payload) = line(rest)?;
        let (salt, work) = stanza.strip_prefix("-> scrypt ")?.split_once(' ')?;
        // One form a number: no sign, no zero in front.
        let number: u8 = work.parse().ok().filter(|number: &u8| number.to_string() == work)?;
        let mac = mac.strip_prefix("--- ")?;
        let signed = &file[..file.len() - rest.len() + 3];
        Some(Self {
            salt: STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            work: number,
            wrapped: STANDARD_NO_PAD.decode(wrapped).ok()?.try_into().ok()?,
            signed,
            mac: STANDARD_NO_PAD.decode(mac).ok()?,
            payload,
        })
        .filter(|_| version == VERSION)
    }
}

/// The first line of a head, and what is behind it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(128).position(|&byte| byte == b'\n')?;
    Some((str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The content of a payload; none if it was changed, cut, or is longer than it was.
fn opened(key: &[u8; 16], payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = payload.split_first_chunk::<16>()?;
    let cipher = cipher(&payload_key(key, nonce));
    let chunks = sealed.len().div_ceil(CHUNK + TAG);
    let mut content = Zeroizing::new(Vec::with_capacity(sealed.len()));
    for (number, chunk) in sealed.chunks(CHUNK + TAG).enumerate() {
        let mut chunk = Zeroizing::new(chunk.to_vec());
        let nonce = chunk_nonce(number, number + 1 == chunks);
        let opened = cipher.open_in_place(nonce, Aad::empty(), &mut chunk).ok()?;
        // Only the content that is empty altogether ends in an empty chunk.
        if opened.is_empty() && number > 0 {
            return None;
        }
        content.extend_from_slice(opened);
    }
    (chunks > 0).then_some(content)
}

/// The key that scrypt makes of a passphrase; none if there is no such work.
fn stretched(passphrase: &Passphrase, salt: &[u8; 16], work: u8) -> Option<Zeroizing<[u8; 32]>> {
    let parameters = scrypt::Params::new(work, 8, 1).ok()?;
    let mut key = Zeroizing::new([0; 32]);
    let salt = [LABEL, salt].concat();
    scrypt::scrypt(passphrase.0.as_bytes(), &salt, &parameters, key.as_mut()).ok()?;
    Some(key)
}

fn header_key(key: &[u8; 16]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &*derived(key, &[], b"header"))
}

fn payload_key(key: &[u8; 16], nonce: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    derived(key, nonce, b"payload")
}

fn derived(key: &[u8; 16], salt: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let purpose = [purpose];
    let expanded = extracted.expand(&purpose, hkdf::HKDF_SHA256);
    let filled = expanded.and_then(|expanded| expanded.fill(derived.as_mut()));
    filled.expect("32 bytes are what the hash gives");
    derived
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("a key of ChaCha20 has 32 bytes"))
}

/// Eleven bytes of the chunk's number and one that says whether it is the last.
fn chunk_nonce(number: usize, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&(number as u64).to_be_bytes());
    nonce[11] = last.into();
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests;
