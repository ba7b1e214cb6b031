//! What a login says on its way: sentences for a person on standard error, and with `--json` one event per line on
//! standard output.
//!
//! | event | members |
//! |---|---|
//! | `started` | `connection`, `provider`, `url`, `port`, `expires_at`, `browser`, `no_browser_because`, `paste` |
//! | `device` | `connection`, `provider`, `user_code`, `verification_uri`, `verification_uri_complete`, `expires_at` |
//! | `waiting` | nothing more: a browser was asked to open the page |
//! | `warning` | `code`, `message` |
//! | `done` | `connection`, `way`, `account`, where known `tenant` and `role`, `expires_at`, `renewable`, `store` |
//!
//! Each begins with `schema_version` and `event`. A login that fails ends with the object of every failure instead.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use url::Url;

use super::super::Console;
use super::choice::{Choice, Unopened};
use crate::app::login::{Done, News, Pending, Person, Swap};
use crate::config::store::Kind;
use crate::http::Loopback;
use crate::machine::{Echo, Environment, Line, Machine, Prompt, Timestamp, Unseen};
use crate::oauth::device::Device;
use crate::oauth::{Notice, Unfit};

/// Speaks to whoever runs the command.
pub(super) struct Face<'a> {
    pub(super) console: &'a Console,
    /// Asks, where somebody can answer.
    pub(super) prompt: Option<Arc<dyn Prompt>>,
}

/// A page that sends the browser back to this machine.
pub(super) struct Shown<'a> {
    pub(super) connection: &'a str,
    /// Who asks the person there.
    pub(super) provider: &'a str,
    pub(super) url: &'a str,
    /// Where the browser comes back to.
    pub(super) port: u16,
    pub(super) host: Loopback,
}

#[derive(Serialize)]
struct Event<T> {
    schema_version: u32,
    event: &'static str,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Started<'a> {
    connection: &'a str,
    provider: &'a str,
    url: &'a str,
    port: u16,
    expires_at: Timestamp,
    browser: bool,
    no_browser_because: Option<&'static str>,
    paste: bool,
}

#[derive(Serialize)]
struct Code<'a> {
    connection: &'a str,
    provider: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: Option<&'a str>,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Warning<'a> {
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Ended<'a> {
    connection: &'a str,
    way: &'a str,
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    expires_at: Option<Timestamp>,
    renewable: bool,
    store: Option<&'a str>,
}

impl Face<'_> {
    /// Says where the person has to go, and how the answer can come back.
    pub(super) fn start(&self, pending: &Pending, choice: Choice, machine: &Machine, seconds: u64) {
        let now = machine.clock.now();
        let console = self.console;
        if let Some(port) = pending.port() {
            let (connection, provider, url) = (pending.connection(), pending.provider(), pending.url().as_str());
            let shown = Shown { connection, provider, url, port, host: pending.redirect_host() };
            self.page(&shown, choice, machine, now.after(whole(seconds)));
            if let Some(seconds) = pending.lasts(now) {
                console.say(&format!("The provider keeps this request for {seconds} s: open the page by then."));
            }
        }
        if let Some(device) = pending.device() {
            self.code(pending, device, now);
            if pending.port().is_none() && choice.unopened.is_none() {
                console.say("A browser was asked to open the page.");
            }
        }
        match pending.port() {
            Some(port) => console.say(&format!("Waiting for the answer on port {port}, at most {seconds} s.")),
            None => console.say(&format!("Waiting until the code is entered, at most {seconds} s.")),
        }
        if choice.paste {
            console.say(
                "A browser on another machine ends at an address that does not load: copy it, paste it here and press \
                 Enter. It is not shown.",
            );
        }
    }

