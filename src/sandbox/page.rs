//! The sandbox's pages: no script, no outside asset, light and dark, and the word sandbox on each of them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use ring::digest::{SHA256, digest};

use super::answer;
use crate::backends::fake::Reply;

const STYLE: &str = include_str!("page.css");

/// `form-action` is wide on purpose: Chromium applies it to the redirects after a form too, and the client's address,
/// which may redirect again, is where this form leads. The page has no markup but ours, so there is no other form.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self' http: https:; \
         frame-ancestors 'none'; base-uri 'none'"
    )
});

/// What the person is asked.
pub(super) struct Question<'a> {
    pub(super) client: &'a str,
    /// Where it returns to; a device does not.
    pub(super) redirect: Option<&'a str>,
    pub(super) resources: &'a [String],
    pub(super) scope: &'a [String],
    pub(super) fields: &'a Fields<'a>,
}

/// What a form carries so that it is known again, and where it goes.
pub(super) struct Fields<'a> {
    pub(super) ticket: &'a str,
    pub(super) csrf: &'a str,
    pub(super) target: &'a str,
}

/// The consent page.
pub(super) fn question(question: &Question<'_>) -> Reply {
    let Question { client, redirect, resources, scope, fields: Fields { ticket, csrf, target } } = question;
    let returns = redirect.map_or_else(String::new, |redirect| {
        let host = escape(origin(redirect));
        format!("<div><dt>It will return to</dt><dd id=\"redirect\"><code>{host}</code></dd></div>\n")
    });
    let items = |all: &[String], none: &str| {
        let empty = [none.to_owned()];
        let all = if all.is_empty() { &empty } else { all };
        all.iter().map(|one| format!("<li><code>{}</code></li>", escape(one))).collect::<String>()
    };
    let body = format!(
        r#"<h1>Allow <b id="client" dir="auto">{client}</b> to act for you?</h1>
<dl>
{returns}<div><dt>It wants to reach</dt><dd><ul id="resources">{resources}</ul></dd></div>
<div><dt>It may</dt><dd><ul id="scopes">{scopes}</ul></dd></div>
</dl>
<form method="post" action="{target}" autocomplete="off">
<input type="hidden" name="ticket" value="{ticket}"><input type="hidden" name="csrf" value="{csrf}">
<label for="user">Be this user</label>
<p class="hint" id="who">Any name will do: it is a person of this sandbox.</p>
<input id="user" name="user" value="alice" list="users" required maxlength="64" pattern="[A-Za-z0-9._@\-]+" spellcheck="false" autocapitalize="none" aria-describedby="who">
<datalist id="users"><option value="alice"><option value="bob"><option value="carol"></datalist>
<div class="choice"><button id="allow" name="decision" value="allow">Allow</button>
<button id="deny" name="decision" value="deny" formnovalidate>Deny</button></div>
</form>"#,
        client = escape(client),
        resources = items(resources, "every service of this sandbox"),
        scopes = scope
            .iter()
            .map(|one| format!("<li>{} <code>{}</code></li>", meaning(one), escape(one)))
            .collect::<String>(),
    );
    document(StatusCode::OK, "Allow access?", &body)
}

/// The page where the code of a device is typed in (RFC 8628 §3.3), with what came in the address already there.
pub(super) fn device(csrf: &str, target: &str, typed: &str) -> Reply {
    let body = format!(
        r#"<h1>Connect a device</h1>
<form method="post" action="{target}" autocomplete="off">
<input type="hidden" name="csrf" value="{csrf}">
<label for="user_code">Code</label>
<p class="hint" id="which">Type the code that your device shows. Never type a code that somebody sent you.</p>
<input id="user_code" name="user_code" value="{typed}" required maxlength="16" spellcheck="false" autocapitalize="characters" aria-describedby="which">
<div class="choice"><button id="allow" name="step" value="code">Continue</button></div>
</form>"#,
        typed = escape(typed),
    );
    document(StatusCode::OK, "Connect a device", &body)
}

/// The page that asks whether to log out (OIDC RP-Initiated Logout §2).
pub(super) fn logout(Fields { ticket, csrf, target }: &Fields<'_>) -> Reply {
    let body = format!(
        r#"<h1>Log out?</h1>
<p>A program asks to end your login at this sandbox.</p>
<form method="post" action="{target}">
<input type="hidden" name="ticket" value="{ticket}"><input type="hidden" name="csrf" value="{csrf}">
<div class="choice"><button id="allow" name="decision" value="allow">Log out</button>
<button id="deny" name="decision" value="deny">Stay</button></div>
</form>"#
    );
    document(StatusCode::OK, "Log out?", &body)
}

