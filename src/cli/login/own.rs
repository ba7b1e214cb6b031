//! A login by a backend's own procedure: what it asks is asked here, and the page that it wants seen is opened here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc;
use url::Url;

use super::super::Console;
use super::Arguments;
use super::attempt::{REMINDER, browser, choice, reminded};
use super::face::{Face, Shown};
use crate::app::login::{self, Done, News, Person as _};
use crate::app::sign_in::{self, Somebody, Wish};
use crate::app::{App, Error};
use crate::backends::sign_in::{Holder, Person, Visit};
use crate::backends::{Boxed, Unavailable, Way};
use crate::config;
use crate::config::store::Kind;
use crate::http::Loopback;
use crate::machine::{self, Echo, Line, Lines};
use crate::oauth::{self, Callback, Listener, Page};
use crate::report::Exit;
use crate::secret::Secret;

/// Signs in.
pub(super) async fn sign_in(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    (connection, way): (&config::Connection, Way),
) -> Result<Done, Error> {
    // Nobody should type a password for a login that has no effect.
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let facts = app.machine.facts;
    let face = Face { console, prompt: (facts.input && facts.messages).then(|| Arc::clone(&app.machine.prompt)) };
    if let Some(note) = connection.backend.note(way) {
        face.warning("note", &format!("`{}` for `{}` is {note}.", way.word(), connection.name));
    }
    let wish = Wish { way, without_sso: arguments.no_sso, expect: arguments.wish.expect_user.clone() };
    let since = app.parts.clock.now();
    let visitor = Visitor {
        arguments,
        app,
        face: &face,
        connection,
        piped: tokio::sync::Mutex::default(),
        callback: Mutex::default(),
    };
    let somebody = Somebody { person: &visitor, decides: &face };
    let done = match sign_in::run(app, connection, &wish, somebody).await {
        Err(Error::LoginRunning { .. }) if arguments.ways.wait => {
            console.say(&format!("Waiting for another login of `{}` to end.", connection.name));
            let limit = Duration::from_secs(arguments.ways.timeout);
            let obtained = login::attend(app, connection, since, limit).await?;
            match obtained.filter(|done| done.way == way && wish.expect.is_none()) {
                Some(done) => return Ok(done),
                None => sign_in::run(app, connection, &wish, somebody).await,
            }
        }
        done => done,
    };
    let name = connection.name.clone();
    visitor
        .show(match &done {
            Ok(done) => Page::SignedIn { connection: name, account: done.account.clone() },
            Err(_) => Page::Failed { connection: name, reason: None },
        })
        .await;
    done
}

#[derive(Serialize)]
struct Rehearsed<'a> {
    schema_version: u32,
    dry_run: bool,
    connection: &'a str,
    way: &'static str,
    note: Option<&'static str>,
    url: &'a str,
}

/// Shows which login it would be.
pub(super) fn rehearse(
    console: &Console,
    app: &App,
    (connection, way): (&config::Connection, Way),
) -> Result<Exit, Error> {
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let (name, note) = (connection.name.as_str(), connection.backend.note(way));
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: name.to_owned() })?;
    if console.json {
        let (way, url) = (way.word(), url.as_str());
        console.print_json(&Rehearsed { schema_version: 1, dry_run: true, connection: name, way, note, url });
        return Ok(Exit::Done);
    }
    for (what, value) in
        [("connection", name), ("way", way.word()), ("address", url.as_str()), ("note", note.unwrap_or("-"))]
    {
        console.print(&format!("{what:<11} {value}"));
    }
    console.say("Nothing was asked, opened or stored.");
    Ok(Exit::Done)
}

/// What became of it, for a person.
pub(super) fn sentence(done: &Done, store: Kind) -> String {
    let name = &done.connection;
    let who = match &done.holder {
        Some(Holder { account, tenant, role }) => {
            let more: Vec<&str> = tenant.iter().chain(role).map(String::as_str).collect();
            let more = if more.is_empty() { String::new() } else { format!(" ({})", super::clean(&more.join(", "))) };
            format!(" as {}{more}", super::clean(account))
        }
        None => String::new(),
    };
    let kept = match done.way {
        Way::Device => "This machine is attached to the account; its own secret is kept",
        Way::Password => "The password is kept",
        Way::Token => "The token is kept",
        _ => "The session is kept until the service ends it, after some time without use,",
    };
    format!("Signed in to `{name}`{who}. {kept} in the {}.", store.name())
}

