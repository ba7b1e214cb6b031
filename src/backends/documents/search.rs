//! Searching: by one phrase with fixed points, as `search_processes` promises, and by several words.

use super::document::Held;

/// Points of `search_processes` (reference: A.2): for the phrase in the name, in the description, and for each time it is in
/// the content, up to a most.
const IN_NAME: usize = 100;
const IN_DESCRIPTION: usize = 50;
const EACH: usize = 10;
const EACH_MOST: usize = 100;
/// The most results of `search_processes`.
pub(super) const MOST: usize = 50;
/// Characters on each side of what a snippet is about.
const AROUND: usize = 50;
/// The most words of a search.
const WORDS: usize = 20;

/// What was found.
#[derive(Debug)]
pub(super) struct Hit<'a> {
    pub(super) held: &'a Held,
    pub(super) score: usize,
    pub(super) snippet: String,
    /// How many of the words it has, and the heading above the first of them.
    pub(super) words: usize,
    pub(super) heading: Option<String>,
}

/// Documents that hold the phrase, in whatever case, best first; of the same score in their order.
pub(super) fn phrase<'a>(all: impl Iterator<Item = &'a Held>, phrase: &str) -> Vec<Hit<'a>> {
    let phrase = phrase.to_lowercase();
    let mut hits: Vec<Hit<'a>> = all
        .filter_map(|held| {
            let content = held.text.as_deref().unwrap_or_default();
            let lower = content.to_lowercase();
            let document = &held.document;
            let count = lower.matches(&phrase).count();
            let score = points(&document.name, &phrase, IN_NAME)
                + points(&document.description, &phrase, IN_DESCRIPTION)
                + count.saturating_mul(EACH).min(EACH_MOST);
            let place = lower.find(&phrase).map(|at| (at, phrase.as_str()));
            (score > 0).then(|| Hit { held, score, snippet: snippet(content, &lower, place), words: 1, heading: None })
        })
        .collect();
    crate::order::by_key(&mut hits, |hit| std::cmp::Reverse(hit.score));
    hits
}

fn points(text: &str, phrase: &str, points: usize) -> usize {
    if text.to_lowercase().contains(phrase) { points } else { 0 }
}

/// Documents that hold some of the words, in whatever case: those with more of them first, then those where they stand in
/// more telling places, then in their order.
pub(super) fn words<'a>(all: impl Iterator<Item = &'a Held>, query: &str) -> Vec<Hit<'a>> {
    let words = words_of(query);
    let mut hits: Vec<Hit<'a>> = all.filter_map(|held| rank(held, &words)).collect();
    crate::order::by_key(&mut hits, |hit| std::cmp::Reverse((hit.words, hit.score)));
    hits
}

/// The words of a search, each once; what stands in quotes is one.
pub(super) fn words_of(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (number, part) in query.to_lowercase().split('"').enumerate() {
        let whole = part.split_whitespace().collect::<Vec<_>>().join(" ");
        match number % 2 {
            0 => words.extend(part.split_whitespace().map(String::from)),
            _ => words.extend((!whole.is_empty()).then_some(whole)),
        }
    }
    let mut seen = std::collections::HashSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words.truncate(WORDS);
    words
}

/// What a place is worth, and whether a whole word is worth twice as much there.
const NAME: usize = 40;
const TAG: usize = 30;
const HEADING: usize = 15;
const DESCRIPTION: usize = 15;
/// For each time in the content, up to this many.
const TIMES: usize = 10;

