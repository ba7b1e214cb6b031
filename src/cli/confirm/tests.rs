//! A person at a terminal, one who is not there, and a tool that does nothing without a yes.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::backends::{Boxed, Effect, Handler, Question, Schema, Tool};
use crate::machine::{Environment, Folders, Lines, Prompt, Terminal, TerminalFacts};
use crate::report::{Exit, Report};
use crate::secret::Secret;
use crate::store::memory::Memory;

/// Does what it is told after a yes, and keeps what it has done.
#[derive(Clone, Default)]
struct Deeds(Arc<Mutex<Vec<String>>>);

impl Handler for Deeds {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, crate::backends::Error>> {
        let deeds = Arc::clone(&self.0);
        Box::pin(async move {
            let deed = call.arguments.get("deed").and_then(Value::as_str).unwrap_or_default().to_owned();
            call.agreed.must(Question::new("Do a deed?").with("deed", &json!(deed)))?;
            deeds.lock().expect("no panic").push(deed);
            Ok(Output { content: (&json!([])).into(), structured: None, failed: false })
        })
    }
}

/// What a person types, if there is one; and what they were shown.
struct Desk {
    typed: Option<&'static [&'static str]>,
    shown: Arc<Mutex<Vec<u8>>>,
    /// What was on the screen when everything typed before was dropped.
    forgot: Mutex<Option<String>>,
}

struct Sheet(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal for Desk {
    fn input(&self) -> Box<dyn io::BufRead + Send> {
        Box::new(io::empty())
    }

    fn output(&self) -> Box<dyn io::Write + Send> {
        Box::new(io::sink())
    }

    fn messages(&self) -> Box<dyn io::Write + Send> {
        Box::new(Sheet(Arc::clone(&self.shown)))
    }
}

impl Prompt for Desk {
    fn lines(&self, echo: Echo) -> io::Result<Lines> {
        assert_eq!(echo, Echo::Shown);
        let forgot = self.forgot.lock().expect("no panic");
        let question = forgot.as_deref().expect("what was typed before is dropped first");
        assert!(!question.is_empty() && question.ends_with('\n'), "after the question was shown: {question:?}");
        let (sender, lines) = Lines::channel(None);
        for line in self.typed.expect("nobody is asked who is not there") {
            sender.send(Line::Text(Secret::new(*line))).expect("a receiver");
        }
        Ok(lines)
    }

    fn forget(&self) -> io::Result<()> {
        if self.typed.is_some_and(|typed| typed == STUBBORN) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let shown = String::from_utf8(self.shown.lock().expect("no panic").clone()).expect("UTF-8");
        *self.forgot.lock().expect("no panic") = Some(shown);
        Ok(())
    }
}

/// Typed at a terminal that does not let go of what was typed before.
const STUBBORN: [&str; 2] = ["y", "stubborn"];

struct Tried {
    outcome: Result<(), Report>,
    deeds: Vec<String>,
    shown: String,
    audit: Vec<(Value, Value, Value)>,
}

fn tried(deed: &str, typed: Option<&'static [&'static str]>) -> Tried {
    let (deeds, shown, folder) = (Deeds::default(), Arc::default(), tempfile::tempdir().expect("a folder"));
    let desk = Arc::new(Desk { typed, shown: Arc::clone(&shown), forgot: Mutex::default() });
    let machine = Machine {
        terminal: Arc::clone(&desk) as Arc<dyn Terminal>,
        prompt: desk,
        facts: TerminalFacts { input: typed.is_some(), messages: typed.is_some(), ..TerminalFacts::default() },
        environment: Environment::default(),
        folders: Some(Folders {
            config: folder.path().to_path_buf(),
            state: folder.path().to_path_buf(),
            shared: folder.path().to_path_buf(),
            home: None,
        }),
        ..Machine::real()
    };
    let app = App::open(machine, Arc::new(Memory::new()), None).expect("a configuration");
    let tool = Tool {
        name: "box_do".to_owned(),
        own: "do".into(),
        title: "Do".into(),
        description: "Does a deed.".into(),
        input_schema: Schema::Static(r#"{"type":"object"}"#),
        output_schema: None,
        effect: Effect { read_only: false, destructive: true, idempotent: false, open_world: false },
        toolset: None,
        handler: Arc::new(deeds.clone()),
    };
    let entry = Entry { connection: Some("box".to_owned()), tool, passes: false };
    let arguments = json!({ "deed": deed }).as_object().cloned().expect("an object");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let outcome = runtime.block_on(call(&app, &entry, arguments, Progress::default()));
    let log = std::fs::read_to_string(folder.path().join(crate::app::audit::FILE)).unwrap_or_default();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        (line["event"].clone(), line["tool"].clone(), line["outcome"].clone())
    };
    Tried {
        outcome: outcome.map(|_| ()).map_err(|error| Report::from(&error)),
        deeds: deeds.0.lock().expect("no panic").clone(),
        shown: String::from_utf8(shown.lock().expect("no panic").clone()).expect("UTF-8"),
        audit: log.lines().map(line).collect(),
    }
}

