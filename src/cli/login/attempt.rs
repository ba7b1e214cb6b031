//! A login that waits for the person: what is opened, printed and read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::super::{Console, Outcome};
use super::choice::{Asked, Choice, Known, choose};
use super::face::Face;
use super::{Arguments, Asking, rehearsal};
use crate::app::login::{self, By, Done, Finish, Pending, Strength, Wish};
use crate::app::{App, Error};
use crate::backends::Way;
use crate::config;
use crate::machine::{self, Browser, Echo, Lines, SystemBrowser};

/// How long before the end the person is told once more.
pub(super) const REMINDER: Duration = Duration::from_secs(60);

/// Shows what a login would ask for.
pub(super) async fn rehearse(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    (connection, way): (&config::Connection, Way),
) -> Result<Outcome, Error> {
    let connection = overridden(arguments, connection);
    let choice = choice(arguments, console, app);
    let way = if way == Way::ClientCredentials { way } else { Way::OAuth };
    let rehearsal = login::rehearse::rehearse(app, &connection, way, &wish(arguments, choice)).await?;
    Ok(rehearsal::show(&rehearsal, choice, console))
}

/// Signs in: by the browser here, or by what is pasted. At most twice: an issuer that has forgotten the registered client
/// gets a new one, and the person a second page.
pub(super) async fn sign_in(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    connection: &config::Connection,
) -> Result<Done, Error> {
    match once(arguments, console, app, connection).await {
        Err(Error::ClientForgotten { issuer, .. }) => {
            console.say(&format!("`{issuer}` no longer knows keyward, which is registered anew."));
            once(arguments, console, app, connection).await
        }
        outcome => outcome,
    }
}

async fn once(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    connection: &config::Connection,
) -> Result<Done, Error> {
    let connection = overridden(arguments, connection);
    let since = app.parts.clock.now();
    let choice = choice(arguments, console, app);
    let asking = |_| format!("Asking how to sign in to `{}`", connection.name);
    let begun = console.line.during(asking, login::begin(app, &connection, wish(arguments, choice))).await;
    let pending = match begun {
        Err(Error::LoginRunning { .. }) if arguments.ways.wait => {
            console.say(&format!("Waiting for another login of `{}` to end.", connection.name));
            let limit = Duration::from_secs(arguments.ways.timeout);
            let obtained = login::attend(app, &connection, since, limit).await?;
            // Who wants a certain account, scope or strength has it only from a login that was asked for it.
            if let Some(done) = obtained.filter(|_| asks_for_the_usual(arguments)) {
                return Ok(done);
            }
            // It came to nothing, or to something else, so now it is our turn.
            login::begin(app, &connection, wish(arguments, choice)).await?
        }
        begun => begun?,
    };
    if let Some(note) = connection.backend.note(Way::OAuth) {
        let way = Way::OAuth.word();
        Face { console, prompt: None }.warning("note", &format!("`{way}` for `{}` is {note}.", connection.name));
    }
    wait(arguments, console, app, (pending, choice)).await
}

async fn wait(
    arguments: &Arguments,
    console: &Console,
    app: &App,
    (pending, mut choice): (Pending, Choice),
) -> Result<Done, Error> {
    let machine = &app.machine;
    // The prompt comes first: what it cannot do is not offered.
    let pastes = match choice.paste.then(|| machine.prompt.lines(Echo::Hidden)) {
        Some(Ok(lines)) => Some(lines),
        Some(Err(error)) => {
            log::warn!("nothing can be pasted here: {}", error.kind());
            choice.paste = false;
            None
        }
        None => None,
    };
    let somebody = machine.facts.input && machine.facts.messages;
    let face = Face { console, prompt: somebody.then(|| Arc::clone(&machine.prompt)) };
    face.start(&pending, choice, machine, arguments.ways.timeout);
    let page = page(&pending);
    let opening = async {
        match choice.unopened {
            None => machine::open(browser(arguments, app), page.clone()).await,
            Some(_) => std::future::pending().await,
        }
    };
    let patience = Duration::from_secs(arguments.ways.timeout);
    let remind = reminded(patience);
    let finish = pending.finish_with(app, how(arguments, patience, &face, pastes));
    tokio::pin!(opening, remind, finish);
    let (mut opened, mut reminded) = (false, false);
    let left = |passed| format!("Waiting for the answer; {} s are left", patience.as_secs().saturating_sub(passed));
    let waiting = async {
        loop {
            tokio::select! {
                biased;
                done = &mut finish => return done,
                outcome = &mut opening, if !opened => {
                    opened = true;
                    face.opened(outcome, page.as_str());
                }
                () = &mut remind, if !reminded => {
                    reminded = true;
                    console.say(&format!("{} s are left.", REMINDER.as_secs()));
                }
            }
        }
    };
    console.line.during(left, waiting).await
}

