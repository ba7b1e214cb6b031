//! GitHub.
//!
//! * Address `/p/github`; no metadata at all. Authorization at `/login/oauth/authorize`, tokens at
//!   `/login/oauth/access_token`, devices at `/login/device/code` and `/login/device`, the person at `/user`.
//! * OAuth app `Ov23sandbox`: its tokens do not expire and are not renewed. GitHub app `Iv23sandbox`: tokens of eight
//!   hours and refresh tokens of six months, both rotated. Both have the secret `github-sandbox-secret`, which the code
//!   exchange and the refresh **refuse** to be without (`incorrect_client_credentials`); a device needs none.
//! * `http://127.0.0.1/callback`: any port, and any path below.
//! * Answers are form-encoded unless `Accept` names `application/json`. Errors come with status 200:
//!   `bad_verification_code`, `incorrect_client_credentials`, `redirect_uri_mismatch`, `bad_refresh_token`.
//! * Scopes are separated by commas; unknown ones are left out in silence. PKCE may be left out.
//! * `slow_down` has the new `interval`. There is no revocation, no `iss`, no ID token and no `resource`.
//! * Of eleven tokens of one person and app the oldest ends.

use serde_json::{Map, Value, json};

use super::{Dialect, Preset, Profile, Redirects, Registration, STRICT, Target};
use crate::sandbox::client::DEVICE;

const SECRET: Option<&str> = Some("github-sandbox-secret");
/// Six months.
const RENEWAL: u64 = 15_897_600;

pub(super) const PROFILE: Profile = Profile {
    name: "github",
    documents: &[],
    paths: &[
        ("authorize", "/login/oauth/authorize"),
        ("token", "/login/oauth/access_token"),
        ("device_authorization", "/login/device/code"),
        ("device", "/login/device"),
        ("userinfo", "/user"),
    ],
    scopes: &["user", "read:user", "user:email", "repo", "read:org", "gist"],
    needs: "read:user",
    clients: &[
        Preset {
            id: "Ov23sandbox",
            secret: SECRET,
            redirects: &["http://127.0.0.1/callback"],
            grants: &["authorization_code", DEVICE],
        },
        Preset {
            id: "Iv23sandbox",
            secret: SECRET,
            redirects: &["http://127.0.0.1/callback"],
            grants: &["authorization_code", "refresh_token", DEVICE],
        },
    ],
    registration: Registration::Absent,
    documented: false,
    redirects: Redirects::Below,
    target: Target::Unnamed,
    pkce: false,
    response_iss: false,
    dialect: Dialect::GitHub,
    lifetime: 28_800,
    absolute: RENEWAL,
    opaque: Some("gho_"),
    most_grants: 10,
    ..STRICT
};

/// The members of a token answer.
pub(in crate::sandbox) fn tokens(members: &mut Map<String, Value>) {
    let scope = members.get("scope").and_then(Value::as_str).unwrap_or_default().replace(' ', ",");
    members.insert("scope".to_owned(), json!(scope));
    members.insert("token_type".to_owned(), json!("bearer"));
    match members.contains_key("refresh_token") {
        true => drop(members.insert("refresh_token_expires_in".to_owned(), json!(RENEWAL))),
        false => drop(members.remove("expires_in")),
    }
}

/// What an error is called here.
pub(in crate::sandbox) fn error(error: &str, why: &str, grant: &str) -> &'static str {
    match (error, grant) {
        ("invalid_grant", "refresh_token") => "bad_refresh_token",
        ("invalid_grant", DEVICE) => "incorrect_device_code",
        ("invalid_grant", _) if why.contains("redirect_uri") => "redirect_uri_mismatch",
        ("invalid_grant", _) => "bad_verification_code",
        ("invalid_client", _) => "incorrect_client_credentials",
        ("authorization_pending", _) => "authorization_pending",
        ("slow_down", _) => "slow_down",
        ("expired_token", _) => "expired_token",
        ("access_denied", _) => "access_denied",
        ("unauthorized_client", _) => "device_flow_disabled",
        ("unsupported_grant_type", _) => "unsupported_grant_type",
        _ => "invalid_request",
    }
}
