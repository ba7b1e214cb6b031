//! Words for what a service said no to.

use super::{Exit, Report, network};
use crate::app;
use crate::backends::Error;

pub(super) fn failed(connection: &str, error: &Error) -> Report {
    let message = format!("`{connection}` could not do it");
    let report = |exit, code| Report::new(exit, code, message.clone());
    match error {
        Error::Arguments(why) => Report::new(Exit::Usage, "arguments", "the arguments cannot be used")
            .cause(why.clone())
            .hint("`keyward tools --json` prints what each tool takes"),
        Error::Credential(unavailable) => match unavailable.0.downcast_ref::<app::Error>() {
            Some(error) => Report::from(error),
            None => report(Exit::Unexpected, "credential").cause(unavailable.0.to_string()),
        },
        Error::Rejected { host, said } => report(Exit::LoginRequired, "rejected")
            .cause(said_by(host, "refused the login", said))
            .hint(format!("`keyward login {connection}`")),
        Error::Forbidden { host, said } => report(Exit::Denied, "forbidden")
            .cause(said_by(host, "does not allow it", said))
            .hint(format!("`keyward status {connection}` shows who is signed in; an administrator grants rights")),
        Error::Limited { host, said, retry_after } => {
            let report = report(Exit::Busy, "limited").cause(said_by(host, "limits requests", said)).retryable();
            match retry_after {
                Some(wait) => report.hint(format!("try again in {} s", wait.as_secs().max(1))),
                None => report.hint("try again later, or raise the limit at the service"),
            }
        }
        Error::Refused { host, code, said } => report(Exit::Server, "refused")
            .cause(said_by(host, &format!("refused the request ({code})"), said))
            .hint("change the arguments; `keyward tools --json` prints what each tool takes"),
        Error::Server { host, status, said } => report(Exit::Server, "server_error")
            .cause(said_by(host, &format!("failed with status {status}"), said))
            .hint("try again later")
            .retryable(),
        Error::Protocol { host, cause } => report(Exit::Server, "protocol")
            .cause(format!("`{host}` answered wrongly: {cause}"))
            .hint(format!("check the address that `keyward status {connection}` shows")),
        Error::Network(error) => network::failed(&message, error),
    }
}

fn said_by(host: &str, did: &str, said: &str) -> String {
    if said.is_empty() { format!("`{host}` {did}") } else { format!("`{host}` {did}: {said}") }
}
