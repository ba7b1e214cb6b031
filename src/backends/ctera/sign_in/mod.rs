//! Signing in to a Portal (reference: Portal API, "Authentication").
//!
//! | way | what the person gives | what is kept |
//! |---|---|---|
//! | `device` | a code from the Portal's page, or name and password once | the device's own name and secret |
//! | `password` | name and password | both |
//! | `session` | the cookie of a session in their browser | it |
//! | `ticket` | a ticket from an administrator | the session that it opens |
//!
//! A password or a secret is sent only after the address has answered as a Portal does, and what is kept has opened a
//! session once. What the Portal refuses is not tried again: a third wrong password may lock somebody out.

use serde_json::Value;
use url::Url;

use discreet::Discreet;

use super::kept::Kept;
use super::open::{self, Opened, Who};
use super::{Address, Scope};
use crate::backends::sign_in::{Asked, End, Failed, Given, Holder, Obtained, Procedure};
use crate::backends::{Boxed, Error, Way};
use crate::http::Http;
use crate::secret::Secret;

mod code;
mod device;
mod discreet;
mod info;
#[cfg(test)]
mod tests;

/// The procedure of this backend.
pub(super) struct Portal;

impl Procedure for Portal {
    fn address(&self, copied: &Url) -> Url {
        tidy(copied)
    }

    fn obtain<'a>(&'a self, asked: Asked<'a>) -> Boxed<'a, Result<Obtained, Failed>> {
        Box::pin(async move {
            let address = Address::of(asked.url);
            let person = Discreet::before(asked.person);
            let asked = Asked { person: &person, ..asked };
            let obtained = match asked.way {
                Way::Password => password(&asked, &address).await,
                Way::Session => session(&asked, &address).await,
                Way::Ticket => ticket(&asked, &address).await,
                _ => device::attach(&asked, &address).await,
            };
            obtained.map_err(|failed| person.out_of(failed))
        })
    }

    fn end<'a>(&'a self, http: &'a Http, url: &'a Url, kept: &'a Secret) -> Boxed<'a, Result<End, Error>> {
        Box::pin(async move {
            let address = Address::of(url);
            match Kept::decode(kept) {
                Some(kept @ Kept::Session { .. }) => {
                    let opened = open::open(http, &address, &kept).await?;
                    open::close(http, &address, &opened).await.map(|()| End::Ended)
                }
                Some(Kept::Login { user, .. }) => Ok(match user.strip_prefix(device::PREFIX) {
                    Some(uid) => End::Stays(format!(
                        "The Portal keeps the device {uid} in its list: an administrator of `{}` removes it among the \
                         devices.",
                        address.host()
                    )),
                    None => End::Nothing,
                }),
                None => Ok(End::Nothing),
            }
        })
    }

    fn kept_of(&self, way: Way, token: &Secret) -> Option<Secret> {
        let is_session = way == Way::Session;
        // One that cannot be a session is kept all the same: what it opens is nothing, which is said where it is used.
        is_session
            .then(|| Kept::Session { cookie: pasted(token).unwrap_or_else(|| token.clone()), token: None }.encode())
    }
}

/// The address of a part of the Portal, whatever page of it was copied. What comes before the part is kept: a Portal can
/// be behind a longer address.
fn tidy(copied: &Url) -> Url {
    let mut url = copied.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().to_owned();
    let mut kept: Vec<&str> = Vec::new();
    let mut scope = None;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        scope = Scope::ALL.into_iter().find(|scope| scope.word().eq_ignore_ascii_case(name));
        if scope.is_some() {
            break;
        }
        kept.push(name);
    }
    kept.push(scope.unwrap_or(Scope::User).word());
    url.set_path(&kept.join("/"));
    url
}

fn pasted(text: &Secret) -> Option<Secret> {
    open::session_of(text.expose())
}

async fn password(asked: &Asked<'_>, address: &Address) -> Result<Obtained, Failed> {
    let info = info::ask(asked.http, address).await?;
    let (user, password) = name_and_password(asked, address).await?;
    let kept = Kept::Login { user, password };
    let obtained = proved(asked.http, address, kept).await;
    obtained.map_err(|failed| match failed {
        Failed::Refused { given, host, said, .. } => Failed::Refused { given, host, said, sso: info.sso },
        other => other,
    })
}

