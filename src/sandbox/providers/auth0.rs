//! Auth0.
//!
//! * Address `/p/auth0`, issuer `/p/auth0/` with the slash; metadata after the issuer and before its path.
//! * Client `auth0sandbox`, public, with `http://127.0.0.1:N/callback`, N of 8400, 8401, 8402. **Refuses** every other port.
//! * Without `audience` the access token is opaque and good for the userinfo endpoint only; `resource` means nothing.
//!   An `audience` that is no resource here is **refused** with `access_denied`, "Service not found".
//! * A refresh token only with `offline_access`; rotated without grace. Of 201 for one person and client the oldest ends.
//! * No registration: the endpoint is not in the metadata, and it answers 403.
//! * `/oauth/revoke` takes refresh tokens only; access tokens of the grant live on. Others are **refused** with
//!   `unsupported_token_type`.
//! * A wrong or spent grant is 403; a device that waits is told so with 403, one that polls too early with 429.

use http::StatusCode;

use super::{Dialect, Document, Preset, Profile, Redirects, Registration, Renewal, STRICT, Target};
use crate::sandbox::client::DEVICE;

pub(super) const PROFILE: Profile = Profile {
    name: "auth0",
    issuer: "/",
    documents: &[Document::Appended, Document::Inserted],
    paths: &[
        ("authorize", "/authorize"),
        ("token", "/oauth/token"),
        ("register", "/oidc/register"),
        ("revoke", "/oauth/revoke"),
        ("jwks", "/.well-known/jwks.json"),
        ("device_authorization", "/oauth/device/code"),
        ("device", "/activate"),
        ("userinfo", "/userinfo"),
        ("end_session", "/oidc/logout"),
    ],
    hides: &["authorization_response_iss_parameter_supported", "dpop_signing_alg_values_supported"],
    clients: &[Preset {
        id: "auth0sandbox",
        secret: None,
        redirects: &[
            "http://127.0.0.1:8400/callback",
            "http://127.0.0.1:8401/callback",
            "http://127.0.0.1:8402/callback",
        ],
        grants: &["authorization_code", "refresh_token", DEVICE],
    }],
    registration: Registration::Absent,
    documented: false,
    redirects: Redirects::Exact,
    renewal: Renewal::OfflineScope,
    target: Target::Audience,
    response_iss: false,
    dialect: Dialect::Auth0,
    lifetime: 86_400,
    opaque: Some(""),
    most_grants: 200,
    ..STRICT
};

/// The status of an error at the token endpoint.
pub(in crate::sandbox) fn status(error: &str, usual: StatusCode) -> StatusCode {
    match error {
        "invalid_grant" | "authorization_pending" | "expired_token" | "access_denied" => StatusCode::FORBIDDEN,
        "slow_down" => StatusCode::TOO_MANY_REQUESTS,
        _ => usual,
    }
}
