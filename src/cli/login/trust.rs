//! A certificate that nobody vouches for: the person compares it and accepts exactly this one, or does not.
//!
//! It is asked about before anything else, so that neither a password is typed nor a token sent for a host that is not the
//! one that is meant. Only for services of the person's own: what a preset names has a certificate that somebody signed.

use http::Request;

use super::super::{Console, confirm};
use super::Arguments;
use crate::app::{App, Error};
use crate::config::{self, Source};
use crate::http::{Error as Network, Http, Limits, Pin, Presented, TlsFault};
use crate::report::{self, Exit, Report};

/// The connection, expecting the certificate that was accepted now or before.
pub(super) async fn settled(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    connection: config::Connection,
) -> Result<config::Connection, Report> {
    let own = connection.url.as_ref().filter(|(url, source)| *source == Source::File && url.scheme() == "https");
    let Some((url, _)) = own.filter(|_| connection.backend.url.is_none()) else {
        return match arguments.trust {
            Some(_) => Err(unwanted(&connection.name)),
            None => Ok(connection),
        };
    };
    let http = app.parts.http.anywhere();
    if let Some(pin) = arguments.trust {
        if let Some(known) = connection.certificate.filter(|known| *known != pin) {
            return Err(other(&connection.name, known));
        }
        return match shown(&http.pinned(url, Some(pin)), url).await {
            Ok(()) => Ok(config::Connection { certificate: Some(pin), ..connection }),
            Err(error) => Err(Report::from(&Error::Network(error))),
        };
    }
    if connection.certificate.is_some() {
        return Ok(connection);
    }
    let Err(error) = shown(&http, url).await else { return Ok(connection) };
    let Some(presented) = acceptable(&error).cloned() else {
        // Whatever else is wrong, the login says when it gets there.
        return Ok(connection);
    };
    let is_person = !console.json && confirm::ask(&app.machine, &question(&error, &presented)).await.is_ok();
    match is_person {
        true => Ok(config::Connection { certificate: Some(presented.pin), ..connection }),
        false => Err(untrusted(&connection.name, error)),
    }
}

/// Whether the host shows a certificate that is taken. Asks for nothing and sends no credential.
async fn shown(http: &Http, url: &url::Url) -> Result<(), Network> {
    let address = || Network::Address { host: crate::backends::http::host_of(url) };
    let origin = url.join("/").map_err(|_| address())?;
    let request = Request::head(origin.as_str()).body(Vec::new()).map_err(|_| address())?;
    match http.stream(request, Limits::METADATA).await {
        Ok(_) => Ok(()),
        // It did not like the request: the certificate was taken before it could read one.
        Err(Network::Broken { .. } | Network::TooLarge { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The certificate that a person may accept: one whose only fault is that nobody vouches for it, here and now.
fn acceptable(error: &Network) -> Option<&Presented> {
    let Network::Tls { fault, presented: Some(presented), .. } = error else { return None };
    let is_open = matches!(
        fault,
        TlsFault::SelfSigned { .. }
            | TlsFault::UnknownIssuer { .. }
            | TlsFault::WrongHost { .. }
            | TlsFault::Expired { .. }
    );
    is_open.then_some(presented)
}

fn question(error: &Network, presented: &Presented) -> String {
    format!(
        "{error}.\n{}.\nCompare the fingerprint with the one that the server's administrator names. If they are the same, it can be \
         kept for this connection; from then on this certificate is taken and no other.",
        report::certificate(presented)
    )
}

/// The fingerprint that the host itself showed proves nothing: whoever runs the command must have it from elsewhere.
fn untrusted(name: &str, error: Network) -> Report {
    Report::from(&Error::Network(error)).hint(format!(
        "`keyward login {name}` with `--trust` and the fingerprint that the server's administrator names keeps it"
    ))
}

fn other(name: &str, known: Pin) -> Report {
    Report::new(Exit::Usage, "trust", "another certificate is kept for this connection")
        .cause(format!("the configuration has `{known}`"))
        .hint(format!("if it was renewed, `keyward config unset connections.{name}.certificate` forgets the old one"))
}

fn unwanted(name: &str) -> Report {
    Report::new(Exit::Usage, "trust", "no certificate can be kept for this connection")
        .cause(format!("`{name}` is no service of your own at an `https` address"))
        .hint(format!("leave `--trust` out: `keyward login {name}`"))
}
