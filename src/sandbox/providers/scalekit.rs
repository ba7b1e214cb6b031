//! Scalekit, for a registered MCP server.
//!
//! * Address (the environment) `/p/scalekit`, issuer `/p/scalekit/resources/res_sandbox`; metadata before the issuer's
//!   path only. Authorization and registration are below the issuer, tokens and keys below the environment.
//! * Tokens carry the environment in `iss`, not the issuer, and `res_sandbox` in `aud`.
//! * Registration is open, and a client may be a document. No client is there from the start.
//! * Access tokens live five minutes.

use super::{Document, Profile, STRICT};

pub(super) const PROFILE: Profile = Profile {
    name: "scalekit",
    issuer: "/resources/res_sandbox",
    token_issuer: Some(""),
    documents: &[Document::Inserted],
    paths: &[
        ("authorize", "/resources/res_sandbox/oauth/authorize"),
        ("register", "/resources/res_sandbox/oauth/register"),
        ("token", "/oauth/token"),
        ("revoke", "/oauth/revoke"),
        ("jwks", "/keys"),
        ("userinfo", "/userinfo"),
        ("end_session", "/oidc/logout"),
    ],
    hides: &["authorization_response_iss_parameter_supported", "dpop_signing_alg_values_supported"],
    response_iss: false,
    lifetime: 300,
    audience: Some("res_sandbox"),
    ..STRICT
};
