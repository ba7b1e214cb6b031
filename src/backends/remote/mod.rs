//! Any MCP server reached over Streamable HTTP: its tools become ours.
//!
//! `peer` speaks the protocol (both of its eras), `answer` reads what comes back, `listed` turns the server's list of
//! tools into ours, `mirror` repeats arguments in headers where a tool asks for it. Discovery of its login is not here.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde_json::value::RawValue;
use url::Url;

use super::{Backend, Connection, Error, Features, Tool, Way};

mod answer;
pub mod fake;
mod listed;
mod mirror;
mod peer;
mod sse;
mod wire;

pub(super) use peer::Peer;

/// Any MCP server over HTTP.
pub static BACKEND: Backend = Backend {
    name: "remote",
    summary: "any MCP server over HTTP, with the login it asks for",
    ways: &[Way::OAuth, Way::None, Way::Bearer, Way::ClientCredentials],
    notes: &[],
    url: None,
    oauth_url: None,
    sign_in: None,
    issuer: |_| None,
    toolsets: &[],
    takes_folders: false,
    tools,
    prompts: |_| Vec::new(),
    resources: |_| Vec::new(),
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { Peer::new(connection).check().await }),
    fake: || Box::new(fake::Server::default()),
};

/// The tools in the remembered list, without any request. An entry that cannot be used is left out.
fn tools(connection: &Connection) -> Vec<Tool> {
    let peer = Peer::new(connection.clone());
    connection.remembered.as_deref().map(|list| listed::tools(&peer, list)).unwrap_or_default()
}

/// Asks the server for its tools and keeps the answer in the connection's memory.
///
/// Comes back as an array of tools as the server wrote them, all pages together: at most 100 pages, 2,000 tools and
/// 4 MiB; a longer list is a [`Error::Protocol`].
pub async fn list_tools(connection: &Connection) -> Result<Box<RawValue>, Error> {
    let peer = Peer::new(connection.clone());
    let list = peer.list().await;
    peer.end().await;
    let list = list.map_err(|error| connection.sent.out_of(error))?;
    connection.memory.keep(&list);
    Ok(list)
}

/// A request without a credential, for the answer that says where to log in (RFC 9728 §5). It has no effect.
pub fn probe(url: &Url) -> Request<Vec<u8>> {
    peer::discover(url)
}

/// A message on its way to `url`, with what every message carries.
fn post(url: &Url, body: Vec<u8>) -> Request<Vec<u8>> {
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    // An address that cannot be requested stays `/` and is refused by the client before anything is sent.
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    request
}

/// One peer for all calls of the tools in a list.
type Shared = Arc<Peer>;

#[cfg(test)]
mod tests;
