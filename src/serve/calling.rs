//! One call of a tool, with whatever the person is asked on the way.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::confirm::Deed;
use super::relay::{Request, Wanted, Went};
use super::sign_in::{Failed, Next};
use super::{Entry, Shared, answer};
use crate::app::{App, Error};
use crate::backends::{Agreed, Call, Host, Output, Progress};
use crate::mcp::{self, CallError, LogSender, Outcome, ProgressSender, ToolRequest};
use crate::report::Report;

/// What every attempt at a call has in common.
struct Attempts<'a> {
    shared: &'a Shared,
    app: &'a Arc<App>,
    entry: &'a Entry,
    progress: Option<ProgressSender>,
    log: LogSender,
    client: mcp::Client,
}

/// Runs a call. Where the tool needs a login or the person's yes and the host can ask for it, the call is made again
/// with what the person did, once for each: in whichever order the tool finds them missing.
pub(super) async fn run(
    shared: &Shared,
    app: &Arc<App>,
    entry: &Entry,
    request: ToolRequest,
) -> Result<Outcome, CallError> {
    let ToolRequest { arguments, progress, log, client, answers, request_state, .. } = request;
    // The arguments are needed again only where the person can be asked in between.
    let again = client.can_be_asked().then(|| arguments.clone());
    let attempts = Attempts { shared, app, entry, progress, log, client };
    let mut agreed = Agreed::default();
    let mut outcome = match attempts.first(arguments, answers.clone(), request_state).await {
        Went::Done(outcome) => outcome,
        Went::Asks { questions, state } => return Ok(Outcome::InputRequired { questions, state: Some(state) }),
        Went::Gone => Err(gone(entry)),
        Went::Broken => return Err(CallError::Internal),
    };
    let mut is_offered = false;
    while let (Err(error), Some(arguments)) = (&outcome, &again) {
        let next = match error {
            Error::Unconfirmed { .. } if agreed != Agreed::default() => break,
            Error::Unconfirmed { .. } => attempts.help(error, &answers).await,
            _ if is_offered => break,
            error => {
                is_offered = true;
                attempts.help(error, &answers).await
            }
        };
        match next {
            Next::Again => {}
            Next::Agreed(yes) => {
                app.parts.audit.agreed(entry.whose(), &entry.tool.name, None);
                agreed = yes;
            }
            Next::Ask(question) => return Ok(question),
            Next::Fail(error) => {
                outcome = Err(error);
                break;
            }
        }
        outcome = match attempts.once(arguments.clone(), &agreed).await {
            Went::Done(outcome) => outcome,
            Went::Asks { questions, state } => return Ok(Outcome::InputRequired { questions, state: Some(state) }),
            Went::Gone | Went::Broken => return Err(CallError::Internal),
        };
    }
    Ok(Outcome::Done(attempts.settled(outcome)))
}

impl Attempts<'_> {
    /// The first attempt, which may be the rest of an earlier call.
    async fn first(
        &self,
        arguments: Map<String, Value>,
        answers: Map<String, Value>,
        state: Option<String>,
    ) -> Went<Result<Output, Error>> {
        match self.entry.passes {
            true => self.relayed(arguments, answers, state).await,
            false => self.once(arguments, &Agreed::default()).await,
        }
    }

    /// Another attempt, with what the person said or did.
    async fn once(&self, arguments: Map<String, Value>, agreed: &Agreed) -> Went<Result<Output, Error>> {
        if self.entry.passes {
            return self.relayed(arguments, Map::new(), None).await;
        }
        let progress = self.progress.clone().map_or_else(Progress::default, answer::progress);
        let call = Call { arguments, progress, agreed: agreed.clone(), host: Host::default() };
        Went::Done(match *agreed == Agreed::default() {
            true => self.entry.call(call).await,
            false => self.shared.after_a_yes(self.app, self.entry, call).await,
        })
    }

    async fn relayed(
        &self,
        arguments: Map<String, Value>,
        answers: Map<String, Value>,
        state: Option<String>,
    ) -> Went<Result<Output, Error>> {
        let (progress, log, client) = (self.progress.clone(), self.log.clone(), self.client.clone());
        let request = Request { progress, log, client, answers, state };
        let wanted = Wanted { what: self.entry.tool.name.clone(), arguments };
        let entry = self.entry.clone();
        let start = |wanted: &Wanted, host, progress| -> crate::backends::Boxed<'static, _> {
            let call = Call { arguments: wanted.arguments.clone(), progress, agreed: Agreed::default(), host };
            Box::pin(async move { entry.call(call).await })
        };
        self.shared.calls.run(self.entry.whose(), wanted, request, start).await
    }

    /// What the person can do about a failure, as far as the host can ask them.
    async fn help(&self, error: &Error, answers: &Map<String, Value>) -> Next {
        let Self { shared, app, entry, client, .. } = self;
        match error {
            Error::Unconfirmed { question, .. } => {
                let deed = Deed::new(app, entry, question.clone());
                shared.questions.ask(deed, app.machine.clock.now().0, client.confirm(), answers).await
            }
            error => {
                let (error, tool) = (error.clone(), entry.tool.name.as_str());
                shared.logins.offer(app, Failed { error, tool, asking: client.open(), answers }).await
            }
        }
    }

    fn settled(&self, outcome: Result<Output, Error>) -> mcp::ToolResult {
        let Self { shared, app, entry, .. } = self;
        match outcome {
            Ok(output) => {
                shared.logins.settled(entry.connection.as_deref(), &entry.tool.name);
                answer::result(output)
            }
            Err(error) => {
                if matches!(error, Error::Unconfirmed { .. }) {
                    app.parts.audit.agreed(entry.whose(), &entry.tool.name, Some(&error));
                }
                answer::failure(&Report::from(&error))
            }
        }
    }
}

/// The answers are for a call that does not wait any more. It is not made again: what it has done so far is done.
fn gone(entry: &Entry) -> Error {
    Error::AnswersTooLate { tool: entry.tool.name.clone() }
}
