//! The line that is written over again, on a terminal that is kept and a clock that is moved.

use std::io::Cursor;

use super::*;
use crate::machine::{Environment, TerminalFacts};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
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
        Box::new(Cursor::new(Vec::new()))
    }

    fn output(&self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }

    fn messages(&self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }
}

/// Somebody who never answers.
struct Silent;

impl Prompt for Silent {
    fn lines(&self, _: Echo) -> io::Result<Lines> {
        Ok(Lines::channel(None).1)
    }

    fn forget(&self) -> io::Result<()> {
        Ok(())
    }
}

fn at_a_terminal(facts: TerminalFacts) -> (Machine, Line, Paper) {
    let paper = Paper::default();
    let (terminal, prompt) = (Arc::new(paper.clone()), Arc::new(Silent));
    let machine = Machine { terminal, prompt, facts, environment: Environment::default(), ..Machine::real() };
    let (machine, line) = watched(machine, true);
    (machine, line, paper)
}

const SEEN: TerminalFacts = TerminalFacts { input: true, output: true, messages: true, width: Some(21) };

impl Paper {
    fn said(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

/// What a terminal shows in the end: each line as the last writing left it.
fn screen(written: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut cells: Vec<char> = Vec::new();
        for part in line.split('\r') {
            for (at, letter) in part.chars().enumerate() {
                if at < cells.len() { cells[at] = letter } else { cells.push(letter) }
            }
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    };
    written.split('\n').map(line).collect()
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_soon_shows_nothing_and_what_takes_long_leaves_nothing() {
    let (_, line, paper) = at_a_terminal(SEEN);
    line.during(|_| "waiting".to_owned(), std::future::ready(())).await;
    assert_eq!(paper.said(), "");
    line.during(|passed| format!("waiting {passed} s"), seconds(3)).await;
    let said = paper.said();
    assert!(said.contains("\rwaiting 1 s\r") && said.contains("\rwaiting 2 s\r"), "{said:?}");
    assert_eq!(screen(&said), [""]);
    assert!(!said.contains('\n') && !said.contains('\u{1b}'));
}

#[tokio::test(start_paused = true)]
async fn steps_of_a_server_are_bounded_and_steer_no_terminal() {
    let (_, line, paper) = at_a_terminal(SEEN);
    let work = |progress: Progress| async move {
        for done in 0..10_000 {
            let message = Some("\u{1b}[2Jmuch \r\n日本語日本語日本語日本語".to_owned());
            progress.report(Step { done: f64::from(done), total: Some(9.0), message });
        }
        seconds(2).await;
    };
    line.during_steps("call", work).await;
    let said = paper.said();
    assert!(said.contains("call: 9999/9 [2Jmuch"), "{said:?}");
    assert!(!said.contains('\u{1b}') && !said.contains('\n'), "{said:?}");
    assert!(said.split('\r').all(|part| width::of(part) <= 20), "{said:?}");
    assert!(said.len() < 2_000, "not once for each step");
}

#[tokio::test(start_paused = true)]
async fn whatever_else_is_said_stands_alone_in_its_line() {
    let (machine, line, paper) = at_a_terminal(SEEN);
    let work = async {
        seconds(2).await;
        writeln!(machine.terminal.messages(), "news").expect("written");
        seconds(2).await;
        writeln!(machine.terminal.output(), "data").expect("written");
        seconds(2).await;
        write!(machine.terminal.messages(), "Passphrase: ").expect("written");
        seconds(2).await;
        writeln!(machine.terminal.messages()).expect("written");
    };
    line.during(|passed| format!("waiting {passed} s"), work).await;
    assert_eq!(screen(&paper.said()), ["news", "data", "Passphrase:", ""]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_over_what_a_person_types() {
    let (machine, line, paper) = at_a_terminal(SEEN);
    let work = async {
        seconds(2).await;
        let lines = machine.prompt.lines(Echo::Shown).expect("a prompt");
        let before = paper.said();
        seconds(2).await;
        assert_eq!(paper.said(), before);
        drop(lines);
        seconds(2).await;
        assert_ne!(paper.said(), before);
    };
    line.during(|passed| format!("waiting {passed} s"), work).await;
}

#[tokio::test(start_paused = true)]
async fn where_no_terminal_is_nothing_is_shown() {
    for facts in [TerminalFacts::default(), TerminalFacts { output: true, width: Some(80), ..TerminalFacts::default() }]
    {
        let (_, line, paper) = at_a_terminal(facts);
        line.during(|_| "waiting".to_owned(), seconds(5)).await;
        assert_eq!(paper.said(), "");
    }
}
