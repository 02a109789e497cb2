//! What PostgreSQL tells the watch of its write-ahead log.

use sillok_gateway::records::pgoutput::{Datum, Message, Relation, Tuple};

/// A message that is read is written the same, but for what the watch does not keep.
pub fn check(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes.to_vec().into()) else { return };
    let (kind, length) = (bytes[0], bytes.len());
    match message {
        Message::Begin(_) => assert_eq!((kind, length), (b'B', 21)),
        Message::Commit(commit) => {
            assert_eq!((kind, length), (b'C', 26));
            assert_eq!(bytes[10..18], commit.end.to_be_bytes());
        }
        Message::Relation(relation) => assert_eq!((kind, length), (b'R', length_of(&relation, bytes))),
        Message::Insert { relation, new } => {
            assert_eq!(bytes, [&b"I"[..], &relation.to_be_bytes(), &marked(b'N', &new)].concat());
        }
        Message::Update { relation, old, new } => {
            let old = old.map(|old| marked(bytes[5], &old)).unwrap_or_default();
            assert_eq!(bytes, [&b"U"[..], &relation.to_be_bytes(), &old, &marked(b'N', &new)].concat());
        }
        Message::Delete { relation, old } => {
            assert_eq!(bytes, [&b"D"[..], &relation.to_be_bytes(), &marked(bytes[5], &old)].concat());
        }
        Message::Truncate { relations } => assert_eq!((kind, length), (b'T', 6 + 4 * relations.len())),
        Message::Other => assert!(b"YOM".contains(&kind)),
    }
}

fn length_of(relation: &Relation, bytes: &[u8]) -> usize {
    let schema = bytes[5..].iter().position(|byte| *byte == 0).expect("its schema's name ends");
    let columns: usize = relation.columns.iter().map(|column| column.name.len() + 10).sum();
    10 + schema + relation.name.len() + columns
}

fn marked(mark: u8, tuple: &Tuple) -> Vec<u8> {
    let count = u16::try_from(tuple.len()).expect("a table has few columns").to_be_bytes();
    let mut bytes = vec![mark, count[0], count[1]];
    for datum in tuple {
        let (kind, value) = match datum {
            Datum::Null => (b'n', None),
            Datum::Unchanged => (b'u', None),
            Datum::Text(value) => (b't', Some(value)),
            Datum::Binary(value) => (b'b', Some(value)),
        };
        bytes.push(kind);
        if let Some(value) = value {
            bytes.extend(u32::try_from(value.len()).expect("it was read").to_be_bytes());
            bytes.extend_from_slice(value);
        }
    }
    bytes
}
