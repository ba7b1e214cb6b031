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

use crate::app::{App, Error, login};
use crate::backends::{self, Way};
use crate::mcp::{Asked, Outcome, UrlRequest, User};

/// How long a call waits for the person. Hosts give up after a minute.
const WAIT: Duration = Duration::from_secs(50);
/// The key of our question and its answer.
const KEY: &str = "login";

/// The logins that wait for the person.
#[derive(Clone, Default)]
pub(super) struct Logins(Arc<Mutex<HashMap<String, Open>>>);

#[derive(Clone)]
struct Open {
    url: Url,
    end: watch::Receiver<Option<Result<(), Error>>>,
    /// Closes the port and frees the connection for another login. The end of a login, once begun, is not cut off.
    stop: AbortHandle,
}

/// What becomes of the call.
pub(super) enum Next {
    /// There is a login now: the call can be made again.
    Again,
    /// The host asks the person and comes again.
    Ask(Outcome),
    /// It failed.
    Fail(Error),
}

/// The connection whose missing login stopped a call, if a login in the browser helps.
pub(super) fn missing(error: &Error) -> Option<&str> {
    let Error::Service { connection, error } = error else { return None };
    match error {
        backends::Error::Credential(unavailable) => match unavailable.0.downcast_ref::<Error>()? {
            Error::LoginRequired { connection, way: Way::OAuth, .. } => Some(connection),
            _ => None,
        },
        backends::Error::Rejected { .. } => Some(connection),
        _ => None,
    }
}

impl Logins {
    /// Offers a login to the person by whatever the host can do. `failed` is why the call needs one.
    pub(super) async fn offer(&self, app: &Arc<App>, failed: Error, user: User, answers: &Map<String, Value>) -> Next {
        let Some(name) = missing(&failed).map(String::from) else { return Next::Fail(failed) };
        match user {
            User::CannotBeAsked => Next::Fail(failed),
            User::AskByResult => match answers.get(KEY).and_then(|answer| answer.get("action")).and_then(Value::as_str)
            {
                Some("accept") => match self.open(&name) {
                    Some(open) => wait(open, failed).await,
                    None => Next::Fail(failed),
                },
                Some(_) => {
                    self.give_up(&name);
                    Next::Fail(failed)
                }
                None => match self.start(app, &name).await {
                    Ok(open) => Next::Ask(Outcome::InputRequired(vec![(KEY.to_owned(), question(&name, &open.url))])),
                    Err(error) => Next::Fail(error),
                },
            },
            User::AskNow(asker) => {
                let open = match self.start(app, &name).await {
                    Ok(open) => open,
                    Err(error) => return Next::Fail(error),
                };
                let UrlRequest { message, url } = question(&name, &open.url);
                let id = format!("login-{name}-{}", app.parts.clock.now().0);
                if asker.open_url(&message, &url, &id).await != Asked::Accepted {
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

    /// The login that waits for the person, or a new one.
    async fn start(&self, app: &Arc<App>, name: &str) -> Result<Open, Error> {
        if let Some(open) = self.open(name).filter(|open| open.end.borrow().is_none()) {
            return Ok(open);
        }
        let connection = app.connection(name)?.clone();
        let pending = login::begin(app, &connection, login::Wish::usual(login::By::Serve)).await?;
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
        let open = Open { url, end, stop: task.abort_handle() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), open.clone());
        Ok(open)
    }
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

fn question(name: &str, url: &Url) -> UrlRequest {
    UrlRequest { message: format!("Sign in to `{name}` so that its tools can be used"), url: url.to_string() }
}
