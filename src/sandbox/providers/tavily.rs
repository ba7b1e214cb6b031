//! Tavily.
//!
//! * Address `/p/tavily`, issuer `/p/tavily/` with the slash; metadata before the issuer's path only. The resource
//!   `/p/tavily/mcp` is Tavily's remote MCP server.
//! * Authorization, tokens, registration and revocation right below the address; no keys and no ID tokens, though the
//!   scopes are `openid offline_access`.
//! * Registration is open. Any port on a loopback literal.
//! * Revocation **refuses** a request without a field `client_secret` (400 `invalid_request`), even by a client that has
//!   none; an empty one will do.

use super::{Dialect, Document, Profile, STRICT};

pub(super) const PROFILE: Profile = Profile {
    name: "tavily",
    issuer: "/",
    documents: &[Document::Inserted],
    paths: &[("authorize", "/authorize"), ("token", "/token"), ("register", "/register"), ("revoke", "/revoke")],
    hides: &[
        "authorization_response_iss_parameter_supported",
        "dpop_signing_alg_values_supported",
        "id_token_signing_alg_values_supported",
        "subject_types_supported",
        "claims_supported",
    ],
    scopes: &["openid", "offline_access"],
    needs: "openid offline_access",
    documented: false,
    response_iss: false,
    dialect: Dialect::Tavily,
    backend: "tavily",
    ..STRICT
};