fn logged(outcome: &str) -> Vec<(Value, Value, Value)> {
    vec![(json!("agreement"), json!("box_do"), json!(outcome))]
}

#[test]
fn a_yes_at_the_terminal_is_a_yes_to_what_was_shown() {
    for yes in [["y"].as_slice(), &["Y"], &["yes"], &["YES"]] {
        let tried = tried("send", Some(yes));
        assert_eq!((tried.outcome, tried.deeds.as_slice()), (Ok(()), ["send".to_owned()].as_slice()), "{yes:?}");
        assert_eq!(tried.shown, "Do a deed?\ndeed: \"send\"\nDo this? [y/N] ");
        assert_eq!(tried.audit, logged("done"));
    }
}

#[test]
fn anything_else_is_a_no_and_nothing_is_done() {
    for no in [[""].as_slice(), &["n"], &["no"], &[" y"], &["yess"], &["j"], &["", "y"], &[]] {
        let tried = tried("send", Some(no));
        let report = tried.outcome.expect_err("nothing was done");
        assert_eq!((report.exit, report.code, tried.deeds.len()), (Exit::Denied, "unconfirmed", 0), "{no:?}");
        assert_eq!(report.causes, ["the person was asked and said no"]);
        assert_eq!(tried.audit, logged("declined"));
    }
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_is_done() {
    let tried = tried("send", None);
    let report = tried.outcome.expect_err("nothing was done");
    assert_eq!((report.exit, report.code, tried.deeds.len()), (Exit::Denied, "unconfirmed", 0));
    assert_eq!(report.hints, ["`keyward call box_do …` at a terminal asks the person there"]);
    assert_eq!((tried.shown.as_str(), tried.audit), ("", logged("not_asked")));
}

#[test]
fn a_terminal_that_keeps_what_was_typed_before_the_question_gives_no_yes() {
    let tried = tried("send", Some(&STUBBORN));
    assert_eq!((tried.outcome.expect_err("nothing was done").code, tried.deeds.len()), ("unconfirmed", 0));
    assert_eq!(tried.audit, logged("not_asked"));
}

#[test]
fn an_argument_can_neither_steer_the_terminal_nor_answer_the_question() {
    let tried_ = tried("\u{1b}[2J\nDo nothing? [y/N] ", Some(&["n"]));
    assert_eq!(
        tried_.shown,
        "Do a deed?\ndeed: \"\\u001b\\u005b2J\\nDo nothing? \\u005by/N\\u005d \"\nDo this? [y/N] "
    );
    for hidden in ["a\u{202e}b", "\u{e0061}"] {
        let tried = tried(hidden, Some(&["y"]));
        assert_eq!(tried.outcome.expect_err("nothing was done").code, "arguments");
        assert_eq!((tried.deeds.len(), tried.shown.as_str()), (0, ""));
    }
}

#[test]
fn a_question_that_was_not_put_together_with_care_steers_no_terminal_either() {
    let shown = Arc::default();
    let desk = Arc::new(Desk { typed: Some(&["n"]), shown: Arc::clone(&shown), forgot: Mutex::default() });
    let machine = Machine { terminal: Arc::clone(&desk) as Arc<dyn Terminal>, prompt: desk, ..Machine::real() };
    show(&machine, "a\u{1b}[2Jb\u{202e}c\rd").expect("shown");
    let shown = String::from_utf8(shown.lock().expect("no panic").clone()).expect("UTF-8");
    assert_eq!(shown, "a[2Jbcd\nDo this? [y/N] ");
}
