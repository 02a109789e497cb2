//! What PostgreSQL's output plugin `pgoutput` says of committed transactions: the messages of its protocol's version 1
//! (PostgreSQL's documentation, "Logical Replication Message Formats"), as far as the watch reads them.
//!
//! Our own few lines, and not a crate's: those there are bring a whole client with a TLS of its own.

use prost::bytes::{Buf as _, Bytes};

/// The most columns a table of PostgreSQL has.
const MAX_COLUMNS: usize = 1_664;

/// A message that is not of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of logical replication is not of its form: {0}")]
pub struct Malformed(&'static str);

type Result<T> = std::result::Result<T, Malformed>;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A committed transaction begins.
    Begin(Begin),
    /// It ends.
    Commit(Commit),
    /// What a table looks like; before its first change, and when it has changed.
    Relation(Relation),
    /// A row came to be.
    Insert {
        /// The table.
        relation: u32,
        /// The row.
        new: Tuple,
    },
    /// A row changed.
    Update {
        /// The table.
        relation: u32,
        /// Its key as it was, or all of it, where the key changed or the table is so set up.
        old: Option<Tuple>,
        /// The row after.
        new: Tuple,
    },
    /// A row is gone.
    Delete {
        /// The table.
        relation: u32,
        /// Its key, the other columns NULL; or all of it.
        old: Tuple,
    },
    /// Tables were emptied.
    Truncate {
        /// The tables.
        relations: Vec<u32>,
    },
    /// Nothing that the watch needs: a type, an origin, a message.
    Other,
}

/// The beginning of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// When it was committed, microseconds since 2000-01-01 00:00 UTC.
    pub committed_at: i64,
    /// Its number, as the server's log and `xmin` tell it.
    pub xid: u32,
}

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Where in the write-ahead log it has ended: unique, and growing from commit to commit.
    pub end: u64,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its object id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its columns, in the order of the tuples.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The object id of its type.
    pub of: u32,
}

/// A row's values, in the order of the columns.
pub type Tuple = Vec<Datum>;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// None.
    Null,
    /// A long value that did not change, and is not told.
    Unchanged,
    /// As text, where its type has no other form.
    Text(Bytes),
    /// In its type's binary form.
    Binary(Bytes),
}

impl Message {
    /// Reads one message, whole.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        let mut input = Input(bytes);
        let message = match input.u8()? {
            b'B' => {
                input.u64()?;
                Self::Begin(Begin { committed_at: input.u64()?.cast_signed(), xid: input.u32()? })
            }
            b'C' => {
                input.skip(1 + 8)?;
                let end = input.u64()?;
                input.skip(8)?;
                Self::Commit(Commit { end })
            }
            b'R' => Self::Relation(input.relation()?),
            b'I' => {
                let relation = input.u32()?;
                input.expect(b'N')?;
                Self::Insert { relation, new: input.tuple()? }
            }
            b'U' => {
                let relation = input.u32()?;
                let (old, mark) = match input.u8()? {
                    b'K' | b'O' => (Some(input.tuple()?), input.u8()?),
                    mark => (None, mark),
                };
                is(mark, b'N')?;
                Self::Update { relation, old, new: input.tuple()? }
            }
            b'D' => {
                let relation = input.u32()?;
                match input.u8()? {
                    b'K' | b'O' => Self::Delete { relation, old: input.tuple()? },
                    _ => return Err(Malformed("an unknown kind of tuple")),
                }
            }
            b'T' => Self::Truncate { relations: input.truncated()? },
            b'Y' | b'O' | b'M' => return Ok(Self::Other),
            _ => return Err(Malformed("an unknown kind of message")),
        };
        if input.0.has_remaining() { Err(Malformed("more than its parts")) } else { Ok(message) }
    }
}

/// What is left to read of a message.
struct Input(Bytes);

impl Input {
    fn need(&self, count: usize) -> Result<()> {
        if self.0.remaining() < count { Err(Malformed("it is cut off")) } else { Ok(()) }
    }

    fn skip(&mut self, count: usize) -> Result<()> {
        self.need(count)?;
        self.0.advance(count);
        Ok(())
    }

    fn u8(&mut self) -> Result<u8> {
        self.need(1)?;
        Ok(self.0.get_u8())
    }

    fn u16(&mut self) -> Result<u16> {
        self.need(2)?;
        Ok(self.0.get_u16())
    }

