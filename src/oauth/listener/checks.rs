//! Which requests are answered at all. Pure: a request in, what it is out.

use http::{Method, Request, StatusCode, header};

use super::shared::Shared;

const LONGEST_TARGET: usize = 8 * 1024;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    /// Something that no browser following our redirect sends.
    Refused(StatusCode),
    /// Another path.
    Elsewhere,
    /// The right path with another method than `GET`: link scanners and prefetchers must not consume the code.
    Method,
    /// Our own request.
    Probe,
    /// The browser coming back, with what it brought, as it was sent.
    Callback(&'a str),
    /// The browser fetching the result page.
    Result,
}

/// Classifies a request. Paths are compared as they were sent: decoding or tidying them would let two spellings be one.
pub(super) fn classify<'a, B>(request: &'a Request<B>, shared: &Shared) -> Ask<'a> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    if target.len() > LONGEST_TARGET {
        return Ask::Refused(StatusCode::URI_TOO_LONG);
    }
    // Absolute form and `CONNECT` are for proxies, and their authority would compete with `Host`.
    if uri.authority().is_some() || request.method() == Method::CONNECT || !is_host(request, shared.host()) {
        return Ask::Refused(StatusCode::BAD_REQUEST);
    }
    let brought = shared.brought(uri.path(), uri.query().unwrap_or_default(), target);
    let ask = match uri.path() {
        _ if brought.is_some() => Ask::Callback(brought.unwrap_or_default()),
        path if path == shared.result_path() && uri.query().is_none() => Ask::Result,
        path if path == shared.probe_path() => Ask::Probe,
        _ => return Ask::Elsewhere,
    };
    if request.method() != Method::GET {
        Ask::Method
    } else if has_body(request) {
        Ask::Refused(StatusCode::BAD_REQUEST)
    } else {
        ask
    }
}

fn is_host<B>(request: &Request<B>, expected: &str) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    hosts.next().is_some_and(|host| host.as_bytes() == expected.as_bytes()) && hosts.next().is_none()
}

fn has_body<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get_all(header::CONTENT_LENGTH).iter().any(|length| length.as_bytes() != b"0")
}
