//! Resources: things with an address that the host can read and hand to the model.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::host::Host;
use super::{Boxed, Completion, Error, Partial};

/// Something to read, or a family of them.
#[derive(Clone)]
pub struct Resource {
    /// Its address: `keyward://{connection}/…`, or what [`super::passage::Open`] makes of a server's own. That of a
    /// family ends in one variable, `…/{name}`, which stands for one percent-encoded path segment.
    pub uri: String,
    /// What kind of address that is.
    pub form: Form,
    /// Unique among the connection's resources.
    pub name: Cow<'static, str>,
    /// A few words for people.
    pub title: Cow<'static, str>,
    /// What it holds and when to read it.
    pub description: Cow<'static, str>,
    /// Its media type; empty if that is not known.
    pub media_type: Cow<'static, str>,
    /// Further members of its definition (`size`, `annotations`), for those who know them.
    pub more: Map<String, Value>,
    /// Which of the backend's toolsets it belongs to.
    pub toolset: Option<&'static str>,
    /// Reads it.
    pub reader: Arc<dyn Reader>,
}

/// What an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One resource.
    Single,
    /// A family; the address ends in its only variable.
    Family,
    /// A family under a template of the server's own (RFC 6570). It is listed and completed; what it stands for is read
    /// as an address that no listed resource has.
    Template,
}

impl Resource {
    /// The address up to the variable, if this is a family of ours.
    pub fn family(&self) -> Option<&str> {
        (self.form == Form::Family).then(|| self.uri.rsplit_once('{'))?.map(|(start, _)| start)
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub enum Contents {
    /// A text of the resource's media type.
    Text(String),
    /// MCP's resource contents as a server wrote them, with our addresses: a JSON array.
    Received(Box<RawValue>),
}

/// Reads resources.
pub trait Reader: Send + Sync {
    /// What the resource holds; `which` is the decoded variable of a family, the rest of the address below a
    /// [`super::passage::Open`], and empty otherwise. [`Error::Arguments`] if there is none of that name. Dropping the future
    /// cancels it.
    fn read(&self, which: String, host: Host) -> Boxed<'static, Result<Contents, Error>>;
    /// What a variable of the address may become; nothing where nobody knows.
    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        let _ = partial;
        Box::pin(async { Ok(Completion::default()) })
    }
}

/// The bytes of percent-encoded text (RFC 3986 §2.1); `None` if a percent sign has no two digits.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        bytes.push(high << 4 | low);
    }
    Some(bytes)
}
