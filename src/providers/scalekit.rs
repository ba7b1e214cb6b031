//! Scalekit, for MCP servers: the issuer is below the environment, `https://ENVIRONMENT/resources/ID`, and tokens name the
//! environment alone. Source: what its environments publish and issue.

use super::{Issuers, Provider, STANDARD, TokenIssuer};

pub(super) const PROVIDER: Provider = Provider {
    name: "scalekit",
    title: "Scalekit",
    issuers: &[Issuers::Below("scalekit.com"), Issuers::Below("scalekit.dev"), Issuers::Below("scalekit.cloud")],
    token_issuer: TokenIssuer::Before("/resources/"),
    ..STANDARD
};
