//! How many credits are used up. The service allows the question ten times within ten minutes: an answer is kept a while.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::client::Client;
use super::result::{self, Host, SHORT};
use crate::backends::json::{Block, Tree};
use crate::backends::turns::Rate;
use crate::backends::{Error, Output};

const RATES: &[Rate] = &[Rate { name: "usage", most: 10, within: Duration::from_secs(600) }];
/// How long an answer is good enough.
const FRESH: Duration = Duration::from_secs(60);
/// What is kept of each part.
const PARTS: [(&str, &[&str]); 2] = [
    ("key", &["usage", "limit"]),
    ("account", &["current_plan", "plan_usage", "plan_limit", "paygo_usage", "paygo_limit"]),
];
/// What is kept of both.
const COUNTERS: [&str; 5] = ["search_usage", "extract_usage", "crawl_usage", "map_usage", "research_usage"];

/// Runs a call.
pub(super) async fn run(client: Arc<Client>) -> Result<Output, Error> {
    let known = client.usage.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let fields = match known.filter(|(at, _)| at.elapsed() < FRESH) {
        Some((_, fields)) => fields,
        None => {
            client.turn(RATES).await?;
            let fields = client.get(&["usage"], None).await?;
            *client.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), fields.clone()));
            fields
        }
    };
    shown(&|| client.host(), fields)
}

fn shown(host: Host<'_>, mut fields: Map<String, Value>) -> Result<Output, Error> {
    let mut shown = Map::new();
    let mut text = Block::new(1 << 10);
    text.add("Credits at Tavily.\n");
    for (part, names) in PARTS {
        let Some(Tree::Object(mut from)) = fields.remove(part).map(Tree::from) else {
            return Err(Error::Protocol { host: host(), cause: format!("an answer without `{part}`") });
        };
        let mut kept = Map::new();
        for name in names.iter().chain(&COUNTERS) {
            let value = match *name {
                "current_plan" => result::text(&mut from, name, SHORT).map(|text| text.into_owned().into()),
                _ => result::number(from.get(name)).map(Value::from),
            };
            if let Some(value) = value {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "{part} {}: {}",
                    name.replace('_', " "),
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                );
                kept.insert((*name).to_owned(), value);
            }
        }
        shown.insert(part.to_owned(), kept.into());
    }
    result::written(host, &shown, text)
}
