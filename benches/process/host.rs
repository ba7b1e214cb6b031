//! A host that measures: it starts a server and speaks MCP over its pipes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use crate::{Outcome, wrong};

/// A server and how it is started.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: &'static str,
    pub command: Vec<OsString>,
    pub environment: Vec<(String, OsString)>,
    /// The tool that makes one call to the service, and what it is given.
    pub tool: &'static str,
    pub arguments: &'static str,
}

impl Program {
    pub fn new(name: &'static str, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        Self { name, command, environment: Vec::new(), tool: "search", arguments: "{\"query\":\"what is OAuth\"}" }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn and(mut self, word: impl Into<OsString>) -> Self {
        self.command.push(word.into());
        self
    }

    #[must_use]
    pub fn calling(self, tool: &'static str) -> Self {
        Self { tool, ..self }
    }

    /// The command in an environment of its own, with `home` as its home.
    pub fn command(&self, home: &Path) -> Outcome<Command> {
        let (program, arguments) = self.command.split_first().ok_or_else(|| wrong("no command"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
        command.env("KEYWARD_NO_BROWSER", "1").env("DBUS_SESSION_BUS_ADDRESS", "disabled:");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// A server that runs, ended with this.
pub struct Host {
    child: Child,
    /// With the writer while many calls are in flight.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    line: Vec<u8>,
    last: u64,
    call: String,
    pub started: Instant,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    pub fn start(program: &Program, home: &Path) -> Outcome<Self> {
        let mut command = program.command(home)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().map_err(|error| wrong(format!("{}: {error}", program.name)))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(wrong("no pipes"));
        };
        let call = format!("\"params\":{{\"name\":\"{}\",\"arguments\":{}}}", program.tool, program.arguments);
        let output = BufReader::with_capacity(256 << 10, output);
        Ok(Self { child, input: Some(input), output, line: Vec::new(), last: 0, call, started })
    }

    /// Starts it and shakes hands.
    pub fn ready(program: &Program, home: &Path) -> Outcome<Self> {
        let mut host = Self::start(program, home)?;
        host.initialize()?;
        Ok(host)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn initialize(&mut self) -> Outcome<()> {
        let params = r#""params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"benchmark","version":"1"}}"#;
        self.ask("initialize", params)?;
        self.send(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")
    }

    /// Bytes of the answer.
    pub fn list(&mut self) -> Outcome<usize> {
        self.ask("tools/list", "\"params\":{}")
    }

    /// The result of the last request, as it was written.
    pub fn result(&self) -> Option<&str> {
        let line = std::str::from_utf8(&self.line).ok()?.trim_end();
        line.split_once("\"result\":")?.1.strip_suffix('}')
    }

    /// One call, and the bytes of its answer.
    pub fn call(&mut self) -> Outcome<usize> {
        let call = std::mem::take(&mut self.call);
        let size = self.ask("tools/call", &call);
        self.call = call;
        size
    }

    /// One call with other arguments.
    pub fn call_with(&mut self, tool: &str, arguments: &str) -> Outcome<usize> {
        self.ask("tools/call", &format!("\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments}}}"))
    }

    /// So many lines that ask for nothing but an answer.
    pub fn pings(&mut self, count: usize) -> Outcome<()> {
        for _ in 0..count.div_ceil(100) {
            let mut text = String::new();
            for _ in 0..100 {
                self.last += 1;
                text += &format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}}\n", self.last);
            }
            self.send(text.as_bytes())?;
            while self.read()? != Some(self.last) {}
        }
        Ok(())
    }

    fn ask(&mut self, method: &str, params: &str) -> Outcome<usize> {
        self.last += 1;
        let id = self.last;
        let request = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",{params}}}\n");
        self.send(request.as_bytes())?;
        while self.read()? != Some(id) {}
        if is_failure(&self.line) {
            return Err(wrong(format!(
                "{method} failed: {}",
                String::from_utf8_lossy(self.line.get(..500).unwrap_or(&self.line))
            )));
        }
        Ok(self.line.len())
    }

    fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        Ok(self.input.as_mut().ok_or_else(|| wrong("nobody to write to"))?.write_all(bytes)?)
    }

    /// Reads a line; the id of the request it answers.
    fn read(&mut self) -> Outcome<Option<u64>> {
        self.line.clear();
        if self.output.read_until(b'\n', &mut self.line)? == 0 {
            return Err(wrong("the server ended"));
        }
        Ok(id(&self.line))
    }

    /// Makes calls, so many of them in flight all the time until there are enough.
    pub fn flood(mut self, until: Until, in_flight: usize) -> Outcome<Flood> {
        let (call, first) = (self.call.clone(), self.last + 1);
        let mut input = self.input.take().ok_or_else(|| wrong("nobody to write to"))?;
        let (permit, permits) = channel::<()>();
        let writer = std::thread::spawn(move || -> std::io::Result<(Vec<Instant>, ChildStdin)> {
            let mut starts = Vec::new();
            let mut text = String::new();
            while permits.recv().is_ok() {
                // Whoever waits already goes out together, as from a host that has much to ask at once.
                for () in std::iter::once(()).chain(permits.try_iter()) {
                    let id = first + starts.len() as u64;
                    text += &format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",{call}}}\n");
                    starts.push(Instant::now());
                }
                input.write_all(text.as_bytes())?;
                text.clear();
            }
            Ok((starts, input))
        });
        let began = Instant::now();
        let (ends, failed) = self.collect(until, began, in_flight, permit)?;
        let took = began.elapsed();
        let (starts, input) = writer.join().map_err(|_| wrong("the writer broke off"))??;
        self.input = Some(input);
        let latencies = ends.iter().zip(starts).map(|(end, start)| end.duration_since(start)).collect();
        Ok(Flood { latencies, ends, took, failed, host: self })
    }

