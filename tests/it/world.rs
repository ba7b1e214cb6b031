//! The builder of every in-process case: a frozen clock, a store in memory, the sandbox and a browser double.

use std::ffi::OsString;
use std::io::{self, BufRead, Cursor, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use keyward::app::App;
use keyward::app::grant::Grant;
use keyward::machine::{
    Browser, BrowserError, Clock, Echo, Environment, Folders, Line, Lines, Machine, Prompt, Surroundings, Terminal,
    TerminalFacts, Timestamp,
};
use keyward::report::Exit;
use keyward::sandbox::{Options, Sandbox};
use keyward::secret::Secret;
use keyward::store::memory::Memory;
use keyward::store::{Key, Store, Stores};
use serde_json::Value;
use url::Url;

use crate::fickle::Fickle;
use crate::person::{Elsewhere, Forbidden, Person, Press};

/// A machine of its own for one test.
pub struct World {
    pub clock: Arc<Frozen>,
    pub store: Arc<Memory>,
    /// Stands between the program and the store, to fail where a keychain would.
    pub fickle: Arc<Fickle>,
    pub folder: tempfile::TempDir,
    pub sandbox: Option<Sandbox>,
    pub person: Option<Arc<Person>>,
    browser: Arc<dyn Browser>,
    prompt: Option<Arc<dyn Prompt>>,
    surroundings: Surroundings,
    input: String,
    typed: Option<String>,
    width: Option<usize>,
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
        let store = Arc::new(Memory::default());
        Self {
            clock: Arc::new(Frozen(AtomicI64::new(1_800_000_000))),
            fickle: Arc::new(Fickle::before(&store)),
            store,
            folder: tempfile::tempdir().expect("a folder"),
            sandbox: None,
            person: None,
            browser: Arc::new(Forbidden),
            prompt: None,
            surroundings: Surroundings::DESKTOP,
            input: String::new(),
            typed: None,
            width: None,
            environment: Vec::new(),
        }
    }

    /// A sandbox, and a person who allows everything.
    pub fn with_sandbox() -> Self {
        let mut world = Self::new();
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        // The clock stands still, and a device that polls would always be too early.
        let options = Options { device_interval: 0, ..Options::new(clock) };
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

    /// As [`World::signed_in`], with a provider that says who signed in.
    pub fn signed_in_as_somebody() -> Self {
        let world = Self::with_sandbox();
        let url = world.resource();
        let scopes = "scopes = [\"openid\", \"email\", \"offline_access\", \"sandbox:read\"]";
        let world = world.config(&format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n{scopes}\n"));
        world.run(&["login", "box", "--timeout", "20"]).done();
        assert!(world.grant("box").and_then(|grant| grant.issued?.subject).is_some(), "somebody");
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

    /// Where the program runs.
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// Somebody signs in on another machine, and pastes at the terminal of this one what their browser shows.
    pub fn elsewhere(mut self, person: &Arc<Elsewhere>) -> Self {
        self.browser = Arc::clone(person) as Arc<dyn Browser>;
        self.person = None;
        self.at_a_terminal(Arc::clone(person) as Arc<dyn Prompt>)
    }

    /// Standard input and standard error are a terminal.
    pub fn at_a_terminal(mut self, prompt: Arc<dyn Prompt>) -> Self {
        self.prompt = Some(prompt);
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

    /// Standard output and standard error are a terminal with lines of this width.
    pub fn of_width(mut self, width: usize) -> Self {
        self.width = Some(width);
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
        self.run_on(&Arc::new(Paper::default()), browser, arguments)
    }

    /// Runs one command to its end on a terminal that others can look at meanwhile.
    pub fn run_on(&self, terminal: &Arc<Paper>, browser: Arc<dyn Browser>, arguments: &[&str]) -> Ran {
        *terminal.input.lock().expect("no panic") = self.input.clone();
        let words = std::iter::once("keyward").chain(arguments.iter().copied()).map(OsString::from);
        let machine = Machine { browser, ..self.machine(terminal) };
        let exit = keyward::run(words, machine, self.stores());
        let text = |bytes: &Mutex<Vec<u8>>| String::from_utf8(bytes.lock().expect("no panic").clone()).expect("UTF-8");
        Ran { exit, out: text(&terminal.out), err: text(&terminal.err) }
    }

    /// The store of this world.
    pub fn stores(&self) -> Stores {
        let store = Arc::clone(&self.fickle) as Arc<dyn Store>;
        Stores { brief: Arc::clone(&store), patient: store }
    }

    /// What the store holds for a connection.
    pub fn grant(&self, connection: &str) -> Option<Grant> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let text = runtime.block_on(self.store.load(&Key::grant(connection))).expect("a store that works");
        text.map(|text| Grant::decode(&text).expect("a grant"))
    }

    /// Puts a grant into the store, behind everybody's back.
    pub fn put(&self, connection: &str, grant: &Grant) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(self.store.save(&Key::grant(connection), &grant.encode())), Ok(()));
    }

    /// The program of this world, for cases below the command line.
    pub fn app(&self) -> Arc<App> {
        let app = App::open(self.machine(&Arc::new(Paper::default())), self.stores().brief, None);
        Arc::new(app.expect("a configuration"))
    }

    /// The file in which a renewal leaves its emergency copy.
    pub fn spill(&self, connection: &str) -> PathBuf {
        self.folder.path().join("state/spills").join(format!("grant-{connection}"))
    }

    /// The folder of the lists that are cached.
    pub fn lists(&self) -> PathBuf {
        self.folder.path().join("state/tools")
    }

    /// Takes the login of a connection out of the store, behind everybody's back.
    pub fn forget(&self, connection: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(runtime.block_on(self.store.delete(&Key::grant(connection))), Ok(true));
    }

    /// What the store holds.
    pub fn stored(&self, key: &Key) -> Option<Secret> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(self.store.load(key)).expect("a store that works")
    }

    /// Puts something into the store, behind everybody's back.
    pub fn keep(&self, key: &Key, secret: &Secret) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(self.store.save(key, secret)).expect("a store that works");
    }

    /// Rewrites the stored login of a connection, behind everybody's back.
    pub fn rewrite(&self, connection: &str, change: impl FnOnce(&mut Value)) {
        let key = Key::grant(connection);
        let mut grant: Value = serde_json::from_str(self.stored(&key).expect("a login").expose()).expect("JSON");
        change(&mut grant);
        self.keep(&key, &Secret::new(grant.to_string()));
    }

    /// The machine of this world, for cases below the command line.
    pub fn machine(&self, terminal: &Arc<Paper>) -> Machine {
        Machine {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            browser: Arc::clone(&self.browser),
            terminal: Arc::clone(terminal) as Arc<dyn Terminal>,
            prompt: self.prompt.clone().unwrap_or_else(|| Arc::new(Typed(self.typed.clone(), self.input.clone()))),
            facts: TerminalFacts {
                input: self.typed.is_some() || self.prompt.is_some(),
                output: self.width.is_some(),
                messages: self.prompt.is_some() || self.width.is_some(),
                width: self.width,
            },
            surroundings: self.surroundings,
            environment: Environment::of(self.environment.clone()),
            folders: Some(Folders {
                config: self.folder.path().to_path_buf(),
                state: self.folder.path().join("state"),
                shared: self.folder.path().join("state"),
                home: None,
            }),
        }
    }
}

