//! Copies of what a service gave, for when it cannot be reached. Each is for one address and for whoever may see it.

use std::time::Duration;

/// What a service gave for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copy {
    /// By which the service tells whether it is still the same.
    pub etag: Option<String>,
    /// The same, by time, as the service wrote it.
    pub modified: Option<String>,
    /// What a list said about it when it was given.
    pub mark: Option<String>,
    /// The thing itself.
    pub body: Vec<u8>,
    /// How long ago the service last said that it is so.
    pub age: Duration,
}

/// The moment before something is asked for: what a logout came after is not kept. The default one keeps nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Begun(pub Option<String>);

/// Keeps the copies of one connection. Blocks on the disk. Failures are the keeper's own business.
pub trait Copies: Send + Sync {
    /// To be called before what is to be kept is asked for.
    fn begin(&self) -> Begun;
    /// The copy of this address, for this account.
    fn load(&self, whose: &str, address: &str) -> Option<Copy>;
    /// Keeps a copy that was given just now, unless all were deleted since.
    fn keep(&self, whose: &str, address: &str, copy: &Copy, since: &Begun);
    /// Deletes the copy of this address, or all of them, of every account.
    fn forget(&self, address: Option<&str>);
}

/// Keeps nothing: for tests, and where there is no folder for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Copies for Nowhere {
    fn begin(&self) -> Begun {
        Begun::default()
    }
    fn load(&self, _: &str, _: &str) -> Option<Copy> {
        None
    }
    fn keep(&self, _: &str, _: &str, _: &Copy, _: &Begun) {}
    fn forget(&self, _: Option<&str>) {}
}
