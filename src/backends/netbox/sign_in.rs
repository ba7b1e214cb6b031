//! Signing in to NetBox (reference: "Authentication").
//!
//! A token is asked for, or made with name and password once. Neither is sent before the address has answered as a
//! NetBox does, and what is kept was used once: NetBox said whose it is. A token that was made here is deleted there with
//! the login; one that was pasted is its owner's.

use http::header::LOCATION;
use http::{Method, Response};
use url::Url;

use super::address;
use super::token::{Kept, Token};
use super::who::There;
use crate::backends::http::{host_of, is_web_page};
use crate::backends::sign_in::{Asked, End, Failed, Given, Obtained, Procedure};
use crate::backends::{Boxed, Error, Sent, Way, outside};
use crate::http::Http;
use crate::secret::Secret;

/// The procedure of this backend.
pub(super) struct NetBox;

impl Procedure for NetBox {
    fn address(&self, copied: &Url) -> Url {
        address::root(copied)
    }

    fn obtain<'a>(&'a self, asked: Asked<'a>) -> Boxed<'a, Result<Obtained, Failed>> {
        Box::pin(async move {
            let sent = Sent::default();
            let obtained = pasted(&asked, &sent).await;
            obtained.map_err(|failed| failed.without(&sent))
        })
    }

    fn end<'a>(&'a self, _: &'a Http, url: &'a Url, _: &'a Secret) -> Boxed<'a, Result<End, Error>> {
        let host = host_of(url);
        Box::pin(async move {
            Ok(End::Stays(format!(
                "The token itself stays good: its owner deletes it among the API tokens of `{host}`."
            )))
        })
    }

    fn kept_of(&self, way: Way, token: &Secret) -> Option<Secret> {
        // What cannot be a token is kept all the same, and refused in words where it is used.
        (way == Way::Token).then(|| Kept::written(token, None))
    }
}

async fn pasted(asked: &Asked<'_>, sent: &Sent) -> Result<Obtained, Failed> {
    let there = There { http: asked.http, url: asked.url };
    must_be_netbox(there).await?;
    let page = address::page(asked.url, "user/api-tokens/");
    let question = format!("Paste a token of `{}`; {page} makes one. It is not shown:", there.host());
    let line = asked.person.ask_hidden(&question).await.map_err(Failed::Person)?;
    let token = Token::read(&line).map_err(|why| Failed::Unfit { given: Given::Token, why })?;
    sent.note(token.header().expose());
    let holder = there.holder(&token).await.map_err(|error| refused(Given::Token, error))?;
    Ok(Obtained { kept: Kept { token, id: None }.encode(), holder })
}

/// Whatever does not answer as a NetBox does is none, and gets no token and no password.
async fn must_be_netbox(there: There<'_>) -> Result<(), Failed> {
    let answer = there.send((Method::GET, ""), None, Vec::new()).await?;
    match cause(&answer) {
        None => Ok(()),
        Some(cause) => Err(Failed::Elsewhere { service: "NetBox", host: there.host(), cause }),
    }
}

/// Why this is no answer of NetBox. Every answer of its API names the API's version, also to strangers.
fn cause(answer: &Response<Vec<u8>>) -> Option<String> {
    let status = answer.status();
    if status.is_redirection() {
        let target = answer.headers().get(LOCATION).and_then(|target| target.to_str().ok());
        let target = outside::line(target.and_then(|target| target.split(['?', '#']).next()).unwrap_or("?"), 200);
        return Some(format!("it sends to `{target}`, which is not followed"));
    }
    if is_web_page(answer.headers(), answer.body()) {
        return Some("it answers with a web page".to_owned());
    }
    if answer.headers().contains_key("api-version") {
        return None;
    }
    Some(format!("its answer, with the status {}, names no version of NetBox's API", status.as_u16()))
}

fn refused(given: Given, error: Error) -> Failed {
    match error {
        Error::Rejected { host, said } | Error::Forbidden { host, said } => {
            Failed::Refused { given, host, said, sso: false }
        }
        error => Failed::Service(error),
    }
}
