//! `token` and `status` with a real keychain, and renewals that many want at once.
//!
//! The keychain is one of its own, in which this program runs itself a second time ([`INSIDE`]) and writes figures as JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::Instant;

use serde_json::{Value, json};

use crate::figures::{Budget, Figures, OURS, Row, Unit, median, milliseconds};
use crate::host::{Flood, Host, Program, Until};
use crate::{Bench, Outcome, project, wrong};

/// The word that begins the second run.
pub const INSIDE: &str = "inside-a-keychain";
/// Servers, and calls of one server, that find the token expired.
const SERVERS: usize = 16;
const CALLS: usize = 256;

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let script = project().join("tests/with-keyring.sh");
    let own = std::env::current_exe()?;
    let rounds = bench.rounds(40).to_string();
    let done = Command::new(script)
        .args(["--state", "unlocked", "--"])
        .arg(own)
        .args([INSIDE.as_ref(), bench.programs.keyward.as_os_str(), rounds.as_ref()])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(done.stdout)?;
    let Some(found) = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok()) else {
        figures
            .missing
            .push("`token` and `status`, and renewals: no keychain could be started (tests/with-keyring.sh)".into());
        return Ok(());
    };
    let value = |name: &str| found.get(name).and_then(Value::as_f64).ok_or_else(|| wrong(format!("no {name}")));
    for (name, what) in
        [("token", "`keyward token`, whole process, warm keychain"), ("status", "`keyward status`, the same")]
    {
        let row = Row::new(what, Unit::Milliseconds).within(Budget::AtMost(20.0)).told();
        figures.add(row.with(OURS, value(name)?));
    }
    for (name, what, expected) in [
        ("servers_requests", format!("token requests of {SERVERS} servers on one expired grant"), 1.0),
        ("servers_failed", "calls of them that failed".to_owned(), 0.0),
        ("calls_requests", format!("token requests of {CALLS} calls on an expired token"), 1.0),
        ("calls_failed", "calls of these that failed".to_owned(), 0.0),
    ] {
        figures.add(Row::new(what, Unit::Count).within(Budget::Exactly(expected)).with(OURS, value(name)?));
    }
    Ok(())
}

/// What runs where the keychain is: the figures, as one line of JSON.
pub fn inside(arguments: &[String]) -> Outcome<()> {
    let [_, keyward, rounds] = arguments else { return Err(wrong("no program")) };
    let rounds: usize = rounds.parse()?;
    let mut login = command(keyward, &["login", "tavily", "--api-key", "-q"]).stdin(Stdio::piped()).spawn()?;
    login.stdin.take().ok_or_else(|| wrong("no pipe"))?.write_all(b"tvly-benchmark-key\n")?;
    if !login.wait()?.success() {
        return Err(wrong("no login"));
    }
    let (mut token, mut status) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        token.push(timed(keyward, &["token", "tavily"])?);
        status.push(timed(keyward, &["status"])?);
    }
    let sandbox = Sandbox::start(keyward)?;
    let address = format!("{}/remote/mcp", sandbox.url);
    let person = format!("python3 {}", project().join("tests/peers/person.py").display());
    let mut login = command(keyward, &["login", &address, "--name", "far", "--timeout", "30", "-q"]);
    if !login.env("BROWSER", person).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
        return Err(wrong("no login at the sandbox"));
    }
    let home = std::env::var_os("HOME").ok_or_else(|| wrong("no home"))?;
    let program = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"].iter().fold(
        Program::new(OURS, [keyward.as_str(), "serve", "--only", "far"]).calling("far_whoami"),
        |program, name| program.with(name, std::env::var_os(name).unwrap_or_default()),
    );
    let host = || Host::ready(&program, home.as_ref());
    let mut hosts = (0..SERVERS).map(|_| host()).collect::<Outcome<Vec<Host>>>()?;
    for host in &mut hosts {
        host.call()?;
    }
    sandbox.expire()?;
    let barrier = Barrier::new(SERVERS);
    let servers_failed = std::thread::scope(|scope| {
        let calls: Vec<_> =
            hosts.iter_mut().map(|host| scope.spawn(|| (barrier.wait(), host.call().is_err()).1)).collect();
        calls.into_iter().map(|call| call.join().unwrap_or(true)).filter(|failed| *failed).count()
    });
    let servers_requests = sandbox.token_requests()?;
    drop(hosts);
    let mut one = host()?;
    one.call()?;
    sandbox.expire()?;
    let Flood { failed: calls_failed, host: mut one, .. } = one.flood(Until::Calls(CALLS), CALLS)?;
    let calls_requests = sandbox.token_requests()?;
    // Nobody is logged out by what went before: neither who runs already nor who begins now.
    one.call()?;
    timed(keyward, &["token", "far"])?;
    let figures = json!({
        "token": median(&mut token), "status": median(&mut status),
        "servers_failed": servers_failed, "servers_requests": servers_requests,
        "calls_failed": calls_failed, "calls_requests": calls_requests,
    });
    Ok(writeln!(std::io::stdout(), "{figures}")?)
}

fn command(keyward: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(keyward);
    command.args(arguments);
    command
}

fn timed(keyward: &str, arguments: &[&str]) -> Outcome<f64> {
    let began = Instant::now();
    let done = command(keyward, arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = milliseconds(began.elapsed());
    if done.success() { Ok(took) } else { Err(wrong(format!("{arguments:?} failed"))) }
}

/// The sandbox, ended with this.
struct Sandbox {
    child: Child,
    url: String,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sandbox {
    fn start(keyward: &str) -> Outcome<Self> {
        let mut child =
            command(keyward, &["sandbox", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or_else(|| wrong("no pipe"))?).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)?;
        let url =
            said.get("url").and_then(Value::as_str).ok_or_else(|| wrong("the sandbox has no address"))?.to_owned();
        Ok(Self { child, url })
    }

    /// Every access token is refused from here on, and what was received is forgotten.
    fn expire(&self) -> Outcome<()> {
        self.control("POST", r#"{"clear_record":true,"expire_access_tokens":true}"#).map(drop)
    }

    fn token_requests(&self) -> Outcome<u64> {
        let said = self.control("GET", "")?;
        said.get("token_requests").and_then(Value::as_u64).ok_or_else(|| wrong("the sandbox counts no token requests"))
    }

    fn control(&self, method: &str, body: &str) -> Outcome<Value> {
        let host = self.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(host)?;
        let (size, kind) = (body.len(), "application/json");
        let head =
            format!("{method} /control HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: {kind}\r\n");
        stream.write_all(format!("{head}Content-Length: {size}\r\n\r\n{body}").as_bytes())?;
        let text = std::io::read_to_string(stream)?;
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body)?)
    }
}
