//! What the sandbox publishes about itself (RFC 8414, OIDC Discovery) and about its resources (RFC 9728).

use serde_json::{Value, json};

use super::client::Method;
use super::state::{DEFAULT_SCOPE, SCOPES, State};

/// The authorization server's document. It lists only what works.
pub(super) fn server(state: &State) -> Value {
    let at = |endpoint: &str| format!("{}/{endpoint}", state.issuer);
    let methods = Method::ALL.map(Method::word);
    let mut document = json!({
        "issuer": state.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "registration_endpoint": at("register"),
        "revocation_endpoint": at("revoke"),
        "introspection_endpoint": at("introspect"),
        "jwks_uri": at("jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name", "email"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    let faults = state.desk.faults();
    if let Some(members) = document.as_object_mut() {
        if let Some(issuer) = &faults.metadata_issuer {
            members.insert("issuer".to_owned(), json!(issuer));
        }
        for (missing, name) in [
            (faults.metadata_without_pkce, "code_challenge_methods_supported"),
            (faults.metadata_without_iss, "authorization_response_iss_parameter_supported"),
            (faults.metadata_without_registration, "registration_endpoint"),
        ] {
            if missing {
                members.remove(name);
            }
        }
    }
    document
}

/// The document of a protected resource, named by its path; `None` if there is no such resource.
pub(super) fn resource(state: &State, path: &str) -> Option<Value> {
    let resource = format!("{}{path}", state.url);
    state.knows_resource(&resource).then(|| {
        let named = state.desk.faults().resource_metadata_names.clone();
        json!({
            "resource": named.unwrap_or(resource),
            "authorization_servers": [state.issuer],
            "scopes_supported": [DEFAULT_SCOPE],
            "bearer_methods_supported": ["header"],
            "resource_name": format!("keyward sandbox: {}", path.trim_start_matches('/')),
        })
    })
}
