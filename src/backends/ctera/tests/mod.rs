//! The tools against the stand-in, and sessions against a Portal of a few lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::kept::Kept;
use super::*;
use crate::backends::tests::{Host, Tokens, connection};
use crate::backends::{
    Agreed, Boxed, Call, Connection, Credential, CredentialSource, Error, Output, Progress, Tool, Unavailable,
};
use crate::secret::Secret;

mod equivalents;
mod sessions;
mod tasks;
mod tools;
mod trouble;

/// A store that holds this.
pub(super) struct Holding {
    kept: Kept,
    /// Grows with each login of the person.
    generation: AtomicU64,
}

impl Holding {
    pub(super) fn new(kept: Kept) -> Arc<Self> {
        Arc::new(Self { kept, generation: AtomicU64::new(1) })
    }

    pub(super) fn password(user: &str, password: &str) -> Arc<Self> {
        Self::new(Kept::Login { user: user.to_owned(), password: Secret::new(password) })
    }

    pub(super) fn again(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

impl CredentialSource for Holding {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        let generation = self.generation.load(Ordering::SeqCst);
        let credential =
            Credential { header: None, value: self.kept.encode(), companion: None, generation, proof: None };
        Box::pin(async { Ok(Some(credential)) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        panic!("what the store keeps is nothing that a service refuses")
    }
}

/// A connection to `host`, with everything switched on.
pub(super) fn to(host: &Host, path: &str, way: Way, kept: Arc<Holding>) -> Connection {
    let toolsets = BACKEND.toolsets.iter().map(|set| set.name).collect();
    Connection { credentials: kept, toolsets, ..connection(host.at(path), way, Tokens::new(None, None)) }
}

/// Calls a tool.
pub(super) async fn call(tools: &[Tool], name: &str, arguments: Value) -> Result<Output, Error> {
    let Value::Object(arguments) = arguments else { panic!("an object") };
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
    tool.handler
        .call(Call { arguments, progress: Progress::default(), agreed: Agreed::default(), host: Default::default() })
        .await
}

/// The structured part of a result.
pub(super) fn fields(output: &Output) -> Value {
    serde_json::from_str(output.structured.as_ref().expect("fields").get()).expect("JSON")
}

#[test]
fn the_end_of_the_address_says_which_part_of_the_portal_is_meant() {
    for (text, scope, base) in [
        ("https://portal.example.com", Scope::User, "https://portal.example.com"),
        ("https://portal.example.com/", Scope::User, "https://portal.example.com"),
        ("https://portal.example.com:8443/ServicesPortal/", Scope::User, "https://portal.example.com:8443"),
        ("https://portal.example.com/admin", Scope::Admin, "https://portal.example.com"),
        ("http://127.0.0.1:9/ctera/admin/#/x", Scope::Admin, "http://127.0.0.1:9/ctera"),
        ("http://127.0.0.1:9/ctera", Scope::User, "http://127.0.0.1:9/ctera"),
        ("https://admin", Scope::User, "https://admin"),
    ] {
        let url = Url::parse(text).expect("an address");
        assert_eq!(Scope::split(&url), (scope, base.to_owned()), "{text}");
    }
}
