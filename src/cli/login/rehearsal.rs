//! `keyward login --dry-run`: what would be asked for, in words and as JSON.

use serde::Serialize;

use super::super::{Console, Outcome};
use super::choice::{Choice, Unopened};
use crate::app::login::rehearse::{Client, Rehearsal};
use crate::backends::Way;
use crate::report::Exit;

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    dry_run: bool,
    connection: &'a str,
    way: &'static str,
    note: Option<&'static str>,
    issuer: &'a str,
    provider: &'static str,
    authorization_endpoint: Option<&'a str>,
    client: ShownClient<'a>,
    scopes: &'a [String],
    resource: Option<&'a str>,
    audience: Option<&'a str>,
    redirect_host: &'a str,
    ports: &'a [u16],
    browser: bool,
    no_browser_because: Option<&'static str>,
    paste: bool,
    device_offered: bool,
}

#[derive(Serialize)]
struct ShownClient<'a> {
    from: &'static str,
    id: Option<&'a str>,
}

pub(super) fn show(rehearsal: &Rehearsal, choice: Choice, console: &Console) -> Outcome {
    if console.json {
        console.print_json(&shown(rehearsal, choice));
        return Ok(Exit::Done);
    }
    for (name, value) in rows(rehearsal, choice) {
        console.print(&format!("{name:<11} {value}"));
    }
    console.say("Nothing was opened, registered or stored.");
    Ok(Exit::Done)
}

fn shown(rehearsal: &Rehearsal, choice: Choice) -> Shown<'_> {
    let (from, id) = match &rehearsal.client {
        Client::Configured(id) => ("configuration", Some(id.as_str())),
        Client::Registered(id) => ("earlier-registration", Some(id.as_str())),
        Client::Registration => ("registration", None),
        Client::Missing => ("nobody", None),
    };
    let somebody = rehearsal.way == Way::OAuth;
    Shown {
        schema_version: 1,
        dry_run: true,
        connection: &rehearsal.connection,
        way: rehearsal.way.word(),
        note: rehearsal.note,
        issuer: &rehearsal.issuer,
        provider: rehearsal.provider.name,
        authorization_endpoint: rehearsal.authorization_endpoint.as_deref(),
        client: ShownClient { from, id },
        scopes: &rehearsal.scopes,
        resource: rehearsal.resource.as_deref(),
        audience: rehearsal.audience.as_deref(),
        redirect_host: rehearsal.redirect_host.text(),
        ports: &rehearsal.ports,
        browser: somebody && choice.unopened.is_none(),
        no_browser_because: choice.unopened.filter(|_| somebody).map(Unopened::word),
        paste: somebody && choice.paste,
        device_offered: rehearsal.device,
    }
}

fn rows(rehearsal: &Rehearsal, choice: Choice) -> Vec<(&'static str, String)> {
    let or = |text: String, nothing: &str| if text.is_empty() { nothing.to_owned() } else { text };
    let ports = rehearsal.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let client = match &rehearsal.client {
        Client::Configured(id) => format!("{id}, from the configuration"),
        Client::Registered(id) => format!("{id}, registered at an earlier login"),
        Client::Registration => "a new one would be registered".to_owned(),
        Client::Missing => format!(
            "none: `keyward config set connections.{}.client_id ID` names the one that an administrator gives",
            rehearsal.connection
        ),
    };
    let device = if rehearsal.device { "the provider offers a code for another device" } else { "not offered" };
    let mut rows = vec![("connection", rehearsal.connection.clone()), ("way", rehearsal.way.word().to_owned())];
    rows.extend(rehearsal.note.map(|note| ("note", note.to_owned())));
    rows.extend([
        ("issuer", rehearsal.issuer.clone()),
        ("provider", rehearsal.provider.name.to_owned()),
        ("page", or(rehearsal.authorization_endpoint.clone().unwrap_or_default(), "none")),
        ("client", client),
        ("scopes", or(rehearsal.scopes.join(" "), "none are asked for")),
        ("resource", or(rehearsal.resource.clone().unwrap_or_default(), "none is named")),
        ("redirect", format!("http://{}, port {}", rehearsal.redirect_host, or(ports, "any"))),
        ("browser", choice.unopened.map_or("would be opened".to_owned(), |why| format!("not opened: {}", why.why()))),
    ]);
    rows.extend(rehearsal.audience.iter().map(|audience| ("audience", audience.clone())));
    rows.push(("device", device.to_owned()));
    // Without a person there is nothing to open.
    let is_for_a_person = |name: &str| ["page", "redirect", "browser", "device"].contains(&name);
    rows.retain(|(name, _)| rehearsal.way == Way::OAuth || !is_for_a_person(name));
    rows
}
