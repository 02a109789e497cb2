//! Tables for people.

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

/// A table with a header; `empty` where there are no rows.
pub(super) fn table(
    header: &[impl AsRef<str>],
    rows: impl IntoIterator<Item = Vec<String>>,
    empty: &str,
) -> String {
    let mut table = Table::new();
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>());
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(header.iter().map(|name| plain(name.as_ref())).collect::<Vec<_>>())
        .add_rows(rows);
    if table.is_empty() { empty.to_owned() } else { table.to_string() }
}

/// Text that others wrote, without what would steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_steers_the_terminal() {
        let shown = table(&["a"], [vec!["x\u{1b}[2Jy\rz".to_owned()]], "none");
        assert!(shown.contains("x\u{fffd}[2Jy\u{fffd}z"), "{shown}");
        assert_eq!(table(&["a"], Vec::new(), "none"), "none");
    }
}
