//! Several ways to finish one login, of which the first to bring a valid answer wins.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::keep::{Brought, Keeper, Question};
use super::person::{News, Nobody, Person};
use super::{Done, Pending};
use crate::app::grant::Grant;
use crate::app::{App, Error};
use crate::machine::{Line, Lines};
use crate::oauth::{self, Attempt, Callback, Page, Pasted};

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
    Browser(Callback),
    /// By a paste.
    Pasted(oauth::Outcome),
}

impl Pending {
    /// Waits for the person and keeps what they granted.
    pub async fn finish(self, app: &App, patience: Duration) -> Result<Done, Error> {
        self.finish_with(app, Finish::alone(patience)).await
    }

    /// As [`Pending::finish`], by every way there is.
    pub async fn finish_with(self, app: &App, how: Finish<'_>) -> Result<Done, Error> {
        let Self { connection, issued, attempt, listener, expect, claim } = self;
        let name = connection.name.clone();
        let failed = |error| Error::Login { connection: name.clone(), error: Arc::new(error) };
        let person = how.person;
        let attempt = Arc::new(attempt);
        let won = race(&attempt, listener, how).await.map_err(failed)?;
        let keeper = Keeper { app: app.at(&connection), connection, issued, expect };
        let (ask, mut questions) = mpsc::channel(1);
        let (landed, mut outcome) = oneshot::channel();
        app.parts.owned.spawn(async move {
            let (callback, code) = match won {
                Won::Browser(callback) => {
                    let code = callback.outcome.clone();
                    (Some(callback), code)
                }
                Won::Pasted(outcome) => (None, outcome),
            };
            let kept = match code {
                Ok(code) => keeper.keep(Brought::Code(attempt, code), ask).await,
                Err(error) => Err(Error::Login { connection: keeper.connection.name.clone(), error: Arc::new(error) }),
            };
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

/// Waits for the first valid answer. What is not one changes nothing.
async fn race(attempt: &Attempt, listener: oauth::Listener, how: Finish<'_>) -> Result<Won, oauth::Error> {
    let Finish { patience, person, pastes, bare_code } = how;
    let (tell, mut told) = mpsc::unbounded_channel();
    listener.notify(move |notice| {
        let _ = tell.send(notice);
    });
    let browser = listener.wait(attempt, patience);
    let paste = pasted(attempt, pastes, bare_code, person);
    tokio::pin!(browser, paste);
    loop {
        tokio::select! {
            biased;
            callback = &mut browser => return callback.map(Won::Browser),
            // Whoever pastes has no page that waits: the port is closed at once.
            outcome = &mut paste => return Ok(Won::Pasted(outcome)),
            Some(notice) = told.recv() => person.tell(News::Listener(notice)),
        }
    }
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
        Err(Error::OtherAccount { who, .. }) => Page::Failed { connection, reason: Some(who.to_string()) },
        Err(_) => Page::Failed { connection, reason: None },
    }
}
