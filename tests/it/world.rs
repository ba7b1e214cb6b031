//! The builder of every in-process case: a frozen clock, a store in memory, the sandbox and a browser double.

use std::ffi::OsString;
use std::io::{self, BufRead, Cursor, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use keyward::machine::{
    Browser, BrowserError, Clock, Environment, Folders, Machine, Terminal, TerminalFacts, Timestamp,
};
use keyward::report::Exit;
use keyward::sandbox::{Options, Sandbox};
use keyward::secret::Secret;
use keyward::store::memory::Memory;
use keyward::store::{Key, Store, Stores};
use serde_json::Value;
use url::Url;

use crate::person::{Forbidden, Person, Press};

/// A machine of its own for one test.
pub struct World {
    pub clock: Arc<Frozen>,
    pub store: Arc<Memory>,
    pub folder: tempfile::TempDir,
    pub sandbox: Option<Sandbox>,
    pub person: Option<Arc<Person>>,
    browser: Arc<dyn Browser>,
    input: String,
    typed: Option<String>,
    environment: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl World {
    /// No sandbox, and a browser that fails the test when it is called.
    pub fn new() -> Self {
        Self {
            clock: Arc::new(Frozen(AtomicI64::new(1_800_000_000))),
            store: Arc::new(Memory::default()),
            folder: tempfile::tempdir().expect("a folder"),
            sandbox: None,
            person: None,
            browser: Arc::new(Forbidden),
            input: String::new(),
            typed: None,
            environment: Vec::new(),
        }
    }

    /// A sandbox, and a person who allows everything.
    pub fn with_sandbox() -> Self {
        let mut world = Self::new();
        let options = Options::new(Arc::clone(&world.clock) as Arc<dyn Clock>);
        world.sandbox = Some(Sandbox::start(options).expect("the sandbox starts"));
        world.person(Press::Allow)
    }

    /// As [`World::with_sandbox`], signed in to the remote server of the sandbox.
    pub fn signed_in() -> Self {
        let world = Self::with_sandbox();
        let ran = world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]);
        assert_eq!(ran.exit, Exit::Done, "{ran:?}");
        world
    }

    pub fn person(mut self, press: Press) -> Self {
        let person = Arc::new(Person::who_presses(press));
        self.browser = Arc::clone(&person) as Arc<dyn Browser>;
        self.person = Some(person);
        self
    }

    pub fn browser(mut self, browser: impl Browser + 'static) -> Self {
        self.browser = Arc::new(browser);
        self.person = None;
        self
    }

    /// Standard input is not a terminal and holds this.
    pub fn piping(mut self, text: &str) -> Self {
        self.input = text.to_owned();
        self
    }

    /// Standard input is a terminal at which a person types this secret.
    pub fn typing(mut self, text: &str) -> Self {
        self.typed = Some(text.to_owned());
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn config(self, text: &str) -> Self {
        std::fs::write(self.config_path(), text).expect("written");
        self
    }

    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    pub fn config_text(&self) -> String {
        std::fs::read_to_string(self.config_path()).unwrap_or_default()
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().expect("this world has a sandbox")
    }

    /// The remote MCP server of the sandbox.
    pub fn resource(&self) -> String {
        self.sandbox().resource("remote")
    }

    /// Runs one command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(Arc::clone(&self.browser), arguments)
    }

    /// Runs one command to its end, with another browser than this world's.
    pub fn run_in(&self, browser: Arc<dyn Browser>, arguments: &[&str]) -> Ran {
        let terminal = Arc::new(Paper::default());
        *terminal.input.lock().expect("no panic") = self.input.clone();
        *terminal.typed.lock().expect("no panic") = self.typed.clone();
        let words = std::iter::once("keyward").chain(arguments.iter().copied()).map(OsString::from);
        let machine = Machine { browser, ..self.machine(&terminal) };
        let exit = keyward::run(words, machine, self.stores());
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8(bytes.lock().expect("no panic").clone()).expect("UTF-8");
        Ran { exit, out: text(&terminal.out), err: text(&terminal.err) }
    }

    /// The store of this world.
    pub fn stores(&self) -> Stores {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Stores { brief: Arc::clone(&store), patient: store }
    }

    /// Takes the login of a connection out of the store, behind everybody's back.
    pub fn forget(&self, connection: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(self.store.delete(&Key::grant(connection))), Ok(true));
    }

    /// The machine of this world, for cases below the command line.
    pub fn machine(&self, terminal: &Arc<Paper>) -> Machine {
        Machine {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            browser: Arc::clone(&self.browser),
            terminal: Arc::clone(terminal) as Arc<dyn Terminal>,
            facts: TerminalFacts { input: self.typed.is_some(), output: false, messages: false },
            environment: Environment::of(self.environment.clone()),
            folders: Some(Folders {
                config: self.folder.path().to_path_buf(),
                state: self.folder.path().join("state"),
            }),
        }
    }
}

impl Ran {
    /// The object that `--json` printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(value.get("schema_version"), Some(&Value::from(1)), "{self:?}");
        assert!(self.out.starts_with("{\"schema_version\":1"), "{self:?}");
        value
    }

    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.exit, Exit::Done, "{self:?}");
        self
    }

    #[track_caller]
    pub fn failed(self, exit: Exit) -> Self {
        assert_eq!(self.exit, exit, "{self:?}");
        self
    }
}

/// A clock that moves when it is told to.
pub struct Frozen(AtomicI64);

impl Frozen {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Standard streams that are kept.
#[derive(Default)]
pub struct Paper {
    pub out: Kept,
    pub err: Kept,
    input: Mutex<String>,
    typed: Mutex<Option<String>>,
}

#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl std::ops::Deref for Kept {
    type Target = Mutex<Vec<u8>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal for Paper {
    fn input(&self) -> Box<dyn BufRead + Send> {
        Box::new(Cursor::new(self.input.lock().expect("no panic").clone().into_bytes()))
    }

    fn output(&self) -> Box<dyn Write + Send> {
        Box::new(self.out.clone())
    }

    fn messages(&self) -> Box<dyn Write + Send> {
        Box::new(self.err.clone())
    }

    fn ask_secret(&self, _: &str) -> io::Result<Secret> {
        let typed = self.typed.lock().expect("no panic").clone();
        typed.map(Secret::new).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// A browser that cannot be started.
pub struct Missing;

impl Browser for Missing {
    fn open(&self, _: &Url) -> Result<(), BrowserError> {
        Err(BrowserError::Launcher("no program to open a page was found (not found)".to_owned()))
    }
}
