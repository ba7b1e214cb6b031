//! Several ways to finish one login, of which the first to bring a valid answer wins.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::keep::{Brought, Keeper, Question};
use super::person::{News, Nobody, Person};
use super::{Done, Pending, Proto, Waiting, keep, request};
use crate::app::audit::What;
use crate::app::grant::Grant;
use crate::app::{App, Error, Parts, provider};
use crate::machine::{Line, Lines};
use crate::oauth::{self, Attempt, Callback, Page, Pasted, TokenType, Tokens};
use crate::secret::Secret;

/// How the end of a login is awaited.
pub struct Finish<'a> {
    /// How long.
    pub patience: Duration,
    /// Who is told and asked on the way.
    pub person: &'a dyn Person,
    /// What the person pastes, if they can.
    pub pastes: Option<Lines>,
    /// Whether a code without a state counts.
    pub bare_code: bool,
}

impl Finish<'_> {
    /// Waits for the browser alone.
    pub const fn alone(patience: Duration) -> Self {
        Self { patience, person: &Nobody, pastes: None, bare_code: false }
    }
}

/// How a login was finished.
enum Won {
    /// In the browser here, which waits for the outcome.
    Browser(Arc<Attempt>, Callback),
    /// By a paste.
    Pasted(Arc<Attempt>, oauth::Outcome),
    /// On another device.
    Device(Box<Tokens>, Option<Secret>),
}

impl Won {
    /// What it brought, and the browser that waits for the outcome.
    fn open(self) -> (Result<Brought, oauth::Error>, Option<Callback>) {
        match self {
            Self::Browser(attempt, callback) => {
                (callback.outcome.clone().map(|code| Brought::Code(attempt, code)), Some(callback))
            }
            Self::Pasted(attempt, outcome) => (outcome.map(|code| Brought::Code(attempt, code)), None),
            Self::Device(tokens, key) => (Ok(Brought::Tokens(tokens, key)), None),
        }
    }
}

impl Pending {
    /// Waits for the person and keeps what they granted.
    pub async fn finish(self, app: &App, patience: Duration) -> Result<Done, Error> {
        self.finish_with(app, Finish::alone(patience)).await
    }

    /// As [`Pending::finish`], by every way there is.
    pub async fn finish_with(self, app: &App, how: Finish<'_>) -> Result<Done, Error> {
        let Self { connection, issued, browser, code, expect, claim, .. } = self;
        let (app, name) = (&app.at(&connection), connection.name.clone());
        let person = how.person;
        let won = race(app, &issued, (browser, code), how).await;
        let won = won.map_err(|error| Error::Login { connection: name.clone(), error: Arc::new(error) });
        let won = won.inspect_err(|error| app.parts.audit.failed(What::Login, &name, error))?;
        let keeper = Keeper { app: app.at(&connection), connection, issued, expect };
        let (ask, mut questions) = mpsc::channel(1);
        let (landed, mut outcome) = oneshot::channel();
        app.parts.owned.spawn(async move {
            let (brought, callback) = won.open();
            let kept = match brought {
                Ok(brought) => keeper.keep(brought, ask).await,
                Err(error) => Err(Error::Login { connection: keeper.connection.name.clone(), error: Arc::new(error) }),
            };
            keeper.app.parts.audit.ended(What::Login, &keeper.connection.name, kept.as_ref());
            if let Some(callback) = callback {
                callback.finish(page(&keeper.connection.name, &kept)).await;
            }
            let _ = landed.send(kept);
            // Until here nobody else may sign in to this connection, whoever stopped waiting.
            drop(claim);
        });
        let grant = loop {
            tokio::select! {
                biased;
                grant = &mut outcome => break grant.map_err(|_| Error::Interrupted)??,
                Some(Question { swap, answer }) = questions.recv() => {
                    let _ = answer.send(person.confirm(&swap).await);
                }
            }
        };
        Ok(Done::of(&name, &grant))
    }
}

