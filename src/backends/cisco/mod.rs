//! Cisco Support: bugs, end of life, security advisories, coverage, software, returns and cases, through the APIs that a
//! registered application may use.
//!
//! An answer is whole: pages are read to the end, long lists are asked for in batches, and what was left out is said.
//! Nothing here changes anything at Cisco.

use url::Url;

use super::{Backend, Connection, Error, Features, Toolset, Way};

mod advisories;
mod answer;
mod api;
mod bugs;
mod cases;
mod client;
mod compare;
mod coverage;
pub mod fake;
mod lifecycle;
mod page;
mod parts;
mod path;
mod products;
mod prompts;
mod prose;
mod record;
mod refusal;
mod release;
mod report;
mod resources;
mod returns;
mod running;
mod search;
mod software;
#[cfg(test)]
mod tests;
mod together;
mod tool;
mod value;

/// Cisco's authorization server. The gateway serves no metadata that would name it.
const ISSUER: &str = "https://id.cisco.com/oauth2/default";

/// Cisco documents the browser's grant for other APIs of its console only (reference: Support APIs, "Application
/// registration").
const UNPROVEN: &str =
    "not proven to work: Cisco documents `client-credentials` alone for applications of its Support APIs";

/// Bugs, end of life, advisories, coverage, software, returns and cases.
pub static BACKEND: Backend = Backend {
    name: "cisco",
    summary: "Cisco bugs, advisories, end of life, coverage, software, returns and cases",
    ways: &[Way::ClientCredentials, Way::OAuth],
    notes: &[(Way::OAuth, UNPROVEN)],
    url: Some("https://apix.cisco.com"),
    oauth_url: None,
    sign_in: None,
    issuer,
    toolsets: &[
        Toolset { name: "bugs", summary: "bugs", is_usual: true },
        Toolset { name: "cases", summary: "support cases", is_usual: true },
        Toolset { name: "lifecycle", summary: "end of life", is_usual: true },
        Toolset { name: "security", summary: "security advisories and running versions", is_usual: true },
        Toolset { name: "products", summary: "products and coverage", is_usual: true },
        Toolset { name: "software", summary: "suggested software and images", is_usual: true },
        Toolset { name: "returns", summary: "returns of hardware", is_usual: true },
        Toolset { name: "analysis", summary: "reports and comparisons", is_usual: true },
    ],
    takes_folders: false,
    tools: |connection| tool::all(connection),
    prompts: |connection| prompts::all(connection),
    resources: |connection| resources::all(connection),
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { check(&connection).await }),
    fake: || Box::new(fake::Server::default()),
};

/// The issuer of the gateway's own addresses; anywhere else, somebody else's gateway stands in front.
fn issuer(url: &Url) -> Option<&'static str> {
    let is_cisco =
        matches!((url.scheme(), url.host_str(), url.port()), ("https", Some("apix.cisco.com" | "api.cisco.com"), None));
    is_cisco.then_some(ISSUER)
}

/// Whether the login is taken: asks for the newest advisory, which every application may read (reference: Hello API,
/// openVuln). An API that this application may not use still tells a good login from a bad one.
async fn check(connection: &Connection) -> Result<(), Error> {
    let ask = client::Ask::get(api::Api::Psirt, "/latest/1".to_owned());
    match client::Client::new(connection).ask(&ask).await {
        Ok(_) | Err(Error::Forbidden { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
