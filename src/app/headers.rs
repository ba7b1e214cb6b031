//! Secret headers of a connection: values that the person gave, kept beside its grant and sent with every request to its
//! service.
//!
//! A value is for the origin for which it was given. Whoever changes the address in the configuration must not receive it.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use super::audit::What;
use super::session::{self, Custody, Stamp};
use super::{App, Error, Parts, copies, login, stores};
use crate::backends::headers::{HeaderSource, Values};
use crate::backends::{self, Boxed, Unavailable, Way};
use crate::config;
use crate::config::edit::{Change, Setting};
use crate::config::headers::MOST_SECRET;
use crate::secret::Secret;
use crate::store::{self, Key};

/// The version of the stored form.
const VERSION: u32 = 1;
/// What is shorter cannot be told from a word, and so not be kept out of what a service answers.
const SHORTEST: usize = 8;
const LONGEST: usize = 8192;

/// What is kept of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its value.
    Kept,
    /// Nothing.
    Missing,
    /// A value for another address.
    Elsewhere,
    /// Nobody knows: the store could not be read.
    Unknown,
}

impl State {
    /// The word for it in `--json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Missing => "missing",
            Self::Elsewhere => "elsewhere",
            Self::Unknown => "unknown",
        }
    }
}

/// What is kept, as JSON; borrowed for writing, owned for reading.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    version: u32,
    headers: BTreeMap<String, One<T>>,
}

#[derive(Serialize, Deserialize)]
struct One<T> {
    origin: String,
    value: T,
}

type Kept = BTreeMap<String, One<Secret>>;

/// Keeps values for the service to which requests go in this way, in place of older ones, and records their names in the
/// configuration; the connection as it is configured then.
pub async fn keep(
    app: &App,
    connection: &config::Connection,
    way: Way,
    given: Vec<(HeaderName, Secret)>,
) -> Result<config::Connection, Error> {
    let app = &app.at(connection);
    let (name, key) = (&connection.name, Key::headers(&connection.name));
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: name.clone() })?;
    let names = with(connection, given.iter().map(|(name, _)| name))?;
    app.parts.store.prove().await.map_err(Error::store(name))?;
    {
        let custody = Custody::take(&app.parts, name, session::LONG_WAIT).await?;
        stores::carry(app, connection, &[Key::grant(name), Key::secret(name), key.clone()]).await?;
        let mut kept = read(&app.parts, name).await?;
        // What is not configured any more is of no use to anybody.
        kept.retain(|known, _| names.iter().any(|name| name == known.as_str()));
        for (header, value) in given {
            let one = One { origin: url.origin().ascii_serialization(), value: clean(&value)? };
            kept.insert(header.to_string(), one);
        }
        custody.keep_beside(&key, &encode(&kept)).await.map_err(Error::store(name))?;
        // What the values before them could see is not for these.
        copies::forget(app.parts.state.as_deref(), name);
        app.parts.audit.done(What::Login, name, None);
    }
    login::record(app, connection, connection.way.0).await?;
    if names != connection.headers.secret {
        let value = Setting::Texts(names.iter().map(ToString::to_string).collect());
        let key = ["connections", name, "secret_headers"].map(String::from).to_vec();
        app.edit_config(&[Change { key, value: Some(value) }]).await?;
    }
    let mut connection = config::Connection { configured: true, ..connection.clone() };
    connection.headers.secret = names;
    Ok(connection)
}

/// Copies what is kept into the store that a login chooses: the service wants it before there is a login that it could move
/// with.
pub async fn bring(app: &App, connection: &config::Connection) -> Result<(), Error> {
    match connection.headers.secret.is_empty() {
        true => Ok(()),
        false => stores::carry(app, connection, &[Key::headers(&connection.name)]).await,
    }
}

/// The secret headers of the connection with these.
pub fn with<'a>(
    connection: &config::Connection,
    more: impl Iterator<Item = &'a HeaderName>,
) -> Result<Vec<HeaderName>, Error> {
    let unfit = |header: &str, why: String| Error::UnfitHeader { header: header.to_owned(), why };
    let mut names = connection.headers.secret.clone();
    for header in more {
        if connection.headers.plain.iter().any(|(known, _)| known == header) {
            let key = format!("connections.{}.headers", connection.name);
            return Err(unfit(header.as_str(), format!("it stands in `{key}` of the configuration with its value")));
        }
        if connection.backend.sign_in.is_some() {
            let why =
                format!("a login to `{}` is made of requests that no header is added to", connection.backend.name);
            return Err(unfit(header.as_str(), why));
        }
        if !names.contains(header) {
            names.push(header.clone());
        }
        if names.len() > MOST_SECRET {
            return Err(unfit(header.as_str(), format!("a connection has at most {MOST_SECRET} secret headers")));
        }
    }
    Ok(names)
}