impl Ran {
    /// The object that `--json` printed; the last one, where every line is an event.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.events().pop().unwrap_or_else(|| panic!("nothing was printed: {self:?}"))
    }

    /// The lines that `--json` printed.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let read = |line: &str| {
            assert!(line.starts_with("{\"schema_version\":1"), "{self:?}");
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
        };
        self.out.lines().map(read).collect()
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

impl Paper {
    /// Blocks until this was said on standard error.
    pub fn waits_for(&self, words: &str) {
        while !self.said().contains(words) {
            std::thread::yield_now();
        }
    }

    /// What was said on standard error so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().expect("no panic")).into_owned()
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
}

/// Standard input as the prompt sees it: what was typed at a terminal, or what was piped in.
struct Typed(Option<String>, String);

impl Prompt for Typed {
    fn lines(&self, _: Echo) -> io::Result<Lines> {
        let (sender, lines) = Lines::channel(None);
        for text in self.0.iter().map(String::as_str).chain(self.1.lines()) {
            sender.send(Line::Text(Secret::new(text))).expect("a receiver");
        }
        Ok(lines)
    }

    fn forget(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A browser that cannot be started.
pub struct Missing;

impl Browser for Missing {
    fn open(&self, _: &Url) -> Result<(), BrowserError> {
        Err(BrowserError::Launcher("no program to open a page was found (not found)".to_owned()))
    }
}
