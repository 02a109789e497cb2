//! Tables for people.

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

/// A table with a header; `empty` where there are no rows.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, empty: &str) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec()).add_rows(rows);
    if table.is_empty() { empty.to_owned() } else { table.to_string() }
}
