//! Auth0: `audience` instead of `resource`, without which the token is good for nothing here; redirect addresses with
//! their port; a refresh token by `offline_access`; only refresh tokens are revoked. Source: Auth0 documentation,
//! Authentication API; custom domains need `provider = "auth0"`.

use super::{Issuers, Offline, PORTS, Provider, Redirect, Revocation, STANDARD, Target};
use crate::http::Loopback;

pub(super) const PROVIDER: Provider = Provider {
    name: "auth0",
    title: "Auth0",
    issuers: &[Issuers::Below("auth0.com")],
    offline: Offline::Scope,
    target: Target::Audience,
    redirect: Redirect { host: Loopback::V4, ports: PORTS },
    revocation: Revocation::RefreshOnly,
    ..STANDARD
};
