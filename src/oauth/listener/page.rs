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
    /// Something went wrong; the terminal says what.
    Failed {
        /// The connection.
        connection: String,
        /// One sentence, if there is one fit for this page.
        reason: Option<String>,
    },
}

pub(super) const STYLE: &str = include_str!("page.css");

const CHECK: &str = r#"<path d="M14.5 24.5l6.5 6.5 13-14"/>"#;
const CROSS: &str = r#"<path d="M17 17l14 14M31 17L17 31"/>"#;
const DASH: &str = r#"<path d="M16 24h16"/>"#;
const DOTS: &str = r#"<path d="M16 24h.01M24 24h.01M32 24h.01"/>"#;

impl Page {
    pub(super) fn html(&self) -> String {
        match self {
            Self::SignedIn { connection, account } => {
                let facts = [("Connection", Some(connection)), ("Account", account.as_ref())];
                Sheet {
                    tone: "good",
                    icon: CHECK,
                    title: "You are signed in",
                    text: "keyward can now use this connection for you.",
                    facts: &facts,
                    next: "You can close this tab.",
                }
                .html()
            }
            Self::Denied { connection } => Sheet {
                tone: "calm",
                icon: DASH,
                title: "Access was not given",
                text: "You or an administrator said no. Nothing was stored, and nothing has changed.",
                facts: &[("Connection", Some(connection))],
                next: "You can close this tab. To try again, start the login once more.",
            }
            .html(),
            Self::Failed { connection, reason } => Sheet {
                tone: "bad",
                icon: CROSS,
                title: "The sign-in did not work",
                text: "keyward did not sign you in. The place where the login was started says what happened and what helps.",
                facts: &[("Connection", Some(connection)), ("Reason", reason.as_ref())],
                next: "You can close this tab.",
            }
            .html(),
        }
    }
}

/// For a browser that has waited long enough, and for one whose login has ended without a word.
pub(super) fn neutral() -> String {
    Sheet {
        tone: "calm",
        icon: DOTS,
        title: "Still working",
        text: "The answer has arrived on this computer. See the terminal where the login was started for how it ends.",
        facts: &[],
        next: "You can close this tab.",
    }
    .html()
}

/// For a second answer to the same login.
pub(super) fn again() -> String {
    Sheet {
        tone: "calm",
        icon: DASH,
        title: "Already handled",
        text: "This answer was received before. See the terminal where the login was started for how it ended.",
        facts: &[],
        next: "You can close this tab.",
    }
    .html()
}

/// For an answer that does not belong to the login.
pub(super) fn refused() -> String {
    Sheet {
        tone: "calm",
        icon: DASH,
        title: "Not for this login",
        text: "This page does not belong to the login that is under way. It may come from an older tab.",
        facts: &[],
        next: "Close this tab and continue in the one that was opened last.",
    }
    .html()
}

/// For a browser that came back to the right place with something that nobody can read.
pub(super) fn unread() -> String {
    Sheet {
        tone: "calm",
        icon: DASH,
        title: "No code came along",
        text: "The service sent your browser back here without a code that keyward can read. Copy the whole address of this \
               page and paste it where the login was started.",
        facts: &[],
        next: "The login is still waiting.",
    }
    .html()
}

/// The parts of a page. Only `facts` holds text that is not ours.
struct Sheet<'a> {
    tone: &'static str,
    icon: &'static str,
    title: &'static str,
    text: &'static str,
    facts: &'a [(&'static str, Option<&'a String>)],
    next: &'static str,
}

impl Sheet<'_> {
    fn html(&self) -> String {
        let Self { tone, icon, title, text, next, .. } = self;
        let rows: String = self
            .facts
            .iter()
            .filter_map(|(name, value)| value.map(|value| format!("<dt>{name}</dt><dd>{}</dd>", escape(value))))
            .collect();
        let facts = if rows.is_empty() { String::new() } else { format!("<dl>{rows}</dl>\n") };
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
<main class="{tone}">
<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="22"/>{icon}</svg>
<h1>{title}</h1>
<p>{text}</p>
{facts}<p class="next">{next}</p>
</main>
<footer>keyward · this page comes from your own computer</footer>
</body>
</html>
"#
        )
    }
}

/// Text for between tags. No value is ever put into an attribute, a script or an address.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_become_no_markup() {
        let hostile = "<script>alert(1)</script>\"><img onerror='x'>&\u{202e}\u{1b}[31m".to_owned();
        let html = Page::SignedIn { connection: "cisco".to_owned(), account: Some(hostile.repeat(1000)) }.html();
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp;[31m")
        );
        for live in ["<script", "<img", "\u{202e}", "\u{1b}"] {
            assert!(!html.contains(live), "{live:?}");
        }
        assert!(html.len() < 8_000, "{}", html.len());
    }

    #[test]
    fn only_a_stored_login_claims_success() {
        let connection = || "cisco".to_owned();
        for html in [
            Page::Denied { connection: connection() }.html(),
            Page::Failed { connection: connection(), reason: Some("no room".to_owned()) }.html(),
            neutral(),
            again(),
            refused(),
            unread(),
        ] {
            assert!(!html.to_lowercase().contains("you are signed in"), "{html}");
        }
    }

    #[test]
    fn every_page_stands_alone() {
        let page = Page::Failed { connection: "cisco".to_owned(), reason: Some("x".to_owned()) }.html();
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "style="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
