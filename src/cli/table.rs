//! Plain tables: columns as wide as they need, and no line wider than the terminal.

/// The narrowest that a column is made for want of room.
const NARROWEST: usize = 8;

/// Rows under a heading.
pub(super) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(super) fn new(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(String::from)] }
    }

    /// Adds a row. Control characters of foreign texts would reach the terminal, so they are taken out.
    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| cell.chars().filter(|c| !c.is_control()).collect()));
    }

    /// The table, in lines of at most `width` letters. Where no person reads it there is no limit and nothing is cut.
    /// What does not fit goes on in the next line, under its own heading: a command that is cut cannot be run.
    pub(super) fn text(&self, width: Option<usize>) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if let Some(width) = width {
            let mut words = [0; N];
            for row in &self.rows {
                for (longest, cell) in words.iter_mut().zip(row) {
                    let word = cell.split(' ').map(|word| word.chars().count()).max().unwrap_or_default();
                    *longest = (*longest).max(word);
                }
            }
            // Between words first; a word is broken only where nothing else helps.
            shrink(&mut widths, words, width);
            shrink(&mut widths, [NARROWEST; N], width);
        }
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, width)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or_default();
            for cell in &mut cells {
                cell.resize(height, String::new());
            }
            for at in 0..height {
                let line = cells.iter().zip(widths).map(|(cell, width)| {
                    let text = cell.get(at).map(String::as_str).unwrap_or_default();
                    format!("{text:<width$}")
                });
                lines.push(line.collect::<Vec<_>>().join("  ").trim_end().to_owned());
            }
        }
        lines.join("\n")
    }
}

/// Takes room from the widest column that is wider than its limit, and then from the next, until the line fits.
fn shrink<const N: usize>(widths: &mut [usize; N], limits: [usize; N], width: usize) {
    let between = N.saturating_sub(1) * 2;
    while widths.iter().sum::<usize>() + between > width {
        let shrinkable = widths.iter_mut().zip(limits).filter(|(width, limit)| **width > *limit);
        let Some((widest, _)) = shrinkable.max_by_key(|(width, _)| **width) else { return };
        *widest -= 1;
    }
}

/// The text in lines of at most `width` letters, broken between words where there is a place to.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let letters = word.chars().count();
        let taken = line.chars().count();
        if taken > 0 && taken + 1 + letters > width {
            lines.push(std::mem::take(&mut line));
        } else if taken > 0 {
            line.push(' ');
        }
        for letter in word.chars() {
            if line.chars().count() >= width.max(1) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["NAME", "LOGIN", "WHO"]);
        table.row(["box".into(), "not signed in: `keyward login box`".into(), "alice@example.com".into()]);
        table
    }

    #[test]
    fn a_table_that_nobody_reads_is_as_wide_as_it_needs() {
        assert_eq!(
            table().text(None),
            "NAME  LOGIN                               WHO\n\
             box   not signed in: `keyward login box`  alice@example.com"
        );
    }

    #[test]
    fn what_does_not_fit_goes_on_in_the_next_line() {
        assert_eq!(
            table().text(Some(40)),
            "NAME  LOGIN            WHO\n\
             box   not signed in:   alice@example.com\n      `keyward login\n      box`"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut table = Table::new(["A"]);
        table.row(["x\x1b[2J\u{9b}y\r\n".into()]);
        assert_eq!(table.text(None), "A\nx[2Jy");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_and_no_letter_is_lost(a in "[a-z ]{0,60}", b in "[a-z ]{0,60}", width in 26_usize..90) {
            let mut table = Table::new(["A", "B"]);
            table.row([a.clone(), b.clone()]);
            let text = table.text(Some(width));
            for line in text.lines() {
                prop_assert!(line.chars().count() <= width, "{line}");
            }
            let mut sent: Vec<char> = format!("AB{a}{b}").chars().filter(|c| *c != ' ').collect();
            let mut seen: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            sent.sort_unstable();
            seen.sort_unstable();
            prop_assert_eq!(sent, seen);
        }
    }
}