fn rank<'a>(held: &'a Held, words: &[String]) -> Option<Hit<'a>> {
    let document = &held.document;
    let content = held.text.as_deref().unwrap_or_default();
    let lower = content.to_lowercase();
    let (name, description) = (document.name.to_lowercase(), document.description.to_lowercase());
    let tags: Vec<String> = document.tags.iter().map(|tag| tag.to_lowercase()).collect();
    let heads: Vec<&str> = headings(&lower).map(|(_, heading)| heading).collect();
    let (mut score, mut found, mut first) = (0, 0, None::<(usize, &str)>);
    for word in words {
        let tag = tags.iter().map(|tag| if tag == word { TAG * 2 } else { worth(tag, word, TAG) / 2 }).max();
        let heading = heads.iter().map(|heading| worth(heading, word, HEADING)).max();
        let times = lower.matches(word.as_str()).take(TIMES).count();
        let own = worth(&name, word, NAME)
            + worth(&description, word, DESCRIPTION)
            + tag.unwrap_or_default()
            + heading.unwrap_or_default()
            + times;
        score += own;
        found += usize::from(own > 0);
        if let Some(at) = lower.find(word.as_str()).filter(|at| first.is_none_or(|(first, _)| *at < first)) {
            first = Some((at, word));
        }
    }
    let heading = first.and_then(|(at, _)| headings(&lower).take_while(|(start, _)| *start <= at).last());
    let heading = heading.map(|(start, lowered)| original(content, &lower, start, lowered.len()));
    (score > 0).then(|| Hit { held, score, snippet: snippet(content, &lower, first), words: found, heading })
}

/// Points for a word in a text; twice for a whole word.
fn worth(text: &str, word: &str, points: usize) -> usize {
    let mut best = 0;
    for (at, _) in text.match_indices(word) {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let is_whole = ![before, after].into_iter().flatten().any(char::is_alphanumeric);
        best = best.max(if is_whole { points * 2 } else { points });
    }
    best
}

/// The headings of a text in Markdown, and where they begin. What is in a block of code is none.
pub(super) fn headings(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let mut is_code = false;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let body = line.trim();
        if body.starts_with("```") || body.starts_with("~~~") {
            is_code = !is_code;
        }
        let marks = body.len() - body.trim_start_matches('#').len();
        let rest = body.get(marks..).unwrap_or_default();
        let is_heading = !is_code && (1..=6).contains(&marks) && rest.starts_with([' ', '\t']);
        is_heading
            .then(|| (start + line.len() - line.trim_start().len() + marks, rest.trim_end_matches('#').trim_end()))
    })
}

/// The part of the content that became this part of it in small letters.
fn original(content: &str, lower: &str, at: usize, length: usize) -> String {
    let (start, end) = (place(content, lower, at), place(content, lower, at + length));
    super::front::line(content.get(start..end).unwrap_or_default())
}

/// The place in the content that became the place `at` in small letters, which can be longer or shorter.
fn place(content: &str, lower: &str, at: usize) -> usize {
    if content.len() == lower.len() && content.is_char_boundary(at) && content.is_ascii() {
        return at;
    }
    let mut passed = 0;
    for (place, c) in content.char_indices() {
        if passed >= at {
            return place;
        }
        // A capital sigma is written in two ways of the same length, depending on what follows.
        passed += c.to_lowercase().map(char::len_utf8).sum::<usize>();
    }
    content.len()
}

