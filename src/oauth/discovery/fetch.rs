//! Fetching one metadata document.

use http::{Method, Request, Response, header};
use serde_json::{Map, Value};
use url::Url;

use crate::http::{Http, Limits};
use crate::oauth::error::Error;
use crate::oauth::foreign::{host, retry_after};
use crate::oauth::json::{self, Fault};

const REDIRECTS: usize = 3;

/// What was found at a candidate address.
pub(in crate::oauth) enum Found {
    /// A JSON object.
    Object(Map<String, Value>),
    /// Nothing usable; the reason matters only if no other candidate is better.
    Nothing(Error),
}

/// Fetches a document. An `Err` is trouble that must end the search: falling back to another document because the
/// right one is down for a moment would let whoever causes the trouble choose the document.
pub(in crate::oauth) async fn fetch(http: &Http, url: &Url) -> Result<Found, Error> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let answer = get(http, &url).await?;
        let (host, status) = (host(&url), answer.status());
        if status.is_redirection() {
            // Another origin would be another authority: the document is only as trustworthy as this connection.
            match target(&url, &answer).filter(|target| target.origin() == url.origin()) {
                Some(target) => url = target,
                None => return Ok(Found::Nothing(Error::Redirected { host, status: status.as_u16() })),
            }
            continue;
        }
        let status = status.as_u16();
        return match status {
            200..=299 => Ok(object(host, status, answer.body())),
            408 | 425 | 429 | 500..=599 => {
                Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) })
            }
            _ => Ok(Found::Nothing(Error::Status { host, status })),
        };
    }
    Ok(Found::Nothing(Error::Redirected { host: host(&url), status: 302 }))
}

async fn get(http: &Http, url: &Url) -> Result<Response<Vec<u8>>, Error> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| Error::Network(crate::http::Error::Address { host: host(url) }))?;
    Ok(http.send(request, Limits::METADATA).await?)
}

fn target(url: &Url, answer: &Response<Vec<u8>>) -> Option<Url> {
    let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

fn object(host: String, status: u16, body: &[u8]) -> Found {
    match json::object(body) {
        Ok(members) => Found::Object(members),
        Err(Fault::NotJson) => Found::Nothing(Error::NotJson { host, status }),
        Err(Fault::Unusable) => Found::Nothing(Error::Malformed { host, what: "the metadata is not one plain object" }),
    }
}