/// What is kept of each secret header for where the connection points now.
pub(super) async fn states(
    app: &App,
    connection: &config::Connection,
    url: &Url,
) -> Result<Vec<(HeaderName, State)>, Error> {
    let names = &connection.headers.secret;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let kept = read(&app.parts_of(connection), &connection.name).await?;
    let origin = url.origin().ascii_serialization();
    let state = |name: &HeaderName| match kept.get(name.as_str()) {
        None => State::Missing,
        Some(one) if one.origin != origin => State::Elsewhere,
        Some(_) => State::Kept,
    };
    Ok(names.iter().map(|name| (name.clone(), state(name))).collect())
}

/// Forgets all of them; the names of those that there were.
pub(super) async fn forget(custody: &Custody, parts: &Parts, connection: &str) -> Result<Vec<String>, Error> {
    let key = Key::headers(connection);
    let names = match parts.store.load(&key).await {
        Ok(None) => return Ok(Vec::new()),
        Ok(Some(text)) => decode(&text).ok().flatten().map(|kept| kept.into_keys().collect()),
        Err(store::Error::Damaged { .. }) => None,
        Err(error) => return Err(Error::store(connection)(error)),
    };
    custody.forget_beside(&key).await.map_err(Error::store(connection))?;
    Ok(names.unwrap_or_else(|| vec!["?".to_owned()]))
}

/// The headers of the connection for requests to `url`, which is where it points. Touches nothing yet.
pub(super) fn of(app: &App, connection: &config::Connection, url: &Url) -> backends::Headers {
    let secret = match connection.headers.secret.is_empty() {
        true => None,
        false => Some(std::sync::Arc::new(Source::new(&app.parts_of(connection), connection, url)) as _),
    };
    backends::Headers { plain: connection.headers.plain.clone(), secret }
}

/// The same at once, for a request to `url` that no backend makes.
pub(super) async fn now(app: &App, connection: &config::Connection, url: &Url) -> Result<HeaderMap, Error> {
    let mut headers: HeaderMap = connection.headers.plain.iter().cloned().collect();
    let values = match connection.headers.secret.is_empty() {
        true => Values::default(),
        false => Source::new(&app.parts_of(connection), connection, url).load().await?,
    };
    for (name, value) in values.iter() {
        // What was kept was looked at.
        let Ok(mut value) = HeaderValue::from_str(value.expose()) else { continue };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Supplies the values to a backend: read at the first request, and again when another program has changed them.
struct Source {
    parts: Parts,
    connection: String,
    names: Vec<HeaderName>,
    origin: String,
    stamp: Stamp,
    /// What was read last, and the stamp at that time. Held while reading: a hundred requests at once read once.
    known: Mutex<Option<(Option<String>, Values)>>,
}

impl Source {
    fn new(parts: &Parts, connection: &config::Connection, url: &Url) -> Self {
        Self {
            parts: parts.clone(),
            connection: connection.name.clone(),
            names: connection.headers.secret.clone(),
            origin: url.origin().ascii_serialization(),
            stamp: Stamp::new(parts.shared.as_deref(), &connection.name),
            known: Mutex::default(),
        }
    }

    async fn load(&self) -> Result<Values, Error> {
        let kept = read(&self.parts, &self.connection).await?;
        let missing = |header: &HeaderName, is_elsewhere| Error::HeaderMissing {
            connection: self.connection.clone(),
            header: header.to_string(),
            is_elsewhere,
        };
        let value = |name: &HeaderName| match kept.get(name.as_str()) {
            None => Err(missing(name, false)),
            Some(one) if one.origin != self.origin => Err(missing(name, true)),
            Some(one) => Ok((name.clone(), one.value.clone())),
        };
        self.names.iter().map(value).collect::<Result<Vec<_>, Error>>().map(Values::from)
    }
}

impl HeaderSource for Source {
    fn values(&self) -> Boxed<'_, Result<Values, Unavailable>> {
        Box::pin(async {
            let mut known = self.known.lock().await;
            // The stamp is read first: a write in between makes the next caller read again.
            let stamp = self.stamp.read();
            if let Some((_, values)) = known.as_ref().filter(|(before, _)| *before == stamp) {
                return Ok(Values::clone(values));
            }
            let values = self.load().await.map_err(unavailable)?;
            *known = Some((stamp, Values::clone(&values)));
            Ok(values)
        })
    }

    fn replace<'a>(&'a self, rejected: &'a Values) -> Boxed<'a, Result<Option<Values>, Unavailable>> {
        Box::pin(async move {
            let mut known = self.known.lock().await;
            if let Some((_, others)) = known.as_ref().filter(|(_, values)| !is_same(values, rejected)) {
                return Ok(Some(Values::clone(others)));
            }
            let stamp = self.stamp.read();
            match self.load().await {
                Ok(same) if is_same(&same, rejected) => Ok(None),
                Ok(others) => {
                    *known = Some((stamp, Values::clone(&others)));
                    Ok(Some(others))
                }
                Err(error @ Error::HeaderMissing { .. }) => Err(unavailable(error)),
                // What the service said counts then.
                Err(error) => {
                    log::debug!("the headers of `{}` could not be read again: {error}", self.connection);
                    Ok(None)
                }
            }
        })
    }

    fn refused(&self) -> Unavailable {
        unavailable(refused_by(&self.connection, &self.names))
    }
}

/// The service refuses what the connection shows of itself.
pub(super) fn refused(connection: &config::Connection) -> Error {
    refused_by(&connection.name, &connection.headers.secret)
}

fn refused_by(connection: &str, names: &[HeaderName]) -> Error {
    Error::HeadersRefused {
        connection: connection.to_owned(),
        headers: names.iter().map(ToString::to_string).collect(),
    }
}

fn unavailable(error: Error) -> Unavailable {
    Unavailable(std::sync::Arc::new(error))
}

fn is_same(one: &Values, other: &Values) -> bool {
    one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.1.equals(&other.1))
}

