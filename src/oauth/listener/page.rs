//! What the browser shows in the end. One document, one fixed style, no script, nothing from elsewhere.

use crate::oauth::foreign::clean;

/// The outcome of a login, as the person reads it. Texts are escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The tokens are stored.
    SignedIn {
        /// The connection.
        connection: String,
        /// Who signed in, if that is known.
        account: Option<String>,
    },
    /// The person or an administrator refused.
    Denied {
        /// The connection.
        connection: String,
    },
    /// The provider does not take the code any more.
    Expired {
        /// The connection.
        connection: String,
    },
    /// Something went wrong; the terminal says what.
    Failed {
        /// The connection.
        connection: String,
        /// One sentence, if there is one fit for this page.
        reason: Option<String>,
    },
}

pub(super) const STYLE: &str = include_str!("page.css");

const KEY: &str = r#"<circle cx="7.5" cy="12" r="4.5"/><path d="M12 12h10v4M17.5 12v3"/>"#;
const CHECK: &str = r#"<path d="M14.5 24.5l6.5 6.5 13-14"/>"#;
const CROSS: &str = r#"<path d="M17 17l14 14M31 17L17 31"/>"#;
const DASH: &str = r#"<path d="M16 24h16"/>"#;
const DOTS: &str = r#"<path d="M16 24h.01M24 24h.01M32 24h.01"/>"#;
const CLOCK: &str = r#"<path d="M24 14v10l7 4"/>"#;

/// Where the person goes on; who started the login in a host has no terminal in front of them.
const BACK: &str = "You can close this tab and go back to where you started the login.";

impl Page {
    pub(super) fn html(&self) -> String {
        let (Self::SignedIn { connection, .. }
        | Self::Denied { connection }
        | Self::Expired { connection }
        | Self::Failed { connection, .. }) = self;
        let mut facts = vec![("Connection", connection)];
        match self {
            Self::SignedIn { account, .. } => facts.extend(account.iter().map(|account| ("Account", account))),
            Self::Failed { reason, .. } => facts.extend(reason.iter().map(|reason| ("Reason", reason))),
            Self::Denied { .. } | Self::Expired { .. } => {}
        }
        self.sheet().html(&facts)
    }

    fn sheet(&self) -> Sheet {
        match self {
            Self::SignedIn { .. } => Sheet {
                tone: "good",
                icon: CHECK,
                title: "You are signed in",
                text: "keyward can now use this connection for you. What it needs for that is kept on this computer.",
                next: BACK,
            },
            Self::Denied { .. } => Sheet {
                tone: "calm",
                icon: DASH,
                title: "Access was not given",
                text: "You or an administrator said no. Nothing was stored, and nothing has changed.",
                next: "You can close this tab. To try again, start the login once more.",
            },
            Self::Expired { .. } => Sheet {
                tone: "calm",
                icon: CLOCK,
                title: "This login has expired",
                text: "The provider no longer takes the answer that your browser brought: too much time has passed, or \
                       it was used before. Nothing was stored.",
                next: "Close this tab and start the login once more.",
            },
            Self::Failed { .. } => Sheet {
                tone: "bad",
                icon: CROSS,
                title: "The sign-in did not work",
                text: "keyward did not sign you in. The place where you started the login says what happened and what helps.",
                next: BACK,
            },
        }
    }
}

/// What is shown where no outcome of ours is: each claims no more than is known at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A browser has waited long enough.
    Working,
    /// The login was ended without an outcome.
    Ended,
    /// The answer came when nobody waited for it any more.
    Late,
    /// A second answer to the same login.
    Again,
    /// An answer that does not belong to the login.
    Refused,
    /// The browser came back to the right place with something that nobody can read.
    Unread,
}

impl Word {
    pub(super) fn html(self) -> String {
        let (icon, title, text, next) = match self {
            Self::Working => (
                DOTS,
                "Still working",
                "The answer has arrived on this computer. How it ends is shown where you started the login.",
                BACK,
            ),
            Self::Ended => (
                DASH,
                "This login was ended",
                "It was stopped on this computer before it had an outcome. Where you started it says more.",
                BACK,
            ),
            Self::Late => (
                CLOCK,
                "This login has expired",
                "keyward had stopped waiting before your answer came. Nothing was stored, and nothing has changed.",
                "Close this tab and start the login once more.",
            ),
            Self::Again => (
                DASH,
                "Already handled",
                "This answer was received before. How it ended is shown where you started the login.",
                BACK,
            ),
            Self::Refused => (
                DASH,
                "Not for this login",
                "This page does not belong to the login that is under way. It may come from an older tab.",
                "Close this tab and continue in the one that was opened last.",
            ),
            Self::Unread => (
                DASH,
                "No code came along",
                "The service sent your browser back here without a code that keyward can read. Copy the whole address of \
                 this page and paste it where you started the login.",
                "The login is still waiting.",
            ),
        };
        Sheet { tone: "calm", icon, title, text, next }.html(&[])
    }
}

/// What is ours of a page.
struct Sheet {
    tone: &'static str,
    icon: &'static str,
    title: &'static str,
    text: &'static str,
    next: &'static str,
}

impl Sheet {
    /// The page with what is not ours. `dir="auto"` lays out each value by its own script, so that none turns the words
    /// around it.
    fn html(&self, facts: &[(&str, &String)]) -> String {
        let Self { tone, icon, title, text, next } = self;
        let row = |(name, value): &(&str, &String)| {
            format!("<div><dt>{name}</dt><dd dir=\"auto\">{}</dd></div>\n", escape(value))
        };
        let rows: String = facts.iter().map(row).collect();
        let facts = if rows.is_empty() { rows } else { format!("<dl>\n{rows}</dl>\n") };
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · keyward</title>
<style>{STYLE}</style>
</head>
<body>
<header><svg viewBox="0 0 24 24" aria-hidden="true">{KEY}</svg>keyward</header>
<main class="{tone}">
<svg class="mark" viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="22"/>{icon}</svg>
<h1>{title}</h1>
<p>{text}</p>
{facts}<p class="next">{next}</p>
</main>
<footer>This page comes from your own computer, and nothing in it from elsewhere.</footer>
</body>
</html>
"#
        )
    }
}

/// More of a text than this does not help anybody to recognise it.
const LONGEST: usize = 200;

/// Text for between tags. No value is ever put into an attribute, a script or an address.
fn escape(text: &str) -> String {
    let shown: Vec<char> = clean(text).chars().filter(|c| !is_unseen(*c)).collect();
    let mut escaped = String::with_capacity(shown.len());
    let mut is_quoted = false;
    for c in shown.iter().take(LONGEST) {
        match c {
            // Literals are in backticks where a terminal shows them.
            '`' => {
                is_quoted = !is_quoted;
                escaped.push(if is_quoted { '“' } else { '”' });
            }
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(*other),
        }
    }
    if shown.len() > LONGEST {
        escaped.push('…');
    }
    escaped
}

/// Characters that take no room: with them a name looks like another one.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
