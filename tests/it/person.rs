//! Browsers that are not browsers: one follows the redirects and presses a button like a person, one must never be
//! called, one finds nobody in front of it.
//!
//! It speaks HTTP by itself over plain sockets, so that it shares nothing with the client under test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::JoinHandle;

use keyward::machine::{Browser, BrowserError};
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
        Self { press, visits: Mutex::default() }
    }

    /// Waits for the last page of every login.
    pub fn pages(&self) -> Vec<Visit> {
        let visits = std::mem::take(&mut *self.visits.lock().expect("no panic"));
        visits.into_iter().map(|visit| visit.join().expect("the person came through")).collect()
    }
}

impl Browser for Person {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let (page, press) = (page.clone(), self.press);
        self.visits.lock().expect("no panic").push(std::thread::spawn(move || visit(page, press)));
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

/// Goes from the page of a login to its end.
pub fn visit(page: Url, press: Press) -> Visit {
    let mut cookies = String::new();
    let consent = follow(page, None, &mut cookies);
    let Some((action, body)) = form(&consent.text, press) else { return consent };
    let action = consent.address.join(&action).expect("the form has an address");
    follow(action, Some(body), &mut cookies)
}

fn follow(mut page: Url, mut body: Option<String>, cookies: &mut String) -> Visit {
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
fn form(html: &str, press: Press) -> Option<(String, String)> {
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
        let is_text = attribute(tag, "type").as_deref() == Some("text");
        let value = if is_text { "alice".to_owned() } else { attribute(tag, "value").unwrap_or_default() };
        body.append_pair(&name, &value);
    }
    Some((action, body.finish()))
}
