//! `keyward login --dry-run`: what would be asked for, in words and as JSON.

use serde::Serialize;

use super::super::{Console, Outcome};
use super::choice::{Choice, Unopened};
use crate::app::login::rehearse::{Client, Rehearsal};
use crate::report::Exit;

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    dry_run: bool,
    connection: &'a str,
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
    let (from, id) = match &rehearsal.client {
        Client::Configured(id) => ("configuration", Some(id.as_str())),
        Client::Registered(id) => ("earlier-registration", Some(id.as_str())),
        Client::Registration => ("registration", None),
        Client::Missing => ("nobody", None),
    };
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            dry_run: true,
            connection: &rehearsal.connection,
            issuer: &rehearsal.issuer,
            provider: rehearsal.provider.name,
            authorization_endpoint: rehearsal.authorization_endpoint.as_deref(),
            client: ShownClient { from, id },
            scopes: &rehearsal.scopes,
            resource: rehearsal.resource.as_deref(),
            audience: rehearsal.audience.as_deref(),
            redirect_host: rehearsal.redirect_host.text(),
            ports: &rehearsal.ports,
            browser: choice.unopened.is_none(),
            no_browser_because: choice.unopened.map(Unopened::word),
            paste: choice.paste,
            device_offered: rehearsal.device,
        });
        return Ok(Exit::Done);
    }
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
    let rows = [
        ("connection", rehearsal.connection.clone()),
        ("issuer", rehearsal.issuer.clone()),
        ("provider", rehearsal.provider.name.to_owned()),
        ("page", or(rehearsal.authorization_endpoint.clone().unwrap_or_default(), "none")),
        ("client", client),
        ("scopes", or(rehearsal.scopes.join(" "), "none are asked for")),
        ("resource", or(rehearsal.resource.clone().unwrap_or_default(), "none is named")),
        ("redirect", format!("http://{}, port {}", rehearsal.redirect_host, or(ports, "any"))),
        ("browser", choice.unopened.map_or("would be opened".to_owned(), |why| format!("not opened: {}", why.why()))),
    ];
    let audience = rehearsal.audience.iter().map(|audience| ("audience", audience.clone()));
    let rows = rows.into_iter().chain(audience).chain([(
        "device",
        if rehearsal.device { "the provider offers a code for another device" } else { "not offered" }.to_owned(),
    )]);
    for (name, value) in rows {
        console.print(&format!("{name:<11} {value}"));
    }
    console.say("Nothing was opened, registered or stored.");
    Ok(Exit::Done)
}
