//! What a connection presets for its calls: `name=value`, checked as the arguments of a call are.

use serde_json::{Map, Value};

use super::Error;
use crate::backends::{self, Backend, arguments};

/// The presets in their exact forms. A name that is there twice is a list.
pub(super) fn resolve(backend: &Backend, written: &[String], key: &str) -> Result<Map<String, Value>, Error> {
    let wrong = |expected: String| Error::Value { key: key.to_owned(), expected };
    let known = backends::DEFAULTS.iter().find(|(name, _)| *name == backend.name).map(|(_, known)| *known);
    let Some(known) = known else {
        return match written.is_empty() {
            true => Ok(Map::new()),
            false => Err(wrong(format!("left out: the tools of `{}` have no defaults", backend.name))),
        };
    };
    let mut given = Map::new();
    for entry in written {
        let (name, value) = entry.split_once('=').ok_or_else(|| wrong("a list of `name=value`".to_owned()))?;
        let value = Value::from(value.trim());
        match given.get_mut(name.trim()) {
            None => drop(given.insert(name.trim().to_owned(), value)),
            Some(Value::Array(all)) => all.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    arguments::check(known, given).map_err(|error| wrong(format!("a list of arguments and their values: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolved(backend: &str, written: &[&str]) -> Result<Value, String> {
        let backend = backends::named(backend).expect("a backend");
        let written: Vec<String> = written.iter().map(|entry| (*entry).to_owned()).collect();
        resolve(backend, &written, "k").map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_read_as_arguments_are() {
        let written =
            ["search_depth = advanced", "max_results=10", "include_domains=a.example", "include_domains=b.example"];
        let expected =
            json!({"search_depth": "advanced", "max_results": 10, "include_domains": ["a.example", "b.example"]});
        assert_eq!(resolved("tavily", &written), Ok(expected));
        assert_eq!(resolved("cisco", &[]), Ok(json!({})));
    }

    #[test]
    fn what_cannot_be_a_default_is_refused_with_its_reason() {
        for (backend, written, expected) in [
            ("cisco", "a=b", "`k` must be left out: the tools of `cisco` have no defaults"),
            ("tavily", "advanced", "`k` must be a list of `name=value`"),
            (
                "tavily",
                "max_results=21",
                "`k` must be a list of arguments and their values: `max_results` is `21`, and must be a whole number from 0 to 20",
            ),
            ("tavily", "query=x", "`k` must be a list of arguments and their values: there is no argument `query`"),
        ] {
            assert_eq!(resolved(backend, &[written]), Err(expected.to_owned()), "{written}");
        }
    }
}
