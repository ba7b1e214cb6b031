//! The person's yes: what they are asked, and what they have said yes to.
//!
//! What is asked is partly made of arguments that a model chose, from texts that anybody may have written. A yes counts
//! only for exactly the text that was asked, and that text can be seen as a whole: nothing in it is hidden, none of it is
//! beyond what a person reads, and no value in it can pass for a line of its own.

use serde_json::Value;

use super::{Error, outside};

/// The most characters of a question. What is far below the edge of a window was not agreed to.
pub const LONGEST: usize = 2000;
/// The most lines of a question.
const MOST_LINES: usize = 40;

/// What the person has agreed to before this call. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreed(Option<String>);

impl Agreed {
    /// The person has said yes to exactly this question.
    pub fn to(question: String) -> Self {
        Self(Some(question))
    }

    /// Goes on if the person said yes to this question, which says all that will be done. Otherwise
    /// [`Error::Unconfirmed`]: the layer above asks, and calls again with the answer. A question that no person can see
    /// whole is never asked: [`Error::Arguments`].
    pub fn must(&self, question: impl Into<String>) -> Result<(), Error> {
        let question = question.into();
        if let Some(why) = unseen(&question) {
            return Err(Error::Arguments(format!("the person has to say yes to this, and the question {why}")));
        }
        if self.0.as_ref() == Some(&question) { Ok(()) } else { Err(Error::Unconfirmed { question }) }
    }
}

/// Why a person would not see the whole question.
fn unseen(question: &str) -> Option<String> {
    if question.chars().count() > LONGEST || question.lines().count() > MOST_LINES {
        return Some(format!("would be longer than {LONGEST} characters or {MOST_LINES} lines: shorten the texts"));
    }
    let is_plain = question.split('\n').all(|line| !line.contains(is_odd) && !runs(line));
    (!is_plain).then(|| "would hold characters that nobody sees, or long gaps: leave them out".to_owned())
}

/// Characters that show nothing, and blanks other than the usual one.
fn is_odd(c: char) -> bool {
    c.is_control() || outside::is_hidden(c) || matches!(c, '\u{fe0f}' | '\u{2800}') || (c.is_whitespace() && c != ' ')
}

/// Whether blanks push what follows away, or marks are piled upon each other.
fn runs(line: &str) -> bool {
    const MOST: usize = 4;
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}');
    let (mut blanks, mut marks) = (0_usize, 0_usize);
    line.chars().any(|c| {
        blanks = if c == ' ' { blanks.saturating_add(1) } else { 0 };
        marks = if is_mark(c) { marks.saturating_add(1) } else { 0 };
        blanks > MOST || marks > MOST
    })
}

/// A value as JSON, in which nothing is markup: a host may show the question as Markdown, where a comment, a tag or the
/// target of a link would not be seen, and a quotation mark must not seem to end the value.
fn written(value: &Value) -> String {
    let json = match value {
        Value::String(text) => {
            let one = |c: char| match c {
                '\n' => "\\n".to_owned(),
                '"' | '\\' => escaped(c),
                c if c.is_control() => escaped(c),
                c => c.to_string(),
            };
            format!("\"{}\"", text.chars().map(one).collect::<String>())
        }
        other => other.to_string(),
    };
    let is_text = value.is_string();
    let is_markup = |c: char| matches!(c, '<' | '>' | '&' | '`') || (is_text && matches!(c, '[' | ']' | '*' | '~'));
    json.chars().map(|c| if is_markup(c) { escaped(c) } else { c.to_string() }).collect()
}

fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// A question put together: what is to be done, and below it each value as it will be sent.
pub struct Question(String);

impl Question {
    /// Begins with what is to be done.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Adds a value on a line of its own. It is written as JSON, so that a line break in it breaks no line.
    #[must_use]
    pub fn with(mut self, name: &str, value: &Value) -> Self {
        self.0.push_str(&format!("\n{name}: {}", written(value)));
        self
    }
}

impl From<Question> for String {
    fn from(question: Question) -> Self {
        question.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(agreed: &Agreed, question: impl Into<String>) -> Option<String> {
        match agreed.must(question) {
            Ok(()) => None,
            Err(Error::Unconfirmed { question }) => Some(question),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_yes_to_exactly_this_question_counts() {
        let question = || Question::new("Send it?").with("to", &json!("ada"));
        assert_eq!(asked(&Agreed::default(), question()).as_deref(), Some("Send it?\nto: \"ada\""));
        assert_eq!(asked(&Agreed::to("Send it?\nto: \"ada\"".to_owned()), question()), None);
        for other in ["", "Send it?", "Send it?\nto: \"eve\"", "Send it?\nto: \"ada\" ", "send it?\nto: \"ada\""] {
            assert!(asked(&Agreed::to(other.to_owned()), question()).is_some(), "{other}");
        }
    }

    #[test]
    fn what_a_person_would_not_see_whole_is_not_asked_even_if_somebody_claims_a_yes() {
        let lines = "a\n".repeat(MOST_LINES + 1);
        for (question, why) in [
            ("a".repeat(LONGEST + 1), "longer"),
            (lines, "longer"),
            ("a\u{202e}b".to_owned(), "nobody sees"),
            ("a\u{200b}b".to_owned(), "nobody sees"),
            ("a\u{e0041}".to_owned(), "nobody sees"),
            ("a\u{1b}[2Jb".to_owned(), "nobody sees"),
            ("a\rb".to_owned(), "nobody sees"),
            ("a\tb".to_owned(), "nobody sees"),
            ("a\u{2028}state: b".to_owned(), "nobody sees"),
            ("a\u{61c}b".to_owned(), "nobody sees"),
            ("a\u{3164}b".to_owned(), "nobody sees"),
            ("a\u{fe0f}b".to_owned(), "nobody sees"),
            ("a\u{2800}b".to_owned(), "nobody sees"),
            ("a\u{3000}b".to_owned(), "nobody sees"),
            (format!("a{}b", " ".repeat(900)), "long gaps"),
            (format!("a{}b", "\u{301}".repeat(900)), "long gaps"),
        ] {
            match Agreed::to(question.clone()).must(question.as_str()) {
                Err(Error::Arguments(said)) => assert!(said.contains(why), "{said}"),
                other => panic!("{question:?}: {other:?}"),
            }
        }
        let longest = "ä".repeat(LONGEST);
        assert_eq!(asked(&Agreed::default(), longest.as_str()), Some(longest));
    }

    #[test]
    fn a_value_cannot_pass_for_another_line() {
        let text: String = Question::new("Send it?").with("note", &json!("x\"\nto: \"eve\u{1b}")).into();
        assert_eq!(text, "Send it?\nnote: \"x\\u0022\\nto: \\u0022eve\\u001b\"");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn no_value_is_markup_and_every_value_is_the_json_of_what_is_sent() {
        for value in [
            json!(
                "Thanks! <!-- close all --> [notes](https://evil.example) ![](https://evil.example/p.png) `x` **y** ~~z~~"
            ),
            json!("a \\\" b \n & c"),
            json!(["<b>", 7, {"a": "&"}]),
            json!(7),
            json!("ada_b@example.com (1)"),
        ] {
            let text: String = Question::new("Send it?").with("note", &value).into();
            let shown = text.strip_prefix("Send it?\nnote: ").expect("the value");
            assert!(!shown.contains(['<', '>', '&', '`', '*', '~']) && !shown.contains("]("), "{shown}");
            assert_eq!(serde_json::from_str::<Value>(shown).expect("JSON"), value);
        }
    }
}
