//! Forms, read back by a strict parser that shares nothing with the writer.

use bytes::Bytes;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;

/// One part: its name, its file's name, its media type and its content.
#[derive(Debug, PartialEq)]
struct Part {
    name: String,
    file_name: Option<String>,
    media: Option<String>,
    content: Vec<u8>,
}

/// The first place of `what`.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Reads RFC 7578 with exactly one way of writing each thing; panics at anything else.
fn parse(body: &[u8], media: &str) -> Vec<Part> {
    let boundary = media.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    assert!(boundary.len() <= 70 && boundary.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut left = body.strip_prefix(first.as_bytes()).expect("the first boundary");
    let mut parts = Vec::new();
    while left != b"--\r\n" {
        left = left.strip_prefix(b"\r\n").expect("the end of the boundary's line");
        let end = find(left, b"\r\n\r\n").expect("the end of the head");
        let head = std::str::from_utf8(&left[..end]).expect("UTF-8");
        left = &left[end + 4..];
        let end = find(left, next.as_bytes()).expect("the next boundary");
        parts.push(part(head, left[..end].to_vec()));
        left = &left[end + next.len()..];
    }
    parts
}

fn part(head: &str, content: Vec<u8>) -> Part {
    let mut lines = head.split("\r\n");
    let line = lines.next().expect("a line");
    let line = line.strip_prefix("content-disposition: form-data; name=\"").expect("a disposition");
    let (name, line) = line.split_once('"').expect("the end of the name");
    let file_name = match line {
        "" => None,
        line => {
            let inner = line.strip_prefix("; filename=\"").and_then(|line| line.strip_suffix('"'));
            Some(inner.filter(|name| !name.contains('"')).expect("a file's name").to_owned())
        }
    };
    let media = lines.next().map(|line| line.strip_prefix("content-type: ").expect("a media type").to_owned());
    assert_eq!(lines.next(), None);
    assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{head:?}");
    Part { name: name.to_owned(), file_name, media, content }
}

/// As the standard's readers undo it.
fn unquoted(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

/// The whole body, and the length it was said to have.
fn written(fields: &[(&str, &str)], file_name: &str, content: &[u8]) -> (Vec<u8>, String) {
    let (send, source) = mpsc::channel(16);
    for piece in content.chunks(7) {
        send.try_send(Ok(Bytes::copy_from_slice(piece))).expect("room");
    }
    drop(send);
    let form = fields.iter().fold(Form::new().expect("a form"), |form, (name, text)| form.field(name, text));
    let (pieces, media) = form.file("file", file_name, Pieces::new(content.len() as u64, source));
    let length = pieces.length();
    let body = pieces.whole();
    assert_eq!(body.len() as u64, length);
    (body, media)
}

#[test]
fn a_form_is_read_back_as_it_was_filled_in() {
    let fields = [("name", "a \"b\" ä.txt"), ("Filename", "x"), ("fullpath", ""), ("note", "two\r\nlines\n")];
    let (body, media) = written(&fields, "a \"b\" ä\r\n.txt", b"one\r\n--two");
    let text = |name: &str, text: &str| Part {
        name: name.to_owned(),
        file_name: None,
        media: None,
        content: text.as_bytes().to_vec(),
    };
    let mut expected: Vec<Part> = fields.iter().map(|(name, value)| text(name, value)).collect();
    expected.push(Part {
        name: "file".to_owned(),
        file_name: Some("a %22b%22 ä%0D%0A.txt".to_owned()),
        media: Some("application/octet-stream".to_owned()),
        content: b"one\r\n--two".to_vec(),
    });
    assert_eq!(parse(&body, &media), expected);
}

#[test]
fn no_two_forms_have_the_same_boundary() {
    let boundaries: std::collections::BTreeSet<String> =
        (0..100).map(|_| Form::new().expect("a form").boundary).collect();
    assert_eq!(boundaries.len(), 100);
}

proptest! {
    #[test]
    fn whatever_is_in_a_field_a_name_or_the_file_stays_there(
        name in "[a-z\"\r\n;= -]{0,12}",
        text in "(?s).{0,40}",
        file_name in "(?s).{0,30}",
        content in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let (body, media) = written(&[(&name, &text)], &file_name, &content);
        let parts = parse(&body, &media);
        prop_assert_eq!(parts.len(), 2);
        prop_assert_eq!(unquoted(&parts[0].name), name);
        prop_assert_eq!(&parts[0].content, text.as_bytes());
        // `%22` in a name is not told from a quoted `"`: so the standard has it.
        prop_assert_eq!(unquoted(parts[1].file_name.as_deref().unwrap_or_default()), unquoted(&file_name));
        prop_assert_eq!(&parts[1].content, &content);
    }
}
