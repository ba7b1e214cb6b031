//! Okta, with a custom authorization server.
//!
//! * Address `/p/okta`, issuer `/p/okta/oauth2/default`; metadata after the issuer only, by both names.
//! * Client `0oasandbox`, public; redirect addresses `http://127.0.0.1:N/callback` and `http://localhost:N/callback`
//!   with N of 8400, 8401, 8402. **Refuses** every other port, even on a loopback literal.
//! * A refresh token only with `offline_access`. A spent one is good for 30 more seconds, then it ends the family.
//! * `resource` means nothing; every access token is for `api://default`.
//! * The registration endpoint is in the metadata and **refuses** everybody (401 without an OAuth error).
//! * The user `unassigned` gets `access_denied` with the text of a policy.

use serde_json::{Value, json};

use super::{Dialect, Document, Preset, Profile, Redirects, Registration, Renewal, STRICT, Target};
use crate::sandbox::answer::{Refusal, bad};
use crate::sandbox::client::DEVICE;

pub(super) const PROFILE: Profile = Profile {
    name: "okta",
    issuer: "/oauth2/default",
    documents: &[Document::Appended, Document::Misplaced],
    paths: &[
        ("authorize", "/oauth2/default/v1/authorize"),
        ("token", "/oauth2/default/v1/token"),
        ("register", "/oauth2/v1/clients"),
        ("revoke", "/oauth2/default/v1/revoke"),
        ("introspect", "/oauth2/default/v1/introspect"),
        ("jwks", "/oauth2/default/v1/keys"),
        ("par", "/oauth2/default/v1/par"),
        ("device_authorization", "/oauth2/default/v1/device/authorize"),
        ("device", "/activate"),
        ("userinfo", "/oauth2/default/v1/userinfo"),
        ("end_session", "/oauth2/default/v1/logout"),
    ],
    hides: &["authorization_response_iss_parameter_supported"],
    clients: &[Preset {
        id: "0oasandbox",
        secret: None,
        redirects: &[
            "http://127.0.0.1:8400/callback",
            "http://127.0.0.1:8401/callback",
            "http://127.0.0.1:8402/callback",
            "http://localhost:8400/callback",
            "http://localhost:8401/callback",
            "http://localhost:8402/callback",
        ],
        grants: &["authorization_code", "refresh_token", DEVICE],
    }],
    registration: Registration::Administrators,
    documented: false,
    redirects: Redirects::Exact,
    renewal: Renewal::OfflineScope,
    target: Target::Unnamed,
    response_iss: false,
    dialect: Dialect::Okta,
    lifetime: 3600,
    grace: 30,
    audience: Some("api://default"),
    ..STRICT
};

/// What a policy says to a person who is not assigned.
pub(in crate::sandbox) const POLICY: Refusal =
    bad("access_denied", "Policy evaluation failed for this request, please check the policy configurations.");

/// What the management interface says to a request without its token.
pub(in crate::sandbox) fn no_session() -> Value {
    json!({
        "errorCode": "E0000005", "errorSummary": "Invalid session", "errorLink": "E0000005",
        "errorId": "oaesandbox", "errorCauses": [],
    })
}

/// Its sentences.
pub(in crate::sandbox) fn words(refusal: &Refusal) -> Option<&'static str> {
    Some(match (refusal.error, refusal.why.contains("redirect_uri")) {
        ("invalid_grant", false) => "The refresh token is invalid or expired.",
        ("invalid_redirect_uri", _) => {
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings"
        }
        ("invalid_scope", _) => "One or more scopes are not configured for the authorization server resource.",
        _ => return None,
    })
}
