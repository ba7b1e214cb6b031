//! From a protected resource to its authorization servers (RFC 9728).

use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Map, Value};
use url::Url;

use super::fetch::{Found, fetch};
use super::issuer::check_issuer;
use crate::http::{Challenge, Http, Limits, challenges, scopes as scopes_of};
use crate::oauth::error::Error;
use crate::oauth::foreign::{clean, host, retry_after};
use crate::oauth::json;
use crate::oauth::reach::Reach;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The request that makes a resource say who guards it. It carries no token. The default is a plain `GET`.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// The method.
    pub method: Method,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What a resource said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// It answered the probe with success: nobody has to log in.
    Open,
    /// It wants a token from one of these servers.
    Guarded(Resource),
}

/// A protected resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The resource identifier (RFC 8707), character by character as published, or as called where nothing is
    /// published.
    pub identifier: String,
    /// Usable issuers, in the order of the document; the order is no ranking. At least one.
    pub issuers: Vec<String>,
    /// What to ask for: the challenge's scopes, else all that the document lists, else none.
    pub scopes: Vec<String>,
    /// How the resource calls itself.
    pub name: Option<String>,
    /// Whether it takes only tokens that are bound to a key (RFC 9449).
    pub bound_tokens_only: bool,
    /// Whether there is a metadata document. Without one, the only issuer is the resource's origin, as it was before
    /// RFC 9728.
    pub published: bool,
}

/// Calls `called` without a token and reads who guards it.
///
/// The probe's answer decides: success means [`Discovery::Open`]; 401 leads to the metadata at the address in the
/// challenge or, without one, at the two well-known addresses (RFC 9728 §3.1); any other status is an error.
pub async fn discover_resource(http: &Http, called: &Url, probe: Probe) -> Result<Discovery, Error> {
    let reach = Reach::of(called);
    let mut called = called.clone();
    called.set_fragment(None);
    reach.judge(&called).map_err(|why| Error::BadEndpoint { which: "resource", url: clean(called.as_str()), why })?;
    let Some(headers) = ask(http, &called, probe).await? else { return Ok(Discovery::Open) };
    let challenges: Vec<Challenge> = challenges(&headers).into_iter().filter(Challenge::wants_token).collect();
    let scopes =
        challenges.iter().find_map(|challenge| challenge.get("scope")).map(|text| scopes_of([text].into_iter()));
    let resource = match challenges.iter().find_map(|challenge| challenge.get("resource_metadata")) {
        Some(address) => {
            let address = reach.check("resource_metadata", address)?;
            match fetch(http, &address).await? {
                Found::Object(members) => {
                    let resource = read(&members, &called, reach)?;
                    // RFC 9728 §3.3: a document for more than was called is taken from its well-known place only. Elsewhere
                    // one of several that share an origin could write it, and get a token for all of them.
                    if !candidates(&called).contains(&address) && !is_called(&resource.identifier, &called) {
                        let published = clean(&resource.identifier);
                        return Err(Error::ResourceMismatch { called: as_called(&called), published });
                    }
                    resource
                }
                Found::Nothing(reason) => return Err(reason),
            }
        }
        None => search(http, &called, reach).await?,
    };
    // A resource that names no other scheme takes no other tokens (RFC 9449 §7.1), whatever its document leaves out.
    let no_bearer = !challenges.is_empty() && challenges.iter().all(Challenge::wants_proof);
    Ok(Discovery::Guarded(Resource {
        scopes: scopes.unwrap_or(resource.scopes),
        bound_tokens_only: resource.bound_tokens_only || no_bearer,
        ..resource
    }))
}

/// The headers of a 401; `None` on success.
async fn ask(http: &Http, called: &Url, probe: Probe) -> Result<Option<HeaderMap>, Error> {
    let host = host(called);
    let address = |_| Error::Network(crate::http::Error::Address { host: host.clone() });
    let mut request = Request::builder().method(probe.method).uri(called.as_str()).body(probe.body).map_err(address)?;
    *request.headers_mut() = probe.headers;
    // Only the headers count; an answer may be an event stream that never ends.
    let answer = http.stream(request, Limits::METADATA).await?;
    let status = answer.status.as_u16();
    match answer.status {
        StatusCode::UNAUTHORIZED => Ok(Some(answer.headers)),
        status if status.is_success() => Ok(None),
        code if code.is_redirection() => Err(Error::Redirected { host, status }),
        code if code.is_server_error() || matches!(status, 408 | 425 | 429) => {
            Err(Error::Server { host, status, retry_after: retry_after(&answer.headers) })
        }
        _ => Err(Error::Status { host, status }),
    }
}

/// The well-known addresses (§3.1): inserted before the path, then at the root.
fn candidates(called: &Url) -> Vec<Url> {
    let at = |path: &str, query: Option<&str>| {
        let mut url = called.clone();
        url.set_path(path);
        url.set_query(query);
        url
    };
    let root = at(WELL_KNOWN, None);
    let path = if called.path() == "/" { "" } else { called.path() };
    let inserted = at(&format!("{WELL_KNOWN}{path}"), called.query());
    if inserted == root { vec![root] } else { vec![inserted, root] }
}

