//! Server-sent events as they arrive (WHATWG HTML §9.2.6): any line ending, split anywhere, bounded.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// The largest event: an answer may travel in one.
pub const LARGEST: usize = 16 << 20;
/// The largest field that is not data.
const FIELD: usize = 64 << 10;

/// Whether an answer is a stream of events.
pub fn is_stream(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).map(|media| media.as_bytes().to_ascii_lowercase());
    media.is_some_and(|media| media.starts_with(b"text/event-stream"))
}

/// Reads a stream of events piece by piece.
#[derive(Debug, Default)]
pub struct Parser {
    /// The unfinished line.
    line: Vec<u8>,
    /// The data lines of the unfinished event, each followed by a line feed.
    data: Vec<u8>,
    /// Whether the event is of a type other than `message`.
    foreign: bool,
    /// A line feed at the start of the next piece belongs to the carriage return before it.
    after_return: bool,
    /// Whether the first line is over: only there a byte order mark is skipped.
    begun: bool,
    /// The id of the last event, with which an interrupted stream can be taken up again.
    last_id: Option<String>,
    /// The id of the unfinished event: it counts when the event is whole.
    next_id: Option<Option<String>>,
    /// The wait before that, in milliseconds.
    retry: Option<u64>,
}

/// An event is larger than [`LARGEST`].
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Parser {
    /// Takes the next piece and hands the data of each `message` event that it completes to `found`.
    pub fn feed(&mut self, mut piece: &[u8], mut found: impl FnMut(Vec<u8>)) -> Result<(), TooLarge> {
        if self.after_return && !piece.is_empty() {
            self.after_return = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, rest) = piece.split_at(end);
            self.grow(line)?;
            self.end_line(&mut found);
            piece = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_return = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        self.grow(piece)
    }

    /// The data of an event that the end of the stream cut short of its blank line: some servers leave it out.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let mut last = None;
        if !self.line.is_empty() {
            self.end_line(&mut |_| {});
        }
        self.dispatch(&mut |data| last = Some(data));
        last
    }

    /// Begins another stream that goes on where the last one ended.
    pub fn restart(&mut self) {
        *self = Self { last_id: self.last_id.take(), retry: self.retry, ..Self::default() };
    }

    /// The id of the last event that had one.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The wait before taking the stream up again, in milliseconds, if the server named one.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    fn grow(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        if self.line.len().saturating_add(self.data.len()).saturating_add(part.len()) > LARGEST {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, found: &mut impl FnMut(Vec<u8>)) {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        if line.is_empty() {
            if let Some(id) = self.next_id.take() {
                self.last_id = id;
            }
            self.dispatch(found);
            self.line = line;
            return;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if name == b"data" {
            // A large answer is one line: it is moved, not copied.
            if self.data.is_empty() {
                let skip = line.len().saturating_sub(value.len());
                line.drain(..skip);
                self.data = line;
                self.data.push(b'\n');
                return;
            }
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        } else if value.len() <= FIELD {
            self.field(name, &String::from_utf8_lossy(value));
        }
        line.clear();
        self.line = line;
    }

    fn field(&mut self, name: &[u8], value: &str) {
        match name {
            b"event" => self.foreign = !value.is_empty() && value != "message",
            b"id" if !value.contains('\0') => self.next_id = Some((!value.is_empty()).then(|| value.to_owned())),
            b"retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => self.retry = value.parse().ok(),
            // A comment has no name; other fields have no meaning.
            _ => {}
        }
    }

    fn dispatch(&mut self, found: &mut impl FnMut(Vec<u8>)) {
        let mut data = std::mem::take(&mut self.data);
        let foreign = std::mem::take(&mut self.foreign);
        data.pop();
        if !foreign && !data.is_empty() {
            found(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> (Vec<String>, Option<String>, Option<String>, Option<u64>) {
        let mut parser = Parser::default();
        let mut all = Vec::new();
        for piece in pieces {
            parser.feed(piece, |data| all.push(String::from_utf8(data).expect("text"))).expect("small");
        }
        let rest = parser.finish().map(|data| String::from_utf8(data).expect("text"));
        (all, rest, parser.last_id().map(str::to_owned), parser.retry())
    }

    #[test]
    fn lines_end_in_any_way_and_data_has_several_lines() {
        let stream = b"\xef\xbb\xbf: hello\r\nid: 7\r\nretry: 250\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: message\rdata: two\r\rdata:  x\n\n";
        let expected = vec!["{\"a\":\n1}".to_owned(), "two".to_owned(), " x".to_owned()];
        assert_eq!(events(&[stream]), (expected, None, Some("7".to_owned()), Some(250)));
    }

    #[test]
    fn other_events_empty_data_and_unknown_fields_are_passed_over() {
        let stream = b"event: endpoint\ndata: /messages\n\nid: 1\ndata:\n\ndata\n\nodd: x\nretry: soon\n\ndata: y\n\n";
        assert_eq!(events(&[stream]), (vec!["y".to_owned()], None, Some("1".to_owned()), None));
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        assert_eq!(events(&[b"data: a\n\ndata: b"]).1.as_deref(), Some("b"));
        assert_eq!(events(&[b"data: a\n\ndata: b\r\n"]).1.as_deref(), Some("b"));
        assert_eq!(events(&[b"data: a\n\n: nothing"]).1, None);
    }

    #[test]
    fn the_id_of_an_event_counts_when_the_event_is_whole() {
        let id = |stream: &[u8]| events(&[stream]).2;
        assert_eq!(id(b"id: 6\ndata: a\n\nid: 7\ndata: cut").as_deref(), Some("6"));
        assert_eq!(id(b"id: 6\ndata: a\n\nid: 7\ndata: b\n\n").as_deref(), Some("7"));
        assert_eq!(id(b"id: 6\ndata: a\n\nid\ndata: b\n\n"), None);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let outcome: Vec<_> = (0..17).map(|_| parser.feed(&piece, |_| {})).collect();
        assert_eq!(outcome.iter().position(Result::is_err), Some(16));
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        assert!((0..17).any(|_| parser.feed(&line, |_| {}).is_err()));
    }

    proptest! {
        #[test]
        fn a_stream_split_anywhere_has_the_same_events(
            lines in prop::collection::vec(
                ("(data: ?|event: ?|id: ?|retry: ?|:|x|\u{feff}|)[a-z0-9\u{e9} :]{0,6}", "(\r\n|\n|\r|\n\n|\r\r|\r\n\r\n)"), 0..20),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let stream: String = lines.into_iter().map(|(line, end)| line + &end).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&bytes[start..cut]);
                start = cut;
            }
            pieces.push(&bytes[start..]);
            prop_assert_eq!(events(&pieces), events(&[bytes]));
        }
    }
}
