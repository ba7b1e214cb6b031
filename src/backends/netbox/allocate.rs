//! Taking what is free: the next address, prefix, VLAN or AS number, in one request that NetBox carries out under a lock.
//! Choosing a free one and creating it would be a race (reference: "Extra read endpoints").

use http::Method;
use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::client::Ask;
use super::ipam::{self, NAME, NARROW, WHAT};
use super::lean::{self, SHORT};
use super::objects::which;
use super::shape::{Shape, returns};
use super::tool::{ADDS, Request, Spec};
use super::{body, relation, write};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output, outside};

pub(super) static SPECS: &[Spec] = &[Spec {
    name: "allocate",
    title: "Take the next free one",
    description: "Takes the next free address of a prefix or range, the next free prefix in a prefix, VLAN of a group or AS number of a range in \
                  NetBox, and creates it. Nobody else gets the same one. The person is asked first. It is sent once: after an \
                  unclear failure look what was created before calling again.",
    toolset: Some("writes"),
    effect: ADDS,
    takes: arguments!(&[
        (Field::required("what", Form::Choice(WHAT)), "What is wanted."),
        (
            Field::new("id", Form::Whole(1, i64::MAX)),
            "The id of the prefix, IP range, VLAN group or AS range out of which it is taken.",
        ),
        NAME,
        NARROW,
        (Field::new("prefix_length", Form::Whole(0, 128)), "With `prefixes`: how long the new prefix is."),
        (Field::new("count", Form::Whole(1, 20)), "How many; one unless given."),
        (
            Field::new("values", Form::Object),
            "Further fields of what is created, as `dns_name` or `description`; a VLAN needs a `name`.",
        ),
        write::MESSAGE,
    ]),
    returns: returns!(&[
        ("what", Shape::Text, true, ""),
        ("objects", Shape::Objects, true, "What was created."),
        ("request_id", Shape::Text, false, "By which the change log has it."),
    ]),
    run: |request| Box::pin(allocate(request)),
}];

/// The type of what is created.
fn created(what: &str) -> &'static str {
    match what {
        "prefixes" => "ipam.prefix",
        "vlans" => "ipam.vlan",
        "asns" => "ipam.asn",
        _ => "ipam.ipaddress",
    }
}

/// Refuses what NetBox would refuse after the person has said yes.
fn fits_together(what: &str, length: Option<u64>, count: u64) -> Result<(), Error> {
    let wrong = if length.is_some() != (what == "prefixes") {
        "`prefix_length` is for `what` = `prefixes`, which needs it"
    } else if count > 1 && what == "vlans" {
        "VLANs are taken one by one: each has a name of its own"
    } else {
        return Ok(());
    };
    Err(Error::Arguments(wrong.to_owned()))
}

async fn allocate(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let pool = ipam::pool(&request)?;
    let (length, count) = (request.whole("prefix_length"), request.whole("count").unwrap_or(1));
    fits_together(pool.what, length, count)?;
    let release = client.release().await?;
    let parent = relation::kind(pool.parent, release)?;
    let kind = relation::kind(created(pool.what), release)?;
    let (id, mut notes) = which(&request, &parent).await?;
    let entries = body::checked(client, &kind, &kind.path, request.object("values")).await?;
    if pool.what == "vlans" && !entries.iter().any(|entry| entry.name == "name") {
        return Err(Error::Arguments("a VLAN needs a `name` in `values`".to_owned()));
    }
    let message = write::message(&request, &kind, &mut notes).await?;
    let path = format!("{}/{id}", parent.path);
    let below = format!("{path}/{}", pool.list);
    let from = client.ask(Ask::get(&path).with("fields", "id,display")).await?.body;
    let free = client.ask(Ask::get(&below).with("limit", "50")).await?.body;
    let fits =
        |text: &String| length.is_none_or(|wanted| ipam::length(text).is_some_and(|one| u64::from(one) <= wanted));
    let next = answer::results(&free).iter().filter_map(|entry| ipam::said(entry, pool.member)).find(fits);
    let Some(next) = next else {
        let said = format!("there is nothing free in {} {id} that would do", parent.name);
        return Err(Error::Refused { host: client.host(), code: 409, said });
    };
    let display = outside::line(from.get("display").and_then(Value::as_str).unwrap_or_default(), 200);
    let mut question = client
        .question(&format!("Take the next free {} in NetBox?", pool.what.replace('_', " ")))
        .with("out of", &format!("{} {display} (id {id})", parent.name).into())
        .with("how many", &count.into())
        .with(if length.is_some() { "from the free space" } else { "the first free one is" }, &next.into());
    let mut body = Map::new();
    if let Some(length) = length {
        question = question.with("prefix length", &length.into());
        body.insert("prefix_length".to_owned(), length.into());
    }
    for entry in entries {
        question = question.with(&entry.name, &entry.shown);
        body.insert(entry.name, entry.value);
    }
    let question = write::noted(question, &mut body, message);
    request.agreed.must(question)?;
    let body = match usize::try_from(count) {
        Ok(count) if count > 1 => Value::Array(vec![Value::Object(body); count]),
        _ => Value::Object(body),
    };
    let answer = client.ask(Ask::write(Method::POST, &below, Some(body))).await?;
    let made = if answer.body.is_array() { answer.body } else { json!([answer.body]) };
    let whole = |one: &Value| Value::Object(lean::whole(&kind.name, one, SHORT));
    let objects: Vec<Value> = answer::results(&made).iter().map(whole).collect();
    Answer::new(format!("Taken and created: {} of {}", objects.len(), pool.what))
        .with("what", pool.what)
        .with("objects", objects)
        .with("request_id", answer.request)
        .noting(notes)
        .output(client)
}
