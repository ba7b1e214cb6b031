//! Tavily: its issuer ends with a slash, and a refresh token needs `offline_access`.

use super::{Issuers, Provider, STANDARD};

pub(super) const PROVIDER: Provider = Provider {
    name: "tavily",
    title: "Tavily",
    issuers: &[Issuers::Exactly("https://mcp.tavily.com/")],
    scopes: &["openid", "offline_access"],
    ..STANDARD
};
