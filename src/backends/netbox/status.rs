//! Which NetBox this is, who the person is there, and what their token may do.

use serde_json::{Map, Value};

use super::answer::{self, Answer};
use super::client::Ask;
use super::lean::{self, SHORT};
use super::release::Release;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::who;
use crate::backends::schema::arguments;
use crate::backends::{Error, Output};

pub(super) static SPECS: &[Spec] = &[Spec {
    name: "status",
    title: "NetBox and login",
    description: "Says which release of NetBox this is, with which plugins, who is signed in, and until when the token is good and whether \
                  it may write.",
    toolset: None,
    effect: LOOKS,
    takes: arguments!(&[]),
    returns: returns!(&[
        ("address", Shape::Text, true, "The host."),
        ("release", Shape::Text, false, ""),
        ("plugins", Shape::Object, false, "Each with its release."),
        ("user", Shape::Object, false, "Who is signed in, where the release says so."),
        ("token", Shape::Object, false, "The token in use: its end, and whether it may write."),
    ]),
    run: |request| Box::pin(status(request)),
}];

async fn status(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let body = client.ask(Ask::get("status")).await?.body;
    let text = |name: &str| body.get(name).and_then(|value| lean::value_of(value, 100, 0));
    let version = text("netbox-full-version").or_else(|| text("netbox-version"));
    if let Some(Value::String(version)) = &version {
        client.known.seen(version);
    }
    let release = client.release().await?;
    let mut notes = Vec::new();
    let user = match release >= Release::WHO {
        true => client.ask(Ask::get("authentication-check")).await.map(|answer| answer.body),
        false => Ok(Value::Null),
    };
    let user = match user {
        Ok(user) => user,
        Err(error) if answer::is_login(&error) => return Err(error),
        Err(error) => {
            notes.push(format!("who is signed in could not be seen: {}", answer::words(&error)));
            Value::Null
        }
    };
    let row = own(&request, &user, &mut notes).await?;
    let person = row.as_ref().and_then(|row| row.get("user")).filter(|_| user.is_null()).cloned();
    let user = person.unwrap_or(user);
    let mut answer = Answer::new(format!("NetBox at {}", client.host()))
        .with("address", client.host())
        .with("release", version)
        .with("plugins", text("plugins"));
    if user.is_object() {
        answer.put("user", person_of(&user));
    } else if notes.is_empty() {
        notes.push("releases before 4.5 do not say who is signed in to who may not see tokens".to_owned());
    }
    if let Some(row) = row {
        match row.get("write_enabled") {
            Some(Value::Bool(false)) => {
                answer = answer.then("The token may only read: NetBox refuses changes with it.")
            }
            Some(Value::Bool(true)) => answer = answer.then("The token may write, as far as the account may."),
            _ => {}
        }
        answer.put("token", token_of(&row));
    }
    answer.noting(notes).output(client)
}

/// The row of the token in use, if there is one and the account may see it.
async fn own(request: &Request, user: &Value, notes: &mut Vec<String>) -> Result<Option<Value>, Error> {
    let client = &request.client;
    let Some(token) = client.token().await else {
        notes.push(
            "the login is no token of NetBox's own: what it may do is up to what stands in front of it".to_owned(),
        );
        return Ok(None);
    };
    let ask = match token.key() {
        Some(key) => Ask::get("users/tokens").with("key", key),
        None => Ask::get("users/tokens").with("limit", "1000"),
    };
    let body = match client.ask(ask).await {
        Ok(answer) => answer.body,
        Err(error) if answer::is_login(&error) => return Err(error),
        Err(error) => {
            notes.push(format!("what the token may do could not be seen: {}", answer::words(&error)));
            return Ok(None);
        }
    };
    let user = (!user.is_null()).then_some(user);
    let mut all = answer::results(&body).iter().filter(|row| who::is_of(row, &token, user));
    let found = all.next().filter(|_| all.next().is_none()).cloned();
    if found.is_none() {
        notes.push("the account may not see its token: its end and whether it may write are not known".to_owned());
    }
    Ok(found)
}

fn person_of(user: &Value) -> Map<String, Value> {
    let mut person = Map::new();
    for name in
        ["id", "username", "display", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login"]
    {
        if let Some(value) = user.get(name).and_then(|value| lean::value_of(value, SHORT, 0)) {
            person.insert(name.to_owned(), value);
        }
    }
    let groups = user.get("groups").and_then(Value::as_array).into_iter().flatten();
    let groups: Vec<Value> = groups
        .filter_map(|group| lean::value_of(group.get("name").or_else(|| group.get("display"))?, 100, 0))
        .collect();
    if !groups.is_empty() {
        person.insert("groups".to_owned(), groups.into());
    }
    person
}

/// What is said of a token: never the token, its key, or what it is displayed as.
fn token_of(row: &Value) -> Map<String, Value> {
    let names =
        ["id", "description", "version", "enabled", "write_enabled", "created", "expires", "last_used", "allowed_ips"];
    let one = |name: &str| Some((name.to_owned(), lean::value_of(row.get(name)?, SHORT, 0)?));
    let mut token: Map<String, Value> = names.into_iter().filter_map(one).collect();
    token.entry("expires").or_insert_with(|| "never".into());
    token
}