/// Asks at the terminal and opens pages.
struct Visitor<'a> {
    arguments: &'a Arguments,
    app: &'a App,
    face: &'a Face<'a>,
    connection: &'a config::Connection,
    /// Standard input where it is no terminal: its lines belong to more than one question.
    piped: tokio::sync::Mutex<Option<Lines>>,
    /// The browser that waits for the outcome.
    callback: Mutex<Option<Callback>>,
}

impl Visitor<'_> {
    /// Shows the outcome in the browser that waits for it, if one does.
    async fn show(&self, page: Page) {
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(callback) = callback {
            callback.finish(page).await;
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.arguments.ways.timeout)
    }

    fn failed(&self, error: oauth::Error) -> Error {
        Error::Login { connection: self.connection.name.clone(), error: Arc::new(error) }
    }

    fn no_answer(&self, why: &'static str) -> Error {
        Error::NoAnswer { connection: self.connection.name.clone(), why }
    }

    async fn line(&self, question: &str, echo: Echo) -> Result<Secret, Error> {
        let machine = &self.app.machine;
        let unread = |_| self.no_answer("nothing can be read");
        let next = async {
            if machine.facts.input {
                // First the echo is off, then the question is there.
                let mut lines = machine.prompt.lines(echo).map_err(unread)?;
                self.face.console.must_say(question);
                return Ok(lines.next().await);
            }
            let mut piped = self.piped.lock().await;
            if piped.is_none() {
                *piped = Some(machine.prompt.lines(Echo::Hidden).map_err(unread)?);
            }
            Ok(match piped.as_mut() {
                Some(lines) => lines.next().await,
                None => Line::End,
            })
        };
        match tokio::time::timeout(self.patience(), next).await {
            Err(_) => Err(self.no_answer("the time was up")),
            Ok(Err(error)) => Err(error),
            Ok(Ok(Line::Text(text))) => Ok(text),
            Ok(Ok(Line::TooLong)) => Err(self.no_answer("the line is longer than 16 KiB")),
            Ok(Ok(Line::End)) => Err(self.no_answer("standard input has ended")),
        }
    }

    async fn go(&self, visit: Visit<'_>) -> Result<Secret, Error> {
        let name = self.connection.name.clone();
        // Whoever waits there from an earlier try is told how that ended.
        self.show(Page::Failed { connection: name, reason: Some("the service did not take the code".to_owned()) })
            .await;
        let mut choice = choice(self.arguments, self.face.console, self.app);
        let host = self.arguments.ways.redirect_host.or(self.connection.redirect_host).unwrap_or(Loopback::V4);
        let ports = &self.arguments.ways.port;
        let ports = if ports.is_empty() { &self.connection.ports } else { ports };
        let listener = Listener::bind_secret(host, ports).await.map_err(|error| self.failed(error))?;
        let pastes = choice.paste.then(|| self.app.machine.prompt.lines(Echo::Hidden)).and_then(Result::ok);
        choice.paste = pastes.is_some();
        let back = listener.redirect_uri();
        let page = (visit.page)(&back);
        let shown = Shown {
            connection: &self.connection.name,
            provider: visit.service,
            url: page.as_str(),
            port: listener.port(),
            host,
        };
        self.face.visit((&shown, visit.wanted), choice, &self.app.machine, self.arguments.ways.timeout);
        let opening = async {
            match choice.unopened {
                None => machine::open(browser(self.arguments, self.app), page.clone()).await,
                Some(_) => std::future::pending().await,
            }
        };
        let (tell, mut told) = mpsc::unbounded_channel();
        listener.notify(move |notice| {
            let _ = tell.send(notice);
        });
        let here = listener.wait_to_read(visit.read, self.patience());
        let pasted = self.pasted(pastes, &back, visit);
        let remind = reminded(self.patience());
        tokio::pin!(opening, here, pasted, remind);
        let (mut opened, mut is_reminded) = (false, false);
        loop {
            tokio::select! {
                biased;
                callback = &mut here => {
                    let callback = callback.map_err(|error| self.failed(error))?;
                    let code = callback.code().cloned().map_err(|error| self.failed(error.clone()))?;
                    *self.callback.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
                    return Ok(code);
                }
                code = &mut pasted => return Ok(code),
                outcome = &mut opening, if !opened => {
                    opened = true;
                    self.face.opened(outcome, page.as_str());
                }
                () = &mut remind, if !is_reminded => {
                    is_reminded = true;
                    self.face.console.say(&format!("{} s are left.", REMINDER.as_secs()));
                }
                Some(notice) = told.recv() => self.face.tell(News::Listener(notice)),
            }
        }
    }

    /// The first pasted text that can be what is wanted. Ready only then.
    async fn pasted(&self, lines: Option<Lines>, back: &str, visit: Visit<'_>) -> Secret {
        let Some(mut lines) = lines else { return std::future::pending().await };
        loop {
            let found = match lines.next().await {
                Line::Text(text) if is_foreign(text.expose(), back, &(visit.page)(back)) => {
                    self.face.warning(
                        "paste",
                        "That address is of another login or place, and its code may be somebody \
                        else's. Paste the address at which the browser of this login ended.",
                    );
                    continue;
                }
                Line::Text(text) => read_pasted(text.expose(), back, visit),
                Line::TooLong => None,
                Line::End => {
                    self.face.tell(News::PasteEnded);
                    return std::future::pending().await;
                }
            };
            if let Some(found) = found {
                return found;
            }
            let wanted = visit.wanted;
            let message = format!(
                "There is no {wanted} in that, or more than one. Paste the {wanted} alone, or the whole address at which \
                 the browser ended."
            );
            self.face.warning("paste", &message);
        }
    }
}