async fn search(http: &Http, called: &Url, reach: Reach) -> Result<Resource, Error> {
    let mut mismatch = None;
    for candidate in candidates(called) {
        let Found::Object(members) = fetch(http, &candidate).await? else { continue };
        match read(&members, called, reach) {
            Err(error @ Error::ResourceMismatch { .. }) => mismatch = mismatch.or(Some(error)),
            outcome => return outcome,
        }
    }
    match mismatch {
        Some(error) => Err(error),
        None => Ok(Resource {
            identifier: as_called(called),
            issuers: vec![called.origin().ascii_serialization()],
            scopes: Vec::new(),
            name: None,
            bound_tokens_only: false,
            published: false,
        }),
    }
}

fn read(members: &Map<String, Value>, called: &Url, reach: Reach) -> Result<Resource, Error> {
    let published = json::text(members, "resource").unwrap_or_default();
    if !Url::parse(published).is_ok_and(|url| covers(&url, called)) {
        return Err(Error::ResourceMismatch { called: as_called(called), published: clean(published) });
    }
    let named = json::texts(members, "authorization_servers").unwrap_or_default();
    let (usable, unusable): (Vec<_>, Vec<_>) =
        named.iter().map(|issuer| check_issuer(reach, issuer).map(|_| issuer.clone())).partition(Result::is_ok);
    let issuers: Vec<String> = usable.into_iter().flatten().collect();
    if issuers.is_empty() {
        let reason = unusable.into_iter().find_map(Result::err);
        return Err(reason.unwrap_or_else(|| Error::NoIssuer { host: host(called) }));
    }
    Ok(Resource {
        identifier: published.to_owned(),
        issuers,
        scopes: scopes_of(json::texts(members, "scopes_supported").unwrap_or_default().iter().map(String::as_str)),
        name: json::text(members, "resource_name").map(clean),
        bound_tokens_only: json::flag(members, "dpop_bound_access_tokens_required"),
        published: true,
    })
}

/// Whether a published identifier stands for the called address: the same, or a prefix of it on the same origin that
/// ends where a path segment ends. A final slash makes no difference.
fn covers(published: &Url, called: &Url) -> bool {
    let plain = published.fragment().is_none() && published.username().is_empty() && published.password().is_none();
    let path = published.path().strip_suffix('/').unwrap_or(published.path());
    let rest = called.path().strip_prefix(path);
    let whole_segments = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let same_query = published.query().is_none() || (published.query() == called.query() && rest == Some(""));
    plain && published.origin() == called.origin() && whole_segments && same_query
}

/// Whether the identifier is the called address itself; a final slash makes no difference.
fn is_called(identifier: &str, called: &Url) -> bool {
    let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    Url::parse(identifier).is_ok_and(|url| bare(url.as_str()) == bare(called.as_str()))
}

/// The called address as an identifier: an origin is written without its slash.
fn as_called(called: &Url) -> String {
    match called.as_str().strip_suffix('/') {
        Some(origin) if called.path() == "/" && called.query().is_none() => origin.to_owned(),
        _ => called.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r25_the_well_known_addresses_are_those_of_the_standard() {
        let root = "https://r.example/.well-known/oauth-protected-resource";
        for (called, expected) in [
            ("https://r.example", vec![root.to_owned()]),
            ("https://r.example/", vec![root.to_owned()]),
            ("https://r.example/mcp", vec![format!("{root}/mcp"), root.to_owned()]),
            ("https://r.example/a/b/", vec![format!("{root}/a/b/"), root.to_owned()]),
            (
                "https://r.example:8443/x?t=1",
                vec![
                    "https://r.example:8443/.well-known/oauth-protected-resource/x?t=1".to_owned(),
                    "https://r.example:8443/.well-known/oauth-protected-resource".to_owned(),
                ],
            ),
        ] {
            let found: Vec<String> =
                candidates(&Url::parse(called).expect("an address")).into_iter().map(String::from).collect();
            assert_eq!(found, expected, "{called}");
        }
    }

    #[test]
    fn an_identifier_covers_whole_segments_of_its_own_origin() {
        let called = Url::parse("https://r.example/a/b?t=1").expect("an address");
        for (published, expected) in [
            ("https://r.example/a/b?t=1", true),
            ("https://r.example/a/b", true),
            ("https://r.example/a/b/", true),
            ("https://r.example/a", true),
            ("https://r.example", true),
            ("https://r.example:443/", true),
            ("https://r.example/a/b?t=2", false),
            ("https://r.example/a?t=1", false),
            ("https://r.example/a/bc", false),
            ("https://r.example/a/b/c", false),
            ("https://r.example/A", false),
            ("https://r.example/a#x", false),
            ("https://u@r.example/a", false),
            ("https://r.example:8443/a", false),
            ("http://r.example/a", false),
            ("https://r.example.evil.example/a", false),
        ] {
            assert_eq!(Url::parse(published).map(|url| covers(&url, &called)), Ok(expected), "{published}");
        }
    }
}
