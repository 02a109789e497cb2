//! A file under a passphrase, in the format of age (<https://c2sp.org/age>): any program that knows it opens it without
//! us.

use std::fmt;

use age::{DecryptError, scrypt, secrecy::SecretString};
use p256::elliptic_curve::zeroize::Zeroizing;

/// How every file of age begins.
const BEGINNING: &[u8] = b"age-encryption.org/";
/// scrypt's work, as the power of two: 128 MiB of memory, and about a third of a second.
const WORK: u8 = 17;
/// The most work that a file may ask for: 1 GiB.
const MOST_WORK: u8 = 20;

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

    fn secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
    }

    /// The file with this content. It takes a moment, so that trying passphrases does.
    pub fn seal(&self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut recipient = scrypt::Recipient::new(self.secret());
        recipient.set_work_factor(WORK);
        age::encrypt(&recipient, content).map_err(|error| SealError::Sealing(error.to_string()))
    }

    /// The content of a file.
    pub fn open(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if !file.starts_with(BEGINNING) {
            return Err(SealError::Malformed);
        }
        let mut identity = scrypt::Identity::new(self.secret());
        identity.set_max_work_factor(MOST_WORK);
        age::decrypt(&identity, file).map(Zeroizing::new).map_err(SealError::of)
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

/// Why a file does not open, or cannot be sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// It cannot be sealed.
    #[error("the file cannot be sealed: {0}")]
    Sealing(String),
}

impl SealError {
    fn of(error: DecryptError) -> Self {
        match error {
            DecryptError::ExcessiveWork { .. } => Self::Work,
            DecryptError::KeyDecryptionFailed | DecryptError::DecryptionFailed => Self::Passphrase,
            // The bytes are at hand: what cannot be read of them is cut, or changed in the payload.
            DecryptError::InvalidMac | DecryptError::Io(_) => Self::Damaged,
            _ => Self::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn what_was_sealed_opens_with_its_passphrase_alone() {
        let passphrase = Passphrase::new("네 단어로 된 문장".to_owned());
        let content = vec![7; 200_000];
        let file = passphrase.seal(&content).unwrap();
        assert_eq!(*passphrase.open(&file).unwrap(), content);
        assert_ne!(passphrase.seal(&content).unwrap(), file);
        let other = Passphrase::new("another".to_owned());
        assert_eq!(other.open(&file).unwrap_err(), SealError::Passphrase);
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open_and_says_why() {
        let passphrase = Passphrase::new("password".to_owned());
        let file = passphrase.seal(&[7; 70_000]).unwrap();
        let changed = |place: usize| {
            let mut changed = file.clone();
            changed[place] ^= 1;
            passphrase.open(&changed).unwrap_err()
        };
        assert_eq!(changed(0), SealError::Malformed);
        assert_eq!(changed(file.len() - 1), SealError::Damaged);
        assert_eq!(changed(file.len() - 69_000), SealError::Damaged);
        assert_eq!(passphrase.open(&file[..file.len() - 1]).unwrap_err(), SealError::Damaged);
        assert_eq!(passphrase.open(b"").unwrap_err(), SealError::Malformed);
        let text = String::from_utf8_lossy(&file[..40]).into_owned();
        assert!(text.starts_with("age-encryption.org/v1\n-> scrypt "), "{text}");
    }

    #[test]
    fn a_file_that_asks_for_too_much_work_is_not_tried() {
        let passphrase = Passphrase::new("password".to_owned());
        let file = passphrase.seal(b"content").unwrap();
        let end = file.iter().position(|&byte| byte == b'\n').unwrap();
        let line = end + 1 + file[end + 1..].iter().position(|&byte| byte == b'\n').unwrap();
        let mut greedy = file.clone();
        greedy[line - 2..line].copy_from_slice(b"40");
        assert_eq!(passphrase.open(&greedy).unwrap_err(), SealError::Work);
    }
}
