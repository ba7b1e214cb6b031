//! Smart Bonding: tickets that a partner's or customer's case system exchanges with Cisco's.
//!
//! It is a service of its own beside Cisco's Support APIs: the client id and the secret come from Cisco's Smart Bonding
//! team, for production and staging each. What is public about its messages comes from clients that use it; `ticket` has
//! the shape of what is sent, in one place.
//!
//! There is no tool for attachments. They go to an upload host that an answer names, with a token that an answer holds:
//! a way out for any file, to wherever somebody's text says. Neither leaves this folder.

use url::Url;

use super::{Backend, Connection, Features, Tool, Toolset, Way};

mod client;
mod codes;
pub mod fake;
mod queue;
mod schema;
mod ticket;
mod tools;
mod update;
mod updates;

/// Tickets with Cisco.
pub static BACKEND: Backend = Backend {
    name: "smart-bonding",
    summary: "tickets with Cisco for partners and customers with Smart Bonding",
    ways: &[Way::ClientCredentials],
    notes: &[(
        Way::ClientCredentials,
        "for a client that Cisco's Smart Bonding team gives out, not for one of your own",
    )],
    url: Some("https://sb.xylem.cisco.com/sb-partner-oauth-proxy-api/rest/v1"),
    oauth_url: None,
    sign_in: None,
    issuer,
    toolsets: &[
        Toolset { name: TICKETS, summary: "problem codes, and what Cisco wrote to tickets", is_usual: true },
        Toolset { name: WRITES, summary: "opening, changing and closing tickets", is_usual: false },
    ],
    takes_folders: false,
    tools,
    prompts: |_| Vec::new(),
    resources: |_| Vec::new(),
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { client::Client::new(&connection).check().await }),
    fake: || Box::new(fake::Server::default()),
};

/// Production and staging have an authorization server each, and the service names neither.
fn issuer(url: &Url) -> Option<&'static str> {
    match (url.scheme(), url.host_str()?, url.port()) {
        ("https", "sb.xylem.cisco.com", None) => Some("https://id.cisco.com/oauth2/default"),
        ("https", "stage.sbnprd.xylem.cisco.com", None) => Some("https://int-id.cisco.com/oauth2/default"),
        _ => None,
    }
}

const TICKETS: &str = "tickets";
const WRITES: &str = "writes";

fn tools(connection: &Connection) -> Vec<Tool> {
    tools::all(connection)
}

#[cfg(test)]
mod tests;