/// Waits for the first valid answer. What is not one changes nothing, and what comes second finds the door closed.
async fn race(
    app: &App,
    issued: &Proto,
    (browser, code): (Option<Waiting>, Option<request::Code>),
    how: Finish<'_>,
) -> Result<Won, oauth::Error> {
    let Finish { patience, person, pastes, bare_code } = how;
    let (tell, mut told) = mpsc::unbounded_channel();
    let (attempt, listener) = match browser {
        Some(Waiting { attempt, listener }) => (Some(Arc::new(attempt)), Some(listener)),
        None => (None, None),
    };
    let here = async {
        match (&attempt, listener) {
            (Some(attempt), Some(listener)) => {
                listener.notify(move |notice| {
                    let _ = tell.send(notice);
                });
                listener.wait(attempt, patience).await.map(|callback| Won::Browser(Arc::clone(attempt), callback))
            }
            _ => {
                tokio::time::sleep(patience).await;
                Err(oauth::Error::TimedOut { after: patience })
            }
        }
    };
    let paste = async {
        match &attempt {
            Some(attempt) => Won::Pasted(Arc::clone(attempt), pasted(attempt, pastes, bare_code, person).await),
            None => std::future::pending().await,
        }
    };
    let device = on_another_device(app, issued, code);
    tokio::pin!(here, paste, device);
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            won = &mut here => return won,
            // Whoever pastes has no page that waits: the port is closed at once.
            won = &mut paste => return Ok(won),
            won = &mut device, if is_open => match (won, &attempt) {
                // The browser and the paste can still bring an answer.
                (Err(oauth::Error::DeviceExpired { .. }), Some(_)) => {
                    is_open = false;
                    person.tell(News::CodeExpired);
                }
                (won, attempt) => {
                    attempt.as_ref().map(|attempt| attempt.close());
                    return won;
                }
            },
            Some(notice) = told.recv() => person.tell(News::Listener(notice)),
        }
    }
}

/// Waits until the person has used the code on another device.
async fn on_another_device(app: &App, issued: &Proto, code: Option<request::Code>) -> Result<Won, oauth::Error> {
    let Some(code) = code else { return std::future::pending().await };
    let (parts, issued) = (app.parts.clone(), issued.clone());
    let (landed, outcome) = oneshot::channel();
    // Whoever stops waiting drops this end. Only who has taken the answer says so: one that lies in the channel when
    // another way wins was taken by nobody.
    let (take, mut taken) = oneshot::channel::<()>();
    app.parts.owned.spawn(async move {
        let stopped = async { drop((&mut taken).await) };
        let answer = ask_until(&parts, &issued, code, stopped).await;
        let tokens = match &answer {
            Ok(Won::Device(tokens, _)) => Some(tokens.clone()),
            _ => None,
        };
        let _ = landed.send(answer);
        if let Some(tokens) = tokens
            && taken.await.is_err()
            && !keep::ended_at(&parts, &issued, &tokens).await
        {
            log::warn!("tokens of a login that was given up could not be ended at the provider");
        }
    });
    let answer = outcome.await.unwrap_or_else(|_| Err(oauth::Error::TimedOut { after: Duration::ZERO }));
    let _ = take.send(());
    answer
}

/// Asks until the person has used the code, it has run out or nobody waits any more.
async fn ask_until(
    parts: &Parts,
    issued: &Proto,
    code: request::Code,
    stopped: impl Future<Output = ()>,
) -> Result<Won, oauth::Error> {
    let request::Code { device, binding } = code;
    let Proto { server, client, scopes, .. } = issued;
    let key = binding.as_deref();
    let (resource, audience) = provider::target(issued.provider, issued.resource.as_deref());
    let now = parts.clock.now().0;
    let asked = oauth::device::Request { server, client, scopes, resource, audience, binding: key, now };
    let tokens = oauth::device::poll(&parts.http, asked, device, stopped).await?;
    let bound = tokens.token_type == TokenType::Dpop;
    let key = binding.filter(|_| bound).map(|key| key.secret().clone());
    Ok(Won::Device(Box::new(tokens), key))
}

/// The first pasted text that is an answer. Ready only then.
async fn pasted(attempt: &Attempt, lines: Option<Lines>, bare_code: bool, person: &dyn Person) -> oauth::Outcome {
    let Some(mut lines) = lines else { return std::future::pending().await };
    loop {
        let unfit = match lines.next().await {
            Line::Text(text) => {
                let pasted = if bare_code { attempt.paste_code(&text) } else { attempt.paste(&text) };
                match pasted {
                    Pasted::Answer(outcome) => return outcome,
                    Pasted::Refused(unfit) => unfit,
                }
            }
            Line::TooLong => oauth::Unfit::TooLong,
            Line::End => {
                person.tell(News::PasteEnded);
                return std::future::pending().await;
            }
        };
        person.tell(News::Paste(unfit));
    }
}

/// The page tells what really happened: it is written after the exchange and the durable write.
fn page(connection: &str, kept: &Result<Grant, Error>) -> Page {
    let connection = connection.to_owned();
    match kept {
        Ok(grant) => {
            let account = grant.issued.as_ref().and_then(|issued| issued.account.clone());
            Page::SignedIn { connection, account }
        }
        Err(Error::Login { error, .. }) if matches!(**error, oauth::Error::Denied { .. }) => {
            Page::Denied { connection }
        }
        // RFC 6749 §5.2: the code is over, or was used before.
        Err(Error::Login { error, .. }) if error.oauth_code() == Some("invalid_grant") => Page::Expired { connection },
        Err(Error::OtherAccount { who, .. }) => Page::Failed { connection, reason: Some(who.to_string()) },
        Err(_) => Page::Failed { connection, reason: None },
    }
}
