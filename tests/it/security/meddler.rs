//! A browser in which somebody meddles with a login before, instead of or after the person.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::thread::JoinHandle;

use keyward::machine::{Browser, BrowserError};
use url::Url;

use crate::person::{Press, Visit, exchange, visit_page};

type Work = Box<dyn FnOnce(&Login) + Send>;

/// Runs one piece of work for the first page that is opened, on a thread, as another program would.
pub struct Meddler {
    work: Mutex<Option<Work>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Meddler {
    pub fn new(work: impl FnOnce(&Login) + Send + 'static) -> Self {
        Self { work: Mutex::new(Some(Box::new(work))), thread: Mutex::default() }
    }

    /// Waits for the work; fails if it was never begun or has failed.
    #[track_caller]
    pub fn join(&self) {
        let thread = self.thread.lock().expect("no panic").take().expect("a page was opened");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Browser for Meddler {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let login = Login { page: page.clone() };
        if let Some(work) = self.work.lock().expect("no panic").take() {
            *self.thread.lock().expect("no panic") = Some(std::thread::spawn(move || work(&login)));
        }
        Ok(())
    }
}

/// A login that waits for its answer, as the address of its page shows it.
pub struct Login {
    pub page: Url,
}

/// What the listener answered; status 0 if it closed the connection without a word.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Login {
    /// A parameter of the page's address.
    pub fn sent(&self, name: &str) -> String {
        self.page.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub fn state(&self) -> String {
        self.sent("state")
    }

    pub fn redirect(&self) -> Url {
        Url::parse(&self.sent("redirect_uri")).expect("a redirect address")
    }

    pub fn port(&self) -> u16 {
        self.redirect().port().expect("a port")
    }

    /// A request to the redirect address with this query.
    pub fn come_back(&self, query: &str) -> Answer {
        self.get(&format!("{}?{query}", self.redirect().path()))
    }

    /// Comes back with an answer that must be taken, and stays for the page.
    #[track_caller]
    pub fn arrive(&self, query: &str) {
        let answer = self.come_back(query);
        assert_eq!(answer.status, 303, "{answer:?}");
        self.get(answer.header("location").expect("the page"));
    }

    pub fn get(&self, target: &str) -> Answer {
        self.raw(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port()))
    }

    /// Bytes to the listener, and everything that it answered.
    pub fn raw(&self, bytes: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).expect("the listener is there");
        // It may refuse and close before everything is written.
        let _ = stream.write_all(bytes.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The person allows it and comes back.
    pub fn allow(&self) -> Visit {
        visit_page(self.page.clone(), Press::Allow)
    }

    /// The query of the true answer, which is kept from the listener. Needs a server that decides without a page.
    pub fn true_answer(&self) -> String {
        let (status, head, _) = exchange(&self.page, None, "");
        let location = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
        });
        let location = location.unwrap_or_else(|| panic!("no redirect but {status}: {head}"));
        Url::parse(&location).expect("an address").query().expect("a query").to_owned()
    }
}
