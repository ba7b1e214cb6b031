//! The hosts that are told of keyward.

use super::{Became, Report, Setup, ask, command};
use crate::cli::install;
use crate::config::nearest;
use crate::hosts::{self, Here, Host, Scope};
use crate::report::Exit;

/// Puts keyward into the list of that host.
pub(super) async fn install(setup: &Setup<'_>, name: &str, yes: bool) -> Result<Became, Report> {
    let host = install::named(name)?;
    if is_told(host, &Here::of(setup.machine)) {
        setup.say(&format!("{} has keyward already.", host.title));
        return Ok(Became::Already);
    }
    let words: &[&str] = if yes { &["install", name, "--yes"] } else { &["install", name] };
    command(setup, words).await.map(|_| Became::Done)
}

fn is_told(host: &'static Host, here: &Here) -> bool {
    matches!(host.installed(Scope::User, here), Ok(Some(server)) if server.name == hosts::NAME)
}

/// Asks which hosts to tell, and tells them.
pub(super) async fn ask(setup: &Setup<'_>) -> Result<(), Report> {
    let here = Here::of(setup.machine);
    let all = || hosts::ALL.iter().filter(|host| host.has(Scope::User));
    let told = all().filter(|host| is_told(host, &here));
    let mut other = "";
    for host in told {
        other = "other ";
        setup.say(&format!("{} has keyward already.", host.title));
        setup.note("host", host.name, Ok(Became::Already));
    }
    let open: Vec<(&str, &'static Host)> =
        all().filter(|host| !is_told(host, &here)).map(|host| (host.name, host)).collect();
    let found: Vec<&'static Host> = open.iter().map(|(_, host)| *host).filter(|host| host.is_present(&here)).collect();
    let names: Vec<&str> = found.iter().map(|host| host.name).collect();
    let others: Vec<&str> = open.iter().map(|(name, _)| *name).filter(|name| !names.contains(name)).collect();
    let question = match names.is_empty() {
        true => format!("No {other}host was found here. There are: {}.\nNames, or Enter to go on:", others.join(", ")),
        false => format!(
            "Found here: {}. Others: {}.\nEnter takes those found; or give names, or `s` to skip:",
            names.join(", "),
            if others.is_empty() { "none".to_owned() } else { others.join(", ") },
        ),
    };
    let chosen = loop {
        let text = ask::typed(setup, &question).await?;
        // Enter takes what was found, which may be nothing.
        match (text.as_str(), ask::chosen(&text, &open)) {
            ("", _) => break found,
            ("s" | "skip", _) => break Vec::new(),
            (_, Ok(hosts)) => break hosts,
            (_, Err(word)) => {
                let nearest = nearest::of(word, open.iter().map(|(name, _)| *name));
                let nearest = nearest.map_or(String::new(), |name| format!("; the nearest one is `{name}`"));
                setup.say(&format!("There is no host `{word}`{nearest}."));
            }
        }
    };
    if chosen.is_empty() {
        setup.note("host", "all", Ok(Became::Skipped));
    }
    for host in chosen {
        match install(setup, host.name, false).await {
            Err(report) if report.exit == Exit::Denied => setup.note("host", host.name, Ok(Became::Skipped)),
            outcome => setup.note("host", host.name, outcome),
        }
    }
    Ok(())
}
