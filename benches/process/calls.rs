//! One call at a time: what a program adds to the call that it makes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::figures::{Budget, FLOOR, Figures, OURS, Row, Unit, milliseconds, percentile};
use crate::host::Host;
use crate::{Bench, Outcome, process, wrong};

/// Calls of one program in one round, and rounds.
const CALLS: usize = 300;
const ROUNDS: usize = 10;
const SIZE: usize = 6_000;
/// What is not counted of each program: connections are opened, code is read.
const WARM: usize = 500;

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let home = bench.place("home")?;
    let mut programs =
        vec![bench.programs.floor(0, SIZE), bench.programs.keyward(0, SIZE)?, bench.programs.bridge(0, SIZE)?];
    programs.extend(bench.programs.peers(0, SIZE)?);
    let mut client = Client::new(&bench.service.host(), &format!("/d0/s{SIZE}/search"))?;
    let mut hosts = Vec::new();
    for program in &programs {
        let warm = || -> Outcome<Host> {
            let mut host = Host::ready(program, &home)?;
            (0..WARM).try_for_each(|_| host.call().map(drop)).map(|()| host)
        };
        let host = match warm() {
            Ok(host) => host,
            Err(error) => {
                figures.note(format!("calls of {}: {error}", program.name));
                continue;
            }
        };
        let before = process::spent(host.id()).unwrap_or_default();
        hosts.push((program.name, host, Vec::new(), before));
    }
    let mut bare = Vec::new();
    for _ in 0..bench.rounds(ROUNDS) {
        bare.extend((0..CALLS).map(|_| client.timed()).collect::<Outcome<Vec<f64>>>()?);
        for (name, host, times, _) in &mut hosts {
            if let Err(error) = round(host, times) {
                figures.note(format!("some calls of {name}: {error}"));
            }
        }
        hosts.retain(|(name, _, times, _)| times.len() % CALLS == 0 || *name == OURS || *name == FLOOR);
    }
    for (part, word) in [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")] {
        let mut row = Row::new(format!("one call at a time, result of 6 KB, {word}"), Unit::Milliseconds);
        let mut added = Row::new(format!("what is added to a bare HTTP client's call, {word}"), Unit::Milliseconds);
        if word == "p50" {
            row = row.within(Budget::TimesFloor(2.0)).told();
        }
        let client = percentile(&mut bare, part);
        for (name, _, times, _) in &mut hosts {
            let time = percentile(times, part);
            (row, added) = (row.with(*name, time), added.with(*name, time - client));
        }
        figures.add(row.with("bare HTTP client", client));
        figures.add(added);
    }
    let mut processor = Row::new("processor time of a call, one at a time", Unit::Milliseconds);
    for (name, host, times, before) in hosts.iter().filter(|(_, _, times, _)| !times.is_empty()) {
        #[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
        let calls = times.len() as f64;
        match process::spent(host.id()) {
            Ok(after) => processor = processor.with(*name, (after - before) * 1e3 / calls),
            Err(error) => figures.note(format!("processor time of calls of {name}: {error}")),
        }
    }
    figures.add(processor);
    debug_assert!(hosts.iter().any(|(name, ..)| *name == OURS) && hosts.iter().any(|(name, ..)| *name == FLOOR));
    Ok(())
}

fn round(host: &mut Host, times: &mut Vec<f64>) -> Outcome<()> {
    for _ in 0..CALLS {
        let began = Instant::now();
        host.call()?;
        times.push(milliseconds(began.elapsed()));
    }
    Ok(())
}

/// A client of nothing but HTTP, with one connection that stays open.
struct Client {
    service: BufReader<TcpStream>,
    request: String,
}

impl Client {
    fn new(host: &str, path: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        let body = "{\"query\":\"what is OAuth\"}";
        let size = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
        Ok(Self { service: BufReader::new(stream), request: format!("{head}Content-Length: {size}\r\n\r\n{body}") })
    }

    fn timed(&mut self) -> Outcome<f64> {
        let began = Instant::now();
        self.service.get_mut().write_all(self.request.as_bytes())?;
        let (mut line, mut size) = (String::new(), 0);
        while self.service.read_line(&mut line)? > 2 {
            if let Some((_, value)) =
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                size = value.trim().parse()?;
            }
            line.clear();
        }
        let mut body = vec![0; size];
        self.service.read_exact(&mut body)?;
        if body.len() < 1_000 {
            return Err(wrong("the service gave too little"));
        }
        Ok(milliseconds(began.elapsed()))
    }
}
