//! Lines of standard input: UTF-8, one message each, bounded.

use std::io::BufRead;

use tokio::sync::mpsc;

/// What came between two line breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line with something in it, without its end.
    Text(String),
    /// A line that is not UTF-8.
    NotText,
    /// A line over the limit; it was skipped.
    TooLong,
}

/// Reads lines on a thread of its own until the input ends or nobody wants them.
pub(super) fn read(mut input: Box<dyn BufRead + Send>, limit: usize) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut is_first = true;
        while let Some(line) = next(&mut *input, limit, &mut is_first) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line that is not blank; `None` at the end. A last line without a break counts.
fn next(input: &mut dyn BufRead, limit: usize, is_first: &mut bool) -> Option<Line> {
    loop {
        let mut bytes = Vec::new();
        let mut is_long = false;
        let ended = loop {
            let available = match input.fill_buf() {
                Ok([]) | Err(_) => break true,
                Ok(available) => available,
            };
            let (part, used, is_end) = match memchr::memchr(b'\n', available) {
                Some(at) => (available.get(..at).unwrap_or_default(), at + 1, true),
                None => (available, available.len(), false),
            };
            if !is_long && bytes.len() + part.len() <= limit {
                bytes.extend_from_slice(part);
            } else {
                // The rest of the line is read and forgotten, so that memory stays bounded.
                is_long = true;
                bytes = Vec::new();
            }
            input.consume(used);
            if is_end {
                break false;
            }
        };
        if is_long {
            *is_first = false;
            return Some(Line::TooLong);
        }
        let is_blank = bytes.iter().all(u8::is_ascii_whitespace);
        if !is_blank {
            let line = text(bytes, *is_first);
            *is_first = false;
            return Some(line);
        }
        if ended {
            return None;
        }
    }
}

fn text(bytes: Vec<u8>, is_first: bool) -> Line {
    match String::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{feff}').filter(|_| is_first) {
            Some(rest) => Line::Text(rest.to_owned()),
            None => Line::Text(text),
        },
        Err(_) => Line::NotText,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Vec<Line> {
        // A tiny buffer, so that lines are put together from pieces.
        let mut input = BufReader::with_capacity(3, Cursor::new(bytes.to_vec()));
        let mut is_first = true;
        std::iter::from_fn(|| next(&mut input, limit, &mut is_first)).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn breaks_blanks_a_mark_and_a_missing_end_are_accepted() {
        assert_eq!(lines(b"", 9), []);
        assert_eq!(lines(b"\n\r\n  \n", 9), []);
        assert_eq!(lines(b"a\nb\r\nc", 9), [text("a"), text("b\r"), text("c")]);
        assert_eq!(lines("\u{feff}a\n\u{feff}b\n".as_bytes(), 9), [text("a"), text("\u{feff}b")]);
    }

    #[test]
    fn a_long_line_is_skipped_to_its_end() {
        assert_eq!(lines(b"12345\n123456\n12345\n", 5), [text("12345"), Line::TooLong, text("12345")]);
        assert_eq!(lines(b"123456", 5), [Line::TooLong]);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_apart() {
        assert_eq!(lines(b"\xff\xfe\na\n", 9), [Line::NotText, text("a")]);
    }
}
