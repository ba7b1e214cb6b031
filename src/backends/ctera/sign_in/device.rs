//! Attaching this machine to the person's account, as the Portal's own apps for phones do it: with a code from the
//! Portal's page after single sign-on, or with name and password once (reference: "attach mobile device").

use http::Request;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::super::kept::Kept;
use super::super::path::encode;
use super::super::wire::{self, Node};
use super::super::{Address, Scope, fields, open, said};
use super::{code, info, name_and_password, proved, refused, secret};
use crate::backends::http::failure;
use crate::backends::sign_in::{Asked, Failed, Given, Obtained, Visit};
use crate::backends::{Error, Way, outside};
use crate::http::Error as Network;
use crate::secret::Secret;

/// How the name of a device begins when it signs in.
pub(super) const PREFIX: &str = "device\\";
/// How often the person may come back from the page with a code that the Portal does not take.
const TRIES: u8 = 3;

/// What the Portal is shown in exchange for a device's secret.
enum Proof {
    Code(Secret),
    Password(String, Secret),
}

pub(super) async fn attach(asked: &Asked<'_>, address: &Address) -> Result<Obtained, Failed> {
    if address.scope == Scope::Admin {
        let why = "a device belongs to a person's own portal, at `/ServicesPortal`, and this address is that of the administration";
        return Err(Failed::Misplaced { why, instead: Way::Password });
    }
    let info = info::ask(asked.http, address).await?;
    if asked.without_sso || !info.sso {
        let (user, password) = name_and_password(asked, address).await?;
        let attached = attached(asked, address, &Proof::Password(user, password)).await;
        let kept = attached.map_err(|failed| match failed {
            Failed::Refused { given, host, said, .. } => Failed::Refused { given, host, said, sso: info.sso },
            other => other,
        })?;
        return proved(asked.http, address, kept).await;
    }
    let kept = with_a_code(asked, address).await?;
    proved(asked.http, address, kept).await
}

/// Sends the person to the Portal's page. What comes back may not be a code at all, because nobody knows its form: then
/// the page is opened once more.
async fn with_a_code(asked: &Asked<'_>, address: &Address) -> Result<Kept, Failed> {
    let host = address.host();
    let page = |back: &str| page(address, back).unwrap_or_else(|| asked.url.clone());
    let visit = Visit {
        service: &host,
        wanted: "activation code",
        page: &page,
        read: code::brought,
        read_pasted: code::pasted,
    };
    let mut tries = 0_u8;
    loop {
        tries = tries.saturating_add(1);
        let code = asked.person.visit(visit).await.map_err(Failed::Person)?;
        match attached(asked, address, &Proof::Code(code)).await {
            Err(Failed::Refused { said, .. }) if tries < TRIES => {
                let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
                asked.person.say(&format!(
                    "`{host}` does not take that for an activation code{said}. A code is good once: here is the page again."
                ));
            }
            outcome => return outcome,
        }
    }
}

/// The page that asks the person and sends the browser back with a code.
fn page(address: &Address, back: &str) -> Option<Url> {
    let mut page = Url::parse(&address.at("/ServicesPortal/activate")).ok()?;
    page.set_query(Some(&form_urlencoded::Serializer::new(String::new()).append_pair("scheme", back).finish()));
    Some(page)
}

async fn attached(asked: &Asked<'_>, address: &Address, proof: &Proof) -> Result<Kept, Failed> {
    let host = address.host();
    let given = match proof {
        Proof::Code(_) => Given::Code,
        Proof::Password(..) => Given::Password,
    };
    let unsendable = || Failed::Service(Network::Address { host: host.clone() }.into());
    let mut path = "/ServicesPortal/public/users".to_owned();
    if let Proof::Password(user, _) = proof {
        path.push('/');
        encode(user, &mut path);
    }
    let mut request = Request::post(address.at(&format!("{path}?format=jsonext")))
        .body(body(asked, proof).into_bytes())
        .map_err(|_| unsendable())?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    let answer = open::exchange(asked.http, address, request).await?;
    let status = answer.status();
    if !status.is_success() {
        let said = said(answer.body());
        // It says so with a 500; a code of its own kind of wrongness is documented nowhere. A fault of the Portal's own
        // says nothing that can be read, or not this.
        let is_no = match (given, status.as_u16()) {
            (_, 400 | 401 | 403 | 404) => true,
            (Given::Password, 500) => said.to_ascii_lowercase().contains("invalid username or password"),
            (_, 500) => wire::parse(answer.body()).is_ok_and(|object| object.get("msg").is_some()),
            _ => false,
        };
        return Err(match is_no {
            true => Failed::Refused { given, host, said, sso: false },
            false => refused(given, failure(host, status, answer.headers(), said)),
        });
    }
    let wrong = |cause: &str| Failed::Service(Error::Protocol { host: host.clone(), cause: outside::line(cause, 200) });
    let device = wire::parse(answer.body()).map_err(wrong)?;
    let kept = kept(&device).ok_or_else(|| wrong("it attached no device: its answer has no number or no secret"))?;
    Ok(kept)
}

fn kept(device: &Value) -> Option<Kept> {
    let uid = fields::number(device, "deviceUID")?;
    Some(Kept::Login { user: format!("{PREFIX}{uid}"), password: secret(device, "sharedSecret")? })
}

fn body(asked: &Asked<'_>, proof: &Proof) -> String {
    let (code, password) = match proof {
        Proof::Code(code) => (Node::from(code.expose()), Node::Null),
        Proof::Password(_, password) => (Node::Null, Node::from(password.expose())),
    };
    let parameters = Node::object([
        ("deviceType", Node::from("Mobile")),
        ("deviceMac", Node::from(asked.device)),
        ("ssoActivationCode", code),
        ("password", password),
        ("hostname", Node::from(asked.host_name)),
    ]);
    let parameters = parameters.of("AttachedMobileDeviceParams");
    Node::object([("type", "user-defined".into()), ("name", "attachMobileDevice".into()), ("param", parameters)]).xml()
}
