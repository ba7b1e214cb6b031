//! Questions at the terminal. Every one can be left with Enter or `s`.

use super::Setup;
use crate::backends::outside;
use crate::cli::width;
use crate::machine::{Echo, Line};
use crate::report::{Exit, Report};

/// What was typed, trimmed; `None` if the question was left.
pub(super) async fn line(setup: &Setup<'_>, question: &str) -> Result<Option<String>, Report> {
    let text = typed(setup, question).await?;
    Ok(Some(text).filter(|text| !is_left(text)))
}

/// Whether this is to be done: Enter is a yes, `s` and everything else is none.
pub(super) async fn agrees(setup: &Setup<'_>, question: &str) -> Result<bool, Report> {
    let text = typed(setup, question).await?;
    Ok(text.is_empty() || ["y", "yes"].contains(&text.to_lowercase().as_str()))
}

/// What was typed, trimmed; empty for Enter alone.
pub(super) async fn typed(setup: &Setup<'_>, question: &str) -> Result<String, Report> {
    let machine = setup.machine;
    let unread = |error: std::io::Error| crate::report::io("the terminal could not be read", &error);
    // What was typed before the question is no answer to it. Where that cannot be had (Windows), nothing here is decided
    // that another question does not confirm.
    let _ = machine.prompt.forget();
    let mut messages = machine.terminal.messages();
    // Part of it may be a server's words.
    let room = setup.console.width.map(|columns| columns.saturating_sub(1));
    let question = width::folded(&outside::clean(question.to_owned()), room) + " ";
    std::io::Write::write_all(&mut messages, question.as_bytes()).map_err(unread)?;
    std::io::Write::flush(&mut messages).map_err(unread)?;
    let mut lines = machine.prompt.lines(Echo::Shown).map_err(unread)?;
    match lines.next().await {
        Line::Text(text) => Ok(text.expose().chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()),
        Line::TooLong => Ok(String::new()),
        Line::End => Err(Report::new(Exit::Interrupted, "interrupted", "the input has ended")),
    }
}

fn is_left(text: &str) -> bool {
    text.is_empty() || matches!(text.to_lowercase().as_str(), "s" | "skip")
}

/// The things that a person chose from a list by number or by name; `Err` with the word that is neither.
pub(super) fn chosen<'a, T: Copy>(text: &'a str, all: &[(&str, T)]) -> Result<Vec<T>, &'a str> {
    let mut found = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        let by_number = word.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?));
        let (_, thing) = by_number.or_else(|| all.iter().find(|(name, _)| *name == word)).ok_or(word)?;
        found.push(*thing);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_chosen_by_number_or_by_name() {
        let all = [("tavily", 'a'), ("cisco", 'b')];
        assert_eq!(chosen("2, tavily", &all), Ok(vec!['b', 'a']));
        assert_eq!(chosen("", &all), Ok(Vec::new()));
        assert_eq!(chosen("0", &all), Err("0"));
        assert_eq!(chosen("1 3", &all), Err("3"));
        assert_eq!(chosen("tavly", &all), Err("tavly"));
    }
}
