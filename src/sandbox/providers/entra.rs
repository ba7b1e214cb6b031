//! Microsoft Entra ID, the v2.0 endpoints.
//!
//! * Address `/p/entra`, issuer `/p/entra/11111111-2222-3333-4444-555555555555/v2.0`; metadata after the issuer only.
//!   Below `/p/entra/common/v2.0` and `…/organizations/v2.0` the document names the issuer `…/{tenantid}/v2.0`, which
//!   no token and no address equals. No PKCE method and no revocation endpoint are listed; S256 works.
//! * Client `00000000-aaaa-bbbb-cccc-000000000001`, public, with `http://localhost/callback` and `http://localhost`: any
//!   port on `localhost`. **Refuses** `127.0.0.1` (AADSTS50011). Client `…0002` needs the secret `entra-sandbox-secret`.
//! * The target is in the scope: `api://sandbox/read`, or `RESOURCE/.default`. **Refuses** a `resource` that no scope
//!   begins with (AADSTS9010010), scopes of two resources (AADSTS28000), and a refresh that does not repeat the scope
//!   (AADSTS90009).
//! * `RESOURCE/.default` beside another scope of the resource is **refused** (AADSTS70011); the answer names what it stands
//!   for, and neither the scopes of identity nor `offline_access`.
//! * A refresh token only with `offline_access`; a new one each time, and the old one stays good.
//! * Access tokens have a few thousand bytes of groups.
//! * Errors have `error_codes`, `timestamp`, `trace_id`, `correlation_id`; while the resources ask for an `acr`, a refresh
//!   answers `interaction_required` with `suberror` and `claims`, until those `claims` are in a login's request.
//! * A device is told `authorization_declined` and `bad_verification_code`.

use serde_json::{Map, Value, json};

use super::{Dialect, Document, Preset, Profile, Redirects, Registration, Renewal, Rotation, STRICT, Target};
use crate::sandbox::client::DEVICE;
use crate::sandbox::params::Params;

/// Scopes that are granted and not named in the answer.
pub(in crate::sandbox) const IDENTITY: [&str; 4] = ["openid", "profile", "email", "offline_access"];

const TENANT: &str = "11111111-2222-3333-4444-555555555555";

pub(super) const PROFILE: Profile = Profile {
    name: "entra",
    tenants: &["common", "organizations", TENANT],
    issuer: "/v2.0",
    documents: &[Document::Appended],
    paths: &[
        ("authorize", "/oauth2/v2.0/authorize"),
        ("token", "/oauth2/v2.0/token"),
        ("jwks", "/discovery/v2.0/keys"),
        ("device_authorization", "/oauth2/v2.0/devicecode"),
        ("device", "/oauth2/deviceauth"),
        ("userinfo", "/oidc/userinfo"),
        ("end_session", "/oauth2/v2.0/logout"),
    ],
    hides: &[
        "code_challenge_methods_supported",
        "authorization_response_iss_parameter_supported",
        "dpop_signing_alg_values_supported",
        "grant_types_supported",
    ],
    scopes: &["openid", "profile", "email", "offline_access", "api://sandbox/read"],
    needs: "api://sandbox/read",
    clients: &[
        Preset {
            id: "00000000-aaaa-bbbb-cccc-000000000001",
            secret: None,
            redirects: &["http://localhost/callback", "http://localhost"],
            grants: &["authorization_code", "refresh_token", DEVICE],
        },
        Preset {
            id: "00000000-aaaa-bbbb-cccc-000000000002",
            secret: Some("entra-sandbox-secret"),
            redirects: &["http://localhost/callback"],
            grants: &["authorization_code", "refresh_token", "client_credentials"],
        },
    ],
    registration: Registration::Absent,
    documented: false,
    redirects: Redirects::Localhost,
    renewal: Renewal::OfflineScope,
    rotation: Rotation::Lenient,
    target: Target::Scope,
    response_iss: false,
    dialect: Dialect::Entra,
    lifetime: 3599,
    ..STRICT
};

/// The number of an error and what it says.
const CODES: [(&str, u32, &str); 12] = [
    (
        "invalid_redirect_uri",
        50011,
        "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
    ),
    (
        "AADSTS9010010",
        9_010_010,
        "The resource parameter provided in the request doesn't match with the requested scopes.",
    ),
    (
        "AADSTS28000",
        28000,
        "Provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
    (
        "AADSTS90009",
        90009,
        "Application is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.",
    ),
    (
        "AADSTS50076",
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.",
    ),
    ("access_denied", 65004, "User declined to consent to access the app."),
    ("authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    (
        "expired_token",
        70020,
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    ),
    ("invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid."),
    ("invalid_grant", 700_082, "The refresh token has expired due to inactivity."),
    (
        "invalid_client",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    ("unknown", 700_016, "Application was not found in the directory."),
];

/// Its sentence, with the number in front.
pub(in crate::sandbox) fn words(error: &str, why: &str) -> Option<String> {
    let unknown = error == "invalid_client" && why.contains("no client");
    let wanted = if unknown { "unknown" } else { error };
    let found = CODES.iter().find(|(name, ..)| *name == why).or(CODES.iter().find(|(name, ..)| *name == wanted));
    found.map(|(_, number, text)| format!("AADSTS{number}: {text}"))
}

/// The members of an error.
pub(in crate::sandbox) fn error(error: &str, why: &str, polls: bool) -> Map<String, Value> {
    let text = why.strip_prefix("AADSTS").unwrap_or_default();
    let number: u32 = text.split(':').next().and_then(|number| number.parse().ok()).unwrap_or(90014);
    let said = match (error, polls) {
        ("access_denied", true) => "authorization_declined",
        ("invalid_grant", true) => "bad_verification_code",
        _ => error,
    };
    let id = "5e3ce6c0-2b1f-4285-8d4b-75ee78787346";
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("error", json!(said));
    put(
        "error_description",
        json!(format!("{why} Trace ID: {id} Correlation ID: {id} Timestamp: 2027-01-15 08:00:00Z")),
    );
    put("error_codes", json!([number]));
    put("timestamp", json!("2027-01-15 08:00:00Z"));
    put("trace_id", json!(id));
    put("correlation_id", json!(id));
    put("error_uri", json!(format!("https://login.microsoftonline.com/error?code={number}")));
    members
}

/// What a login must carry in `claims` to be as strong as this.
pub(in crate::sandbox) fn challenge(acr: &str) -> String {
    json!({ "access_token": { "acrs": { "essential": true, "value": acr } } }).to_string()
}

/// How strong a login is to be, from the `claims` of its request.
pub(in crate::sandbox) fn acr(params: &Params) -> Option<String> {
    let claims: Value = serde_json::from_str(params.one("claims")?).ok()?;
    claims.pointer("/access_token/acrs/value")?.as_str().map(str::to_owned)
}

/// The claims that make its tokens large.
pub(in crate::sandbox) fn groups(claims: &mut Map<String, Value>) {
    let groups: Vec<String> = (0..120).map(|number| format!("99999999-8888-7777-6666-{number:012}")).collect();
    claims.insert("groups".to_owned(), json!(groups));
    claims.insert("tid".to_owned(), json!(TENANT));
}

/// The claims of a person.
pub(in crate::sandbox) fn person(claims: &mut Map<String, Value>) {
    claims.insert("tid".to_owned(), json!(TENANT));
    claims.insert("oid".to_owned(), json!("0a0a0a0a-0000-0000-0000-000000000001"));
    claims.insert("ver".to_owned(), json!("2.0"));
}
