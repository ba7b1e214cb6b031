//! A tool call that needs a login: the person is offered the login page through the host, where the host can do that.
//!
//! The login goes on in the background while the host asks, so that a call which is given up does not end it, and the
//! next call finds it. A host that cannot ask gets a result with the command to run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use url::Url;

use super::needed::{Needed, Tries};
use crate::app::{App, Error, login};
use crate::backends::{Agreed, Way};
use crate::mcp::{Asked, Asking, Outcome, Question, UrlRequest};

/// How long a call waits for the person. Hosts give up after a minute.
const WAIT: Duration = Duration::from_secs(50);
/// The key of our question and its answer.
const KEY: &str = "login";

/// The logins that wait for the person, and how often they were asked for more.
#[derive(Clone, Default)]
pub(super) struct Logins(Arc<Mutex<HashMap<String, Open>>>, Arc<Tries>);

/// A call that failed, and who can be asked about it.
pub(super) struct Failed<'a> {
    pub(super) error: Error,
    pub(super) tool: &'a str,
    pub(super) asking: &'a Asking,
    pub(super) answers: &'a Map<String, Value>,
}

#[derive(Clone)]
struct Open {
    needed: Needed,
    url: Url,
    end: watch::Receiver<Option<Result<(), Error>>>,
    /// Closes the port and frees the connection for another login. The end of a login, once begun, is not cut off.
    stop: AbortHandle,
}

/// What becomes of the call.
pub(super) enum Next {
    /// There is a login now: the call can be made again.
    Again,
    /// The person said yes: the call can be made again with it.
    Agreed(Agreed),
    /// The host asks the person and comes again.
    Ask(Outcome),
    /// It failed.
    Fail(Error),
}

impl Logins {
    /// Offers a login to the person by whatever the host can do, if one would help.
    pub(super) async fn offer(&self, app: &Arc<App>, call: Failed<'_>) -> Next {
        let Failed { error: failed, tool, asking, answers } = call;
        let Some(needed) = Needed::of(&failed).filter(|needed| helps(app, needed)) else { return Next::Fail(failed) };
        let name = needed.connection.clone();
        let is_answer = matches!(asking, Asking::ByResult) && answers.contains_key(KEY);
        if needed.is_more() && !is_answer && !self.1.one_more(&needed, tool) {
            return Next::Fail(failed);
        }
        match asking {
            Asking::Cannot => Next::Fail(failed),
            Asking::ByResult => {
                match answers.get(KEY).and_then(|answer| answer.get("action")).and_then(Value::as_str) {
                    Some("accept") => match self.open(&name) {
                        Some(open) => wait(open, failed).await,
                        None => Next::Fail(failed),
                    },
                    Some(_) => {
                        self.give_up(&name);
                        Next::Fail(failed)
                    }
                    None => match self.start(app, &needed).await {
                        Ok(open) => Next::Ask(required(KEY, Question::Open(open.question()))),
                        Err(error) => Next::Fail(error),
                    },
                }
            }
            Asking::Now(asker) => {
                let open = match self.start(app, &needed).await {
                    Ok(open) => open,
                    Err(error) => return Next::Fail(error),
                };
                let id = format!("login-{name}-{}", app.parts.clock.now().0);
                if asker.open_url(&open.question(), &id, WAIT).await != Asked::Accepted {
                    self.give_up(&name);
                    return Next::Fail(failed);
                }
                let next = wait(open, failed).await;
                asker.completed(&id);
                next
            }
        }
    }

    /// The person does not want it now; the command in the hint must find the connection free.
    fn give_up(&self, name: &str) {
        if let Some(open) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name) {
            open.stop.abort();
        }
    }

    fn open(&self, name: &str) -> Option<Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The tool did what it was called for.
    pub(super) fn settled(&self, connection: Option<&str>, tool: &str) {
        if let Some(connection) = connection {
            self.1.settled(connection, tool);
        }
    }

    /// The login that waits for the person, or a new one. One that would bring too little gives way to one for both.
    async fn start(&self, app: &Arc<App>, needed: &Needed) -> Result<Open, Error> {
        let name = needed.connection.as_str();
        let mut needed = needed.clone();
        if let Some(open) = self.open(name).filter(|open| open.end.borrow().is_none()) {
            if open.needed.covers(&needed) {
                return Ok(open);
            }
            needed = needed.with(&open.needed);
            self.give_up(name);
            // Its port and its claim on the connection are free when its task is gone.
            let mut end = open.end;
            let _ = end.changed().await;
        }
        let connection = app.connection(name)?.clone();
        let pending = login::begin(app, &connection, needed.wish()).await?;
        let (ended, end) = watch::channel(None);
        let url = pending.url().clone();
        let app = Arc::clone(app);
        let task = tokio::spawn(async move {
            let outcome = match pending.finish(&app, login::PATIENCE).await {
                Ok(done) => {
                    if let Err(error) = login::learn_tools(&app, &connection, done.way).await {
                        log::warn!("the tools of `{}` could not be listed: {error}", connection.name);
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            };
            ended.send_replace(Some(outcome));
        });
        let open = Open { needed, url, end, stop: task.abort_handle() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(open.needed.connection.clone(), open.clone());
        Ok(open)
    }
}

/// The end of a call that the host makes again with the answer.
pub(super) fn required(key: &str, question: Question) -> Outcome {
    Outcome::InputRequired { questions: vec![(key.to_owned(), question)], state: None }
}

async fn wait(mut open: Open, failed: Error) -> Next {
    match tokio::time::timeout(WAIT, open.end.wait_for(Option::is_some)).await {
        Ok(Ok(end)) => match end.clone() {
            Some(Err(error)) => Next::Fail(error),
            _ => Next::Again,
        },
        // The person takes longer than the host would wait; the next call finds the login.
        _ => Next::Fail(failed),
    }
}

impl Open {
    fn question(&self) -> UrlRequest {
        UrlRequest { message: self.needed.question(), url: self.url.to_string() }
    }
}

/// Whether a login in the browser is how this connection signs in, or can sign in where it did not need to so far.
fn helps(app: &App, needed: &Needed) -> bool {
    app.connection(&needed.connection).is_ok_and(|connection| {
        let can = match connection.way.0 {
            Way::OAuth => true,
            Way::None => !needed.is_more() && connection.backend.ways.contains(&Way::OAuth),
            _ => false,
        };
        can && app.environment_token(connection).is_none()
    })
}
