//! Columns.

/// Between two columns.
const GAP: &str = "  ";

/// Rows in columns that are as wide as they must be; no line ends in blanks.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| shown(cell)).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| {
            let missing = width.saturating_sub(shown(cell));
            format!("{cell}{}", " ".repeat(missing))
        });
        padded.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Names and facts, each name with a colon.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = facts.into_iter().map(|(name, fact)| vec![format!("{name}:"), fact]).collect();
    columns(&rows)
}

/// How wide a text is on a terminal: colours have no width.
fn shown(text: &str) -> usize {
    let mut width = 0;
    let mut in_colour = false;
    for char in text.chars() {
        match (in_colour, char) {
            (false, '\x1b') => in_colour = true,
            (false, _) => width += 1,
            (true, 'm') => in_colour = false,
            (true, _) => {}
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::{columns, facts};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[row(["a", "long", "x"]), row(["bbb", "\x1b[1mc\x1b[0m", ""])]);
        assert_eq!(text, "a    long  x\nbbb  \x1b[1mc\x1b[0m");
        assert_eq!(columns(&[]), "");
    }

    #[test]
    fn facts_have_colons() {
        let told = facts([("Stack", "hokku-12".to_owned()), ("Web URL", "https://x/".to_owned())]);
        assert_eq!(told, "Stack:    hokku-12\nWeb URL:  https://x/");
    }
}