    /// Says where the person has to go to bring something back that a backend's own procedure wants.
    pub(super) fn visit(&self, (shown, wanted): (&Shown<'_>, &str), choice: Choice, machine: &Machine, seconds: u64) {
        let console = self.console;
        self.page(shown, choice, machine, machine.clock.now().after(whole(seconds)));
        console.say(&format!("Waiting for the answer on port {}, at most {seconds} s.", shown.port));
        if choice.paste {
            console.say(&format!(
                "If the browser ends at an address that does not load, or shows a code: paste the whole address or the \
                 {wanted} here and press Enter. It is not shown."
            ));
        }
    }

    /// The page that sends the browser back to this machine.
    fn page(&self, shown: &Shown<'_>, choice: Choice, machine: &Machine, expires_at: Timestamp) {
        let console = self.console;
        let Shown { connection: name, provider, url, port, host } = *shown;
        let body = Started {
            connection: name,
            provider,
            url,
            port,
            expires_at,
            browser: choice.unopened.is_none(),
            no_browser_because: choice.unopened.map(Unopened::word),
            paste: choice.paste,
        };
        self.event("started", body);
        let ask = format!("To sign in to `{name}` at {provider}, open:\n\n  {url}\n");
        match choice.unopened {
            None => console.say(&format!("{ask}\nA browser was asked to open it.")),
            // Without the address nothing can happen, so also with `--quiet`.
            Some(why) => {
                console.must_say(&format!("{ask}\nNo browser is opened here: {}.", why.why()));
                console.must_say(&elsewhere((host, port), why, choice.paste, &machine.environment));
            }
        }
    }

    /// The code is shown also where an address contains it: a page that somebody else has opened with their code filled
    /// in looks the same, and only the comparison tells (RFC 8628 §5.4).
    fn code(&self, pending: &Pending, device: &Device, now: Timestamp) {
        let seconds = device.expires_in.as_secs();
        let body = Code {
            connection: pending.connection(),
            provider: pending.provider(),
            user_code: &device.user_code,
            verification_uri: device.verification_uri.as_str(),
            verification_uri_complete: device.verification_uri_complete.as_ref().map(Url::as_str),
            expires_at: now.after(whole(seconds)),
        };
        self.event("device", body);
        let how = if pending.port().is_some() { "Or sign in on another device: open" } else { "To sign in, open" };
        self.console.must_say(&format!(
            "{how}\n\n  {}\n\non any device, and enter or compare the code\n\n  {}\n\nIt is good for {seconds} s. Never enter a \
             code that somebody sent you: it would sign them in as you.",
            device.verification_uri, device.user_code
        ));
    }

    /// A browser was asked, or could not be.
    pub(super) fn opened(&self, outcome: Result<(), crate::machine::BrowserError>, pending: &str) {
        match outcome {
            Ok(()) => self.event("waiting", Nothing {}),
            Err(error) => {
                // Whoever heard only of the browser has not seen the address yet.
                let address = if self.console.is_quiet() { format!("\n\n  {pending}\n") } else { String::new() };
                let message = format!("No browser was opened: {error}. Open the address in a browser on this machine.");
                self.warn("no_browser", &message);
                self.console.must_say(&format!("{message}{address}"));
            }
        }
    }

    /// It is done.
    pub(super) fn done(&self, done: &Done, store: Option<Kind>) {
        self.event(
            "done",
            Ended {
                connection: &done.connection,
                way: done.way.word(),
                account: done.account.as_deref(),
                tenant: done.holder.as_ref().and_then(|holder| holder.tenant.as_deref()),
                role: done.holder.as_ref().and_then(|holder| holder.role.as_deref()),
                expires_at: done.expires_at,
                renewable: done.renewable,
                store: store.map(Kind::word),
            },
        );
    }

    /// Tells the person something that may matter, also with `--json`.
    pub(super) fn warning(&self, code: &'static str, message: &str) {
        self.warn(code, message);
        self.console.say(message);
    }

    fn warn(&self, code: &'static str, message: &str) {
        self.event("warning", Warning { code, message });
    }

    fn event<T: Serialize>(&self, event: &'static str, body: T) {
        if self.console.json {
            self.console.print_json(&Event { schema_version: 1, event, body });
        }
    }

    async fn ask(&self, question: &str) -> bool {
        let Some(prompt) = &self.prompt else { return false };
        self.console.must_say(question);
        // What was typed before the question could be read is no answer to it.
        if prompt.forget().is_err() {
            self.console.must_say("Nothing that is typed here can be told from what was typed before: this is a no.");
            return false;
        }
        let Ok(mut lines) = prompt.lines(Echo::Shown) else { return false };
        match lines.next().await {
            Line::Text(answer) => answer.matches("yes"),
            Line::TooLong | Line::End => false,
        }
    }
}

fn whole(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// How the person gets from another machine's browser back to here.
fn elsewhere((host, port): (Loopback, u16), why: Unopened, paste: bool, environment: &Environment) -> String {
    match why {
        Unopened::Unseen(Unseen::Ssh) => format!(
            "Open it on your own machine, where this brings the answer back: `{}`",
            forward(host, port, environment)
        ),
        _ if paste => "Open it in a browser on this machine, or anywhere and paste what it ends at.".to_owned(),
        _ => "Open it in a browser on this machine.".to_owned(),
    }
}

/// The command that leads a port of the person's own machine to this one.
fn forward(host: Loopback, port: u16, environment: &Environment) -> String {
    // A name would be looked up at the far end; an address is meant as it stands.
    let end = match host {
        Loopback::V4 | Loopback::Name => format!("{port}:127.0.0.1:{port}"),
        Loopback::V6 => format!("[::1]:{port}:[::1]:{port}"),
    };
    let connection: Vec<&str> = environment.text("SSH_CONNECTION").unwrap_or_default().split(' ').collect();
    let (here, at) = match connection.as_slice() {
        [_, _, here, at] => (here.parse::<std::net::IpAddr>().ok(), at.parse::<u16>().ok()),
        _ => (None, None),
    };
    let user =
        environment.text("USER").filter(|user| user.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let target = match (user, here) {
        (Some(user), Some(here)) => format!("{user}@{here}"),
        (None, Some(here)) => here.to_string(),
        (_, None) => "THIS-MACHINE".to_owned(),
    };
    let option = at.filter(|at| *at != 22).map_or(String::new(), |at| format!("-p {at} "));
    format!("ssh {option}-L {end} {target}")
}

impl Person for Face<'_> {
    fn tell(&self, news: News) {
        let (code, message) = match news {
            News::Listener(Notice::Strangers { .. }) => (
                "strangers",
                "Answers keep coming that are not for this login: an old tab, or somebody is trying. They change nothing.",
            ),
            News::Listener(Notice::Unread) => (
                "unread",
                "The browser came back, and what it brought cannot be read: paste here the whole address that it shows.",
            ),
            News::Listener(Notice::Encrypted) => (
                "encrypted",
                "The browser insists on https for its way back: allow http for 127.0.0.1 in it, or paste here the address \
                 that it could not load.",
            ),
            News::CodeExpired => {
                ("code_expired", "The code for another device has run out; the browser can still bring the answer.")
            }
            News::PasteEnded => ("paste_ended", "Nothing more can be pasted; the browser can still bring the answer."),
            News::Paste(unfit) => ("paste", unfit_sentence(unfit)),
        };
        match news {
            // Whoever pastes waits for a word.
            News::Paste(_) => {
                self.warn(code, message);
                self.console.must_say(message);
            }
            _ => self.warning(code, message),
        }
    }

    fn confirm<'a>(&'a self, swap: &'a Swap) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let Swap { connection, stored, new } = swap;
            self.ask(&format!(
                "Another account has signed in to `{connection}`.\n  stored: {stored}\n  new:    {new}\n\
                 Type yes to replace the stored login, anything else to end the new one:"
            ))
            .await
        })
    }
}

