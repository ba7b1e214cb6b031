//! What a backend's stand-in server is: a function from a request to a reply, carried by the sandbox.
//!
//! A fake checks what it receives and keeps a record of it, so that a test can prove what was sent.

use std::io::Read;

use http::{Request, Response};

/// A request as it arrived, with its whole body.
pub type Received = Request<Vec<u8>>;

/// A reply: complete, or arriving piece by piece.
pub type Reply = Response<Body>;

/// The body of a reply.
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Read until its end and flushed after every read, so that a fake can make the client wait.
    Pieces(Box<dyn Read + Send>),
}

/// A stand-in server.
pub trait Fake: Send + Sync {
    /// Answers one request. Paths are relative to where the fake is mounted, and begin with `/`.
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply;
}

/// Where a fake is mounted and who guards it.
pub struct Place<'a> {
    /// The fake's own address, without a trailing slash: `http://127.0.0.1:PORT/NAME`.
    pub url: &'a str,
    /// Checks the access tokens of the sandbox's authorization server.
    pub guard: &'a dyn Guard,
}

/// Checks access tokens.
pub trait Guard: Send + Sync {
    /// The subject of a token that is valid now for this resource; `None` for any other text.
    fn subject(&self, token: &str, resource: &str) -> Option<String>;
    /// The whole `WWW-Authenticate` value for a request that came without a valid token for this resource.
    fn challenge(&self, resource: &str, token_was_sent: bool) -> String;
}
