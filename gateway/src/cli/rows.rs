//! CSV files of many: a header line, then one row each.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, Trim};
use serde::de::DeserializeOwned;
use sillok_contract::Refusal;

use super::{Exit, Failure};

/// Where a value was read, to name it when it is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The arguments.
    Arguments,
    /// A line of a file, from 1.
    Line(PathBuf, u64),
}

impl Origin {
    /// The sentence with the line in front, if there is one.
    pub(super) fn name(&self, sentence: &str) -> String {
        match self {
            Self::Arguments => sentence.to_owned(),
            Self::Line(path, line) => format!("{} line {line}: {sentence}", path.display()),
        }
    }

    /// What stands there is wrong; nothing was begun.
    pub(super) fn wrong(&self, sentence: &str) -> Failure {
        Failure::usage(self.name(sentence))
    }

    /// The same, in the words of the contract.
    pub(super) fn refused(&self, refusal: &Refusal) -> Failure {
        Failure::new(Exit::Usage, refusal.code.as_str(), self.name(&refusal.message))
    }

    /// A file that stands there, relative to the file it stands in; where none does, the other.
    pub(super) fn file(&self, path: Option<PathBuf>, otherwise: &Option<PathBuf>) -> Option<PathBuf> {
        let resolve = |path: PathBuf| match self {
            Self::Line(csv, _) => csv.parent().unwrap_or(Path::new("")).join(path),
            Self::Arguments => path,
        };
        path.map(resolve).or_else(|| otherwise.clone())
    }
}

/// A value and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<T> {
    pub(super) origin: Origin,
    pub(super) value: T,
}

impl<T> Row<T> {
    /// The value made into another, or the failure that names the row.
    pub(super) fn try_map<U>(
        self,
        make: impl FnOnce(T, &Origin) -> Result<U, Failure>,
    ) -> Result<Row<U>, Failure> {
        let value = make(self.value, &self.origin)?;
        Ok(Row { origin: self.origin, value })
    }
}

/// Reads a whole file. Columns are named by the header; one that nobody knows is refused, an empty cell is absent.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<Row<T>>, Failure> {
    let malformed = |sentence: String| Failure::new(Exit::Usage, "csv.malformed", sentence);
    let mut reader = ReaderBuilder::new()
        .trim(Trim::All)
        .from_path(path)
        .map_err(|error| malformed(format!("{}: {error}", path.display())))?;
    let mut rows = Vec::new();
    // The position is taken before the row, for rows that cannot be read have none.
    let headers =
        reader.headers().map_err(|error| malformed(format!("{}: {error}", path.display())))?.clone();
    for record in reader.records() {
        let line = |position: Option<&csv::Position>| position.map_or(1, csv::Position::line);
        let record = record.map_err(|error| {
            let origin = Origin::Line(path.to_owned(), line(error.position()));
            malformed(origin.name(&unpositioned(&error)))
        })?;
        let origin = Origin::Line(path.to_owned(), line(record.position()));
        let value = record
            .deserialize(Some(&headers))
            .map_err(|error| malformed(origin.name(&unpositioned(&error))))?;
        rows.push(Row { origin, value });
    }
    if rows.is_empty() {
        return Err(malformed(format!("{} has no rows beside its header", path.display())));
    }
    Ok(rows)
}

/// What is wrong, without the crate's own words for where.
fn unpositioned(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("it is not UTF-8 ({err}); save the file as UTF-8"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::fs;

    use serde::Deserialize;
    use sillok_contract::id::LearnerId;

    use super::*;
    use crate::cli::when::When;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Columns {
        id: Option<LearnerId>,
        name: Option<String>,
        since: Option<When>,
    }

    fn read_text(text: impl AsRef<[u8]>) -> Result<Vec<Row<Columns>>, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("many.csv");
        fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn each_row_keeps_its_line() {
        let rows = read_text("\u{feff}id, since,name\nL1 ,now,\nL2,,\"a\nb\"\nL3,,\n").unwrap();
        let lines: Vec<_> = rows
            .iter()
            .map(|row| match &row.origin {
                Origin::Line(_, line) => (*line, row.value.id.as_ref().unwrap().as_str()),
                Origin::Arguments => unreachable!(),
            })
            .collect();
        assert_eq!(lines, [(2, "L1"), (3, "L2"), (5, "L3")]);
        assert_eq!((rows[0].value.since, rows[0].value.name.as_deref()), (Some(When::Now), None));
        assert_eq!((rows[1].value.since, rows[1].value.name.as_deref()), (None, Some("a\nb")));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, said) in [
            (&b"id,name,since\nL1,a,now\nL2,b,yesterday\n"[..], "line 3", "RFC 3339"),
            (b"id,name,since\nL1,a,now\n-x,b,now\n", "line 3", "begin with a letter"),
            (b"id,name,since\nL1,a\n", "line 2", "2 fields"),
            (b"id,nmae,since\nL1,a,now\n", "line 2", "nmae"),
            (b"id,name,since\nL1,\xb0\xa1,now\n", "line 2", "UTF-8"),
            (b"id,name,since\n", "", "no rows"),
            (b"", "", "no rows"),
        ] {
            let failure = read_text(text).unwrap_err();
            assert_eq!((failure.code.as_ref(), failure.exit), ("csv.malformed", Exit::Usage), "{failure:?}");
            assert!(failure.detail.contains(line) && failure.detail.contains(said), "{failure:?}");
        }
        assert!(read::<Columns>(Path::new("/nowhere/many.csv")).unwrap_err().detail.contains("many.csv"));
    }
}
