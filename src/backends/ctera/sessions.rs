//! The sessions of one connection: one for each portal that is looked at, opened when it is needed and again when the
//! Portal has ended it.
//!
//! At the Portal, "which portal is being administered" is a property of the session. So a call that names a portal has a
//! session that was never used for another, and no call changes what another one sees.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::open::{self, Opened, TOKEN};
use super::wire::{self, Node};
use super::{Address, Scope, said};
use crate::backends::http::failure;
use crate::backends::{Boxed, Connection, Credential, CredentialSource, Error, Sent, Unavailable, outside};
use crate::http::{Http, Stream};

use super::kept::Kept;

/// Marks a request that may be sent again although it was answered, because it changes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeatable;

/// What all sessions of a connection are opened with.
pub(super) struct Door {
    pub(super) http: Http,
    pub(super) address: Address,
    pub(super) kept: Arc<dyn CredentialSource>,
    pub(super) sent: Sent,
    /// The login that was refused, by its generation, and how: a password that was refused is refused again, whichever
    /// portal is to be looked at, and somebody may be locked out for it.
    refused: Mutex<Option<(u64, Error)>>,
    /// Held by the one who is signing in.
    turn: tokio::sync::Mutex<()>,
}

impl Door {
    fn refused(&self, login: u64) -> Option<Error> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|(known, _)| *known == login).map(|(_, error)| error.clone())
    }

    fn refuse(&self, login: u64, error: Error) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((login, error));
    }
}

/// The sessions of a connection, by the portal that they look at; `None` where nothing was chosen.
pub(super) struct Sessions {
    door: Arc<Door>,
    open: Mutex<BTreeMap<Option<String>, Arc<Session>>>,
}

/// The most portals that are looked at with a session each; the administration may have thousands.
const MOST: usize = 32;

impl Sessions {
    pub(super) fn new(connection: &Connection) -> Self {
        let door = Door {
            http: connection.http.clone(),
            address: Address::of(&connection.url),
            kept: Arc::clone(&connection.credentials),
            sent: connection.sent.clone(),
            refused: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        Self { door: Arc::new(door), open: Mutex::default() }
    }

    /// The session for that portal.
    pub(super) fn at(&self, portal: Option<&str>) -> Arc<Session> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let portal = portal.map(String::from);
        if let Some(session) = open.get(&portal) {
            return Arc::clone(session);
        }
        if open.len() >= MOST {
            // Calls under way keep theirs.
            open.clear();
        }
        let session =
            Session { door: Arc::clone(&self.door), portal: portal.clone(), state: tokio::sync::Mutex::default() };
        let session = Arc::new(session);
        open.insert(portal, Arc::clone(&session));
        session
    }
}

/// A session that is opened when it is needed.
pub(super) struct Session {
    door: Arc<Door>,
    portal: Option<String>,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is open.
    live: Option<Live>,
    /// How many were opened; tells one from the next.
    count: u64,
    /// Why none could be opened, and when.
    failed: Option<(Error, Instant)>,
}

struct Live {
    opened: Opened,
    number: u64,
    /// The generation of what it was opened with.
    login: u64,
    /// Whether it can be opened again.
    again: bool,
}

impl Session {
    /// A session that is open as far as is known; another one than `ended`.
    ///
    /// Whoever comes while one is being opened waits for it, and shares its failure.
    async fn open(&self, ended: Option<u64>) -> Result<Credential, Error> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        let kept = self.door.kept.credential().await.map_err(Error::unavailable)?;
        let Some(kept) = kept else { return Err(self.damaged()) };
        if let Some(live) = state.live.as_ref().filter(|live| live.login == kept.generation) {
            if ended != Some(live.number) {
                return Ok(live.credential());
            }
            // It cannot be opened again, so neither one odd answer nor trouble of the network is enough to give it up.
            if !live.again {
                match open::who(&self.door.http, &self.door.address, &live.opened).await {
                    Ok(_) => return Ok(live.credential()),
                    Err(ended @ Error::Rejected { .. }) => self.door.refuse(kept.generation, ended),
                    Err(error) => return Err(error),
                }
            }
        }
        state.live = None;
        if let Some(error) = self.door.refused(kept.generation) {
            return Err(error);
        }
        if let Some((error, _)) = state.failed.as_ref().filter(|(_, at)| *at >= asked) {
            return Err(error.clone());
        }
        match self.begin(&kept).await {
            Ok((opened, again)) => {
                state.count = state.count.saturating_add(1);
                let live = Live { opened, number: state.count, login: kept.generation, again };
                let credential = live.credential();
                (state.live, state.failed) = (Some(live), None);
                Ok(credential)
            }
            Err(error) => {
                state.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    async fn begin(&self, stored: &Credential) -> Result<(Opened, bool), Error> {
        let Door { http, address, sent, .. } = &*self.door;
        let kept = Kept::decode(&stored.value).ok_or_else(|| self.damaged())?;
        kept.note(sent);
        if !open::is_possible(address.scope, &kept) {
            let cause = "a device belongs to a person's own portal and cannot sign in to the administration";
            return Err(Error::Forbidden { host: address.host(), said: cause.to_owned() });
        }
        // One attempt at a time: whoever waited may find that the password was refused meanwhile.
        let turn = self.door.turn.lock().await;
        if let Some(error) = self.door.refused(stored.generation) {
            return Err(error);
        }
        let opened = self.signed_in(&kept).await.inspect_err(|error| {
            if matches!(error, Error::Rejected { .. }) {
                self.door.refuse(stored.generation, error.clone());
            }
        })?;
        drop(turn);
        opened.note(sent);
        let again = matches!(kept, Kept::Login { .. });
        if let Some(portal) = self.portal.as_deref().filter(|_| again)
            && let Err(error) = look_at(&self.door, &opened, portal).await
        {
            // Nobody uses it, and nobody would end it.
            drop(open::close(http, address, &opened).await);
            return Err(error);
        }
        Ok((opened, again))
    }

    /// Opens a session. That a login was answered well is not enough: what it gave must be somebody's session.
    async fn signed_in(&self, kept: &Kept) -> Result<Opened, Error> {
        let Door { http, address, .. } = &*self.door;
        let opened = open::open(http, address, kept).await?;
        if matches!(kept, Kept::Login { .. }) {
            open::who(http, address, &opened).await?;
        }
        Ok(opened)
    }

    fn damaged(&self) -> Error {
        Error::Rejected { host: self.door.address.host(), said: "what the store keeps opens no session".to_owned() }
    }
}

impl Live {
    fn credential(&self) -> Credential {
        Credential {
            header: Some("cookie"),
            value: self.opened.cookie.clone(),
            companion: self.opened.token.clone().map(|token| (TOKEN, token)),
            generation: self.number,
            proof: None,
        }
    }
}

impl CredentialSource for Session {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { self.open(None).await.map(Some).map_err(|error| Unavailable(Arc::new(error))) })
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        let ended = Some(rejected.generation);
        Box::pin(async move { self.open(ended).await.map(Some).map_err(|error| Unavailable(Arc::new(error))) })
    }

