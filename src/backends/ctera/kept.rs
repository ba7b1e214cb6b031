//! What a login to the Portal leaves in the store: never more than it takes to open sessions again.

use serde::{Deserialize, Serialize};

use crate::backends::Sent;
use crate::secret::Secret;

/// What sessions are opened with.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// The name and the password of `api/login`: a person's, or those of a device (`device\UID` and its secret).
    Login {
        /// `j_username`.
        user: String,
        /// `j_password`.
        password: Secret,
    },
    /// A session that was opened elsewhere and cannot be opened again.
    Session {
        /// The value of the cookie `JSESSIONID`, or the cookies with their names where a login set more than that one.
        cookie: Secret,
        /// The value of `X-CTERA-TOKEN`, where the Portal gave one.
        token: Option<Secret>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Login { user: String, password: T },
    Session { cookie: T, token: Option<T> },
}

impl Kept {
    /// For the store.
    pub(super) fn encode(&self) -> Secret {
        let written = match self {
            Self::Login { user, password } => Written::Login { user: user.clone(), password: password.expose() },
            Self::Session { cookie, token } => {
                Written::Session { cookie: cookie.expose(), token: token.as_ref().map(Secret::expose) }
            }
        };
        Secret::new(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Takes note of what is secret in it, so that no answer repeats it.
    pub(super) fn note(&self, sent: &Sent) {
        match self {
            Self::Login { password, .. } => sent.note_whole(password.expose()),
            Self::Session { cookie, token } => {
                [cookie].into_iter().chain(token).for_each(|secret| sent.note_whole(secret.expose()))
            }
        }
    }

    /// From the store; `None` if it is nothing that was put there.
    pub(super) fn decode(stored: &Secret) -> Option<Self> {
        Some(match serde_json::from_str(stored.expose()).ok()? {
            Written::Login { user, password } => Self::Login { user, password },
            Written::Session { cookie, token } => Self::Session { cookie, token },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::Error;

    #[test]
    fn what_is_kept_is_read_back_and_shown_to_nobody() {
        let login = Kept::Login { user: "device\\7".to_owned(), password: Secret::new("pa\"ss\n") };
        let session = Kept::Session { cookie: Secret::new("C00KIE"), token: None };
        for kept in [login, session] {
            let again = Kept::decode(&kept.encode()).expect("as it was");
            assert_eq!(kept.encode().expose(), again.encode().expose());
            let shown = format!("{again:?}");
            assert!(!shown.contains("pa\"") && !shown.contains("C00KIE"), "{shown}");
        }
        assert!(Kept::decode(&Secret::new("tvly-key")).is_none());
    }

    #[test]
    fn a_password_with_blanks_is_noted_whole() {
        let sent = Sent::default();
        Kept::Login { user: "alice".to_owned(), password: Secret::new("canary horse 7") }.note(&sent);
        let said = |text: &str| Error::Server { host: "h".to_owned(), status: 500, said: text.to_owned() };
        let error = format!("{:?}", sent.out_of(said("no canary horse 7 here")));
        assert!(error.contains("no [secret] here"), "{error}");
    }
}
