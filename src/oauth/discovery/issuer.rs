//! From an issuer to its endpoints (RFC 8414, OpenID Connect Discovery).

use serde_json::{Map, Value};
use url::Url;

use super::fetch::{Found, fetch};
use crate::http::Http;
use crate::oauth::client::AuthMethod;
use crate::oauth::error::{Error, Why};
use crate::oauth::foreign::{clean, host};
use crate::oauth::habits::{self, Habits};
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
    /// What this server is known to do differently.
    pub habits: Habits,
}

/// An authorization server: its metadata, checked. Serialisable, so that a caller can keep it for a while.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Server {
    /// The issuer, as the server itself spells it; what `iss` is compared with.
    pub issuer: String,
    /// Where the browser goes. Only a server without any way to log in by browser has none.
    pub authorization_endpoint: Option<Url>,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where clients are registered (RFC 7591).
    pub registration_endpoint: Option<Url>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: Option<Url>,
    /// Where a device login starts (RFC 8628).
    pub device_authorization_endpoint: Option<Url>,
    /// Where an authorization request can be left before the browser opens (RFC 9126).
    #[serde(default)]
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where a token can be asked about (RFC 7662).
    #[serde(default)]
    pub introspection_endpoint: Option<Url>,
    /// Where claims about the person are (OpenID Connect Core §5.3).
    #[serde(default)]
    pub userinfo_endpoint: Option<Url>,
    /// Where the person's session at the provider ends (OpenID Connect RP-Initiated Logout).
    #[serde(default)]
    pub end_session_endpoint: Option<Url>,
    /// The keys that sign the server's tokens.
    #[serde(default)]
    pub jwks_uri: Option<Url>,
    /// Scopes the server lists.
    pub scopes: Vec<String>,
    /// Grant types the server lists; `None` if it lists none, which means the two of a browser (RFC 8414 §2).
    #[serde(default)]
    pub grant_types: Option<Vec<String>>,
    /// PKCE methods the server lists.
    pub code_challenge_methods: Vec<String>,
    /// Ways to identify a client at the token endpoint; `None` if the server lists none.
    pub auth_methods: Option<Vec<String>>,
    /// Signatures the server lists for `private_key_jwt`; empty if it lists none.
    #[serde(default)]
    pub assertion_algorithms: Vec<String>,
    /// Signatures the server lists for proofs of a key (RFC 9449 §5.1); empty if it binds no tokens.
    #[serde(default)]
    pub dpop_algorithms: Vec<String>,
    /// Signatures of its identity tokens; empty if it lists none.
    #[serde(default)]
    pub id_token_algorithms: Vec<String>,
    /// Whether it takes authorization requests from its own endpoint only (RFC 9126 §5).
    #[serde(default)]
    pub requires_par: bool,
    /// Whether every answer to the browser carries `iss` (RFC 9207).
    pub promises_iss: bool,
    /// Whether a client id may be the address of a metadata document.
    pub accepts_client_documents: bool,
    /// Where further addresses from this server may lead.
    pub reach: Reach,
    /// What it is known to do differently; not kept with the rest, so whoever reads a kept one sets it again.
    #[serde(skip)]
    pub habits: Habits,
}

/// Where a server without metadata has what it would name there.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Where the browser goes.
    pub authorization: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token: Url,
    /// Where a device login starts, if it has one.
    pub device_authorization: Option<Url>,
}

impl Server {
    /// A server that publishes no metadata and is known all the same. S256 is always sent, whether it is looked at or not.
    pub fn known(issuer: &str, endpoints: Endpoints, policy: Policy) -> Result<Self, Error> {
        policy.reach.check("authorization_endpoint", endpoints.authorization.as_str())?;
        policy.reach.check("token_endpoint", endpoints.token.as_str())?;
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: Some(endpoints.authorization),
            token_endpoint: endpoints.token,
            device_authorization_endpoint: endpoints.device_authorization,
            registration_endpoint: None,
            revocation_endpoint: None,
            pushed_authorization_request_endpoint: None,
            introspection_endpoint: None,
            userinfo_endpoint: None,
            end_session_endpoint: None,
            jwks_uri: None,
            scopes: Vec::new(),
            grant_types: None,
            code_challenge_methods: Vec::new(),
            auth_methods: Some(vec![AuthMethod::Post.name().to_owned()]),
            assertion_algorithms: Vec::new(),
            dpop_algorithms: Vec::new(),
            id_token_algorithms: Vec::new(),
            requires_par: false,
            promises_iss: false,
            accepts_client_documents: false,
            reach: policy.reach,
            habits: policy.habits,
        })
    }

    /// Where the browser goes, or why a login cannot begin.
    pub fn browser_endpoint(&self) -> Result<&Url, Error> {
        self.authorization_endpoint.as_ref().ok_or_else(|| Error::Malformed {
            host: Url::parse(&self.issuer).map_or_else(|_| self.issuer.clone(), |issuer| host(&issuer)),
            what: NO_AUTHORIZATION,
        })
    }

    /// Whether the server lists this grant type.
    pub fn lists_grant(&self, grant_type: &str) -> bool {
        self.grant_types.as_ref().is_some_and(|listed| listed.iter().any(|name| name == grant_type))
    }
}