    /// Any redirect and a 401 mean that the session has ended, and a page where none belongs means the same: somebody in
    /// front of the Portal wants a login. The latter is believed only where a second request does no harm.
    fn is_refusal(&self, asked: &Extensions, answer: &Stream) -> bool {
        let is_page = || {
            let media = answer.headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
            media.is_some_and(|media| media.trim_start().to_ascii_lowercase().starts_with("text/html"))
        };
        answer.status.is_redirection()
            || answer.status == http::StatusCode::UNAUTHORIZED
            || (answer.status.is_success() && asked.get::<Repeatable>().is_some() && is_page())
    }
}

/// The tokens of a connection, of which nobody knows whether the Portal takes them: what it answers to strangers is its no.
pub(super) struct Bearer(pub(super) Arc<dyn CredentialSource>);

impl CredentialSource for Bearer {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        self.0.credential()
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.0.replace(rejected)
    }

    fn is_refusal(&self, _: &Extensions, answer: &Stream) -> bool {
        answer.status.is_redirection() || answer.status == http::StatusCode::UNAUTHORIZED
    }
}

/// Turns a session that nobody else uses towards a portal, and makes sure of it (reference: "Administration scope").
async fn look_at(door: &Door, opened: &Opened, portal: &str) -> Result<(), Error> {
    let Door { http, address, .. } = door;
    if address.scope != Scope::Admin {
        return Err(Error::Arguments("`portal` is for connections to the administration".to_owned()));
    }
    let url = address.api("/currentPortal");
    let unsendable = || Error::from(crate::http::Error::Address { host: address.host() });
    let put =
        http::Request::put(&url).header(CONTENT_TYPE, "application/xml").body(Node::from(portal).xml().into_bytes());
    let answer = open::sent(http, address, (put.map_err(|_| unsendable())?, opened)).await?;
    let (status, headers) = (answer.status(), answer.headers());
    match status.as_u16() {
        200..=299 => {}
        401 | 403 => return Err(failure(address.host(), status, headers, said(answer.body()))),
        _ => {
            let said = said(answer.body());
            return Err(Error::Arguments(format!(
                "`portal`: `{}` cannot be looked at: {}. List the portals to see their names",
                outside::line(portal, 80),
                if said.is_empty() { format!("status {}", status.as_u16()) } else { said }
            )));
        }
    }
    let seen = current(door, opened).await?;
    match seen.as_deref() == Some(portal) {
        true => Ok(()),
        false => Err(Error::Protocol {
            host: address.host(),
            cause: "it did not turn to the portal that was asked for".to_owned(),
        }),
    }
}

/// Which portal the session looks at; `None` for the global administration.
async fn current(door: &Door, opened: &Opened) -> Result<Option<String>, Error> {
    let Door { http, address, .. } = door;
    let get = http::Request::get(address.api("/currentPortal")).body(Vec::new());
    let get = get.map_err(|_| Error::from(crate::http::Error::Address { host: address.host() }))?;
    let answer = open::sent(http, address, (get, opened)).await?;
    if !answer.status().is_success() {
        return Err(failure(address.host(), answer.status(), answer.headers(), said(answer.body())));
    }
    let value = wire::parse(answer.body())
        .map_err(|cause| Error::Protocol { host: address.host(), cause: cause.to_owned() })?;
    Ok(super::fields::scalar(&value).filter(|name| !name.is_empty()))
}
