//! What NetBox's refusals mean, each in words of its own with what helps (reference: "Failures", "Errors").

use http::{Response, StatusCode};
use serde_json::Value;

use crate::backends::http::{Kind, failure, is_web_page};
use crate::backends::{Error, outside};

/// Why NetBox answers 403. Its words are fixed, in English whatever the person's language is, and nothing else tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// No token came.
    Absent,
    /// It knows no such token.
    Wrong,
    /// It cannot read the header.
    Malformed,
    /// The token has ended.
    Expired,
    /// The token is switched off.
    Disabled,
    /// The token's owner is switched off.
    Inactive,
    /// The token may be used from other addresses only.
    Address,
    /// The name or the password is wrong.
    Password,
    /// The owner may not do this, or the token may only read.
    Permission,
}

/// The beginnings of what NetBox says. Releases before 4.5 say `Invalid token`.
const WORDS: &[(&str, Cause)] = &[
    ("Authentication credentials were not provided", Cause::Absent),
    ("Invalid authorization header", Cause::Malformed),
    ("Invalid token header", Cause::Malformed),
    ("Invalid v1 token", Cause::Wrong),
    ("Invalid v2 token", Cause::Wrong),
    ("Invalid token", Cause::Wrong),
    ("Token expired", Cause::Expired),
    ("Token disabled", Cause::Disabled),
    ("User inactive", Cause::Inactive),
    ("Source IP ", Cause::Address),
    ("Invalid username/password", Cause::Password),
    ("You do not have permission to perform this action", Cause::Permission),
];

impl Cause {
    /// What this body of a 403 says; `None` for what NetBox does not say of itself.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let detail = body.get("detail")?.as_str()?;
        WORDS.iter().find(|(words, _)| detail.starts_with(words)).map(|(_, cause)| *cause)
    }

    /// Whether it is the token that is refused, and not what was asked for with it. Then nothing was done.
    pub(super) const fn is_of_token(self) -> bool {
        !matches!(self, Self::Permission | Self::Password)
    }

    /// What it means and what helps.
    const fn words(self) -> &'static str {
        match self {
            Self::Absent => "no token came with the request",
            Self::Wrong => "it knows no such token: it was deleted there, or is of another NetBox",
            Self::Malformed => "it cannot read the token",
            Self::Expired => "the token has ended: make another in NetBox, or let its end be moved",
            Self::Disabled => "the token is switched off there: switch it on in NetBox, or make another",
            Self::Inactive => "the account of the token is switched off: an administrator switches it on",
            Self::Address => {
                "the token may not be used from here: its list of allowed addresses in NetBox lacks this one"
            }
            Self::Password => "the name or the password is wrong",
            Self::Permission => "the account of the token lacks the permission",
        }
    }
}

/// What an answer that is no success means; `None` for a success.
pub(super) fn of(host: &str, answer: &Response<Vec<u8>>, kind: Kind) -> Option<Error> {
    let (status, body, host) = (answer.status(), answer.body(), host.to_owned());
    if is_web_page(answer.headers(), body) && (status.is_success() || status == StatusCode::FORBIDDEN) {
        let said = "a web page instead of an answer: something in front of NetBox wants its own login".to_owned();
        return Some(Error::Rejected { host, said });
    }
    if status.is_success() {
        return None;
    }
    let said = outside::said(body);
    let cause = (status == StatusCode::FORBIDDEN).then(|| Cause::of(body)).flatten();
    let Some(cause) = cause else { return Some(failure(host, status, answer.headers(), said)) };
    let words = match (cause, kind) {
        (Cause::Permission, Kind::Write) => "the account of the token lacks the permission, or the token may only read",
        (cause, _) => cause.words(),
    };
    let said = format!("{words}: {said}");
    Some(match cause {
        // Another token of the same person would be refused, too.
        Cause::Inactive | Cause::Address | Cause::Permission => Error::Forbidden { host, said },
        _ => Error::Rejected { host, said },
    })
}