const NO_AUTHORIZATION: &str = "there is no authorization endpoint";

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
        if policy.habits.announces(issuer, received) {
            if habits::is_same(issuer, received) && issuer != received {
                log::warn!("the issuer `{issuer}` spells itself `{received}`");
            }
            return read(&found, received, &url, policy);
        }
        reason = match reason {
            kept @ Some(Error::IssuerMismatch { .. }) => kept,
            _ => Some(Error::IssuerMismatch { expected: clean(issuer), received: clean(received) }),
        };
    }
    Err(reason.unwrap_or_else(|| Error::NoMetadata { issuer: clean(issuer) }))
}

/// Longer ones are no names.
const LONGEST_ISSUER: usize = 1024;

/// An issuer is an `https` address without query and fragment (RFC 8414 §2).
pub(super) fn check_issuer(reach: Reach, issuer: &str) -> Result<Url, Error> {
    // It is quoted in sentences of ours, which it must neither end nor fill.
    if issuer.contains('`') || issuer.len() > LONGEST_ISSUER {
        return Err(Error::BadEndpoint {
            which: "issuer",
            url: clean(issuer).replace('`', ""),
            why: Why::NotAnAddress,
        });
    }
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

fn read(members: &Map<String, Value>, issuer: &str, url: &Url, policy: Policy) -> Result<Server, Error> {
    let optional = |name: &'static str| match json::text(members, name) {
        Some(address) => policy.reach.check(name, address).map(Some),
        None => Ok(None),
    };
    let required = |name: &'static str, what: &'static str| {
        optional(name)?.ok_or_else(|| Error::Malformed { host: host(url), what })
    };
    let texts = |name: &str| json::texts(members, name);
    let authorization_endpoint = optional("authorization_endpoint")?;
    let grant_types = texts("grant_types_supported");
    let code_challenge_methods = texts("code_challenge_methods_supported").unwrap_or_default();
    match &authorization_endpoint {
        Some(endpoint) => {
            refuse_parameters(endpoint)?;
            if policy.require_s256 && !code_challenge_methods.iter().any(|method| method == "S256") {
                return Err(Error::NoS256 { issuer: clean(issuer) });
            }
        }
        // RFC 8414 §2: it may be missing only where no grant type uses it, and without a list one does.
        None if uses_a_browser(grant_types.as_deref()) => {
            return Err(Error::Malformed { host: host(url), what: NO_AUTHORIZATION });
        }
        None => {}
    }
    Ok(Server {
        issuer: issuer.to_owned(),
        authorization_endpoint,
        token_endpoint: required("token_endpoint", "there is no token endpoint")?,
        registration_endpoint: optional("registration_endpoint")?,
        revocation_endpoint: optional("revocation_endpoint")?,
        device_authorization_endpoint: optional("device_authorization_endpoint")?,
        pushed_authorization_request_endpoint: optional("pushed_authorization_request_endpoint")?,
        introspection_endpoint: optional("introspection_endpoint")?,
        userinfo_endpoint: optional("userinfo_endpoint")?,
        end_session_endpoint: optional("end_session_endpoint")?,
        jwks_uri: optional("jwks_uri")?,
        // More than anybody asks for: only whether one of ours is among them counts.
        scopes: texts("scopes_supported").unwrap_or_default(),
        grant_types,
        code_challenge_methods,
        auth_methods: texts("token_endpoint_auth_methods_supported"),
        assertion_algorithms: texts("token_endpoint_auth_signing_alg_values_supported").unwrap_or_default(),
        dpop_algorithms: texts("dpop_signing_alg_values_supported").unwrap_or_default(),
        id_token_algorithms: texts("id_token_signing_alg_values_supported").unwrap_or_default(),
        requires_par: json::flag(members, "require_pushed_authorization_requests"),
        promises_iss: json::flag(members, "authorization_response_iss_parameter_supported"),
        accepts_client_documents: json::flag(members, "client_id_metadata_document_supported"),
        reach: policy.reach,
        habits: policy.habits,
    })
}

fn uses_a_browser(grant_types: Option<&[String]>) -> bool {
    grant_types.is_none_or(|listed| listed.iter().any(|name| name == "authorization_code" || name == "implicit"))
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
    fn r25_the_well_known_addresses_are_those_of_the_standards() {
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
            assert_eq!(habits::is_same(expected, received), same, "{expected} {received}");
        }
    }
}
