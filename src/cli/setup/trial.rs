//! One call, to see that it works.

use std::sync::Arc;

use serde_json::Value;

use super::{Became, Report, Setup, ask, command};
use crate::serve::{Catalog, Choice, Entry};

/// Words in the names of tools whose answer says that a login works; the first is the best.
const TELLING: [&str; 4] = ["whoami", "status", "list", "get"];

/// What `TOOL:NAME=VALUE,NAME=VALUE` says, as the words of `keyward call`.
pub(super) fn words(text: &str) -> Vec<String> {
    let (tool, values) = text.split_once(':').unwrap_or((text, ""));
    let values = values.split(',').filter(|value| !value.is_empty());
    std::iter::once(tool).chain(values).map(String::from).collect()
}

/// Calls a tool and shows what it answers.
pub(super) async fn call(setup: &Setup<'_>, words: &[String]) -> Result<Became, Report> {
    let mut all = vec!["call"];
    all.extend(words.iter().map(String::as_str));
    command(setup, &all).await.map(|_| Became::Done)
}

/// Offers a call that changes nothing, of one of these connections.
pub(super) async fn ask(setup: &Setup<'_>, connections: &[String]) -> Result<(), Report> {
    let app = Arc::new(setup.app()?);
    let catalog = Catalog::new(app, &Choice::default()).map_err(|error| Report::from(&error))?;
    let is_offered = |entry: &&Entry| {
        entry.tool.effect.read_only && entry.connection.as_ref().is_some_and(|name| connections.contains(name))
    };
    let with_one = |entry: &Entry| {
        let (name, rest) = wanted(entry).split_first().map(|(name, rest)| (name.clone(), rest.len()))?;
        (rest == 0).then(|| (entry.tool.name.clone(), Some(name)))
    };
    let plain = catalog.entries().filter(is_offered).filter(|entry| wanted(entry).is_empty());
    let plain = plain
        .min_by_key(|entry| TELLING.iter().position(|word| entry.tool.own.contains(word)).unwrap_or(TELLING.len()));
    let found = match plain {
        Some(entry) => Some((entry.tool.name.clone(), None)),
        None => {
            let one = catalog.entries().filter(is_offered).filter_map(with_one);
            one.min_by_key(|(tool, _)| !tool.contains("search"))
        }
    };
    let Some((tool, argument)) = found else { return Ok(()) };
    // Of its own tools a server can say anything.
    let says = if catalog.find(&tool).is_some_and(|entry| entry.passes) { "as its server says " } else { "" };
    let mut words = vec![tool.clone()];
    let is_wanted = match argument {
        None => {
            ask::agrees(setup, &format!("Call `{tool}`, which {says}changes nothing? Enter calls it, `s` skips:"))
                .await?
        }
        Some(name) => {
            let question = format!("To call `{tool}`, which changes nothing, give its `{name}`; Enter skips:");
            match ask::line(setup, &question).await? {
                Some(value) => {
                    words.push(format!("{name}={value}"));
                    true
                }
                None => false,
            }
        }
    };
    match is_wanted {
        true => {
            let outcome = call(setup, &words).await;
            setup.note("try", &tool, outcome);
        }
        false => setup.note("try", &tool, Ok(Became::Skipped)),
    }
    Ok(())
}

/// The arguments that the tool cannot do without.
fn wanted(entry: &Entry) -> Vec<String> {
    let schema: Value = serde_json::from_str(entry.tool.input_schema.text()).unwrap_or_default();
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_in_one_word() {
        assert_eq!(words("tavily_search:query=hello,max_results=3"), ["tavily_search", "query=hello", "max_results=3"]);
        assert_eq!(words("box_whoami"), ["box_whoami"]);
    }
}
