//! Creating, changing and deleting one object, after the person has said yes to exactly that.
//!
//! A change is asked about field by field, as it is now and as it becomes, and once more if the object has changed between
//! the question and the answer. It is sent once, with the tag of the state that was looked at where the release has one.

use http::{HeaderValue, Method};
use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::body::{self, Change};
use super::catalog::Type;
use super::client::{self, Ask, Client};
use super::lean::{self, SHORT};
use super::objects::{TYPE, which};
use super::release::Release;
use super::shape::{Shape, returns};
use super::tool::{ADDS, Request, Spec, TAKES};
use super::vocabulary;
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Effect, Error, Output, Question, outside};

pub(super) const MESSAGE: (Field, &str) =
    (Field::new("message", Form::Text(190)), "Why, for the change log; releases from 4.4 on keep it.");
const ID: (Field, &str) = (Field::new("id", Form::Whole(1, i64::MAX)), "Its id in NetBox.");
const NAME: (Field, &str) = (Field::new("name", Form::Text(200)), "Or its name, slug, address, prefix or the like.");
const FILTERS: (Field, &str) =
    (Field::new("filters", Form::Object), "With `name`: filters that say which one is meant.");
const VALUES: &str = "The fields with their values. A relation takes an id or a name, `tags` a list of names, `custom_fields` an \
                      object; null empties a field, an empty text one of text. `describe` with `about` = `writing` lists them.";
/// Accounts, rights and tokens decide who may do what: nobody changes them on the word of a model.
const CLOSED: &str = "users";

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "create",
        title: "Create an object",
        description: "Creates one object in NetBox, also a journal entry. The person is asked first and sees every field. It is sent once: \
                      after an unclear failure look whether it is there before calling again. For the next free address, prefix or \
                      VLAN use `allocate`.",
        toolset: Some("writes"),
        effect: ADDS,
        takes: arguments!(&[TYPE, (Field::required("values", Form::Object), VALUES), MESSAGE]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            ("object", Shape::Object, true, "As it was created."),
            ("request_id", Shape::Text, false, "By which the change log has it."),
        ]),
        run: |request| Box::pin(create(request)),
    },
    Spec {
        name: "update",
        title: "Change an object",
        description: "Changes fields of one object in NetBox. The person is asked first and sees each field before and after; what is the \
                      same already is not written. If somebody else changes the object meanwhile, nothing is written; before release 4.6 \
                      the result says that this could not be told.",
        toolset: Some("writes"),
        effect: Effect { idempotent: true, ..TAKES },
        takes: arguments!(&[TYPE, ID, NAME, FILTERS, (Field::required("values", Form::Object), VALUES), MESSAGE]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            (
                "changes",
                Shape::Objects,
                true,
                "`field`, `before` and `after`; empty if everything was so already, and nothing was written.",
            ),
            ("object", Shape::Object, true, "As it is now."),
            ("request_id", Shape::Text, false, "By which the change log has it."),
        ]),
        run: |request| Box::pin(update(request)),
    },
    Spec {
        name: "delete",
        title: "Delete an object",
        description: "Deletes one object in NetBox for good, with what NetBox deletes together with it, as the interfaces of a device. The \
                      person is asked first. Where something depends on it, NetBox refuses and names what.",
        toolset: Some("writes"),
        effect: TAKES,
        takes: arguments!(&[TYPE, ID, NAME, FILTERS, MESSAGE]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            ("id", Shape::Whole, true, ""),
            ("deleted", Shape::Text, true, "What it was called."),
            ("request_id", Shape::Text, false, "By which the change log has it."),
        ]),
        run: |request| Box::pin(delete(request)),
    },
];

/// The type of a write; not every one is open to it.
async fn kind(request: &Request) -> Result<Type, Error> {
    let kind = request.client.kind(request.text("type").unwrap_or_default()).await?;
    match kind.app() {
        CLOSED => {
            Err(Error::Arguments(format!("{}: accounts, rights and tokens are not changed from here", kind.name)))
        }
        _ => Ok(kind),
    }
}

