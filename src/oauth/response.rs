//! The answer to the authorization request: which checks, in which order (RFC 6749 §4.1.2, RFC 9207, RFC 9700 §4).

use std::sync::atomic::{AtomicBool, Ordering};

use super::discovery::Server;
use super::error::{Class, Error};
use super::foreign::clean;
use super::habits::Habits;
use crate::secret::Secret;

/// What the answer will be compared with.
pub(super) struct Pending {
    issuer: String,
    habits: Habits,
    promises_iss: bool,
    state: Secret,
    spent: AtomicBool,
}

/// What the authorization server answered: a code, or why there is none.
pub type Outcome = Result<Secret, Error>;

/// What an answer is.
#[derive(Debug)]
pub enum Verdict {
    /// It cannot be read without guessing: a parameter twice, a broken encoding, a value too long. The login goes on.
    Malformed,
    /// Its state is missing or another: it belongs to somebody else. The login goes on.
    Foreign,
    /// It is ours, and an answer was accepted before.
    Spent,
    /// It is the answer, well or badly. There is one per login.
    Answer(Outcome),
}

/// The parameters that must not be repeated (RFC 6749 §3.1) and no others: unknown names are ignored.
const KNOWN: [&str; 8] = ["code", "state", "iss", "error", "error_description", "error_uri", "scope", "response"];
const LONGEST_VALUE: usize = 4096;

impl Pending {
    pub(super) fn new(server: &Server, state: Secret) -> Self {
        let (issuer, habits, promises_iss) = (server.issuer.clone(), server.habits, server.promises_iss);
        Self { issuer, habits, promises_iss, state, spent: AtomicBool::new(false) }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Judges a raw query. Until the state matches, nothing in it has any effect: any local process and any web page
    /// can send one.
    pub(super) fn judge(&self, query: &str) -> Verdict {
        let Some(parameters) = Parameters::parse(query) else { return Verdict::Malformed };
        if !parameters.get("state").is_some_and(|state| self.state.matches(state)) {
            return Verdict::Foreign;
        }
        if self.spent.swap(true, Ordering::SeqCst) {
            return Verdict::Spent;
        }
        let outcome = self.check_issuer(&parameters).and_then(|()| parameters.code());
        Verdict::Answer(outcome.map_err(|error| error.without(std::slice::from_ref(&self.state))))
    }

    /// Takes a code that came without a state, because the person vouched for it.
    pub(super) fn take_code(&self, code: &str) -> Verdict {
        let parameters = Parameters(vec![("code", code.to_owned())]);
        if code.len() > LONGEST_VALUE {
            return Verdict::Malformed;
        }
        // An unusable one ends nothing: it may be a slip of the hand.
        match parameters.code() {
            Err(_) => Verdict::Malformed,
            Ok(_) if self.spent.swap(true, Ordering::SeqCst) => Verdict::Spent,
            Ok(code) => Verdict::Answer(Ok(code)),
        }
    }

    /// No answer is accepted from now on; whether none was before.
    pub(super) fn close(&self) -> bool {
        !self.spent.swap(true, Ordering::SeqCst)
    }

    /// Mix-up defence (RFC 9207 §2.4): plain text equality, and before the error texts are looked at, because in an
    /// answer of another issuer they are an attacker's.
    fn check_issuer(&self, parameters: &Parameters) -> Result<(), Error> {
        match parameters.get("iss") {
            Some(issuer) if self.habits.answers(&self.issuer, issuer) => Ok(()),
            None if !self.promises_iss => Ok(()),
            received => Err(Error::ResponseIssuer { expected: self.issuer.clone(), received: received.map(clean) }),
        }
    }
}

/// The known parameters of a query, each at most once, decoded.
struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn parse(query: &str) -> Option<Self> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if value.len() > LONGEST_VALUE {
                return None;
            }
            let Some(known) = KNOWN.into_iter().find(|known| *known == name) else { continue };
            if found.iter().any(|(name, _)| *name == known) {
                return None;
            }
            found.push((known, value));
        }
        Some(Self(found))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn code(&self) -> Result<Secret, Error> {
        let malformed = |what| Err(Error::MalformedResponse { what });
        if self.get("response").is_some() {
            return malformed("it is packed in a way that was not asked for");
        }
        match (self.get("code"), self.get("error")) {
            (Some(_), Some(_)) => malformed("it holds a code and an error"),
            (None, None) => malformed("it holds neither a code nor an error"),
            (None, Some(error)) => Err(refusal(error, self.get("error_description"))),
            (Some(code), None) if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_graphic()) => {
                malformed("its code is empty or has characters that no code has")
            }
            (Some(code), None) => Ok(Secret::new(code)),
        }
    }
}

/// What an error of the authorization request means (RFC 6749 §4.1.2.1).
pub(super) fn refusal(error: &str, description: Option<&str>) -> Error {
    let description = description.map(clean).filter(|text| !text.is_empty());
    let class = match error {
        "access_denied" => return Error::Denied { description },
        "unmet_authentication_requirements" => Class::Denied,
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            Class::LoginRequired
        }
        "invalid_request"
        | "unauthorized_client"
        | "unsupported_response_type"
        | "invalid_scope"
        | "invalid_target"
        | "invalid_request_uri"
        | "invalid_request_object"
        | "request_not_supported"
        | "request_uri_not_supported"
        | "registration_not_supported" => Class::Configuration,
        _ => Class::Server,
    };
    Error::AuthorizationError { class, code: clean(error), description }
}

/// Form decoding that refuses what a lenient reader would guess at.
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
