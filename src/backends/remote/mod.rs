//! Any MCP server reached over Streamable HTTP: its tools, prompts and resources become ours, and what it asks or tells in
//! between passes through.
//!
//! `peer` speaks the protocol, in both of its eras (`era`), `ask` writes a request, `answer` reads what comes back, `talk` is what
//! server and host say to each other meanwhile, of which `question` judges what is asked. `offer` learns and keeps the
//! lists; `listed`, `prompts`, `resources` and `completing` turn them into ours, `address` the addresses, and `mirror`
//! repeats arguments in headers where a tool asks for it. `standing` hears what a server tells by itself. Discovery of its
//! login is not here.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde_json::value::RawValue;
use url::Url;

use super::host::Takes;
use super::passage::{self, Passage};
use super::{Backend, Connection, Error, Features, Prompt, Resource, Tool, Way, random};

mod address;
mod answer;
mod ask;
mod completing;
mod era;
pub mod fake;
mod listed;
mod mirror;
mod offer;
mod peer;
mod prompts;
mod question;
mod resources;
mod sse;
mod standing;
mod talk;
mod wire;

pub(super) use peer::{Peer, ToolCall};

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
    prompts,
    resources,
    features,
    passage: Some(&Through),
    check: |connection| Box::pin(async move { Peer::new(connection).check().await }),
    fake: || Box::new(fake::Server::default()),
};

/// The entries of the remembered lists, without any request. One that cannot be used is left out.
fn tools(connection: &Connection) -> Vec<Tool> {
    from(connection, "tools", listed::tools)
}

fn prompts(connection: &Connection) -> Vec<Prompt> {
    from(connection, "prompts", prompts::prompts)
}

fn resources(connection: &Connection) -> Vec<Resource> {
    let mut all = from(connection, "resources", resources::resources);
    all.extend(from(connection, "templates", resources::templates));
    all
}

fn from<T>(connection: &Connection, list: &str, make: fn(&Shared, &RawValue) -> Vec<T>) -> Vec<T> {
    let peer = Peer::of(connection);
    let document = peer.offers.document();
    let list = document.as_deref().map(offer::parts).and_then(|parts| parts.get(list).copied());
    list.map(|list| make(&peer, list)).unwrap_or_default()
}

fn features(connection: &Connection) -> Features {
    let offer::Described { capabilities, is_known, .. } = Peer::of(connection).offers.described();
    Features {
        // Of a server that was not heard yet anything may come.
        prompts: capabilities.prompts || !is_known,
        resources: capabilities.resources || !is_known,
        completions: capabilities.completions,
        // What was learnt once may be other the next time, whatever the server declares.
        list_changed: true,
        subscribe: capabilities.subscribe,
        logging: capabilities.logging,
    }
}

/// How everything else passes.
struct Through;

impl Passage for Through {
    fn open(&self, connection: &Connection) -> passage::Open {
        let reader = Arc::new(resources::Rest(Peer::of(connection)));
        passage::Open { start: address::start(&connection.name), reader }
    }

    fn feed(&self, connection: &Connection) -> Arc<dyn passage::Feed> {
        Arc::new(standing::Standing::of(Peer::of(connection)))
    }
}

/// How to use the server, in its own words, as far as it was remembered.
pub fn instructions(connection: &Connection) -> Option<String> {
    let mut words = Peer::of(connection).offers.described().instructions.to_string();
    connection.sent.hide(&mut words);
    Some(words).filter(|words| !words.is_empty())
}

/// Asks the server for all that it offers and keeps the answer in the connection's memory.
///
/// Comes back as the document that is kept, with the lists as the server wrote them, all pages together: at most 100 pages,
/// 2,000 entries and 4 MiB each. One list that cannot be had is left out; an error if that is so for all of them.
pub async fn learn(connection: &Connection) -> Result<Arc<RawValue>, Error> {
    let peer = Peer::new(connection.clone());
    let learnt = peer.learn(&offer::ALL).await;
    peer.end().await;
    let learnt = learnt.map_err(|error| connection.sent.out_of(error))?;
    connection.memory.keep(&learnt);
    Ok(learnt)
}

/// A request without a credential, for the answer that says where to log in (RFC 9728 §5). It has no effect.
pub fn probe(url: &Url) -> Request<Vec<u8>> {
    peer::discover(url, random::first_id())
}

/// The same for a server of an older revision, which knows no other request that has no effect on anybody. Where nobody has
/// to log in, it begins a session that ends by itself.
pub fn older_probe(url: &Url) -> Request<Vec<u8>> {
    let params = wire::Initialize::newest(Takes::default());
    post(url, wire::Outgoing::text(Some(random::first_id()), "initialize", Some(params)))
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

/// One peer for all that is made of the lists of a connection.
type Shared = Arc<Peer>;

#[cfg(test)]
mod tests;
