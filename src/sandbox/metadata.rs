//! What a server publishes about itself (RFC 8414, OIDC Discovery) and about its resources (RFC 9728).

use serde_json::{Map, Value, json};

use super::client::{DEVICE, Method};
use super::jose::ALGORITHMS;
use super::providers::{Document, Registration};
use super::state::{State, split};
use super::{dialect, document};

/// The members that name endpoints.
const ENDPOINTS: [(&str, &str); 10] = [
    ("authorize", "authorization_endpoint"),
    ("token", "token_endpoint"),
    ("register", "registration_endpoint"),
    ("revoke", "revocation_endpoint"),
    ("introspect", "introspection_endpoint"),
    ("jwks", "jwks_uri"),
    ("par", "pushed_authorization_request_endpoint"),
    ("device_authorization", "device_authorization_endpoint"),
    ("userinfo", "userinfo_endpoint"),
    ("end_session", "end_session_endpoint"),
];
/// What metadata is called where.
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// The document at this path of the sandbox, if it is one of this server's.
pub(super) fn at(state: &State, path: &str) -> Option<Value> {
    let tenants = if state.profile.tenants.is_empty() { &[""] } else { state.profile.tenants };
    tenants.iter().find_map(|tenant| {
        let issuer = issuer_path(state, tenant);
        let issuer = issuer.trim_end_matches('/');
        let is_here = |place: &Document| {
            // With a slash at the end of the issuer, a client may drop it or keep it (RFC 8414 §3.1 drops it).
            let wanted = match place {
                Document::Inserted => format!("{OAUTH}{issuer}"),
                Document::Appended => format!("{issuer}{OPENID}"),
                Document::Misplaced => format!("{issuer}{OAUTH}"),
            };
            path == wanted || (state.profile.issuer == "/" && path.strip_suffix('/') == Some(&wanted))
        };
        state.profile.documents.iter().any(is_here).then(|| server(state, tenant))
    })
}

fn issuer_path(state: &State, tenant: &str) -> String {
    let tenant = if tenant.is_empty() { String::new() } else { format!("/{tenant}") };
    format!("{}{tenant}{}", state.path(), state.profile.issuer)
}

/// The authorization server's document. It lists only what works.
fn server(state: &State, tenant: &str) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    put("issuer", json!(dialect::announced(state, tenant)));
    for (endpoint, member) in ENDPOINTS {
        if let Some(url) = state.of_tenant(endpoint, tenant).filter(|_| endpoint != "register" || is_open(state)) {
            put(member, json!(url));
        }
    }
    let has = |endpoint: &str| state.at(endpoint).is_some();
    let mut grants = vec!["authorization_code", "refresh_token", "client_credentials"];
    grants.extend(has("device_authorization").then_some(DEVICE));
    let methods = Method::ALL.map(Method::word);
    for (endpoint, member) in ENDPOINTS.into_iter().take(5).filter(|(name, _)| has(name)) {
        if let Some(stem) =
            member.strip_suffix("_endpoint").filter(|_| endpoint != "authorize" && endpoint != "register")
        {
            put(&format!("{stem}_endpoint_auth_methods_supported"), json!(methods));
            put(&format!("{stem}_endpoint_auth_signing_alg_values_supported"), json!(ALGORITHMS));
        }
    }
    put("grant_types_supported", json!(grants));
    put("scopes_supported", json!(state.profile.scopes));
    put("response_types_supported", json!(["code"]));
    put("response_modes_supported", json!(["query"]));
    put("code_challenge_methods_supported", json!(["S256"]));
    put("authorization_response_iss_parameter_supported", json!(state.profile.response_iss));
    put("dpop_signing_alg_values_supported", json!(ALGORITHMS));
    put("subject_types_supported", json!(["public"]));
    put("id_token_signing_alg_values_supported", json!(["ES256"]));
    put(
        "claims_supported",
        json!(["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "name", "email"]),
    );
    put("request_parameter_supported", json!(false));
    put("request_uri_parameter_supported", json!(false));
    if has("par") {
        put("require_pushed_authorization_requests", json!(state.desk.faults().require_par));
    }
    if document::is_offered(state) {
        put("client_id_metadata_document_supported", json!(true));
    }
    document.retain(|name, _| !state.profile.hides.contains(&name.as_str()));
    spoil(state, &mut document);
    Value::Object(document)
}

fn is_open(state: &State) -> bool {
    state.profile.registration != Registration::Absent || state.desk.faults().open_registration
}

fn spoil(state: &State, document: &mut Map<String, Value>) {
    let faults = state.desk.faults();
    if let Some(issuer) = &faults.metadata_issuer {
        document.insert("issuer".to_owned(), json!(issuer));
    }
    for (missing, name) in [
        (faults.metadata_without_pkce, "code_challenge_methods_supported"),
        (faults.metadata_without_iss, "authorization_response_iss_parameter_supported"),
        (faults.metadata_without_registration, "registration_endpoint"),
    ] {
        if missing {
            document.remove(name);
        }
    }
}

/// The document of a protected resource, named by its path; `None` if there is no such resource.
pub(super) fn resource(state: &State, path: &str) -> Option<Value> {
    let resource = format!("{}{path}", state.url);
    state.knows_resource(&resource).then(|| {
        let (named, proves) = {
            let faults = state.desk.faults();
            (faults.resource_metadata_names.clone(), faults.require_dpop)
        };
        let mut document = json!({
            "resource": named.unwrap_or(resource),
            "authorization_servers": [dialect::pointed(state)],
            "scopes_supported": split(state.profile.needs),
            "bearer_methods_supported": ["header"],
            "resource_name": format!("keyward sandbox: {}", path.trim_start_matches('/')),
        });
        if let Some(members) = document.as_object_mut().filter(|_| proves) {
            members.insert("dpop_bound_access_tokens_required".to_owned(), json!(true));
            members.insert("dpop_signing_alg_values_supported".to_owned(), json!(ALGORITHMS));
        }
        document
    })
}
