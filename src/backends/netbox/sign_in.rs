//! Signing in to NetBox (reference: "Authentication").
//!
//! A token is asked for, or made with name and password once. Neither is sent before the address has answered as a
//! NetBox does, and what is kept was used once: NetBox said whose it is. A token that was made here is deleted there with
//! the login; one that was pasted is its owner's.

use http::header::LOCATION;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::address;
use super::refusal::{self, Cause};
use super::token::{Kept, Token};
use super::who::There;
use crate::backends::http::{Kind, is_web_page};
use crate::backends::sign_in::{Asked, End, Failed, Given, Obtained, Procedure};
use crate::backends::{Boxed, Error, Sent, Way, outside};
use crate::http::Http;
use crate::secret::Secret;

/// The page on which people see, make and delete their tokens.
const TOKENS: &str = "user/api-tokens/";
/// How the description of a token begins that was made here.
const MADE_FOR: &str = "keyward on";

/// The procedure of this backend.
pub(super) struct NetBox;

impl Procedure for NetBox {
    fn address(&self, copied: &Url) -> Url {
        address::root(copied)
    }

    fn obtain<'a>(&'a self, asked: Asked<'a>) -> Boxed<'a, Result<Obtained, Failed>> {
        Box::pin(async move {
            let sent = Sent::default();
            let obtained = obtain(&asked, &sent).await;
            obtained.map_err(|failed| failed.without(&sent))
        })
    }

    fn end<'a>(&'a self, http: &'a Http, url: &'a Url, kept: &'a Secret) -> Boxed<'a, Result<End, Error>> {
        Box::pin(async move {
            let there = There { http, url };
            let Ok(Kept { token, id }) = Kept::decode(kept) else { return Ok(End::Nothing) };
            let (host, page) = (there.host(), address::page(url, TOKENS));
            let stays = |why: &str| {
                End::Stays(format!("{why}: its owner deletes it among the API tokens of `{host}`, at {page}."))
            };
            match id {
                None => Ok(stays("The token itself stays good")),
                Some(id) => match delete(there, &token, id).await {
                    Ok(()) => Ok(End::Ended),
                    Err(Error::Forbidden { .. } | Error::Rejected { .. }) => Ok(stays(
                        "The token that was made for it stays in NetBox's list, which did not let it be deleted",
                    )),
                    Err(error) => Err(error),
                },
            }
        })
    }

    fn kept_of(&self, way: Way, token: &Secret) -> Option<Secret> {
        // What cannot be a token is kept all the same, and refused in words where it is used.
        (way == Way::Token).then(|| Kept::written(token, None))
    }

    fn token_of(&self, kept: &Secret) -> Option<(&'static str, Secret)> {
        Kept::decode(kept).ok().map(|kept| (kept.token.keyword(), kept.token.text()))
    }
}

async fn obtain(asked: &Asked<'_>, sent: &Sent) -> Result<Obtained, Failed> {
    let there = There { http: asked.http, url: asked.url };
    must_be_netbox(there).await?;
    if asked.without_sso {
        return made(asked, there, sent).await;
    }
    let (host, page) = (there.host(), address::page(asked.url, TOKENS));
    let question = format!(
        "Paste a token of `{host}`, which {page} makes; it is not shown. An empty line has one made with your name and \
         password, which is not kept:"
    );
    let line = asked.person.ask_hidden(&question).await.map_err(Failed::Person)?;
    if line.expose().trim().is_empty() {
        return made(asked, there, sent).await;
    }
    let token = Token::read(&line).map_err(|why| Failed::Unfit { given: Given::Token, why })?;
    sent.note(token.header().expose());
    let holder = there.holder(&token).await.map_err(|error| refused(Given::Token, error))?;
    Ok(Obtained { kept: Kept { token, id: None }.encode(), holder, replaces: Vec::new() })
}