/// What stands around a place of the content, on one line; the beginning where there is no such place.
fn snippet(content: &str, lower: &str, found: Option<(usize, &str)>) -> String {
    let (start, end) = match found {
        Some((at, word)) => (place(content, lower, at), place(content, lower, at + word.len())),
        None => (0, 0),
    };
    let before = content.get(..start).unwrap_or_default();
    let from = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let after = content.get(end..).unwrap_or_default();
    let to = after.char_indices().nth(AROUND).map_or(content.len(), |(at, _)| end + at);
    let text = super::front::line(content.get(from..to).unwrap_or_default());
    let (open, close) = (if from > 0 { "…" } else { "" }, if to < content.len() { "…" } else { "" });
    format!("{open}{text}{close}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backends::documents::document::{Document, Place};

    fn held(name: &str, description: &str, content: &str) -> Held {
        let front =
            format!("---\nname: {name}\ndescription: \"{description}\"\ntags: [release, on-call]\n---\n{content}");
        let (document, text, flaw) = Document::new("processes".into(), "a/b.md".into(), Place::default(), &front);
        assert_eq!(flaw, None);
        Held { document: Arc::new(document), text: Some(text) }
    }

    #[test]
    fn a_phrase_has_the_points_of_the_reference_number_by_number() {
        let score = |name: &str, description: &str, content: &str, query: &str| {
            let all = [held(name, description, content)];
            phrase(all.iter(), query).first().map_or(0, |hit| hit.score)
        };
        assert_eq!(score("Deployment", "steps", "none", "deploy"), 100, "the name");
        assert_eq!(score("Other", "how we Deploy", "none", "deploy"), 50, "the description");
        assert_eq!(score("Other", "steps", "DEPLOY", "deploy"), 10, "once in the content");
        assert_eq!(score("Other", "steps", "deploy deploy deploy", "deploy"), 30, "three times");
        assert_eq!(score("Other", "steps", &"deploy ".repeat(9), "deploy"), 90, "nine times");
        assert_eq!(score("Other", "steps", &"deploy ".repeat(10), "deploy"), 100, "ten times");
        assert_eq!(score("Other", "steps", &"deploy ".repeat(11), "deploy"), 100, "the most for the content");
        assert_eq!(score("Deploy deploy", "deploy deploy", &"deploy".repeat(99), "DePloY"), 250, "all of it");
        assert_eq!(score("Other", "steps", "aaaa", "aa"), 20, "what overlaps counts once");
        assert_eq!(score("Other", "steps", "roll the change back", "roll back"), 0, "the whole phrase only");
        assert_eq!(score("Other", "steps", "none", "release"), 0, "tags do not count");
        assert_eq!(score("ΣΊΣΥΦΟΣ", "x", "x", "σίσυφος"), 100, "in every script");
    }

    #[test]
    fn a_phrase_finds_the_best_first_and_nothing_without_it() {
        let all =
            [held("A", "x", "rollback"), held("B", "x", "y"), held("C", "rollback", "y"), held("D", "x", "rollback")];
        let found: Vec<(&str, usize)> =
            phrase(all.iter(), "rollback").iter().map(|hit| (hit.held.document.name.as_str(), hit.score)).collect();
        assert_eq!(found, [("C", 50), ("A", 10), ("D", 10)]);
    }

    #[test]
    fn a_snippet_has_fifty_characters_on_each_side_of_the_first_match() {
        let all = [held("A", "x", &format!("{}NEEDLE{} needle", "a".repeat(60), "b".repeat(60)))];
        assert_eq!(phrase(all.iter(), "needle")[0].snippet, format!("…{}NEEDLE{}…", "a".repeat(50), "b".repeat(50)));
        let all = [held("A", "x", "ab\ncd needle\tef")];
        assert_eq!(phrase(all.iter(), "needle")[0].snippet, "ab cd needle ef");
        // İ becomes two characters in small letters.
        let all = [held("A", "x", &format!("{}NEEDLE{}", "İ".repeat(60), "ß".repeat(60)))];
        assert_eq!(phrase(all.iter(), "needle")[0].snippet, format!("…{}NEEDLE{}…", "İ".repeat(50), "ß".repeat(50)));
        let all = [held("needle", "x", "# Title")];
        assert_eq!(phrase(all.iter(), "needle")[0].snippet, "# Title");
    }

    #[test]
    fn several_words_are_ranked_by_how_many_are_there_and_where() {
        let all = [
            held("Content", "x", "roll it back, in the end"),
            held("Heading", "x", "# Roll back\n\ntext"),
            held("Roll back", "x", "text"),
            held("Half", "roll", "text ".repeat(20).as_str()),
            held("None", "x", "y"),
        ];
        let found: Vec<(&str, usize)> =
            words(all.iter(), "Roll back").iter().map(|hit| (hit.held.document.name.as_str(), hit.words)).collect();
        assert_eq!(found, [("Roll back", 2), ("Heading", 2), ("Content", 2), ("Half", 1)]);
        let found = words(all.iter(), "\"roll back\"");
        assert_eq!(found.len(), 2, "what is in quotes stands together");
        assert_eq!(found[1].heading.as_deref(), Some("Roll back"));
        assert_eq!(words(all.iter(), "on-call").len(), 5, "a tag counts");
    }

    #[test]
    fn headings_are_those_of_markdown_outside_of_code() {
        let text = "# One #\n```\n# code\n```\n  ## Two\n####### seven\n#tag\n#\n";
        let found: Vec<&str> = headings(text).map(|(_, heading)| heading.trim()).collect();
        assert_eq!(found, ["One", "Two"]);
    }

    #[test]
    fn words_are_counted_once_and_bounded() {
        assert_eq!(words_of("a B a \"c  d\" \"e"), ["a", "b", "c d", "e"]);
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(words_of(&many.join(" ")).len(), WORDS);
    }
}
