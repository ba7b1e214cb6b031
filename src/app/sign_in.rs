//! A login by a procedure of the backend's own: a device that is attached, a password, a session, a ticket.
//!
//! The procedure asks the person and proves what it obtained; here is what every login has in common: one at a time, a
//! store that was proved first, the right account, and nothing that is said to be kept before it is.

use url::Url;

use super::audit::What;
use super::error::{Left, Outsider};
use super::grant::Grant;
use super::session::{self, Custody};
use super::{App, Error, Parts, login, own_key};
use crate::backends::sign_in::{Asked, End, Failed, Holder, Obtained, Person, Procedure};
use crate::backends::{Way, http::host_of};
use crate::config;
use crate::machine;
use crate::secret::Secret;

/// What identifies this installation at services that attach devices.
const FILE: &str = "device.key";
/// Half of a digest: 128 bits that nobody guesses.
const BYTES: usize = 16;

/// What a login is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// How.
    pub way: Way,
    /// Name and password are wanted also where the service offers single sign-on.
    pub without_sso: bool,
    /// The account that must sign in.
    pub expect: Option<String>,
}

/// Whoever sits there.
#[derive(Clone, Copy)]
pub struct Somebody<'a> {
    /// Answers what the procedure asks.
    pub person: &'a dyn Person,
    /// Decides what only the person can decide.
    pub decides: &'a dyn login::Person,
}

/// Signs in and keeps what was obtained, replacing an older login, and records the way in the configuration.
pub async fn run(
    app: &App,
    connection: &config::Connection,
    wish: &Wish,
    somebody: Somebody<'_>,
) -> Result<login::Done, Error> {
    let name = connection.name.as_str();
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let (backend, way) = (connection.backend, wish.way);
    let Some(procedure) = backend.sign_in.filter(|_| backend.ways.contains(&way) && way.is_exchanged()) else {
        return Err(Error::NoLogin { connection: name.to_owned(), wanted: Some(way), ways: backend.ways });
    };
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: name.to_owned() })?;
    let app = &app.at(connection);
    let _claim = login::claim(app, name, login::By::Login)?;
    let kept = obtain(app, (connection, &url, procedure), wish, somebody).await;
    app.parts.audit.ended(What::Login, name, kept.as_ref());
    let grant = kept?;
    login::record(app, connection, way).await?;
    Ok(login::Done::of(name, &grant))
}

async fn obtain(
    app: &App,
    (connection, url, procedure): (&config::Connection, &Url, &dyn Procedure),
    wish: &Wish,
    somebody: Somebody<'_>,
) -> Result<Grant, Error> {
    let (parts, name) = (&app.parts, connection.name.as_str());
    login::leaves_newer_alone(app, connection).await?;
    // Whoever signs in and then finds that nothing can be kept has done it for nothing, and left a device behind.
    parts.store.prove().await.map_err(Error::store(name))?;
    let (device, host_name) = (device(parts, name, url)?, host_name(app));
    let http = &parts.http.anywhere();
    let asked = Asked {
        way: wish.way,
        url,
        http,
        person: somebody.person,
        without_sso: wish.without_sso,
        device: &device,
        host_name: &host_name,
    };
    let obtained = procedure.obtain(asked).await.map_err(|failed| wrapped(name, wish.way, failed))?;
    let stranger = stranger(parts, name, &obtained, (wish, somebody)).await;
    if !matches!(stranger, Ok(None)) {
        let left = match procedure.end(http, url, &obtained.kept).await {
            Ok(End::Nothing) => Left::Nothing,
            Ok(End::Ended) => Left::Ended,
            Ok(End::Stays(_)) => Left::Listed,
            Err(_) => Left::Alive,
        };
        if let Some(who) = stranger? {
            return Err(Error::OtherAccount { connection: name.to_owned(), who, left });
        }
    }
    let Obtained { kept, holder, replaces } = obtained;
    let grant = keep(parts, connection, (wish.way, url), (kept.clone(), holder)).await;
    // What is kept takes the place of what was before. What cannot be kept would be nobody's, unless it was opened elsewhere.
    let over = match &grant {
        Ok(_) => replaces,
        Err(_) if wish.way == Way::Session => Vec::new(),
        Err(_) => vec![kept],
    };
    for one in over {
        if let Err(error) = procedure.end(http, url, &one).await {
            log::debug!("a login of `{name}` that nobody uses is not ended: {error}");
        }
    }
    grant
}

async fn keep(
    parts: &Parts,
    connection: &config::Connection,
    (way, url): (Way, &Url),
    (kept, holder): (Secret, Holder),
) -> Result<Grant, Error> {
    let name = connection.name.as_str();
    let custody = Custody::take(parts, name, session::LONG_WAIT).await?;
    let now = parts.clock.now();
    let grant = Grant::pasted(way, kept, url, login::first_generation(now), now);
    custody.keep_login(Grant { holder: Some(holder), ..grant }).await.map_err(Error::store(name))
}

/// Somebody else than is meant: another account than the one that was named, or than the one whose login is stored.
async fn stranger(
    parts: &Parts,
    name: &str,
    obtained: &Obtained,
    (wish, somebody): (&Wish, Somebody<'_>),
) -> Result<Option<Outsider>, Error> {
    let new = obtained.holder.account.as_str();
    let swap = match &wish.expect {
        Some(expected) if !login::is_named(expected, new) => {
            let (expected, actual) = (expected.clone(), Some(new.to_owned()));
            return Ok(Some(Outsider::Unexpected { expected, actual }));
        }
        Some(_) => login::swap_of_tenant(parts, name, &obtained.holder).await?,
        None => login::swap(parts, name, login::Whose::Holder(&obtained.holder)).await?,
    };
    let Some(swap) = swap else { return Ok(None) };
    let agreed = somebody.decides.confirm(&swap).await;
    let login::Swap { stored, new, .. } = swap;
    Ok((!agreed).then_some(Outsider::Swapped { stored, new }))
}

/// The same for every login of this connection, so that the service replaces the device instead of adding another, and
/// known to nobody, so that nobody else can replace it.
fn device(parts: &Parts, name: &str, url: &Url) -> Result<String, Error> {
    let folder = parts.shared.as_deref().ok_or_else(|| super::locks(None).err().unwrap_or(Error::Interrupted))?;
    let text = format!("{name}\0{}", host_of(url));
    own_key::digest((folder, FILE), &text, BYTES)
        .map_err(|error| Error::StateFolder { path: folder.join(FILE), why: error.to_string() })
}

/// As people find it again among their devices.
fn host_name(app: &App) -> String {
    let host = machine::host_name(&app.machine.environment);
    let first = host.split('.').next().unwrap_or_default();
    let plain: String = first.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "keyward".to_owned() } else { format!("{plain}-keyward") }
}

fn wrapped(name: &str, way: Way, failed: Failed) -> Error {
    match failed {
        // Whoever was asked says best why there was no answer.
        Failed::Person(why) => why.0.downcast_ref::<Error>().cloned().unwrap_or(Error::Interrupted),
        failed => Error::NotObtained { connection: name.to_owned(), way, failed: Box::new(failed) },
    }
}
