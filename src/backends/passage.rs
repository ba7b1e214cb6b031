//! Backends behind which is another MCP server: what passes through besides tools, prompts and resources.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::host::Entry;
use super::resource::Reader;
use super::{Boxed, Connection, Error};

/// What passes through a connection.
pub trait Passage: Sync {
    /// Reads addresses that no listed resource has: all that begin with `start`. The reader is given the rest.
    fn open(&self, connection: &Connection) -> Open;
    /// The standing connection to the server. It is idle until something is wanted of it.
    fn feed(&self, connection: &Connection) -> Arc<dyn Feed>;
}

/// A space of addresses.
pub struct Open {
    /// What they begin with.
    pub start: String,
    /// Reads them.
    pub reader: Arc<dyn Reader>,
}

/// What is wanted of a server besides answers. What comes of it goes to the connection's [`Listener`].
pub trait Feed: Send + Sync {
    /// Begins to tell of changes of the resource at our address.
    fn subscribe(&self, uri: String) -> Boxed<'static, Result<(), Error>>;
    /// Ends that.
    fn unsubscribe(&self, uri: String) -> Boxed<'static, Result<(), Error>>;
    /// From which severity on the host wants to read logs, in MCP's word.
    fn set_level(&self, level: &'static str);
}

/// Something that a server tells without being asked.
#[derive(Clone, Debug)]
pub enum News {
    /// Its tools are others now.
    Tools,
    /// Its prompts are others now.
    Prompts,
    /// Its resources are others now.
    Resources,
    /// The resource at our address has changed.
    Updated(String),
    /// Something was logged.
    Logged(Entry),
}

/// Hears of news. Cheap to clone; without a listener news are lost.
#[derive(Clone, Default)]
pub struct Listener(Option<Arc<dyn Fn(News) + Send + Sync>>);

impl Listener {
    /// News for `hear`, which must not block.
    pub fn to(hear: impl Fn(News) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    /// Tells it.
    pub fn tell(&self, news: News) {
        if let Some(hear) = &self.0 {
            hear(news);
        }
    }
}

/// What passes through besides lists: decides what `serve` declares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// There are prompts, or may be some later.
    pub prompts: bool,
    /// There are resources, or may be some later.
    pub resources: bool,
    /// Arguments and variables can be completed.
    pub completions: bool,
    /// What is listed may change while the program runs.
    pub list_changed: bool,
    /// Resources can be subscribed to.
    pub subscribe: bool,
    /// There may be logs.
    pub logging: bool,
}

impl Features {
    /// What either has.
    pub fn or(self, other: Self) -> Self {
        Self {
            prompts: self.prompts || other.prompts,
            resources: self.resources || other.resources,
            completions: self.completions || other.completions,
            list_changed: self.list_changed || other.list_changed,
            subscribe: self.subscribe || other.subscribe,
            logging: self.logging || other.logging,
        }
    }
}

/// Keeps one value of a backend's own for as long as the connection lives: its tools, prompts and resources share it.
#[derive(Clone, Default)]
pub struct Slot(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Slot {
    /// The value, made by `make` if there is none of its type yet. It must not hold the slot's own connection.
    pub fn get<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        match self.0.get() {
            Some(kept) => Arc::clone(kept).downcast().unwrap_or_else(|_| make()),
            None => {
                let made = make();
                let kept = self.0.get_or_init(|| made.clone());
                Arc::clone(kept).downcast().unwrap_or(made)
            }
        }
    }
}
