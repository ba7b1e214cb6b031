//! Tavily: its issuer ends with a slash, and a refresh token needs `offline_access`.

use super::Provider;

pub(super) const PROVIDER: Provider = Provider {
    title: "Tavily",
    issuers: &["https://mcp.tavily.com/"],
    scopes: &["openid", "offline_access"],
    renews_without_resource: false,
};