/// What cannot be read counts as absent: giving the value again replaces it. What a newer program wrote stays as it is.
async fn read(parts: &Parts, connection: &str) -> Result<Kept, Error> {
    let key = Key::headers(connection);
    let stored = match parts.store.load(&key).await {
        Err(store::Error::Damaged { .. }) => None,
        stored => stored.map_err(Error::store(connection))?,
    };
    let kept = stored.map(|text| decode(&text)).transpose();
    kept.map(|kept| kept.flatten().unwrap_or_default())
        .map_err(|Newer| Error::store(connection)(store::Error::Newer { key }))
}

/// A newer program wrote it.
struct Newer;

fn decode(text: &Secret) -> Result<Option<Kept>, Newer> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    match serde_json::from_str::<Version>(text.expose()) {
        Ok(Version { version }) if version > VERSION => Err(Newer),
        _ => Ok(serde_json::from_str::<Written<Secret>>(text.expose()).ok().map(|written| written.headers)),
    }
}

fn encode(kept: &Kept) -> Secret {
    let mut headers = BTreeMap::new();
    for (name, One { origin, value }) in kept {
        headers.insert(name.clone(), One { origin: origin.clone(), value: value.expose() });
    }
    // A map of texts always has a JSON form.
    Secret::new(serde_json::to_string(&Written { version: VERSION, headers }).unwrap_or_default())
}

/// A value on one line of plain characters: a line break in it would start another header.
pub fn clean(value: &Secret) -> Result<Secret, Error> {
    let text = value.expose().trim();
    let why = match text.len() {
        0 => "it is empty",
        1..SHORTEST => "it is shorter than 8 characters, and nobody could keep that out of what a service answers",
        SHORTEST..=LONGEST if text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) => return Ok(Secret::new(text)),
        SHORTEST..=LONGEST => "it has a line break or a character that no header can carry",
        _ => "it is longer than 8192 bytes",
    };
    Err(Error::NoKey { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_that_a_header_can_carry_and_long_enough_to_be_told_from_a_word() {
        assert!(clean(&Secret::new(" Key canary-1 \n")).is_ok_and(|value| value.matches("Key canary-1")));
        for text in ["", " \n", "1234567", "12345678\r\nX-Evil: 1", "12345678\0", "schl\u{fc}ssel", &"a".repeat(8193)] {
            assert!(matches!(clean(&Secret::new(text)), Err(Error::NoKey { .. })), "{text:?}");
        }
    }

    #[test]
    fn what_is_kept_reads_back_and_what_is_newer_is_told_from_what_is_damaged() {
        let one = || One { origin: "https://host".to_owned(), value: Secret::new("a \"b\" \\c") };
        let text = encode(&Kept::from([("x-api-key".to_owned(), one())]));
        let kept = decode(&text).ok().flatten().expect("it is whole");
        assert!(kept["x-api-key"].origin == one().origin && kept["x-api-key"].value.equals(&one().value));
        assert!(decode(&Secret::new("{\"version\":2}")).is_err());
        for damaged in ["", "{}", "{\"version\":1}", "{\"version\":1,\"headers\":{\"a\":\"b\"}}"] {
            assert!(decode(&Secret::new(damaged)).is_ok_and(|kept| kept.is_none()), "{damaged}");
        }
    }
}
