//! From an issuer to its endpoints (RFC 8414, OpenID Connect Discovery).

use serde_json::{Map, Value};
use url::Url;

use super::fetch::{Found, fetch};
use crate::http::Http;
use crate::oauth::error::{Error, Why};
use crate::oauth::foreign::{clean, host};
use crate::oauth::json;
use crate::oauth::reach::Reach;

/// What a server must promise, and where its metadata may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Refuse a server that does not list S256. `false` is for providers known to speak PKCE without saying so; the
    /// request carries S256 in either case.
    pub require_s256: bool,
    /// Where endpoints may be, given what the person configured.
    pub reach: Reach,
}

/// An authorization server: its metadata, checked. Serialisable, so that a caller can keep it for a while.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Server {
    /// The issuer, as the server itself spells it; what `iss` is compared with.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where clients are registered (RFC 7591).
    pub registration_endpoint: Option<Url>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: Option<Url>,
    /// Where a device login starts (RFC 8628).
    pub device_authorization_endpoint: Option<Url>,
    /// Scopes the server lists.
    pub scopes: Vec<String>,
    /// PKCE methods the server lists.
    pub code_challenge_methods: Vec<String>,
    /// Ways to identify a client at the token endpoint; `None` if the server lists none.
    pub auth_methods: Option<Vec<String>>,
    /// Whether every answer to the browser carries `iss` (RFC 9207).
    pub promises_iss: bool,
    /// Whether a client id may be the address of a metadata document.
    pub accepts_client_documents: bool,
    /// Where further addresses from this server may lead.
    pub reach: Reach,
}

/// Fetches the metadata of `issuer` from its well-known addresses, in their order, and checks it.
///
/// 404 and other client errors, pages and documents of another issuer lead to the next address; trouble (5xx, network,
/// TLS, time) ends the search. Endpoints are never invented.
pub async fn discover_issuer(http: &Http, issuer: &str, policy: Policy) -> Result<Server, Error> {
    let url = check_issuer(policy.reach, issuer)?;
    let mut reason = None;
    for candidate in candidates(&url) {
        let found = match fetch(http, &candidate).await? {
            Found::Object(members) => members,
            // A missing document is the usual case; anything odder says more about the trouble.
            Found::Nothing(Error::Status { .. }) => continue,
            Found::Nothing(error) => {
                reason.get_or_insert(error);
                continue;
            }
        };
        let received = json::text(&found, "issuer").unwrap_or_default();
        if is_same(issuer, received) {
            return read(&found, received, &url, policy);
        }
        reason = match reason {
            kept @ Some(Error::IssuerMismatch { .. }) => kept,
            _ => Some(Error::IssuerMismatch { expected: issuer.to_owned(), received: clean(received) }),
        };
    }
    Err(reason.unwrap_or_else(|| Error::NoMetadata { issuer: issuer.to_owned() }))
}

/// An issuer is an `https` address without query and fragment (RFC 8414 §2).
pub(super) fn check_issuer(reach: Reach, issuer: &str) -> Result<Url, Error> {
    let url = reach.check("issuer", issuer)?;
    if url.query().is_some() {
        return Err(Error::BadEndpoint { which: "issuer", url: clean(issuer), why: Why::Query });
    }
    Ok(url)
}

