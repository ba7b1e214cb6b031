//! Tavily: searching the web, reading pages and sites, and research.
//!
//! Without a login the REST service answers a few calls ("keyless"); an API key is for the same REST service; the token
//! of an OAuth login works on Tavily's remote MCP server only, whose tools take and return the same fields.

use super::{Backend, Connection, Features, Tool, Way};

mod client;
pub mod fake;
mod kept;
mod refusal;
mod research;
mod result;
mod returns;
mod stream;
mod takes;
mod tool;
mod usage;

pub use takes::DEFAULTS;

/// Web search, pages, sites and research.
pub static BACKEND: Backend = Backend {
    name: "tavily",
    summary: "web search, pages, sites and research",
    ways: &[Way::None, Way::OAuth, Way::ApiKey],
    notes: &[],
    url: Some("https://api.tavily.com"),
    oauth_url: Some("https://mcp.tavily.com/mcp"),
    sign_in: None,
    issuer: |_| None,
    toolsets: &[],
    takes_folders: false,
    tools,
    prompts: |_| Vec::new(),
    resources: |_| Vec::new(),
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { client::Client::new(&connection).check().await }),
    fake: || Box::new(fake::Server::default()),
};

fn tools(connection: &Connection) -> Vec<Tool> {
    tool::all(connection)
}

#[cfg(test)]
mod tests;
