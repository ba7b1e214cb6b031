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
    /// It holds the login for that of a browser, as it does with whom a proxy names, and takes changes from its pages only.
    Session,
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
    ("CSRF Failed", Cause::Session),
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
        !matches!(self, Self::Permission | Self::Password | Self::Session)
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
            Self::Session => {
                "it takes no changes from whom the proxy in front names in a header: the proxy must send a token of \
                 NetBox's own, or the login must be one (`--way token`)"
            }
        }
    }
}

/// What stands in front of NetBox does so, which NetBox never saw.
fn in_front(does: &str, said: &str) -> String {
    match said {
        "" => format!("what stands in front of NetBox {does}"),
        said => format!("what stands in front of NetBox {does}: {said}"),
    }
}

/// What an answer that is no success means; `None` for a success.
pub(super) fn of(host: &str, answer: &Response<Vec<u8>>, kind: Kind) -> Option<Error> {
    let (status, body, host) = (answer.status(), answer.body(), host.to_owned());
    let is_page = is_web_page(answer.headers(), body);
    if is_page && status.is_success() {
        let said = "a web page instead of an answer: something in front of NetBox wants its own login".to_owned();
        return Some(Error::Rejected { host, said });
    }
    if status.is_success() {
        return None;
    }
    // A page is no word of NetBox; the headers may say more.
    let said = if is_page { String::new() } else { outside::said(body) };
    let cause = (status == StatusCode::FORBIDDEN).then(|| Cause::of(body)).flatten();
    let Some(cause) = cause else {
        return Some(match failure(host, status, answer.headers(), said) {
            Error::Forbidden { host, said } if is_page => {
                Error::Forbidden { host, said: in_front("refuses this", &said) }
            }
            // NetBox itself never answers 401.
            Error::Rejected { host, said } => Error::Rejected { host, said: in_front("refuses the login", &said) },
            error => error,
        });
    };
    let words = match (cause, kind) {
        (Cause::Permission, Kind::Write) => "the account of the token lacks the permission, or the token may only read",
        (cause, _) => cause.words(),
    };
    let said = format!("{words}: {said}");
    Some(match cause {
        // Another token of the same person would be refused, too.
        Cause::Inactive | Cause::Address | Cause::Permission | Cause::Session => Error::Forbidden { host, said },
        _ => Error::Rejected { host, said },
    })
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;

    fn judged(status: u16, media: &str, body: &str, kind: Kind) -> Option<String> {
        let mut answer = Response::new(body.as_bytes().to_vec());
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        answer.headers_mut().insert(CONTENT_TYPE, media.parse().expect("a media type"));
        of("box.example", &answer, kind).map(|error| match error {
            Error::Rejected { said, .. } => format!("login: {said}"),
            Error::Forbidden { said, .. } => format!("forbidden: {said}"),
            other => other.to_string(),
        })
    }

    fn detail(text: &str, kind: Kind) -> String {
        let body = serde_json::json!({ "detail": text }).to_string();
        judged(403, "application/json", &body, kind).expect("a refusal")
    }

    #[test]
    fn every_reason_of_a_403_has_words_and_tells_whether_another_login_helps() {
        for (said, words) in [
            ("Authentication credentials were not provided.", "login: no token came with the request: "),
            ("Invalid v1 token", "login: it knows no such token: it was deleted there, or is of another NetBox: "),
            ("Invalid v2 token", "login: it knows no such token"),
            ("Invalid token", "login: it knows no such token"),
            (
                "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\"",
                "login: it cannot read the token: ",
            ),
            ("Invalid authorization header: Token contains invalid characters", "login: it cannot read the token"),
            ("Invalid token header. No credentials provided.", "login: it cannot read the token"),
            ("Token expired", "login: the token has ended: make another in NetBox, or let its end be moved: "),
            ("Token disabled", "login: the token is switched off there: switch it on in NetBox, or make another: "),
            ("Invalid username/password", "login: the name or the password is wrong: "),
            ("User inactive", "forbidden: the account of the token is switched off: an administrator switches it on: "),
            (
                "Source IP 198.51.100.7 is not permitted to authenticate using this token.",
                "forbidden: the token may not be used from here: its list of allowed addresses in NetBox lacks this one: ",
            ),
            ("CSRF Failed: CSRF cookie not set.", "forbidden: it takes no changes from whom the proxy in front names"),
            (
                "You do not have permission to perform this action.",
                "forbidden: the account of the token lacks the permission: ",
            ),
        ] {
            let told = detail(said, Kind::Read);
            assert!(told.starts_with(words) && told.ends_with(said), "{said}: {told}");
        }
        assert!(detail("You do not have permission to perform this action.", Kind::Write).contains("may only read"));
        assert_eq!(detail("Something else", Kind::Write), "forbidden: Something else");
    }

    #[test]
    fn what_stands_in_front_is_told_from_netbox() {
        let page = "<html><body>Forbidden</body></html>";
        let html = "text/html; charset=utf-8";
        assert!(judged(200, html, page, Kind::Read).is_some_and(|said| said.starts_with("login: a web page")));
        for kind in [Kind::Read, Kind::Write] {
            let said = judged(403, html, page, kind).expect("a refusal");
            assert_eq!(said, "forbidden: what stands in front of NetBox refuses this");
            let said = judged(401, html, page, kind).expect("a refusal");
            assert_eq!(said, "login: what stands in front of NetBox refuses the login");
        }
        assert!(judged(403, "application/json", "[]", Kind::Read).is_some_and(|said| !said.contains("in front")));
        assert_eq!(judged(200, "application/json", "{}", Kind::Read), None);
        assert_eq!(judged(204, "application/json", "", Kind::Write), None);
    }

    #[test]
    fn only_what_is_about_the_token_ends_its_use() {
        let of = |detail: &str| Cause::of(serde_json::json!({ "detail": detail }).to_string().as_bytes());
        assert_eq!(of("Token expired").map(Cause::is_of_token), Some(true));
        assert_eq!(of("You do not have permission to perform this action.").map(Cause::is_of_token), Some(false));
        assert_eq!(of("Invalid username/password").map(Cause::is_of_token), Some(false));
        assert_eq!(of("Something else"), None);
        for body in ["", "[]", "null", "<html>", r#"{"detail":7}"#, r#"{"other":"Token expired"}"#] {
            assert_eq!(Cause::of(body.as_bytes()), None, "{body}");
        }
    }
}
