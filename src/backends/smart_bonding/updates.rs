//! What Cisco wrote to tickets and did not deliver yet. Each is delivered once: asking for it uses it up. What was pulled
//! is kept until it was handed out (`queue`), in this process only.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::client::Client;
use super::queue::{self, End, Pull};
use super::tools;
use super::update::{self, Pulled, Update};
use crate::backends::arguments::{self, Field, Form};
use crate::backends::{Call, Error, Output};

/// What the tool takes, as `schema::UPDATES` describes it.
pub(super) const FIELDS: &[Field] = &[Field::new("most", Form::Whole(1, 20))];
const USUAL: u64 = 10;
const KEPT: &str = "these were kept from an earlier fetch, whose call ended before they were handed out, or that found more \
    than it was to return: nothing was fetched now";

#[derive(Serialize, Default)]
struct Structured {
    updates: Vec<Update>,
    /// Whether there may be more.
    more: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

pub(super) async fn call(client: &Arc<Client>, call: Call) -> Result<Output, Error> {
    let given = arguments::check(FIELDS, call.arguments)?;
    let most = given.get("most").and_then(Value::as_u64).unwrap_or(USUAL);
    client.has_login().await?;
    let queue = queue::of(client.name(), client.url());
    // The person said yes to fetching these: nothing is used up by handing them out.
    let kept = queue.take(most);
    if !kept.is_empty() {
        return shown(&client.host(), kept, End::Kept, None);
    }
    let question = "Fetch ticket updates from Cisco through Smart Bonding? Each is delivered once: what is fetched now \
        is not sent again, to nobody.";
    call.agreed.must(client.question(question).with("at most", &json!(most)))?;
    let ended = queue.fetch(most, pull(client), &call.progress).await;
    // From here on nothing waits: what is taken is handed out.
    let found = queue.take(most);
    match ended {
        // What was delivered before is not delivered again: it must not be lost with this one.
        Err(error) if !found.is_empty() => shown(&client.host(), found, End::More, Some(&error)),
        Err(error) => Err(error),
        // Another call at the same time took what was kept, or left some.
        Ok(End::Kept) if found.is_empty() => shown(&client.host(), found, End::More, None),
        Ok(End::All) if queue.waiting() > 0 => shown(&client.host(), found, End::More, None),
        Ok(end) => shown(&client.host(), found, end, None),
    }
}

fn pull(client: &Arc<Client>) -> Pull {
    let client = Arc::clone(client);
    Box::new(move || {
        let client = Arc::clone(&client);
        Box::pin(async move { client.pull().await.map(|answer| update::of(&answer)) })
    })
}

fn shown(host: &str, pulled: Vec<Pulled>, end: End, failed: Option<&Error>) -> Result<Output, Error> {
    let mut found = Structured { more: end != End::All, ..Structured::default() };
    for one in pulled {
        match one {
            Pulled::Update(update) => found.updates.push(*update),
            Pulled::Note(note) => found.notes.push(note),
        }
    }
    found.notes.extend(failed.map(|error| format!("then it failed: {error}")));
    let mut lines: Vec<String> = found.updates.iter().map(Update::text).collect();
    if found.updates.is_empty() && found.notes.is_empty() && !found.more {
        lines.push("There are no updates.".to_owned());
    }
    if end == End::Kept {
        found.notes.push(KEPT.to_owned());
    }
    if found.more {
        found.notes.push("there may be more: call again".to_owned());
    }
    let notes = found.notes.clone();
    tools::output(host, &found, "Ticket updates that Cisco sent through Smart Bonding", &[lines, notes])
}
