//! Finishing a login by hand: the person pastes what their browser shows in the end, wherever that browser runs.
//!
//! The same checks as for a request to the listener apply (RFC 6749 §4.1.2, RFC 9207), because whoever can make a person
//! paste something could also have sent it there.

use super::attempt::Attempt;
use super::response::{Outcome, Verdict};
use crate::secret::Secret;

/// The longest text that is looked at.
pub const LONGEST: usize = 16 * 1024;

/// What a pasted text is.
#[derive(Debug)]
pub enum Pasted {
    /// The answer, well or badly. There is one per login.
    Answer(Outcome),
    /// Something else; the login goes on.
    Refused(Unfit),
}

/// Why a pasted text is not the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is nothing in it.
    Empty,
    /// It is longer than any answer.
    TooLong,
    /// It is an address, and not the one that the browser ends at.
    Elsewhere,
    /// It is a code without the state that says which login it is for.
    CodeOnly,
    /// A parameter twice, a broken encoding, a value too long, a character that no address has.
    Malformed,
    /// Its state is missing or that of another login.
    Foreign,
    /// An answer was accepted before.
    Spent,
}

impl Attempt {
    /// Judges a pasted text: the whole address, or its `code=…&state=…`. Quotes and white space around it and line
    /// breaks in it are ignored.
    pub fn paste(&self, text: &Secret) -> Pasted {
        let text = match tidy(text.expose()) {
            Ok(text) => text,
            Err(unfit) => return Pasted::Refused(unfit),
        };
        match self.query_of(&text) {
            Ok(query) => match self.pending.judge(query.split('#').next().unwrap_or_default()) {
                Verdict::Malformed => Pasted::Refused(Unfit::Malformed),
                Verdict::Foreign => Pasted::Refused(Unfit::Foreign),
                Verdict::Spent => Pasted::Refused(Unfit::Spent),
                Verdict::Answer(outcome) => Pasted::Answer(outcome),
            },
            Err(unfit) => Pasted::Refused(unfit),
        }
    }

    /// As [`Attempt::paste`], and a code without a state is taken, too: for providers that show the code on a page.
    ///
    /// Without the state nothing says that the code belongs to this login. PKCE still keeps out a code of anybody else's,
    /// and the person has to ask for this by name.
    pub fn paste_code(&self, text: &Secret) -> Pasted {
        match (self.paste(text), tidy(text.expose())) {
            (Pasted::Refused(Unfit::CodeOnly), Ok(code)) => match self.pending.take_code(&code) {
                Verdict::Answer(outcome) => Pasted::Answer(outcome),
                Verdict::Spent => Pasted::Refused(Unfit::Spent),
                Verdict::Malformed | Verdict::Foreign => Pasted::Refused(Unfit::Malformed),
            },
            (pasted, _) => pasted,
        }
    }

    /// No answer counts from now on: the login has ended another way. False if one was accepted before.
    pub fn close(&self) -> bool {
        self.pending.close()
    }

    fn query_of<'a>(&self, text: &'a str) -> Result<&'a str, Unfit> {
        let ours = self.redirect_uri.as_str();
        // Some browsers hide the scheme when the address is copied.
        let bare = ours.strip_prefix("http://").unwrap_or(ours);
        let rest = text.strip_prefix(ours).or_else(|| text.strip_prefix(bare));
        if let Some(query) = rest.and_then(|rest| rest.strip_prefix('?')) {
            return Ok(query);
        }
        let query = text.strip_prefix('?').unwrap_or(text);
        match () {
            () if ["code=", "state=", "error=", "iss="].iter().any(|name| query.starts_with(name)) => Ok(query),
            () if rest.is_some() || text.contains("://") || text.contains('/') && text.contains('?') => {
                Err(Unfit::Elsewhere)
            }
            () => Err(Unfit::CodeOnly),
        }
    }
}

fn tidy(text: &str) -> Result<String, Unfit> {
    if text.len() > LONGEST {
        return Err(Unfit::TooLong);
    }
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let text = text.trim().trim_matches(['"', '\'', '<', '>', '`']).trim();
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    // An address bar never holds one, and a terminal could be made to act on it.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Unfit::Malformed);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
