//! Browsers that are not browsers: one follows the redirects and presses a button like a person, one must never be
//! called, one finds nobody in front of it, one is on another machine.
//!
//! It speaks HTTP by itself over plain sockets, so that it shares nothing with the client under test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use keyward::machine::{Browser, BrowserError, Echo, Line, Lines, Prompt};
use keyward::secret::Secret;
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

/// What the person does on the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Allow,
    Deny,
}

/// Follows the login page to its end, on a thread, as a person with a browser does.
pub struct Person {
    press: Press,
    name: Mutex<String>,
    visits: Mutex<Vec<JoinHandle<Visit>>>,
}

/// Where the person ended up.
#[derive(Debug)]
pub struct Visit {
    pub address: Url,
    pub status: u16,
    pub text: String,
}

impl Person {
    pub fn who_presses(press: Press) -> Self {
        Self { press, name: Mutex::new("alice".to_owned()), visits: Mutex::default() }
    }

    /// Somebody else sits down in front of the browser.
    pub fn becomes(&self, name: &str) {
        *self.name.lock().expect("no panic") = name.to_owned();
    }

    /// Waits for the last page of every login.
    pub fn pages(&self) -> Vec<Visit> {
        let visits = std::mem::take(&mut *self.visits.lock().expect("no panic"));
        visits.into_iter().map(|visit| visit.join().expect("the person came through")).collect()
    }
}

impl Browser for Person {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let (page, press, name) = (page.clone(), self.press, self.name.lock().expect("no panic").clone());
        self.visits.lock().expect("no panic").push(std::thread::spawn(move || visit(page, press, &name, |_| true)));
        Ok(())
    }
}

/// Fails the test when a page is opened.
pub struct Forbidden;

impl Browser for Forbidden {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        panic!("no browser should be opened, least of all for {}", page.path());
    }
}

/// Opens the page and walks away.
pub struct Nobody;

impl Browser for Nobody {
    fn open(&self, _: &Url) -> Result<(), BrowserError> {
        Ok(())
    }
}

/// Signs in on another machine: what its browser shows in the end never reaches the listener, and is pasted at the
/// terminal instead.
pub struct Elsewhere {
    press: Press,
    /// What is pasted, made of the address that the browser ends at.
    pastes: fn(&str) -> Vec<String>,
    /// What is answered to a question.
    answer: &'static str,
    terminal: Mutex<Option<UnboundedSender<Line>>>,
}

impl Elsewhere {
    pub fn who_pastes(press: Press, pastes: fn(&str) -> Vec<String>) -> Arc<Self> {
        Arc::new(Self { press, pastes, answer: "no", terminal: Mutex::default() })
    }
}

impl Prompt for Elsewhere {
    fn lines(&self, echo: Echo) -> std::io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        match echo {
            Echo::Hidden => *self.terminal.lock().expect("no panic") = Some(sender),
            Echo::Shown => sender.send(Line::Text(Secret::new(self.answer))).expect("a receiver"),
        }
        Ok(lines)
    }

    fn forget(&self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Browser for Elsewhere {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let end = end_of(page.clone(), self.press);
        let terminal = self.terminal.lock().expect("no panic").take().expect("somebody reads what is pasted");
        for text in (self.pastes)(end.as_str()) {
            // A login that has its answer reads no more.
            let _ = terminal.send(Line::Text(Secret::new(text)));
        }
        Ok(())
    }
}

/// Signs in and goes to the last page.
pub fn visit_page(page: Url, press: Press) -> Visit {
    visit(page, press, "alice", |_| true)
}

/// Signs in and stops before the last page: the address that a browser on another machine ends at.
pub fn end_of(page: Url, press: Press) -> Url {
    visit(page, press, "alice", |next| next.path() != "/callback").address
}

fn visit(page: Url, press: Press, name: &str, goes: fn(&Url) -> bool) -> Visit {
    let mut cookies = String::new();
    let mut seen = follow(page, None, &mut cookies, goes);
    // A page with a code for a device leads to the one that asks.
    for _ in 0..2 {
        let Some((action, body)) = form(&seen.text, press, name) else { break };
        let action = seen.address.join(&action).expect("the form has an address");
        seen = follow(action, Some(body), &mut cookies, goes);
    }
    seen
}

fn follow(mut page: Url, mut body: Option<String>, cookies: &mut String, goes: fn(&Url) -> bool) -> Visit {
    for _ in 0..8 {
        let (status, headers, text) = exchange(&page, body.take(), cookies);
        let header = |name: &str| {
            headers.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        if let Some(cookie) = header("set-cookie") {
            *cookies = cookie.split(';').next().unwrap_or_default().to_owned();
        }
        match header("location") {
            Some(next) if (300..400).contains(&status) => page = page.join(&next).expect("a redirect has an address"),
            _ => return Visit { address: page, status, text },
        }
        if !goes(&page) {
            return Visit { address: page, status, text: String::new() };
        }
    }
    panic!("redirected in a circle");
}

/// One request over a fresh connection, as plain as HTTP gets.
pub fn exchange(page: &Url, body: Option<String>, cookies: &str) -> (u16, String, String) {
    let host = format!("{}:{}", page.host_str().expect("a host"), page.port().expect("a port"));
    let mut target = page.path().to_owned();
    if let Some(query) = page.query() {
        target = format!("{target}?{query}");
    }
    let mut stream = TcpStream::connect(&host).expect("somebody listens");
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let origin = page.origin().ascii_serialization();
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if method == "POST" {
        request += &format!(
            "Origin: {origin}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
    }
    if !cookies.is_empty() {
        request += &format!("Cookie: {cookies}\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, text) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, head.to_owned(), text.to_owned())
}

/// The consent form with the name typed in and a button pressed.
fn form(html: &str, press: Press, person: &str) -> Option<(String, String)> {
    let form = html.split("<form").nth(1)?;
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(rest.split('"').next()?.replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", "\""))
    };
    let action = attribute(form.split('>').next()?, "action")?;
    let wanted = if press == Press::Allow { "allow" } else { "deny" };
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for tag in form.split('<').filter(|tag| tag.starts_with("input") || tag.starts_with("button")) {
        let tag = tag.split('>').next()?;
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("button") && attribute(tag, "id").as_deref() != Some(wanted) {
            continue;
        }
        let value = if name == "user" { person.to_owned() } else { attribute(tag, "value").unwrap_or_default() };
        body.append_pair(&name, &value);
    }
    Some((action, body.finish()))
}
