//! `multipart/form-data` (RFC 7578) with one file, as browsers write it: a few fields, then the file, piece by piece and
//! with a length that is known before the first byte.

use crate::http::Pieces;

use super::folders::Fault;
use super::{Error, random};

/// A form that is being filled in. Fields are sent in the order in which they were added.
pub struct Form {
    boundary: String,
    fields: Vec<u8>,
}

impl Form {
    /// An empty form.
    pub fn new() -> Result<Self, Error> {
        // Content that holds the boundary would end its own part, and its author would write the next one.
        let random = random::text().ok_or_else(|| Error::File {
            path: "form".to_owned(),
            fault: Fault::System("the system gives no random numbers".to_owned()),
        })?;
        Ok(Self { boundary: format!("keyward-{random}"), fields: Vec::new() })
    }

    /// Adds a field. Its text is sent as it is.
    #[must_use]
    pub fn field(mut self, name: &str, text: &str) -> Self {
        self.open(name, "");
        self.fields.extend_from_slice(text.as_bytes());
        self.fields.extend_from_slice(b"\r\n");
        self
    }

    /// Ends the form with a file; the body, and the value of its `content-type`.
    #[must_use]
    pub fn file(mut self, name: &str, file_name: &str, content: Pieces) -> (Pieces, String) {
        let more = format!("; filename=\"{}\"\r\ncontent-type: application/octet-stream", quoted(file_name));
        self.open(name, &more);
        let end = format!("\r\n--{}--\r\n", self.boundary);
        let media = format!("multipart/form-data; boundary={}", self.boundary);
        (content.between(self.fields, end.into_bytes()), media)
    }

    fn open(&mut self, name: &str, more: &str) {
        let head =
            format!("--{}\r\ncontent-disposition: form-data; name=\"{}\"{more}\r\n\r\n", self.boundary, quoted(name));
        self.fields.extend_from_slice(head.as_bytes());
    }
}

/// A name between quotes as the WHATWG's HTML standard writes it: what would end the quotes or the line is encoded,
/// everything else stays UTF-8.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests;
