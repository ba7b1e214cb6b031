//! NetBox: a company's record of its network, read and (where that is allowed) changed with the person's own rights.
//!
//! NetBox knows tokens of its own, which come in two versions ([`token`]), and answers 403 to whatever is wrong with one
//! ([`refusal`]). What the store keeps becomes a header in [`access`]; [`address`] says where the API is.

use http::Request;
use http::header::ACCEPT;

use super::http::{Kind, send};
use super::{Backend, Connection, Error, Features, Toolset, Way};
use crate::http::Limits;

mod access;
mod address;
mod allocate;
mod answer;
mod body;
mod cabling;
mod catalog;
mod changes;
mod client;
mod describe;
pub mod fake;
mod filters;
mod heard;
mod ipam;
mod known;
mod lean;
mod listing;
mod objects;
mod openapi;
mod refusal;
mod relation;
mod release;
mod resources;
mod search;
mod shape;
mod sign_in;
mod status;
mod summary;
#[cfg(test)]
mod tests;
mod token;
mod tool;
mod verdict;
mod vocabulary;
mod who;
mod write;

/// NetBox itself takes no token of an identity provider (reference: "Sessions and single sign-on").
const PROXY: &str = "for a NetBox behind a proxy that takes tokens of an identity provider; NetBox itself takes none";

/// A record of a network.
pub static BACKEND: Backend = Backend {
    name: "netbox",
    summary: "devices, addresses, cables, circuits and the rest of a network's record in NetBox",
    ways: &[Way::Token, Way::OAuth],
    notes: &[(Way::OAuth, PROXY)],
    url: None,
    oauth_url: None,
    sign_in: Some(&sign_in::NetBox),
    issuer: |_| None,
    toolsets: &[
        Toolset { name: "objects", summary: "lists, single objects, search and the change log", is_usual: true },
        Toolset { name: "ipam", summary: "addresses, prefixes and VLANs", is_usual: true },
        Toolset { name: "dcim", summary: "devices, sites, racks and cables", is_usual: true },
        Toolset { name: "circuits", summary: "circuits", is_usual: true },
        Toolset { name: "writes", summary: "creating, changing, deleting and allocating", is_usual: false },
    ],
    takes_folders: false,
    tools: tool::all,
    prompts: |_| Vec::new(),
    resources: resources::all,
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { check(&connection).await }),
    fake: || Box::new(fake::Server::default()),
};

/// Whether the login is taken: what NetBox says of itself needs a good token, and no permission.
async fn check(connection: &Connection) -> Result<(), Error> {
    let connection = access::of(connection);
    let host = super::http::host_of(&connection.url);
    let url = address::api(&connection.url, "status/");
    let request = Request::get(&url).header(ACCEPT, "application/json").body(Vec::new());
    let request = request.map_err(|_| crate::http::Error::Address { host: host.clone() })?;
    let answer = send(&connection, &request, Kind::Read, Limits::METADATA).await?;
    match refusal::of(&host, &answer, Kind::Read) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
