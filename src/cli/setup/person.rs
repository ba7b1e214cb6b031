//! What a person at a terminal is asked, and told in the end.

use super::{Became, Report, Setup, Step, ask, connect, hosts, trial};
use crate::backends::{self, Backend};
use crate::cli::table::Table;
use crate::config::nearest;
use crate::hosts::named;

/// The four steps.
pub(super) async fn all(setup: &Setup<'_>) -> Result<(), Report> {
    setup.say(
        "keyward gives the AI host on this machine the services you use, under your own login.\n\
         Every step can be skipped; Ctrl-C ends it, and what is done stays done.\n\n1. What do you want to use?",
    );
    let before = connect::usable(setup).await?;
    for backend in choose(setup, &before).await? {
        connect::ask(setup, backend).await?;
    }
    setup.say("\n2. Which hosts may use it?");
    hosts::ask(setup).await?;
    setup.say("\n3. Does it work?");
    let usable = connect::usable(setup).await?;
    // What is new comes first: that it works is not known yet.
    let fresh = usable.iter().filter(|one| !before.contains(one)).map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let all: Vec<String> = usable.iter().map(|(name, _)| name.clone()).collect();
    trial::ask(setup, if fresh.is_empty() { &all } else { &fresh }).await
}

/// The backends that are wanted, of those that are not in use.
async fn choose(setup: &Setup<'_>, before: &[(String, &'static str)]) -> Result<Vec<&'static Backend>, Report> {
    for (name, _) in before {
        setup.say(&format!("`{name}` can be used already."));
        setup.note("connect", name, Ok(Became::Already));
    }
    // Of what is at an address of its own there can be many.
    let is_open = |backend: &&&'static Backend| {
        let is_remote = backend.name == backends::remote::BACKEND.name;
        is_remote || !before.iter().any(|(_, used)| *used == backend.name)
    };
    let open: Vec<(&str, &'static Backend)> =
        backends::ALL.iter().filter(is_open).map(|backend| (backend.name, *backend)).collect();
    let mut table = Table::new(["", "", ""]);
    for (at, (name, backend)) in open.iter().enumerate() {
        table.row([format!("  {}", at + 1), (*name).to_owned(), backend.summary.to_owned()]);
    }
    setup.console.say(table.text(setup.console.width).trim_start_matches('\n'));
    loop {
        let Some(text) = ask::line(setup, "Numbers or names, or Enter to go on:").await? else {
            if before.is_empty() {
                setup.note("connect", "all", Ok(Became::Skipped));
            }
            return Ok(Vec::new());
        };
        match ask::chosen(&text, &open) {
            Ok(backends) => return Ok(backends),
            Err(word) => {
                let nearest = nearest::of(word, open.iter().map(|(name, _)| *name));
                let nearest = nearest.map_or(String::new(), |name| format!("; the nearest one is `{name}`"));
                setup.say(&format!("There is no `{word}` in the list{nearest}."));
            }
        }
    }
}

/// What was done, and what to do next.
pub(super) fn summary(steps: &[Step], is_cut_off: bool) -> String {
    let all = |step: &str, became: &[Became]| {
        let chosen = steps.iter().filter(|one| one.step == step && became.contains(&one.became));
        chosen.map(|one| one.what.as_str()).collect::<Vec<_>>()
    };
    let is_failed = steps.iter().any(|step| step.became == Became::Failed);
    let (good, bad) = (&[Became::Done, Became::Already][..], &[Became::Failed][..]);
    let mut lines = vec![if is_cut_off || is_failed { "\nThis stands:" } else { "\nDone:" }.to_owned()];
    let (connections, told) = (all("connect", good), all("host", good));
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for (what, names) in [("can be used", &connections), ("told of keyward", &told), ("called", &all("try", good))] {
        let text = if names.is_empty() { "nothing".to_owned() } else { list(names) };
        lines.push(format!("  {what:<15}  {text}"));
    }
    for step in ["connect", "host", "try"] {
        let names = all(step, bad);
        if !names.is_empty() {
            lines.push(format!("  {:<15}  {}", "failed", list(&names)));
        }
    }
    if connections.is_empty() || told.is_empty() || is_cut_off {
        lines.push("`keyward setup` goes on from here.".to_owned());
    } else {
        for host in told.iter().filter_map(|name| named(name)) {
            lines.push(format!("Next, {}: {}.", host.title, host.restart));
        }
        lines.push("Then say to it: \"Which services can you reach with keyward?\"".to_owned());
    }
    lines.join("\n")
}