/// Ready when the person should be told that the time is nearly up; never, if there is little time anyway.
pub(super) async fn reminded(patience: Duration) {
    match patience.checked_sub(REMINDER).filter(|before| *before >= REMINDER) {
        Some(before) => tokio::time::sleep(before).await,
        None => std::future::pending().await,
    }
}

/// The page to open here. One with the code filled in saves the person the typing; that they have seen the code, too, is
/// what the rest of the text is for.
fn page(pending: &Pending) -> Url {
    let filled = pending.device().filter(|_| pending.port().is_none());
    let filled = filled.and_then(|device| device.verification_uri_complete.as_ref());
    filled.filter(|page| machine::may_be_opened(page)).unwrap_or_else(|| pending.url()).clone()
}

fn how<'a>(arguments: &Arguments, patience: Duration, face: &'a Face<'a>, pastes: Option<Lines>) -> Finish<'a> {
    Finish { patience, person: face, pastes, bare_code: arguments.ways.paste_code }
}

/// What the command line says goes before the configuration, for this login only.
fn overridden(arguments: &Arguments, connection: &config::Connection) -> config::Connection {
    let mut connection = connection.clone();
    if !arguments.ways.port.is_empty() {
        connection.ports.clone_from(&arguments.ways.port);
    }
    connection.redirect_host = arguments.ways.redirect_host.or(connection.redirect_host);
    connection
}

fn asks_for_the_usual(arguments: &Arguments) -> bool {
    let Asking { scope, expect_user, acr, max_age, .. } = &arguments.wish;
    scope.is_empty() && expect_user.is_none() && acr.is_empty() && max_age.is_none()
}

fn wish(arguments: &Arguments, Choice { browser, device, .. }: Choice) -> Wish {
    let Asking { scope, expect_user, acr, max_age, .. } = &arguments.wish;
    let strength = Strength { acr_values: acr.clone(), max_age: *max_age };
    Wish { by: By::Login, scopes: scope.clone(), expect: expect_user.clone(), strength, browser, device }
}

pub(super) fn choice(arguments: &Arguments, console: &Console, app: &App) -> Choice {
    let (ways, machine) = (&arguments.ways, &app.machine);
    let asked = Asked {
        browser: ways.browser.is_some(),
        no_browser: ways.no_browser,
        paste: ways.paste || ways.paste_code,
        device: ways.device,
    };
    choose(
        asked,
        Known {
            surroundings: machine.surroundings,
            browser_named: SystemBrowser::is_chosen(&machine.environment),
            browser_off: machine.environment.text("KEYWARD_NO_BROWSER").is_some_and(|value| value != "0"),
            // A script that reads events answers no prompt, and with `--quiet` there is no prompt to see.
            person: machine.facts.input && machine.facts.messages && !console.json && !console.is_quiet(),
        },
    )
}

pub(super) fn browser(arguments: &Arguments, app: &App) -> Arc<dyn Browser> {
    match &arguments.ways.browser {
        Some(program) => Arc::new(SystemBrowser::of_program(program, &app.machine.environment)),
        None => Arc::clone(&app.machine.browser),
    }
}
