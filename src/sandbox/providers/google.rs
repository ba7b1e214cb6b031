//! Google.
//!
//! * Address and issuer `/p/google`; metadata after the issuer only. Resources name the issuer with a slash at its end.
//!   The authorization response has `iss`, which the metadata does not promise.
//! * Client `sandbox-desktop.apps.example`, secret `GOCSPX-sandbox`: any address on this machine. **Refuses** a token
//!   request without the secret (`invalid_request`, "client_secret is missing."). Client `sandbox-tv.apps.example`, same
//!   secret, for devices only. Client `sandbox-old.apps.example` as the first; its ID tokens have `iss` without a scheme.
//! * No registration. PKCE may be left out; when there, S256 is checked.
//! * A refresh token only with `access_type=offline`, the first time that a person allows the client something, or with
//!   `prompt=consent`; never a second one. It lives seven days (`refresh_token_expires_in`).
//! * `offline_access` and other unknown scopes are **refused** on a page, not with a redirect. Granted scopes come
//!   renamed and in another order: `email` is `https://www.googleapis.com/auth/userinfo.email`.
//! * A device may have `openid`, `email`, `profile` and `…/drive.file` only; the answer has `verification_url`. Waiting is
//!   428, polling too early 403, a denial 403.
//! * Revocation wants the token alone and ends the grant; an unknown token is **refused** with 400 `invalid_token`.
//! * Of 101 grants of one person and client the oldest ends. Access tokens are opaque.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Dialect, Document, Preset, Profile, Redirects, Registration, Renewal, Rotation, STRICT, Target};
use crate::sandbox::client::DEVICE;

const SECRET: Option<&str> = Some("GOCSPX-sandbox");
const OLD: &str = "sandbox-old.apps.example";
const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
const PROFILE_SCOPE: &str = "https://www.googleapis.com/auth/userinfo.profile";
const FILES: &str = "https://www.googleapis.com/auth/drive.file";

pub(super) const PROFILE: Profile = Profile {
    name: "google",
    documents: &[Document::Appended],
    paths: &[
        ("authorize", "/o/oauth2/v2/auth"),
        ("token", "/token"),
        ("revoke", "/revoke"),
        ("jwks", "/oauth2/v3/certs"),
        ("device_authorization", "/device/code"),
        ("device", "/device"),
        ("userinfo", "/v1/userinfo"),
    ],
    hides: &["authorization_response_iss_parameter_supported", "dpop_signing_alg_values_supported"],
    scopes: &["openid", "email", "profile", EMAIL, PROFILE_SCOPE, FILES, "https://www.googleapis.com/auth/drive"],
    needs: "openid https://www.googleapis.com/auth/userinfo.email",
    clients: &[
        Preset {
            id: "sandbox-desktop.apps.example",
            secret: SECRET,
            redirects: &["http://localhost"],
            grants: &["authorization_code", "refresh_token"],
        },
        Preset { id: "sandbox-tv.apps.example", secret: SECRET, redirects: &[], grants: &[DEVICE, "refresh_token"] },
        Preset {
            id: OLD,
            secret: SECRET,
            redirects: &["http://localhost"],
            grants: &["authorization_code", "refresh_token"],
        },
    ],
    registration: Registration::Absent,
    documented: false,
    redirects: Redirects::Anything,
    renewal: Renewal::AccessType,
    rotation: Rotation::Absent,
    target: Target::Unnamed,
    pkce: false,
    dialect: Dialect::Google,
    lifetime: 3599,
    absolute: LIFETIME,
    opaque: Some("ya29."),
    most_grants: 100,
    ..STRICT
};

/// How long a login lives while the consent screen is in testing.
const LIFETIME: u64 = 7 * 86_400;

/// Whether a device may have this scope.
pub(in crate::sandbox) fn is_for_devices(scope: &str) -> bool {
    ["openid", "email", "profile", EMAIL, PROFILE_SCOPE, FILES].contains(&scope)
}

/// The members of a token answer, with the scopes as Google has them.
pub(in crate::sandbox) fn tokens(members: &mut Map<String, Value>) {
    let scope = members.get("scope").and_then(Value::as_str).unwrap_or_default();
    let renamed = |one| match one {
        "email" => EMAIL,
        "profile" => PROFILE_SCOPE,
        other => other,
    };
    let mut all: Vec<&str> = scope.split(' ').map(renamed).collect();
    all.sort_unstable();
    all.dedup();
    let scope = json!(all.join(" "));
    members.insert("scope".to_owned(), scope);
    if members.contains_key("refresh_token") {
        members.insert("refresh_token_expires_in".to_owned(), json!(LIFETIME - 1));
    }
}

/// The claims of an ID token.
pub(in crate::sandbox) fn person(claims: &mut Map<String, Value>) {
    let client = claims.get("aud").cloned().unwrap_or_default();
    if client == OLD {
        let iss = claims.get("iss").and_then(Value::as_str).and_then(|iss| iss.split_once("://"));
        let bare = iss.map(|(_, rest)| json!(rest));
        claims.extend(bare.map(|bare| ("iss".to_owned(), bare)));
    }
    claims.insert("azp".to_owned(), client);
    claims.remove("auth_time");
}

/// The status and the sentence of an error at the token endpoint.
pub(in crate::sandbox) fn error(error: &str, usual: StatusCode) -> (StatusCode, Option<&'static str>) {
    match error {
        "authorization_pending" => (StatusCode::PRECONDITION_REQUIRED, Some("Precondition Required")),
        "slow_down" | "access_denied" => (StatusCode::FORBIDDEN, Some("Forbidden")),
        "invalid_grant" => (usual, Some("Token has been expired or revoked.")),
        _ => (usual, None),
    }
}
