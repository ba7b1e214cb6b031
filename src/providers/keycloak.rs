//! Keycloak: a refresh token always comes, and `offline_access` makes it outlive the session in the browser. What it
//! registers, and for whom, an administrator decides. Source: Keycloak documentation, Securing applications.

use super::{Issuers, Offline, Provider, STANDARD};

pub(super) const PROVIDER: Provider = Provider {
    name: "keycloak",
    title: "Keycloak",
    issuers: &[Issuers::Path("/realms/"), Issuers::Path("/auth/realms/")],
    offline: Offline::Scope,
    ..STANDARD
};
