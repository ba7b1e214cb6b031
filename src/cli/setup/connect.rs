//! The connections: what each backend needs is asked for, and `keyward login` does the rest.

use super::{Became, Report, Setup, ask, command};
use crate::app::App;
use crate::app::status::{self, Login};
use crate::backends::{self, Backend, Way};
use crate::config::edit::{Change, Setting};
use crate::report::Exit;

/// Logs in to a connection, or to what is at an address, unless that is done.
pub(super) async fn named(setup: &Setup<'_>, target: &str) -> Result<Became, Report> {
    if !target.contains("://") {
        let app = setup.app()?;
        let connection = app.connection(target).map_err(|error| Report::from(&error))?;
        if is_ready(&status::of(&app, connection).await.login) {
            setup.say(&format!("`{target}` can be used already."));
            return Ok(Became::Already);
        }
    }
    command(setup, &["login", target]).await.map(|_| Became::Done)
}

fn is_ready(login: &Login) -> bool {
    matches!(login, Login::NotNeeded | Login::SignedIn | Login::Renewable | Login::Environment { .. })
}

/// Whether that connection can be used now.
pub(super) async fn is_usable(app: &App, name: &str) -> bool {
    match app.config.connection(name) {
        Some(connection) => is_ready(&status::of(app, connection).await.login),
        None => false,
    }
}

/// The connections that can be used now.
pub(super) async fn usable(setup: &Setup<'_>) -> Result<Vec<(String, &'static str)>, Report> {
    let app = setup.app()?;
    let mut found = Vec::new();
    for connection in &app.config.connections {
        if is_ready(&status::of(&app, connection).await.login) {
            found.push((connection.name.clone(), connection.backend.name));
        }
    }
    Ok(found)
}

/// Asks what this backend needs and logs in, as often as the person wants to try.
pub(super) async fn ask(setup: &Setup<'_>, backend: &'static Backend) -> Result<(), Report> {
    loop {
        let before = usable(setup).await?;
        let outcome = once(setup, backend).await;
        setup.take_back().await;
        match outcome {
            Err(report) if matches!(report.exit, Exit::Interrupted | Exit::Terminated) => return Err(report),
            Err(report) => setup.note("connect", backend.name, Err(report)),
            Ok(became) => {
                // What is at an address is named after its host.
                let after = usable(setup).await?;
                let fresh = after.iter().find(|one| !before.contains(one)).map(|(name, _)| name.as_str());
                setup.note("connect", fresh.unwrap_or(backend.name), Ok(became));
                return Ok(());
            }
        }
        let again = ask::line(setup, &format!("`r` tries `{}` again, Enter skips it:", backend.name)).await?;
        if again.as_deref() != Some("r") {
            return Ok(());
        }
    }
}

/// A path as it is written at a shell, which no setting of a folder goes through: `~` is the home folder.
fn from_home(setup: &Setup<'_>, path: String) -> String {
    let home = setup.machine.folders.as_ref().and_then(|own| own.home.as_ref()?.to_str());
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with(std::path::is_separator) => {
            format!("{home}{rest}")
        }
        _ => path,
    }
}

async fn once(setup: &Setup<'_>, backend: &'static Backend) -> Result<Became, Report> {
    let name = backend.name;
    if backend.is_local() {
        let question = format!("`{name}`: the path of a folder with documents; Enter skips:");
        let Some(folder) = ask::line(setup, &question).await? else { return Ok(Became::Skipped) };
        // One path, whatever is in it.
        let key = vec!["connections".to_owned(), name.to_owned(), "folders".to_owned()];
        let change = Ok(Change { key, value: Some(Setting::Texts(vec![from_home(setup, folder)])) });
        return write(setup, change).await.map(|()| Became::Done);
    }
    let configured = setup.app()?.config.connection(name).is_some();
    let mut words = vec!["login".to_owned()];
    if backend.url.is_some() || configured {
        words.push(name.to_owned());
    } else {
        let question = format!("`{name}`: its address (`https://…`); Enter skips:");
        let Some(address) = ask::line(setup, &question).await? else { return Ok(Became::Skipped) };
        words.push(address);
        if name != backends::remote::BACKEND.name {
            words.extend(["--backend", name, "--name", name].map(String::from));
        }
    }
    let Some(way) = way(setup, backend).await? else { return Ok(Became::Skipped) };
    match way {
        Way::None if backend.url.is_some() => return Ok(Became::Already),
        // What answers without a login is found out by asking.
        Way::None => {}
        Way::ApiKey => words.push("--api-key".to_owned()),
        Way::Bearer => words.push("--bearer".to_owned()),
        // An address says by itself which login it asks for.
        Way::OAuth if name == backends::remote::BACKEND.name => {}
        way => words.extend(["--way".to_owned(), way.word().to_owned()]),
    }
    if way == Way::ClientCredentials && backend.url.is_some() {
        let question = format!("`{name}`: the client id that its provider gave you; Enter skips:");
        let Some(id) = ask::line(setup, &question).await? else { return Ok(Became::Skipped) };
        if !setup.app()?.config.connections.iter().any(|connection| connection.name == name && connection.configured) {
            setup.begin(Some(name));
        }
        write(setup, Change::of_words(&format!("connections.{name}.client_id"), Some(&id))).await?;
        words.push("--client-secret".to_owned());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    command(setup, &words).await?;
    setup.begin(None);
    Ok(Became::Done)
}

async fn write(setup: &Setup<'_>, change: Result<Change, crate::config::Error>) -> Result<(), Report> {
    let change = change.map_err(|error| Report::from(&crate::app::Error::Config(error)))?;
    setup.app()?.edit_config(&[change]).await.map(drop).map_err(|error| Report::from(&error))
}

/// The way to sign in: the usual one, or another that the person names.
async fn way(setup: &Setup<'_>, backend: &'static Backend) -> Result<Option<Way>, Report> {
    let ways: Vec<(&str, Way)> = backend.ways.iter().map(|way| (way.word(), *way)).collect();
    let [(usual, first), others @ ..] = ways.as_slice() else { return Ok(None) };
    if others.is_empty() {
        return Ok(Some(*first));
    }
    let name = backend.name;
    let usual = if *first == Way::None { "works without a login" } else { usual };
    let words: Vec<String> = others.iter().map(|(word, _)| format!("`{word}`")).collect();
    let question = format!("`{name}`: the way to sign in. Enter: {usual}; or {}; `s` skips:", words.join(", "));
    loop {
        let text = ask::typed(setup, &question).await?;
        match text.as_str() {
            "" => return Ok(Some(*first)),
            "s" | "skip" => return Ok(None),
            word => match ways.iter().find(|(known, _)| *known == word) {
                Some((_, way)) => return Ok(Some(*way)),
                None => setup.say(&format!("`{name}` has no way `{word}`.")),
            },
        }
    }
}
