//! Keycloak.
//!
//! * Address `/p/keycloak`, issuer `/p/keycloak/realms/sandbox`; metadata after the issuer only.
//! * Client `keycloak-sandbox`, public, with `http://127.0.0.1/callback`: any port on a loopback literal, not on
//!   `localhost`.
//! * Registration **refuses** with 403 `insufficient_scope`, "Host not trusted", unless it comes with the initial access
//!   token `keycloak-sandbox-initial` or the fault `open_registration` is set. It then **refuses** members that it does
//!   not know (400) and scopes that it does not have (403).
//! * A refresh token always comes, with `refresh_expires_in`: 0 with `offline_access`, otherwise the 1800 seconds after
//!   which it answers `invalid_grant`, "Session not active". It is not single use.
//! * `resource` means nothing; every access token is for `account`.

use serde_json::{Map, Value, json};

use super::{Dialect, Document, Preset, Profile, Registration, Rotation, STRICT, Target};
use crate::sandbox::answer::Refusal;
use crate::sandbox::client::DEVICE;

/// The token that lets one register from anywhere.
pub(in crate::sandbox) const INITIAL: &str = "keycloak-sandbox-initial";
/// How long a session that is not an offline one may be idle.
pub(in crate::sandbox) const IDLE: i64 = 1800;
/// The members of a registration that it knows.
const MEMBERS: [&str; 18] = [
    "application_type",
    "client_name",
    "client_uri",
    "contacts",
    "dpop_bound_access_tokens",
    "grant_types",
    "jwks",
    "jwks_uri",
    "logo_uri",
    "policy_uri",
    "post_logout_redirect_uris",
    "redirect_uris",
    "response_types",
    "scope",
    "software_id",
    "software_version",
    "token_endpoint_auth_method",
    "tos_uri",
];

pub(super) const PROFILE: Profile = Profile {
    name: "keycloak",
    issuer: "/realms/sandbox",
    documents: &[Document::Appended],
    paths: &[
        ("authorize", "/realms/sandbox/protocol/openid-connect/auth"),
        ("token", "/realms/sandbox/protocol/openid-connect/token"),
        ("register", "/realms/sandbox/clients-registrations/openid-connect"),
        ("revoke", "/realms/sandbox/protocol/openid-connect/revoke"),
        ("introspect", "/realms/sandbox/protocol/openid-connect/token/introspect"),
        ("jwks", "/realms/sandbox/protocol/openid-connect/certs"),
        ("par", "/realms/sandbox/protocol/openid-connect/ext/par/request"),
        ("device_authorization", "/realms/sandbox/protocol/openid-connect/auth/device"),
        ("device", "/realms/sandbox/device"),
        ("userinfo", "/realms/sandbox/protocol/openid-connect/userinfo"),
        ("end_session", "/realms/sandbox/protocol/openid-connect/logout"),
    ],
    clients: &[Preset {
        id: "keycloak-sandbox",
        secret: None,
        redirects: &["http://127.0.0.1/callback"],
        grants: &["authorization_code", "refresh_token", DEVICE],
    }],
    registration: Registration::TrustedHosts,
    documented: false,
    rotation: Rotation::Lenient,
    target: Target::Unnamed,
    dialect: Dialect::Keycloak,
    lifetime: 300,
    audience: Some("account"),
    ..STRICT
};

/// Why this host may not register.
pub(in crate::sandbox) const UNTRUSTED: Refusal = Refusal {
    status: http::StatusCode::FORBIDDEN,
    error: "insufficient_scope",
    why: "Policy 'Trusted Hosts' rejected request to client-registration service. Details: Host not trusted.",
};

/// Whether it knows every member of a registration.
pub(in crate::sandbox) fn knows(sent: &Value) -> bool {
    sent.as_object().is_some_and(|members| members.keys().all(|name| MEMBERS.contains(&name.as_str())))
}

/// More members of a token answer.
pub(in crate::sandbox) fn tokens(members: &mut Map<String, Value>) {
    let scope = members.get("scope").and_then(Value::as_str).unwrap_or_default();
    let offline = scope.split(' ').any(|one| one == "offline_access");
    if members.contains_key("refresh_token") {
        members.insert("refresh_expires_in".to_owned(), json!(if offline { 0 } else { IDLE }));
    }
    members.insert("not-before-policy".to_owned(), json!(0));
    members.insert("session_state".to_owned(), json!("8d3f1b0a-sandbox"));
}
