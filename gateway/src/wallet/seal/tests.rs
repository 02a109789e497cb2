//! The format's own vectors, and that nothing changed or cut opens.

use std::{fs, path::Path};

use sillok_contract::digest::sha256;

use super::*;

/// A vector: what must come of it, and the file.
struct Vector {
    name: String,
    header: String,
    file: Vec<u8>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wallet/seal/vectors");
        let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_none()).map(|path| Self::read(&path)).collect()
    }

    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let header = String::from_utf8(bytes[..=end].to_vec()).unwrap();
        Self { name, header, file: bytes[end + 2..].to_vec() }
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Holds what came of it against what must.
    fn expect(&self, content: Option<&[u8]>) {
        let expected = self.member("expect").unwrap();
        assert_eq!(content.is_some(), expected == "success", "{}", self.name);
        if let Some(content) = content {
            assert_eq!(hex::encode(sha256(&[content])), self.member("payload").unwrap(), "{}", self.name);
        }
    }
}

#[test]
fn files_under_a_passphrase_open_or_not_as_the_format_says() {
    let mut tried = 0;
    for vector in Vector::all().iter().filter(|vector| vector.name.starts_with("scrypt")) {
        let passphrase = Passphrase::new(vector.member("passphrase").unwrap_or("password").to_owned());
        let opened = Seal::open(&vector.file, &passphrase);
        vector.expect(opened.as_ref().ok().map(|(_, content)| content.as_slice()));
        if vector.name == "scrypt_no_match" {
            assert_eq!(opened.unwrap_err(), SealError::Passphrase);
        }
        tried += 1;
    }
    assert!(tried > 20, "the vectors are there");
}

#[test]
fn payloads_open_or_not_as_the_format_says() {
    let mut tried = 0;
    for vector in Vector::all().iter().filter(|vector| vector.name.starts_with("stream")) {
        let key: [u8; 16] = hex::decode(vector.member("file key").unwrap()).unwrap().try_into().unwrap();
        let mac = vector.file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 1;
        let end = mac + vector.file[mac..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
        vector.expect(opened(&key, &vector.file[end..]).as_ref().map(|content| content.as_slice()));
        tried += 1;
    }
    assert!(tried > 5, "the vectors are there");
}

#[test]
fn what_was_sealed_opens_with_its_passphrase_alone_and_seals_again() {
    let passphrase = Passphrase::new("네 단어로 된 문장".to_owned());
    let seal = Seal::new(&passphrase).unwrap();
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let content: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
        let file = seal.close(&content).unwrap();
        assert_eq!(
            opened(&seal.key, &file[seal.header.len()..]).unwrap().as_slice(),
            content,
            "{size} bytes"
        );
        assert_ne!(seal.close(&content).unwrap(), file, "each time under a nonce of its own");
    }
    let (again, content) = Seal::open(&seal.close(b"first").unwrap(), &passphrase).unwrap();
    assert_eq!(content.as_slice(), b"first");
    let (_, content) = Seal::open(&again.close(b"second").unwrap(), &passphrase).unwrap();
    assert_eq!(content.as_slice(), b"second");
    let other = Passphrase::new("another".to_owned());
    assert_eq!(Seal::open(&again.close(b"").unwrap(), &other).unwrap_err(), SealError::Passphrase);
}

#[test]
fn nothing_that_was_changed_cut_or_put_in_another_place_opens() {
    let seal = Seal::new(&Passphrase::new("password".to_owned())).unwrap();
    let content = vec![7; 2 * CHUNK + 5];
    let file = seal.close(&content).unwrap();
    let payload = &file[seal.header.len()..];
    let is_opened = |payload: &[u8]| opened(&seal.key, payload).is_some();
    assert!(is_opened(payload));
    for place in (0..payload.len()).step_by(997).chain([payload.len() - 1]) {
        let mut changed = payload.to_vec();
        changed[place] ^= 1;
        assert!(!is_opened(&changed), "byte {place}");
        assert!(!is_opened(&payload[..place]), "{place} bytes");
    }
    let (nonce, chunks) = payload.split_at(16);
    let chunk = CHUNK + TAG;
    for order in [[1, 0], [0, 0], [1, 1]] {
        let moved = order.map(|number| &chunks[number * chunk..(number + 1) * chunk]).concat();
        assert!(!is_opened(&[nonce, &moved, &chunks[2 * chunk..]].concat()), "{order:?}");
    }
    assert!(!is_opened(&[payload, b"more"].concat()));
}

#[test]
fn the_head_is_all_or_nothing() {
    let passphrase = Passphrase::new("password".to_owned());
    let vector = Vector::all().into_iter().find(|vector| vector.name == "scrypt").unwrap();
    assert!(Seal::open(&vector.file, &passphrase).is_ok());
    let head = vector.file.len() - Header::parse(&vector.file).unwrap().payload.len();
    for place in 0..head {
        for change in [1, 32, 128] {
            let mut changed = vector.file.clone();
            changed[place] ^= change;
            // A digit of the work that grows would only take long.
            if Header::parse(&changed).is_some_and(|header| header.work > 12) {
                continue;
            }
            assert!(Seal::open(&changed, &passphrase).is_err(), "byte {place} by {change}");
        }
        assert_eq!(Seal::open(&vector.file[..place], &passphrase).unwrap_err(), SealError::Malformed);
    }
}
