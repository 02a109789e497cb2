//! One thing in which database and ledger differ.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Origin, RowKey, fold::object};

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum DifferenceCode {
    /// A row is not as it was last recorded.
    #[serde(rename = "row.changed")]
    RowChanged,
    /// A recorded row is not there.
    #[serde(rename = "row.missing")]
    RowMissing,
    /// A row is there that came after all of its table had been adopted and was never recorded, or that was deleted.
    #[serde(rename = "row.injected")]
    RowInjected,
    /// A row is there that was never recorded, of a table that was not adopted whole for this learner: it may be from
    /// before Sillok, or somebody has slipped it in since.
    #[serde(rename = "row.unadopted")]
    RowUnadopted,
    /// An entry that the ledger has is not in the outbox.
    #[serde(rename = "outbox.missing")]
    OutboxMissing,
    /// The outbox has an entry of the ledger otherwise than the ledger.
    #[serde(rename = "outbox.altered")]
    OutboxAltered,
    /// The outbox has an entry that its signer has not asked for, or that is not of its form.
    #[serde(rename = "outbox.forged")]
    OutboxForged,
}

impl DifferenceCode {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RowChanged => "row.changed",
            Self::RowMissing => "row.missing",
            Self::RowInjected => "row.injected",
            Self::RowUnadopted => "row.unadopted",
            Self::OutboxMissing => "outbox.missing",
            Self::OutboxAltered => "outbox.altered",
            Self::OutboxForged => "outbox.forged",
        }
    }
}

/// A difference, named to the column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// What kind.
    pub code: DifferenceCode,
    /// A sentence for people.
    pub detail: String,
    /// The table.
    pub table: String,
    /// The row's key: its columns with their values. In the outbox, the entry's id.
    #[schema(value_type = Object)]
    pub key: Map<String, Value>,
    /// Each column in which they differ.
    pub columns: Vec<ColumnDifference>,
    /// The entry that the ledger's side rests on; absent where the ledger knows of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Origin>,
}

/// What both sides say about one column. A side that is absent has no such row, or no such column in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// What the database says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    pub database: Option<Value>,
    /// What the ledger says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<Value>)]
    pub ledger: Option<Value>,
}

/// A null that is there is not the same as nothing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Difference {
    /// Of a row.
    pub(super) fn of_row(
        code: DifferenceCode,
        key: &RowKey,
        database: Option<&[u8]>,
        ledger: Option<&[u8]>,
        since: Option<&Origin>,
    ) -> Self {
        let columns = columns(database, ledger);
        let names: Vec<_> = columns.iter().map(|column| column.column.as_str()).collect();
        let detail = match code {
            DifferenceCode::RowMissing => "the row was recorded and is not in the database".to_owned(),
            DifferenceCode::RowInjected if since.is_some() => {
                "the row was deleted, by the ledger, and is in the database".to_owned()
            }
            DifferenceCode::RowInjected => "the row is in the database and was never recorded".to_owned(),
            DifferenceCode::RowUnadopted => {
                "the row was never recorded, and its table was not adopted for this learner: if it is from before \
                 Sillok, an officer adopts it (sillok baseline); if not, it was slipped in"
                    .to_owned()
            }
            _ => format!("the database has another {} than was recorded", names.join(", ")),
        };
        let (table, key, since) = (key.table.clone(), key.columns(), since.cloned());
        Self { code, detail, table, key, columns, since }
    }
}

/// The columns in which two images differ. One that the image lacks was not protected yet when it was recorded: that is
/// a difference only where it holds something now.
pub(super) fn columns(database: Option<&[u8]>, ledger: Option<&[u8]>) -> Vec<ColumnDifference> {
    let (database, ledger) = (database.map(object), ledger.map(object));
    let both = database.is_some() && ledger.is_some();
    let (database, ledger) = (database.unwrap_or_default(), ledger.unwrap_or_default());
    let mut names: Vec<_> = database.keys().chain(ledger.keys()).collect();
    names.sort();
    names.dedup();
    let differs = |name: &&String| {
        let (one, other) = (database.get(*name), ledger.get(*name));
        let is_new = both && other.is_none() && one == Some(&Value::Null);
        one != other && !is_new
    };
    let difference = |name: &String| ColumnDifference {
        column: name.clone(),
        database: database.get(name).cloned(),
        ledger: ledger.get(name).cloned(),
    };
    names.into_iter().filter(differs).map(difference).collect()
}
