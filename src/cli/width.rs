//! How wide text is on a terminal: a letter can take two columns, or none of its own.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that the text takes.
pub(super) fn of(text: &str) -> usize {
    text.width()
}

/// The columns that a letter takes.
pub(super) fn of_letter(letter: char) -> usize {
    letter.width().unwrap_or_default()
}

/// The text, and blanks up to this width.
pub(super) fn filled(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(of(text))))
}

/// The text in lines of at most `width` columns, broken between words where there is a place to.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut taken) = (String::new(), 0_usize);
    for word in text.split(' ') {
        if taken > 0 && taken + 1 + of(word) > width {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        } else if taken > 0 {
            line.push(' ');
            taken += 1;
        }
        for letter in word.chars() {
            let wide = of_letter(letter);
            // What has no width of its own stays with the letter before it.
            if wide > 0 && taken > 0 && taken + wide > width {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push(letter);
            taken += wide;
        }
    }
    lines.push(line);
    lines
}

/// The same for text of several lines; where nobody reads it, it stays as it is.
pub(super) fn folded(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    text.split('\n').flat_map(|line| wrapped(line, width)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns_and_combining_ones_stay_with_their_letter() {
        assert_eq!((of("日本語"), of("e\u{301}a"), of("naïve")), (6, 2, 5));
        assert_eq!(filled("日本", 6), "日本  ");
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(wrapped("ab cd", 1), ["a", "b", "c", "d"]);
    }
}