    /// Permits calls and reads their answers: when each came, and how many of them failed. The writer ends with this.
    fn collect(
        &mut self,
        until: Until,
        began: Instant,
        in_flight: usize,
        permit: Sender<()>,
    ) -> Outcome<(Vec<Instant>, usize)> {
        let first = self.last + 1;
        let (mut ends, mut done, mut failed) = (Vec::new(), 0, 0);
        let permit = |ends: &mut Vec<Instant>| {
            if !until.is_over(ends.len(), began) && permit.send(()).is_ok() {
                ends.push(began);
            }
        };
        (0..in_flight).for_each(|_| permit(&mut ends));
        while done < ends.len() {
            let place = self.read()?.and_then(|id| usize::try_from(id.checked_sub(first)?).ok());
            if let Some(end) = place.and_then(|place| ends.get_mut(place)) {
                *end = Instant::now();
                failed += usize::from(is_failure(&self.line));
                done += 1;
                permit(&mut ends);
            }
        }
        self.last += done as u64;
        Ok((ends, failed))
    }
}

/// When there are enough calls.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many were made.
    Calls(usize),
    /// So much time has passed; those in flight are still waited for.
    Time(Duration),
}

impl Until {
    fn is_over(self, made: usize, began: Instant) -> bool {
        match self {
            Self::Calls(calls) => made >= calls,
            Self::Time(time) => began.elapsed() >= time,
        }
    }
}

/// What many calls came to.
pub struct Flood {
    pub latencies: Vec<Duration>,
    /// When the answers came, in the order of the calls.
    pub ends: Vec<Instant>,
    pub took: Duration,
    pub failed: usize,
    pub host: Host,
}

/// The id in an answer: the last member of that name at either end of the line, without reading all of it.
fn id(line: &[u8]) -> Option<u64> {
    let text = line.get(..80).unwrap_or(line);
    let tail = line.get(line.len().saturating_sub(60)..)?;
    let number = |text: &[u8]| {
        let text = std::str::from_utf8(text).unwrap_or_default();
        let rest = text.rsplit_once("\"id\":")?.1;
        rest.split([',', '}']).next()?.trim().parse().ok()
    };
    number(text).or_else(|| number(tail))
}

fn is_failure(line: &[u8]) -> bool {
    let start = line.get(..200).unwrap_or(line);
    let end = line.get(line.len().saturating_sub(120)..).unwrap_or_default();
    [start, end].iter().any(|part| {
        let text = String::from_utf8_lossy(part);
        text.contains("\"isError\":true") || text.contains("\"error\":{\"code\"")
    })
}