    fn u32(&mut self) -> Result<u32> {
        self.need(4)?;
        Ok(self.0.get_u32())
    }

    fn u64(&mut self) -> Result<u64> {
        self.need(8)?;
        Ok(self.0.get_u64())
    }

    fn expect(&mut self, mark: u8) -> Result<()> {
        is(self.u8()?, mark)
    }

    /// Text that ends with a zero byte.
    fn text(&mut self) -> Result<String> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or(Malformed("a name has no end"))?;
        let text = self.0.split_to(end);
        self.0.advance(1);
        String::from_utf8(text.into()).map_err(|_| Malformed("a name is not UTF-8"))
    }

    fn relation(&mut self) -> Result<Relation> {
        let id = self.u32()?;
        self.text()?;
        let name = self.text()?;
        // How its rows are told apart.
        self.skip(1)?;
        let count = self.columns()?;
        let columns = (0..count).map(|_| self.column()).collect::<Result<_>>()?;
        Ok(Relation { id, name, columns })
    }

    fn column(&mut self) -> Result<Column> {
        self.skip(1)?;
        let column = Column { name: self.text()?, of: self.u32()? };
        // Its modifier, such as a length.
        self.skip(4)?;
        Ok(column)
    }

    fn columns(&mut self) -> Result<usize> {
        match usize::from(self.u16()?) {
            count @ 0..=MAX_COLUMNS => Ok(count),
            _ => Err(Malformed("more columns than a table has")),
        }
    }

    fn tuple(&mut self) -> Result<Tuple> {
        let count = self.columns()?;
        (0..count).map(|_| self.datum()).collect()
    }

    fn datum(&mut self) -> Result<Datum> {
        Ok(match self.u8()? {
            b'n' => Datum::Null,
            b'u' => Datum::Unchanged,
            b't' => Datum::Text(self.value()?),
            b'b' => Datum::Binary(self.value()?),
            _ => return Err(Malformed("an unknown kind of value")),
        })
    }

    fn value(&mut self) -> Result<Bytes> {
        let length = self.u32()? as usize;
        self.need(length)?;
        Ok(self.0.split_to(length))
    }

    fn truncated(&mut self) -> Result<Vec<u32>> {
        let count = self.u32()? as usize;
        // Whether those that refer to them, and whether their sequences.
        self.skip(1)?;
        self.need(count.saturating_mul(4))?;
        (0..count).map(|_| self.u32()).collect()
    }
}

fn is(found: u8, mark: u8) -> Result<()> {
    if found == mark { Ok(()) } else { Err(Malformed("an unknown kind of tuple")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn parse(parts: &[&[u8]]) -> Result<Message> {
        Message::parse(parts.concat().into())
    }

    #[test]
    fn a_relation_and_an_update_of_its_key_are_read() {
        let relation = parse(&[
            b"R\0\0\0\x07public\0grades\0d\0\x02\x01learner\0\0\0\0\x19\xff\xff\xff\xff",
            &[0, b's', 0, 0, 0, 0, 20, 255, 255, 255, 255],
        ]);
        let column = |name: &str, of| Column { name: name.to_owned(), of };
        let columns = vec![column("learner", 25), column("s", 20)];
        let expected = Relation { id: 7, name: "grades".to_owned(), columns };
        assert_eq!(relation, Ok(Message::Relation(expected)));

        let update = parse(&[b"U\0\0\0\x07K\0\x02b\0\0\0\x01An", b"N\0\x02b\0\0\0\x01Bu"]);
        let old = Some(vec![Datum::Binary("A".into()), Datum::Null]);
        let new = vec![Datum::Binary("B".into()), Datum::Unchanged];
        assert_eq!(update, Ok(Message::Update { relation: 7, old, new }));
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_refused() {
        let whole = b"I\0\0\0\x07N\0\x01t\0\0\0\x02ab";
        assert!(Message::parse(Bytes::from_static(whole)).is_ok());
        for length in 0..whole.len() {
            assert!(Message::parse(Bytes::from_static(&whole[..length])).is_err(), "{length}");
        }
        assert!(parse(&[whole, b"x"]).is_err());
        assert!(parse(&[b"T\xff\xff\xff\xff\0"]).is_err());
        assert!(parse(&[b"Z"]).is_err());
    }
}
