//! Plain tables: columns as wide as they need, and no line wider than the terminal.

use super::width::{self, filled, wrapped};
use crate::backends::outside;

/// The narrowest that a column is made for want of room.
const NARROWEST: usize = 8;

/// The narrowest in which a text of several lines reads well.
const READABLE: usize = 20;

/// Rows under a heading.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<T: Into<String>>(heading: impl IntoIterator<Item = T>) -> Self {
        Self { rows: vec![heading.into_iter().map(|name| tidy(name.into())).collect()] }
    }

    /// Adds a row. What is invisible or steers a terminal is taken out of foreign texts.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(tidy).collect());
    }

    /// The table, in lines of at most `width` columns of the terminal. Where no person reads it there is no limit and
    /// nothing is cut. What does not fit goes on in the next line, under its own heading: a command that is cut cannot be
    /// run. Where words would have to be broken, or a text would be a tall thin column, each row becomes a paragraph with its
    /// headings in front.
    pub(super) fn text(&self, width: Option<usize>) -> String {
        let mut widths = self.widest(width::of);
        if let Some(width) = width {
            let words = self.widest(|cell| cell.split(' ').map(width::of).max().unwrap_or_default());
            let whole = widths.clone();
            shrink(&mut widths, &words, width);
            let is_squeezed = widths.iter().zip(&whole).any(|(width, whole)| width < whole && *width < READABLE);
            if is_squeezed || total(&widths) > width {
                match self.paragraphs(width) {
                    Some(text) => return text,
                    None => shrink(&mut widths, &vec![NARROWEST; words.len()], width),
                }
            }
        }
        self.rows.iter().flat_map(|row| lines(row, &widths)).collect::<Vec<_>>().join("\n")
    }

    fn widest(&self, of: impl Fn(&str) -> usize) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(of(cell));
            }
        }
        widths
    }

    /// Each row with its headings in front, if that leaves more room than the columns side by side.
    fn paragraphs(&self, width: usize) -> Option<String> {
        let (heading, rows) = self.rows.split_first()?;
        let widest = heading.iter().map(|name| width::of(name)).max().unwrap_or_default();
        let room = width.checked_sub(widest + 2).filter(|room| *room >= 2 * NARROWEST)?;
        if heading.len() < 3 || heading.iter().any(String::is_empty) || rows.is_empty() {
            return None;
        }
        let paragraph = |row: &Vec<String>| {
            let filled = heading.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            let pairs = filled.flat_map(|(name, cell)| lines(&[name.clone(), cell.clone()], &[widest, room]));
            pairs.collect::<Vec<_>>().join("\n")
        };
        Some(rows.iter().map(paragraph).collect::<Vec<_>>().join("\n\n"))
    }
}

fn tidy(text: String) -> String {
    outside::clean(text).chars().filter(|c| !c.is_control()).collect()
}

/// One row, in as many lines as its highest cell needs.
fn lines(row: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts = cells.iter().zip(widths).map(|(cell, width)| {
            let text = cell.get(at).map(String::as_str).unwrap_or_default();
            filled(text, *width)
        });
        parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2
}

/// Takes room from the widest column that is wider than its limit, and then from the next, until the line fits.
fn shrink(widths: &mut [usize], limits: &[usize], width: usize) {
    while total(widths) > width {
        let shrinkable = widths.iter_mut().zip(limits).filter(|(width, limit)| **width > **limit);
        let Some((widest, _)) = shrinkable.max_by_key(|(width, _)| **width) else { return };
        *widest -= 1;
    }
}
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table {
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
            table().text(Some(50)),
            "NAME  LOGIN                      WHO\n\
             box   not signed in: `keyward    alice@example.com\n      login box`"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut table = Table::new(["A"]);
        table.row(["x\x1b[2J\u{9b}y\r\n".into()]);
        assert_eq!(table.text(None), "A\nx[2Jy");
    }

    #[test]
    fn where_words_would_be_broken_each_row_is_a_paragraph() {
        assert_eq!(
            table().text(Some(32)),
            "NAME   box\nLOGIN  not signed in: `keyward\n       login box`\nWHO    alice@example.com"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_and_no_letter_is_lost(a in "[a-z 日\u{301}]{0,60}", b in "[a-z ]{0,60}", width in 26_usize..90) {
            let mut table = Table::new(["A", "B"]);
            table.row([a.clone(), b.clone()]);
            let text = table.text(Some(width));
            for line in text.lines() {
                prop_assert!(width::of(line) <= width, "{line}");
            }
            let mut sent: Vec<char> = format!("AB{a}{b}").chars().filter(|c| *c != ' ').collect();
            let mut seen: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            sent.sort_unstable();
            seen.sort_unstable();
            prop_assert_eq!(sent, seen);
        }
    }
}