async fn session(asked: &Asked<'_>, address: &Address) -> Result<Obtained, Failed> {
    info::ask(asked.http, address).await?;
    let question = format!("Paste the value of the cookie JSESSIONID that your browser has for `{}`:", address.host());
    let line = asked.person.ask_hidden(&question).await.map_err(Failed::Person)?;
    let unfit = Failed::Unfit { given: Given::Session, why: "it is not the value of one cookie" };
    let kept = Kept::Session { cookie: pasted(&line).ok_or(unfit)?, token: None };
    proved(asked.http, address, kept).await
}

async fn ticket(asked: &Asked<'_>, address: &Address) -> Result<Obtained, Failed> {
    if address.scope == Scope::Admin {
        let why = "a ticket is for a person's own portal, at `/ServicesPortal`, and this address is that of the administration";
        return Err(Failed::Misplaced { why, instead: Way::Password });
    }
    info::ask(asked.http, address).await?;
    let question = format!("Paste the ticket for `{}`:", address.host());
    let line = asked.person.ask_hidden(&question).await.map_err(Failed::Person)?;
    let line = Secret::new(line.expose().trim());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_,".contains(&byte);
    if line.expose().is_empty() || line.expose().len() > 4_096 || !line.expose().bytes().all(is_plain) {
        return Err(Failed::Unfit { given: Given::Ticket, why: "a ticket is one word of letters, digits and `+/=`" });
    }
    let opened = open::with_ticket(asked.http, address, &line).await.map_err(|error| refused(Given::Ticket, error))?;
    let Opened { cookie, token } = opened;
    proved(asked.http, address, Kept::Session { cookie, token }).await
}

/// Asks for a name and a password. Neither is tidied but for the blanks around the name: a password may begin with one.
async fn name_and_password(asked: &Asked<'_>, address: &Address) -> Result<(String, Secret), Failed> {
    let host = address.host();
    let user = asked.person.ask(&format!("Your name at `{host}`:")).await.map_err(Failed::Person)?;
    let user = user.expose().trim().to_owned();
    if user.is_empty() || user.len() > 256 || user.chars().any(char::is_control) {
        return Err(Failed::Unfit { given: Given::Password, why: "the name is empty, or none that a person has" });
    }
    // The Portal would take it for a device that signs in.
    if user.to_ascii_lowercase().starts_with(device::PREFIX) {
        return Err(Failed::Unfit { given: Given::Password, why: "the name is that of a device, not of a person" });
    }
    let password = asked.person.ask_hidden("Your password; it is not shown:").await.map_err(Failed::Person)?;
    if password.expose().is_empty() {
        return Err(Failed::Unfit { given: Given::Password, why: "the password is empty" });
    }
    Ok((user, password))
}

/// Opens a session with what would be kept, and asks whose it is.
async fn proved(http: &Http, address: &Address, kept: Kept) -> Result<Obtained, Failed> {
    let given = match kept {
        Kept::Login { .. } => Given::Password,
        Kept::Session { .. } => Given::Session,
    };
    let host = address.host();
    let opened = open::open(http, address, &kept).await.map_err(|error| match error {
        // It has answered as a Portal before: something stands between the password and the session.
        Error::Protocol { host, cause } => Failed::Unfinished { host, cause },
        error => refused(given, error),
    })?;
    let (who, token) = open::who(http, address, &opened).await.map_err(|error| match error {
        Error::Rejected { host, .. } if given == Given::Password => Failed::Unfinished {
            host,
            cause: "it took the name and the password, and the session is not open".to_owned(),
        },
        error => refused(given, error),
    })?;
    let kept = match kept {
        Kept::Session { cookie, .. } => Kept::Session { cookie, token },
        kept => {
            // It was opened for the proof. That it stays open for some minutes is no reason to fail.
            if let Err(error) = open::close(http, address, &opened).await {
                log::debug!("`{host}` did not end the session that was opened for the proof: {error}");
            }
            kept
        }
    };
    Ok(Obtained { kept: kept.encode(), holder: holder(who), replaces: Vec::new() })
}

fn holder(who: Who) -> Holder {
    Holder { account: who.account(), tenant: who.portal, role: who.role }
}

fn refused(given: Given, error: Error) -> Failed {
    match error {
        Error::Rejected { host, said } | Error::Forbidden { host, said } => {
            Failed::Refused { given, host, said, sso: false }
        }
        error => Failed::Service(error),
    }
}

/// A member of an object that is a secret.
fn secret(object: &Value, name: &str) -> Option<Secret> {
    super::fields::text(object, name).map(Secret::new)
}