/// What stands in the change log about it, where the release keeps that, and there is a log of the type.
pub(super) async fn message(request: &Request, kind: &Type, notes: &mut Vec<String>) -> Result<Option<String>, Error> {
    let Some(message) = request.text("message") else { return Ok(None) };
    let release = request.client.release().await?;
    let why = match release >= Release::MESSAGE {
        false => "this release keeps no message with a change",
        true if is_logged(&request.client, kind, release).await? => return Ok(Some(message.to_owned())),
        true => "NetBox keeps no log of changes of this type",
    };
    notes.push(format!("{why}: `message` was not sent"));
    Ok(None)
}

/// Whether changes of the type are logged. No list of fields has the message in it, and NetBox drops without a word what
/// it does not keep; the list of types tells what each can do. It is yes where that cannot be seen.
async fn is_logged(client: &Client, kind: &Type, release: Release) -> Result<bool, Error> {
    let (Some(types), Some((app, model))) = (Type::named("core.objecttype", release), kind.name.split_once('.')) else {
        return Ok(true);
    };
    let ask = Ask::get(&types.path).with("app_label", app).with("model", model).with("limit", "5");
    let body = match client.ask(ask.with("fields", "app_label,model,features")).await {
        Ok(answer) => answer.body,
        Err(error) if answer::is_login(&error) => return Err(error),
        Err(_) => return Ok(true),
    };
    let is_it = |row: &&Value| {
        let has = |name: &str, value: &str| row.get(name).and_then(Value::as_str) == Some(value);
        has("app_label", app) && has("model", model)
    };
    let features = answer::results(&body).iter().find(is_it).and_then(|row| row.get("features")?.as_array());
    Ok(features.is_none_or(|all| all.iter().any(|feature| feature == "change_logging")))
}

/// Said where a change cannot be bound to the state that was looked at.
const UNBOUND: &str =
    "this release marks no states of objects: what somebody else wrote in the same moment is overwritten";

/// The mark of the state that a change is bound to, in releases that heed one.
async fn state(client: &Client, seen: &client::Answer, notes: &mut Vec<String>) -> Result<Option<HeaderValue>, Error> {
    let is_heeded = client.release().await? >= Release::STATES;
    let mark = seen.tag.clone().filter(|_| is_heeded);
    if mark.is_none() {
        notes.push(UNBOUND.to_owned());
    }
    Ok(mark)
}

/// Tells the person what the change is not bound to.
fn bound(question: Question, mark: Option<&HeaderValue>) -> Question {
    match mark {
        Some(_) => question,
        None => question.with("note", &UNBOUND.into()),
    }
}

/// Puts the message into the question and the body.
pub(super) fn noted(question: Question, body: &mut Map<String, Value>, message: Option<String>) -> Question {
    let Some(message) = message else { return question };
    let question = question.with("message in the change log", &message.as_str().into());
    body.insert("changelog_message".to_owned(), message.into());
    question
}

async fn create(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = kind(&request).await?;
    let entries = body::checked(client, &kind, &kind.path, request.object("values")).await?;
    if entries.is_empty() {
        return Err(Error::Arguments("`values` is empty: nothing would be created".to_owned()));
    }
    let mut notes = Vec::new();
    let message = message(&request, &kind, &mut notes).await?;
    let mut question = client.question("Create this object in NetBox?").with("type", &kind.name.as_str().into());
    let mut body = Map::new();
    for entry in entries {
        question = question.with(&entry.name, &entry.shown);
        body.insert(entry.name, entry.value);
    }
    let question = noted(question, &mut body, message);
    request.agreed.must(question)?;
    let answer = client.ask(Ask::write(Method::POST, &kind.path, Some(Value::Object(body)))).await?;
    let object = lean::whole(&kind.name, &answer.body, SHORT);
    Answer::new(format!("Created: {} {}", kind.name, object.get("id").unwrap_or(&Value::Null)))
        .with("type", kind.name)
        .with("object", object)
        .with("request_id", answer.request)
        .noting(notes)
        .output(client)
}

/// An object as it is, with the tag of its state.
async fn look(client: &Client, kind: &Type, id: u64) -> Result<client::Answer, Error> {
    let answer = client.ask(Ask::get(&path(kind, id))).await?;
    match answer.body.is_object() {
        true => Ok(answer),
        false => Err(Error::Protocol { host: client.host(), cause: "no object where one was asked for".to_owned() }),
    }
}

