//! Showing a page to the person.
//!
//! `BROWSER` comes first (a colon-separated list of programs; `%s` in one of their words becomes the address), then the
//! platform's own way. The address is always one argument of one program: no shell sees it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

use super::Environment;
use crate::http::is_loopback;

/// Opens pages.
pub trait Browser: Send + Sync {
    /// Asks the machine to show `page` and returns without waiting for the person.
    fn open(&self, page: &Url) -> Result<(), BrowserError>;
}

/// Why no page was shown. Never holds the address: it carries the login's `state`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// The person said that no browser is wanted here (`KEYWARD_NO_BROWSER`).
    #[error("a browser is switched off by `KEYWARD_NO_BROWSER`")]
    Off,
    /// Only `https`, or `http` on this machine, is handed to a browser.
    #[error("the address is neither https nor on this machine")]
    Address,
    /// No launcher could be started, or it gave up.
    #[error("{0}")]
    Launcher(String),
}

/// The browser of this machine.
#[derive(Debug, Clone, Default)]
pub struct SystemBrowser {
    off: bool,
    programs: Vec<String>,
}

impl SystemBrowser {
    /// Reads `BROWSER` and `KEYWARD_NO_BROWSER`.
    pub fn new(environment: &Environment) -> Self {
        let separator = if cfg!(windows) { ';' } else { ':' };
        let programs = environment.text("BROWSER").unwrap_or_default();
        Self {
            off: environment.text("KEYWARD_NO_BROWSER").is_some_and(|value| value != "0"),
            programs: programs.split(separator).map(str::trim).filter(|p| !p.is_empty()).map(String::from).collect(),
        }
    }
}

impl Browser for SystemBrowser {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        if self.off {
            return Err(BrowserError::Off);
        }
        if !may_be_opened(page) {
            return Err(BrowserError::Address);
        }
        let mut last = None;
        for program in &self.programs {
            match start(program, page) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        match last {
            // The person chose these programs: falling through to another browser would ignore the choice.
            Some(error) => Err(error),
            None => launch(page),
        }
    }
}

/// A metadata document is a stranger's text: `file:`, `javascript:` and the like must never reach a launcher.
pub(crate) fn may_be_opened(page: &Url) -> bool {
    page.scheme() == "https" || (page.scheme() == "http" && is_loopback(page))
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens a page the platform's way")]
fn launch(page: &Url) -> Result<(), BrowserError> {
    // The crate's message quotes the address, so only the kind is kept.
    open::that_detached(page.as_str())
        .map_err(|error| BrowserError::Launcher(format!("no program to open a page was found ({})", error.kind())))
}

#[expect(clippy::disallowed_methods, reason = "the one place that starts a program, and the wait is on its own exit")]
fn start(program: &str, page: &Url) -> Result<(), BrowserError> {
    let mut words: Vec<String> = program.split_whitespace().map(String::from).collect();
    let mut placed = false;
    for word in &mut words {
        if word.contains("%s") {
            *word = word.replace("%s", page.as_str());
            placed = true;
        }
    }
    if !placed {
        words.push(page.as_str().to_owned());
    }
    let Some((name, arguments)) = words.split_first() else {
        return Err(BrowserError::Launcher("`BROWSER` names no program".to_owned()));
    };
    // The launcher gets none of our streams: standard output belongs to the protocol.
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| BrowserError::Launcher(format!("`{name}` from `BROWSER` did not start: {}", error.kind())))?;
    // A launcher that fails does so at once; a browser in the foreground stays.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(250) {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                return Err(BrowserError::Launcher(format!("`{name}` from `BROWSER` ended with {status}")));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(_) => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_opened() {
        for (page, expected) in [
            ("https://login.example.com/authorize?a=b", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]:8080/x", true),
            ("http://localhost:8080/x", true),
            ("http://login.example.com/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("ssh://host/", false),
        ] {
            assert_eq!(Url::parse(page).map(|page| may_be_opened(&page)), Ok(expected), "{page}");
        }
    }

    #[test]
    fn a_missing_program_is_an_error_without_the_address() {
        let browser = SystemBrowser::new(&Environment::of([("BROWSER", "/nonexistent/browser")]));
        let page = Url::parse("https://login.example.com/?state=canary").expect("a valid address");
        let error = browser.open(&page).expect_err("nothing to start");
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(error.to_string().contains("/nonexistent/browser"), "{error}");
    }
}