/// A page with one sentence, where something has come to its end.
pub(super) fn end(sentence: &str) -> Reply {
    let sentence = escape(sentence);
    let body = format!("<h1 id=\"end\">{sentence}</h1><p>You can close this tab.</p>");
    document(StatusCode::OK, &sentence, &body)
}

/// What a scope is to a person.
fn meaning(scope: &str) -> &'static str {
    match scope {
        "openid" => "know who you are",
        "profile" => "see your name",
        "email" => "see your e-mail address",
        "offline_access" => "stay logged in while you are away",
        "sandbox:write" => "change things in this sandbox",
        _ => "use the services of this sandbox",
    }
}

/// A page for a fault that must not be told to the client by a redirect.
pub(super) fn fault(status: StatusCode, error: &str, why: &str) -> Reply {
    let body = format!(
        "<h1>This login cannot go on</h1><p id=\"why\">{}</p>\
         <dl><div><dt>For whoever looks after the program</dt><dd><code id=\"error\">{}</code></dd></div></dl>\
         <p>Close this tab and start again where you came from.</p>",
        escape(why),
        escape(error)
    );
    document(status, "This login cannot go on", &body)
}

/// What is here, for somebody who opens the sandbox's address.
pub(super) fn index(issuer: &str, fakes: &[String]) -> Reply {
    let list: String = fakes.iter().map(|url| format!("<li><code>{}</code></li>", escape(url))).collect();
    let body = format!(
        "<h1>An authorization server and stand-in services</h1>\
         <dl><div><dt>Issuer</dt><dd><code>{}</code></dd></div>\
         <div><dt>Stand-ins</dt><dd><ul>{list}</ul></dd></div></dl>",
        escape(issuer)
    );
    document(StatusCode::OK, "Sandbox", &body)
}

fn document(status: StatusCode, title: &str, body: &str) -> Reply {
    let page = format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · keyward sandbox</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>{STYLE}</style></head>
<body><header id="sandbox">Sandbox: nothing here is real, and no password is asked for.</header>
<main>{body}</main></body></html>
"#
    );
    let mut reply = answer::whole(status, "text/html; charset=utf-8", page);
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        // Not `no-referrer`: it would turn the form's `Origin` into `null`.
        (HeaderName::from_static("referrer-policy"), "same-origin"),
    ] {
        answer::set(&mut reply, name, value);
    }
    reply
}

/// The scheme, host and port: the part of a redirect address that tells a person who will get the code.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at.saturating_add(3));
    let end = uri.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(uri.len(), |at| at.saturating_add(start));
    uri.get(..end).unwrap_or(uri)
}

/// More of a text than this does not help anybody to decide.
const LONGEST: usize = 300;

/// Makes text from a client harmless in markup, and drops what could reorder or hide it on the screen.
fn escape(text: &str) -> String {
    let seen = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            && !matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{3164}' | '\u{e0000}'..='\u{e0fff}')
    };
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.chars().filter(seen).enumerate() {
        match c {
            _ if at == LONGEST => {
                safe.push('…');
                break;
            }
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_client_cannot_become_markup_or_change_direction() {
        let hostile = "<script>alert('1')</script>\"><img onerror=x>&\u{202e}\u{0}\u{7}\n";
        let safe = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&gt;&lt;img onerror=x&gt;&amp;";
        assert_eq!(escape(hostile), safe);
    }

    #[test]
    fn a_name_has_no_characters_that_nobody_sees_and_an_end() {
        assert_eq!(escape("k\u{200b}ey\u{ad}w\u{e0041}ard\u{2066}\u{feff}"), "keyward");
        assert_eq!(escape(&"\u{5d0}".repeat(301)), "\u{5d0}".repeat(300) + "…");
    }

    #[test]
    fn a_person_sees_who_gets_the_code() {
        for (uri, seen) in [
            ("http://127.0.0.1:5000/cb?x=http://evil", "http://127.0.0.1:5000"),
            ("https://app.example?x", "https://app.example"),
            ("https://app.example", "https://app.example"),
        ] {
            assert_eq!(origin(uri), seen);
        }
    }
}
