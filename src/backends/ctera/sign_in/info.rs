//! What a Portal says of itself to everybody: whether it is one, and how it signs people in.

use http::Request;

use super::super::{Address, Scope, fields, outside, wire};
use crate::backends::http::is_web_page;
use crate::backends::sign_in::Failed;
use crate::http::{Error as Network, Http, Limits};

/// What matters of it here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// People sign in at an identity provider, in a browser.
    pub(super) sso: bool,
}

/// Asks. Anything that does not answer as a Portal does is not one, and gets no password.
pub(super) async fn ask(http: &Http, address: &Address) -> Result<Info, Failed> {
    let host = address.host();
    let url = address.at(&format!("/{}/public/publicInfo?format=jsonext", address.scope.word()));
    let request = Request::get(url).body(Vec::new());
    let request = request.map_err(|_| Failed::Service(Network::Address { host: host.clone() }.into()))?;
    let answer = http.send(request, Limits::METADATA).await.map_err(|error| Failed::Service(error.into()))?;
    let status = answer.status();
    let not = |cause: String| Failed::Elsewhere { service: "CTERA Portal", host: host.clone(), cause };
    if status.is_redirection() {
        let target = answer.headers().get(http::header::LOCATION).and_then(|target| target.to_str().ok());
        let target = outside::line(target.and_then(|target| target.split(['?', '#']).next()).unwrap_or("?"), 200);
        return Err(not(format!("it sends to `{target}`, which is not followed")));
    }
    if status.is_server_error() {
        let said = super::super::said(answer.body());
        return Err(Failed::Service(crate::backends::http::failure(host, status, answer.headers(), said)));
    }
    // The administration of some releases may say nothing to strangers. So does any other server: another question tells.
    let is_silent = address.scope == Scope::Admin && matches!(status.as_u16(), 401 | 403 | 404);
    if is_silent && wants_a_session(http, address).await? {
        return Ok(Info::default());
    }
    if !status.is_success() {
        return Err(not(format!("a question that every Portal answers got the status {}", status.as_u16())));
    }
    let body = answer.body();
    let is_page = body.starts_with(b"<!") || body.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"<html"));
    if is_page || (is_web_page(answer.headers(), b"") && wire::parse(body).is_err()) {
        return Err(not("it answers with a web page".to_owned()));
    }
    let info = wire::parse(body).map_err(|cause| not(format!("its answer is no Portal's: {cause}")))?;
    let is_portal = ["name", "hasWebSSO", "version"].iter().any(|name| info.get(*name).is_some());
    if !is_portal {
        return Err(not("its answer is no Portal's".to_owned()));
    }
    Ok(Info { sso: fields::flag(&info, "hasWebSSO").unwrap_or(false) })
}

/// Whether the address asks for a login as a Portal does of whoever has no session.
async fn wants_a_session(http: &Http, address: &Address) -> Result<bool, Failed> {
    let host = address.host();
    let url = address.at(&format!("/{}/api/currentSession", address.scope.word()));
    let request = Request::get(url).body(Vec::new());
    let request = request.map_err(|_| Failed::Service(Network::Address { host }.into()))?;
    let answer = http.send(request, Limits::METADATA).await.map_err(|error| Failed::Service(error.into()))?;
    let target = answer.headers().get(http::header::LOCATION).and_then(|target| target.to_str().ok());
    let to_login = target.is_some_and(|target| target.to_ascii_lowercase().contains("login"));
    Ok(answer.status().as_u16() == 401 || (answer.status().is_redirection() && to_login))
}