/// What is wanted in a pasted text: some browsers hide the scheme when an address is copied.
fn read_pasted(text: &str, back: &str, visit: Visit<'_>) -> Option<Secret> {
    let tidy = text.trim();
    let bare = back.strip_prefix("http://").unwrap_or(back);
    match tidy.strip_prefix(back).or_else(|| tidy.strip_prefix(bare)) {
        Some(rest) => (visit.read)(rest),
        None => (visit.read_pasted)(tidy),
    }
}

/// Whether a pasted text is a web address that is neither this attempt's own nor of the service that has the page: whoever
/// makes somebody paste it would sign them in as another.
fn is_foreign(text: &str, back: &str, page: &Url) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let text = text.trim().trim_matches(['"', '\'', '<', '>', '`']).trim();
    let bare = back.strip_prefix("http://").unwrap_or(back);
    if text.starts_with(back) || text.starts_with(bare) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let is_web = lower.starts_with("http:") || lower.starts_with("https:");
    let head = text.split(['/', '?', '#']).next().unwrap_or_default();
    // `scheme://…` is a program's own.
    let is_bare = !is_web
        && !head.ends_with(':')
        && head.len() < text.len()
        && !head.contains('=')
        && head.contains(['.', ':', '[']);
    let address = match (is_web, is_bare || lower.starts_with("localhost/") || text.starts_with("//")) {
        (true, _) => Url::parse(text).ok(),
        (false, true) => Url::parse(&format!("http://{}", text.trim_start_matches('/'))).ok(),
        (false, false) => return false,
    };
    let Some(address) = address else { return is_web };
    let is_loopback =
        page.host_str().is_some_and(|host| host.starts_with("127.") || host == "localhost" || host == "[::1]");
    let same_port = address.port_or_known_default() == page.port_or_known_default();
    address.host_str() != page.host_str() || (is_loopback && !same_port)
}

impl Person for Visitor<'_> {
    fn say(&self, text: &str) {
        self.face.warning("again", text);
    }

    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move { self.line(question, Echo::Shown).await.map_err(unavailable) })
    }

    fn ask_hidden<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move { self.line(question, Echo::Hidden).await.map_err(unavailable) })
    }

    fn visit<'a>(&'a self, visit: Visit<'a>) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move {
            let limit = self.patience().as_secs();
            let left = |passed| format!("Waiting for the answer; {} s are left", limit.saturating_sub(passed));
            self.face.console.line.during(left, self.go(visit)).await.map_err(unavailable)
        })
    }
}

fn unavailable(error: Error) -> Unavailable {
    Unavailable(Arc::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_of_another_login_or_place_is_foreign() {
        let back = "http://127.0.0.1:4711/back/abc";
        let page = Url::parse("https://portal.example.com/ServicesPortal/activate").expect("an address");
        for (text, foreign) in [
            ("http://127.0.0.1:4711/back/abc?code=AB12", false),
            ("127.0.0.1:4711/back/abc?code=AB12", false),
            ("https://portal.example.com/ServicesPortal/#/?code=AB12", false),
            ("portal.example.com/ServicesPortal/?code=AB12", false),
            ("keyward:websso?code=AB12", false),
            ("keyward://websso?code=AB12", false),
            ("AB12-cd", false),
            ("code=AB12", false),
            ("http://127.0.0.1:4711/back/evil?code=AB12", true),
            ("127.0.0.1:4711/back/evil?code=AB12", true),
            ("http://localhost:9/?code=AB12", true),
            ("https://evil.example/?code=AB12", true),
            ("evil.example/?code=AB12", true),
            ("HTTPS:evil.example?code=AB12", true),
        ] {
            assert_eq!(is_foreign(text, back, &page), foreign, "{text}");
        }
    }
}