/// The well-known addresses: two inserted before the path, one appended to it.
fn candidates(issuer: &Url) -> Vec<Url> {
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let path = issuer.path().strip_suffix('/').unwrap_or(issuer.path());
    let mut found = vec![
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        found.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    found
}

/// Identical, character by character. The one tolerated difference is the slash of an empty path (RFC 3986 §6.2.3).
fn is_same(expected: &str, received: &str) -> bool {
    if expected == received {
        return true;
    }
    let is_root = Url::parse(received).is_ok_and(|url| url.path() == "/");
    let same =
        is_root && expected.strip_suffix('/').unwrap_or(expected) == received.strip_suffix('/').unwrap_or(received);
    if same {
        log::warn!("the issuer `{expected}` spells itself `{received}`");
    }
    same
}

fn read(members: &Map<String, Value>, issuer: &str, url: &Url, policy: Policy) -> Result<Server, Error> {
    let optional = |name: &'static str| match json::text(members, name) {
        Some(address) => policy.reach.check(name, address).map(Some),
        None => Ok(None),
    };
    let required = |name: &'static str, what: &'static str| {
        optional(name)?.ok_or_else(|| Error::Malformed { host: host(url), what })
    };
    let authorization_endpoint = required("authorization_endpoint", "there is no authorization endpoint")?;
    refuse_parameters(&authorization_endpoint)?;
    let code_challenge_methods = json::texts(members, "code_challenge_methods_supported").unwrap_or_default();
    if policy.require_s256 && !code_challenge_methods.iter().any(|method| method == "S256") {
        return Err(Error::NoS256 { issuer: issuer.to_owned() });
    }
    if json::flag(members, "require_pushed_authorization_requests") {
        return Err(Error::Insists { host: issuer.to_owned(), what: "pushed authorization requests" });
    }
    Ok(Server {
        issuer: issuer.to_owned(),
        authorization_endpoint,
        token_endpoint: required("token_endpoint", "there is no token endpoint")?,
        registration_endpoint: optional("registration_endpoint")?,
        revocation_endpoint: optional("revocation_endpoint")?,
        device_authorization_endpoint: optional("device_authorization_endpoint")?,
        scopes: json::texts(members, "scopes_supported").unwrap_or_default(),
        code_challenge_methods,
        auth_methods: json::texts(members, "token_endpoint_auth_methods_supported"),
        promises_iss: json::flag(members, "authorization_response_iss_parameter_supported"),
        accepts_client_documents: json::flag(members, "client_id_metadata_document_supported"),
        reach: policy.reach,
    })
}

/// The endpoint's own query is kept, so it must not speak for us: a server that reads the first of two
/// `code_challenge_method`s would be talked out of S256.
fn refuse_parameters(endpoint: &Url) -> Result<(), Error> {
    if endpoint.query_pairs().any(|(name, _)| crate::oauth::attempt::is_reserved(&name)) {
        let url = clean(endpoint.as_str());
        return Err(Error::BadEndpoint { which: "authorization_endpoint", url, why: Why::Parameter });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_addresses_are_those_of_the_standards() {
        for (issuer, expected) in [
            (
                "https://as.example",
                vec![
                    "https://as.example/.well-known/oauth-authorization-server",
                    "https://as.example/.well-known/openid-configuration",
                ],
            ),
            (
                "https://as.example/t1",
                vec![
                    "https://as.example/.well-known/oauth-authorization-server/t1",
                    "https://as.example/.well-known/openid-configuration/t1",
                    "https://as.example/t1/.well-known/openid-configuration",
                ],
            ),
            (
                "https://as.example/realms/x/",
                vec![
                    "https://as.example/.well-known/oauth-authorization-server/realms/x",
                    "https://as.example/.well-known/openid-configuration/realms/x",
                    "https://as.example/realms/x/.well-known/openid-configuration",
                ],
            ),
        ] {
            let found: Vec<String> =
                candidates(&Url::parse(issuer).expect("an address")).into_iter().map(String::from).collect();
            assert_eq!(found, expected, "{issuer}");
        }
    }

    #[test]
    fn issuers_are_the_same_text_but_for_the_slash_of_an_empty_path() {
        for (expected, received, same) in [
            ("https://as.example", "https://as.example", true),
            ("https://as.example", "https://as.example/", true),
            ("https://as.example/", "https://as.example", true),
            ("https://as.example/t", "https://as.example/t", true),
            ("https://as.example/t", "https://as.example/t/", false),
            ("https://as.example/t/", "https://as.example/t", false),
            ("https://as.example", "https://as.example//", false),
            ("https://as.example", "https://AS.example", false),
            ("https://as.example", "https://as.example:443", false),
            ("https://as.example", "http://as.example", false),
            ("https://as.example", "", false),
        ] {
            assert_eq!(is_same(expected, received), same, "{expected} {received}");
        }
    }
}