fn path(kind: &Type, id: u64) -> String {
    format!("{}/{id}", kind.path)
}

fn display(object: &Value) -> String {
    outside::line(object.get("display").and_then(Value::as_str).unwrap_or_default(), 200)
}

/// A question about an object that is there: which one, and in which state it was looked at.
fn about(client: &Client, what: &str, (kind, id): (&Type, u64), object: &Value) -> Question {
    let mut question = client
        .question(what)
        .with("type", &kind.name.as_str().into())
        .with("id", &id.into())
        .with("object", &display(object).into());
    // A yes is for the object as it was: if somebody changes it, this is another question.
    if let Some(changed) = object.get("last_updated").and_then(Value::as_str) {
        question = question.with("last changed", &outside::line(changed, 60).into());
    }
    question
}

async fn update(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = kind(&request).await?;
    let (id, mut notes) = which(&request, &kind).await?;
    let path = path(&kind, id);
    let before = look(client, &kind, id).await?;
    let entries = body::checked(client, &kind, &path, request.object("values")).await?;
    let changes = body::differing(&kind, &before.body, entries);
    if changes.is_empty() {
        return Answer::new(format!("Nothing to change: {} {id} is so already", kind.name))
            .with("type", kind.name.clone())
            .with("changes", Vec::<Value>::new())
            .with("object", lean::whole(&kind.name, &before.body, SHORT))
            .output(client);
    }
    let message = message(&request, &kind, &mut notes).await?;
    let mut question = about(client, "Change this object in NetBox?", (&kind, id), &before.body);
    for Change { name, before, after, .. } in &changes {
        question = match name.as_str() {
            "add_tags" => question.with("tags to add", after),
            "remove_tags" => question.with("tags to take away", after),
            name => question.with(&format!("{name} is now"), before).with(&format!("{name} becomes"), after),
        };
    }
    let mut body = body::of_changes(&changes);
    let mark = state(client, &before, &mut notes).await?;
    let question = bound(noted(question, &mut body, message), mark.as_ref());
    request.agreed.must(question)?;
    let ask = Ask::write(Method::PATCH, &path, Some(Value::Object(body))).matching(mark);
    let answer = client.ask(ask).await?;
    let told = |change: &Change| match vocabulary::is_secret(&kind.name, &change.name) {
        true => json!({"field": change.name}),
        false => json!({"field": change.name, "before": change.before, "after": change.after}),
    };
    Answer::new(format!("Changed: {} {id}", kind.name))
        .with("type", kind.name.clone())
        .with("changes", changes.iter().map(told).collect::<Vec<_>>())
        .with("object", lean::whole(&kind.name, &answer.body, SHORT))
        .with("request_id", answer.request)
        .noting(notes)
        .output(client)
}

async fn delete(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = kind(&request).await?;
    let (id, mut notes) = which(&request, &kind).await?;
    let before = look(client, &kind, id).await?;
    let message = message(&request, &kind, &mut notes).await?;
    let mut question = about(client, "Delete this object in NetBox for good?", (&kind, id), &before.body);
    // What would go with it, or stand in the way.
    let counts: Map<String, Value> = before.body.as_object().into_iter().flatten().filter(holds).map(owned).collect();
    if !counts.is_empty() {
        question = question.with("it has", &Value::Object(counts));
    }
    let mut body = Map::new();
    let mark = state(client, &before, &mut notes).await?;
    let question = bound(noted(question, &mut body, message), mark.as_ref());
    request.agreed.must(question)?;
    let body = (!body.is_empty()).then_some(Value::Object(body));
    let answer = client.ask(Ask::write(Method::DELETE, &path(&kind, id), body).matching(mark)).await?;
    Answer::new(format!("Deleted: {} {id}", kind.name))
        .with("type", kind.name)
        .with("id", id)
        .with("deleted", display(&before.body))
        .with("request_id", answer.request)
        .noting(notes)
        .output(client)
}

/// Whether a member says how many of something there are, and there are some.
fn holds((name, value): &(&String, &Value)) -> bool {
    (name.ends_with("_count") || name.starts_with("count_")) && value.as_u64().is_some_and(|count| count > 0)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (outside::line(name, 60), value.clone())
}
