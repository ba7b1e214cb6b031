//! Which toolsets of a backend are on: what can be written, and what it means.

use super::{Error, Source, listed, nearest};
use crate::backends::{Backend, Toolset};

/// The word for every toolset.
pub const ALL: &str = "all";

/// The toolsets that are on, in the backend's order, and who said so.
///
/// Names are exactly what is on. `+name` and `-name` change what the names say, or, where there are none, the usual choice.
pub(super) fn resolve(
    backend: &Backend,
    written: Option<&[String]>,
    key: &str,
) -> Result<(Vec<&'static str>, Source), Error> {
    let Some(words) = written else { return Ok((backend.usual_toolsets(), Source::Preset)) };
    if backend.toolsets.is_empty() {
        let expected = format!("left out: the tools of `{}` are not divided into toolsets", backend.name);
        return Err(Error::Value { key: key.to_owned(), expected });
    }
    let choice = chosen(backend.toolsets, words)
        .map_err(|word| Error::Value { key: key.to_owned(), expected: expected(backend.toolsets, word) })?;
    Ok((choice, Source::File))
}

/// What is on in these toolsets; the word that is none as an error.
fn chosen<'a>(toolsets: &[Toolset], words: &'a [String]) -> Result<Vec<&'static str>, &'a str> {
    let named = |name: &str, set: &Toolset| name == set.name || name == ALL;
    let (mut exact, mut more, mut less) = (Vec::new(), Vec::new(), Vec::new());
    for word in words {
        let (list, name) = match word.strip_prefix('+') {
            Some(name) => (&mut more, name),
            None => word.strip_prefix('-').map_or((&mut exact, word.as_str()), |name| (&mut less, name)),
        };
        if !toolsets.iter().any(|set| named(name, set)) {
            return Err(word);
        }
        list.push(name);
    }
    let is_on = |set: &&Toolset| {
        let is_in = |list: &[&str]| list.iter().any(|name| named(name, set));
        // Nothing at all is a choice, too; only changes are changes of the usual one.
        let is_a_change = exact.is_empty() && !words.is_empty();
        let is_before = if is_a_change { set.is_usual } else { is_in(&exact) };
        (is_before || is_in(&more)) && !is_in(&less)
    };
    Ok(toolsets.iter().filter(is_on).map(|set| set.name).collect())
}

fn expected(toolsets: &[Toolset], word: &str) -> String {
    let names = || toolsets.iter().map(|set| set.name);
    let known = listed(names().chain([ALL]));
    let text = format!("a list of these, each perhaps with `+` or `-` before it: {known}");
    match nearest::of(word.trim_start_matches(['+', '-']), names().chain([ALL])) {
        Some(nearest) => format!("{text}; the nearest to `{}` is `{nearest}`", shown(word)),
        None => format!("{text}; `{}` is none of them", shown(word)),
    }
}

/// A word from the file, fit for a message.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::{remote, tavily};

    const SETS: &[Toolset] = &[
        Toolset { name: "bugs", summary: "bugs", is_usual: true },
        Toolset { name: "cases", summary: "cases", is_usual: true },
        Toolset { name: "returns", summary: "returns", is_usual: false },
        Toolset { name: "writes", summary: "what changes something", is_usual: false },
    ];

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn names_are_exactly_what_is_on_and_signs_change_the_usual_choice() {
        for (text, expected) in [
            ("", ""),
            ("cases bugs", "bugs cases"),
            ("returns", "returns"),
            ("returns returns", "returns"),
            ("all", "bugs cases returns writes"),
            ("+writes", "bugs cases writes"),
            ("-cases", "bugs"),
            ("+writes -bugs", "cases writes"),
            ("-all", ""),
            ("+all", "bugs cases returns writes"),
            ("all -writes", "bugs cases returns"),
            ("returns +writes", "returns writes"),
            ("returns -returns", ""),
        ] {
            assert_eq!(chosen(SETS, &words(text)), Ok(expected.split_whitespace().collect()), "{text}");
        }
    }

    #[test]
    fn a_word_that_is_no_toolset_is_refused_with_the_nearest_one() {
        for (text, wrong) in
            [("bugs bgs", "bgs"), ("+wrtes", "+wrtes"), ("++bugs", "++bugs"), ("Bugs", "Bugs"), ("-", "-")]
        {
            assert_eq!(chosen(SETS, &words(text)), Err(wrong), "{text}");
        }
        let list =
            "a list of these, each perhaps with `+` or `-` before it: `bugs`, `cases`, `returns`, `writes`, `all`";
        assert_eq!(expected(SETS, "+wrtes"), format!("{list}; the nearest to `+wrtes` is `writes`"));
        assert_eq!(expected(SETS, "something\n-else"), format!("{list}; `something-else` is none of them"));
    }

    #[test]
    fn a_backend_whose_tools_are_not_divided_has_no_such_key() {
        for backend in [&tavily::BACKEND, &remote::BACKEND] {
            assert_eq!(resolve(backend, None, "k"), Ok((Vec::new(), Source::Preset)));
            let refused = resolve(backend, Some(&[]), "k");
            assert!(
                matches!(&refused, Err(Error::Value { expected, .. }) if expected.contains(backend.name)),
                "{refused:?}"
            );
        }
    }
}