const fn unfit_sentence(unfit: Unfit) -> &'static str {
    match unfit {
        Unfit::Empty => "Nothing was pasted. Try again, or finish the login in the browser.",
        Unfit::TooLong => "That is longer than any answer. Paste the address that the browser ends at.",
        Unfit::Elsewhere => {
            "That is not the address that the browser ends at. It begins with the address of this machine, and comes after \
             the last page of the provider."
        }
        Unfit::CodeOnly => {
            "That is no whole address. Paste all of it, with `code` and `state`; `--paste-code` takes a code alone \
             from a provider that shows one."
        }
        Unfit::Malformed => "That address is damaged. Copy it once more, all of it.",
        Unfit::Foreign => "That answer is for another login: its `state` is not the one of this login.",
        Unfit::Spent => "An answer was accepted before.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forward_command_is_ready_to_be_copied() {
        let environment = |pairs: &[(&str, &str)]| Environment::of(pairs.iter().copied());
        let ssh = ("SSH_CONNECTION", "198.51.100.7 50000 203.0.113.5 22");
        for (pairs, host, expected) in [
            (vec![ssh, ("USER", "ada")], Loopback::V4, "ssh -L 4711:127.0.0.1:4711 ada@203.0.113.5"),
            (vec![ssh], Loopback::Name, "ssh -L 4711:127.0.0.1:4711 203.0.113.5"),
            (vec![ssh], Loopback::V6, "ssh -L [::1]:4711:[::1]:4711 203.0.113.5"),
            (
                vec![("SSH_CONNECTION", "::1 5 2001:db8::5 2222")],
                Loopback::V4,
                "ssh -p 2222 -L 4711:127.0.0.1:4711 2001:db8::5",
            ),
            (vec![("SSH_TTY", "/dev/pts/1")], Loopback::V4, "ssh -L 4711:127.0.0.1:4711 THIS-MACHINE"),
            (
                vec![("SSH_CONNECTION", "a b $(id) 22"), ("USER", "a;b")],
                Loopback::V4,
                "ssh -L 4711:127.0.0.1:4711 THIS-MACHINE",
            ),
            (vec![ssh, ("USER", "a;b")], Loopback::V4, "ssh -L 4711:127.0.0.1:4711 203.0.113.5"),
        ] {
            assert_eq!(forward(host, 4711, &environment(&pairs)), expected);
        }
    }
}
