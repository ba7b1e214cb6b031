//! Okta, with the org server or a custom authorization server.
//!
//! Redirect addresses are compared with their port, so a few are registered. Who may consent, a policy decides: nobody is
//! asked for it besides. `resource` means nothing and does no harm. The registration endpoint needs an administrator's
//! token. Source: Okta developer documentation, OAuth 2.0 and OpenID Connect API; custom domains need `provider = "okta"`.

use super::{Issuers, Offline, PORTS, Provider, Redirect, STANDARD};
use crate::http::Loopback;

pub(super) const PROVIDER: Provider = Provider {
    name: "okta",
    title: "Okta",
    issuers: &[Issuers::Below("okta.com"), Issuers::Below("oktapreview.com"), Issuers::Below("okta-emea.com")],
    offline: Offline::Scope,
    registers_nobody: true,
    redirect: Redirect { host: Loopback::V4, ports: PORTS },
    ..STANDARD
};
