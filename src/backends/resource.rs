//! Resources: things with an address that the host can read and hand to the model.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Boxed, Error};

/// Something to read, or a family of them.
#[derive(Clone)]
pub struct Resource {
    /// Its address: `keyward://{connection}/…`. That of a family ends in one variable, `…/{name}`, which stands for one
    /// percent-encoded path segment.
    pub uri: String,
    /// Unique among the connection's resources.
    pub name: Cow<'static, str>,
    /// A few words for people.
    pub title: Cow<'static, str>,
    /// What it holds and when to read it.
    pub description: Cow<'static, str>,
    /// Its media type.
    pub media_type: &'static str,
    /// Which of the backend's toolsets it belongs to.
    pub toolset: Option<&'static str>,
    /// Reads it.
    pub reader: Arc<dyn Reader>,
}

impl Resource {
    /// The address up to the variable, if this is a family.
    pub fn family(&self) -> Option<&str> {
        self.uri.ends_with('}').then(|| self.uri.rsplit_once('{'))?.map(|(start, _)| start)
    }
}

/// Reads resources.
pub trait Reader: Send + Sync {
    /// The text of the resource; `which` is the decoded variable of a family, and empty otherwise. [`Error::Arguments`]
    /// if there is none of that name. Dropping the future cancels it.
    fn read(&self, which: String) -> Boxed<'static, Result<String, Error>>;
}
