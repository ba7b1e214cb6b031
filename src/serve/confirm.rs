//! A tool call that needs the person's yes: the host asks, where it can do that.
//!
//! Nothing is kept between a question and its answer. In the middle of a legacy call the answer comes to the question
//! itself. A modern host comes again with the answer under a key, and the key is a digest of the tool and the question:
//! the call that comes again makes its question anew, so that a yes counts for the same deed and no other.

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::Entry;
use super::sign_in::Next;
use crate::app::Error;
use crate::app::error::NoYes;
use crate::backends::Agreed;
use crate::mcp::{Asked, Asking, Outcome, Question};

/// Asks the person, or finds what they said.
pub(super) async fn ask(entry: &Entry, question: String, asking: &Asking, answers: &Map<String, Value>) -> Next {
    let asked = match asking {
        Asking::Cannot => None,
        Asking::Now(asker) => Some(asker.confirm(&question).await),
        Asking::ByResult => {
            let key = key(&entry.tool.name, &question);
            match answers.get(&key) {
                None => return Next::Ask(Outcome::InputRequired(vec![(key, Question::Confirm(question))])),
                answer => Some(Asked::of(answer)),
            }
        }
    };
    let why = match asked {
        Some(Asked::Accepted) => return Next::Agreed(Agreed::to(question)),
        Some(Asked::Declined) => NoYes::Declined,
        Some(Asked::Cancelled) => NoYes::Cancelled,
        None => NoYes::Unasked,
    };
    Next::Fail(Error::Unconfirmed { tool: entry.tool.name.clone(), question, why })
}

/// Under which a modern host brings the answer to this question of this tool.
fn key(tool: &str, question: &str) -> String {
    // No name of a tool holds the separator: no other pair makes the same text.
    let digest = digest(&SHA256, format!("{tool}\0{question}").as_bytes());
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("agree-{hex}")
}

#[cfg(test)]
mod tests;