/// Has a token made with name and password (reference: "Getting a token"). The password is used this once.
async fn made(asked: &Asked<'_>, there: There<'_>, sent: &Sent) -> Result<Obtained, Failed> {
    let (name, password) = name_and_password(asked, &there.host()).await?;
    sent.note_whole(password.expose());
    // The list of tokens then tells which machine and which connection has this one.
    let device = asked.device.get(..8).unwrap_or_default();
    let description = format!("{MADE_FOR} {} ({device})", asked.host_name);
    let body = json!({ "username": name, "password": password.expose(), "description": description });
    let what = (Method::POST, "users/tokens/provision/");
    let answer = there.send(what, None, body.to_string().into_bytes()).await?;
    if let Some(error) = refusal::of(&there.host(), &answer, Kind::Read) {
        return Err(refused(Given::Password, error));
    }
    let (id, token) = read(answer.body()).ok_or_else(|| Error::Protocol {
        host: there.host(),
        cause: "it made no token: its answer has no number or no text of one".to_owned(),
    })?;
    sent.note(token.header().expose());
    match there.holder(&token).await {
        Ok(holder) => {
            let replaces = replaced(there, &token, (id, &description)).await;
            Ok(Obtained { kept: Kept { token, id: Some(id) }.encode(), holder, replaces })
        }
        Err(error) => {
            // Nobody keeps it, so nobody would end it.
            if let Err(error) = delete(there, &token, id).await {
                log::debug!("the token that was made and not taken is not deleted: {error}");
            }
            Err(refused(Given::Token, error))
        }
    }
}

async fn name_and_password(asked: &Asked<'_>, host: &str) -> Result<(String, Secret), Failed> {
    let unfit = |why| Failed::Unfit { given: Given::Password, why };
    let name = asked.person.ask(&format!("Your name at `{host}`:")).await.map_err(Failed::Person)?;
    let name = name.expose().trim().to_owned();
    if name.is_empty() || name.len() > 254 || name.chars().any(char::is_control) {
        return Err(unfit("the name is empty, or none that a person has"));
    }
    let password = asked.person.ask_hidden("Your password; it is not shown:").await.map_err(Failed::Person)?;
    if password.expose().is_empty() {
        return Err(unfit("the password is empty"));
    }
    Ok((name, password))
}

/// The number and the token in the answer that shows it for the only time: in two parts, or alone in older releases.
fn read(body: &[u8]) -> Option<(u64, Token)> {
    #[derive(Deserialize)]
    struct Made {
        id: u64,
        #[serde(default)]
        key: Option<Secret>,
        #[serde(default)]
        token: Option<Secret>,
    }
    let Made { id, key, token } = serde_json::from_slice(body).ok()?;
    let text = match (key.filter(|key| !key.is_empty()), token) {
        (Some(key), Some(token)) => Secret::new(format!("nbt_{}.{}", key.expose(), token.expose())),
        (alone, None) | (None, alone) => alone?,
    };
    Token::read(&text).ok().map(|token| (id, token))
}

/// The tokens that earlier logins of this machine and connection had made: nobody uses them once this one is kept. Each is
/// written with the token that may delete it.
async fn replaced(there: There<'_>, token: &Token, (id, description): (u64, &str)) -> Vec<Secret> {
    let old = there.described(token, description).await.into_iter().filter(|old| *old != id);
    old.map(|old| Kept { token: token.clone(), id: Some(old) }.encode()).collect()
}

/// Deletes a token. One that is gone is as good as deleted.
async fn delete(there: There<'_>, token: &Token, id: u64) -> Result<(), Error> {
    let answer = there.send((Method::DELETE, &format!("users/tokens/{id}/")), Some(token), Vec::new()).await?;
    let is_gone =
        answer.status() == StatusCode::NOT_FOUND || Cause::of(answer.body()).is_some_and(|cause| cause == Cause::Wrong);
    match refusal::of(&there.host(), &answer, Kind::Write).filter(|_| !is_gone) {
        Some(error) => Err(error),
        None => Ok(()),
    }
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
