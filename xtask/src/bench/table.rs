//! Tables of Markdown.
//!
//! Padded, because records are read as text in a terminal as often as they are rendered.

/// A table with a header; cells are Markdown. Numbers, in all columns but the first, are to the right.
pub fn markdown(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let title = header.get(column).map_or(0, |title| title.chars().count());
        cells.chain([title, 3]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let header: Vec<String> = header.iter().map(|&title| title.to_owned()).collect();
    let rule: Vec<String> = widths.iter().enumerate().map(|(column, &width)| rule(column, width)).collect();
    let lines = [&header, &rule].into_iter().chain(rows).map(|cells| line(cells, &widths));
    lines.collect()
}

fn rule(column: usize, width: usize) -> String {
    let dashes = "-".repeat(width - 1);
    if column == 0 { format!("{dashes}-") } else { format!("{dashes}:") }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| match column {
        0 => format!("| {cell:width$} "),
        _ => format!("| {cell:>width$} "),
    });
    cells.chain(["|\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["–long–".to_owned(), "1,000".to_owned()]];
        let expected = "\
| name   |   CPU |
| ------ | ----: |
| a      |     1 |
| –long– | 1,000 |
";
        assert_eq!(markdown(&["name", "CPU"], &rows), expected);
    }
}
