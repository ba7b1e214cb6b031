//! Words for a login by a backend's own procedure that brought nothing.

use super::{Exit, Report, service};
use crate::backends::Way;
use crate::backends::sign_in::{Failed, Given};

pub(super) fn failed(connection: &str, way: Way, failed: &Failed) -> Report {
    let message = format!("the login to `{connection}` failed");
    let report = |exit, code| Report::new(exit, code, message.clone());
    let by = |way: Way| format!("`keyward login {connection} --way {}`", way.word());
    match failed {
        Failed::Refused { given, host, said, sso } => {
            let cause = format!("`{host}` refuses {}", what(*given));
            let cause = if said.is_empty() { cause } else { format!("{cause}: {said}") };
            refused(report(Exit::Denied, "login_refused").cause(cause), *given, *sso, (connection, way))
        }
        Failed::Unfit { given, why } => report(Exit::Usage, "unfit").cause((*why).to_owned()).hint(match given {
            Given::Password => "type the name and the password when they are asked for, or pipe them in as two lines",
            Given::Code => "paste the code, or the whole address at which the browser ended",
            Given::Session => {
                "in the browser's tools for developers, copy the value of the cookie `JSESSIONID` and nothing else"
            }
            Given::Ticket => "paste the ticket as the administrator gave it, on one line",
            Given::Token => "paste the whole token, as the service showed it when it was made, on one line",
        }),
        Failed::Unfinished { host, cause } => report(Exit::Denied, "login_unfinished")
            .cause(format!("`{host}` opens no session: {cause}"))
            .cause("it may want a second step or a new password, which only a browser can give")
            .hint(format!("sign in there in a browser, then {} uses that session", by(Way::Session))),
        Failed::Misplaced { why, instead } => {
            report(Exit::Usage, "way_misplaced").cause((*why).to_owned()).hint(by(*instead))
        }
        Failed::Elsewhere { .. } => report(Exit::Configuration, "no_service")
            .cause(failed.to_string())
            .cause("no password, code, session or token was sent to it")
            .hint(format!("check the address that `keyward status {connection}` shows")),
        Failed::Person(why) => report(Exit::Interrupted, "interrupted").cause(why.0.to_string()),
        Failed::Service(error) => Report { message, ..service::failed(connection, error) },
    }
}

const fn what(given: Given) -> &'static str {
    match given {
        Given::Password => "the name and the password",
        Given::Code => "the activation code",
        Given::Session => "the session",
        Given::Ticket => "the ticket",
        Given::Token => "the token",
    }
}

fn refused(report: Report, given: Given, sso: bool, (connection, way): (&str, Way)) -> Report {
    match given {
        Given::Password if way == Way::Token => {
            report.cause("an account that signs in by single sign-on has no password there").hint(format!(
                "`keyward login {connection}` takes a token, `keyward login {connection} --no-sso` asks once more"
            ))
        }
        Given::Password if sso => report
            .cause("its people sign in by single sign-on, and may have no password there")
            .hint(format!("`keyward login {connection} --way device` signs in in the browser")),
        Given::Password => report
            .cause("nothing is tried again by itself: too many wrong passwords may lock the account")
            .hint(format!(
                "`keyward login {connection}{}` asks once more",
                if way == Way::Password { " --way password" } else { "" }
            )),
        Given::Code => report
            .cause("a code is good once and for a short time")
            .hint(format!("`keyward login {connection}` opens the page again")),
        Given::Session => report
            .cause("a session ends after some minutes without use")
            .hint(format!("sign in there in a browser, then `keyward login {connection} --way session`")),
        Given::Ticket => report
            .cause("a ticket opens one session, soon after it was made")
            .hint(format!("ask the administrator for another, then `keyward login {connection} --way ticket`")),
        Given::Token => report.hint(format!("`keyward login {connection}` asks for another token")),
    }
}

/// After a login by OAuth at a service of which nobody knows whether it takes tokens: the service said no.
pub fn token_not_taken(connection: &str, why: Report) -> Report {
    if !matches!(why.exit, Exit::LoginRequired | Exit::Denied | Exit::Server) || why.retryable {
        return why;
    }
    let message = format!("the login of `{connection}` is kept, and the service does not take its token");
    Report { causes: why.causes, ..Report::new(Exit::Denied, "token_not_taken", message) }
        .cause("it was asked who is signed in and answered as it does to strangers; no release documents which tokens it takes")
        .hint(format!("`keyward login {connection} --way device` signs in without tokens"))
}

pub(super) fn no_answer(connection: &str, why: &str) -> Report {
    Report::new(Exit::Usage, "no_answer", format!("a question of the login to `{connection}` got no answer"))
        .cause(why.to_owned())
        .hint("answer at a terminal, or pipe one line into the command for each question")
}

/// What is kept for these ways would be worth a login to whoever has it.
pub(super) fn no_token(connection: &str, way: Way) -> Report {
    Report::new(Exit::Usage, "no_token", format!("`{connection}` has no token"))
        .cause(format!("it is signed in by `{}`: what is kept opens sessions and is never printed", way.word()))
        .hint("`keyward call TOOL` and `keyward serve` use it")
}
