//! How time and memory grow: with calls in flight, connections, tools, and the size of a result.

use std::fmt::Write as _;

use crate::figures::{Curve, FLOOR, Figures, OURS, Plot, mebibytes, median, milliseconds, percentile};
use crate::host::{Host, Program, Until};
use crate::start::settled;
use crate::{Bench, Outcome, large, process};

/// What is looked at in one place: names of curves, and a value for each.
type Values = Vec<(&'static str, f64)>;

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    in_flight(bench, figures)?;
    connections(bench, figures)?;
    tools(bench, figures)?;
    sizes(bench, figures)
}

#[expect(clippy::cast_precision_loss, reason = "numbers for a plot")]
fn number(count: usize) -> f64 {
    count as f64
}

/// Two plots over the same places: time and memory.
struct Pair {
    time: Plot,
    memory: Plot,
}

impl Pair {
    fn new(files: [&'static str; 2], what: &str, across: &'static str) -> Self {
        let plot = |file, title, up| Plot { file, title, across, up, is_logarithmic: true, curves: Vec::new() };
        Self {
            time: plot(files[0], format!("Time over {what}"), "milliseconds"),
            memory: plot(files[1], format!("Memory over {what}"), "MiB"),
        }
    }

    fn linear(mut self) -> Self {
        (self.time.is_logarithmic, self.memory.is_logarithmic) = (false, false);
        self
    }

    fn add(&mut self, x: f64, times: Values, memories: Values) {
        for (plot, values) in [(&mut self.time, times), (&mut self.memory, memories)] {
            for (name, y) in values {
                match plot.curves.iter_mut().find(|curve| curve.name == name) {
                    Some(curve) => curve.points.push((x, y)),
                    None => plot.curves.push(Curve { name: name.to_owned(), points: vec![(x, y)] }),
                }
            }
        }
    }

    fn done(self, figures: &mut Figures) {
        eprintln!("  {}", self.time.title);
        figures.plots.extend([self.time, self.memory]);
    }
}

fn in_flight(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let what = "calls in flight (service of 50 ms, results of 6 KB)";
    let mut pair = Pair::new(["in-flight-time.svg", "in-flight-memory.svg"], what, "calls in flight");
    for count in [1, 4, 16, 64, 256, 512, 1_000] {
        let host = Host::ready(&bench.programs.keyward(50, 6_000)?, &bench.place("home")?)?;
        let host = host.flood(Until::Calls(count * 2), count)?.host;
        process::forget_the_most(host.id())?;
        let flood = host.flood(Until::Calls(count * 10), count)?;
        let mut times: Vec<f64> = flood.latencies.iter().copied().map(milliseconds).collect();
        let (p50, p99) = (percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        let most = mebibytes(process::memory(flood.host.id())?.most);
        let memory = vec![("most while calls run", most), ("afterwards", settled(flood.host.id())?)];
        pair.add(number(count), vec![("p50", p50), ("p99", p99)], memory);
    }
    pair.done(figures);
    Ok(())
}

/// Time until the list is there, and memory then.
fn listed(bench: &Bench, program: &Program, rounds: usize) -> Outcome<(f64, f64, f64)> {
    let (mut first, mut times, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut host = Host::ready(program, &bench.place("home")?)?;
        first.push(milliseconds(host.started.elapsed()));
        host.list()?;
        times.push(milliseconds(host.started.elapsed()));
        memory.push(settled(host.id())?);
    }
    Ok((median(&mut first), median(&mut times), median(&mut memory)))
}

fn grow(bench: &Bench, pair: &mut Pair, x: usize, text: &str) -> Outcome<()> {
    let (first, list, memory) = listed(bench, &bench.programs.serve(OURS, text)?, bench.rounds(9))?;
    pair.add(number(x), vec![("first answer", first), ("list of tools", list)], vec![("after the list", memory)]);
    Ok(())
}

fn connections(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let files = ["connections-time.svg", "connections-memory.svg"];
    let mut pair = Pair::new(files, "connections (Tavily, each with its tools)", "connections").linear();
    for count in [1, 5, 10, 20, 30, 40, 50] {
        let mut text = String::new();
        for number in 0..count {
            write!(text, "[connections.c{number}]\nbackend = \"tavily\"\nway = \"api-key\"\n\n")?;
        }
        grow(bench, &mut pair, count, &text)?;
    }
    pair.done(figures);
    Ok(())
}

/// Each connection to a folder of documents has eight tools.
fn tools(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let mut pair = Pair::new(["tools-time.svg", "tools-memory.svg"], "tools", "tools").linear();
    let folder = bench.place("empty")?;
    for connections in [1, 3, 6, 12, 31, 62, 94, 125] {
        let mut text = String::new();
        for number in 0..connections {
            let folder = folder.display().to_string();
            write!(text, "[connections.d{number}]\nbackend = \"documents\"\nfolders = [{folder:?}]\n\n")?;
        }
        grow(bench, &mut pair, connections * 8, &text)?;
    }
    pair.done(figures);
    Ok(())
}

fn sizes(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let files = ["size-time.svg", "size-memory.svg"];
    let mut pair = Pair::new(files, "the size of a result (through a bridge)", "KB");
    for size in [1_000, 10_000, 100_000, 500_000, 1_000_000, 2_500_000] {
        let (mut times, mut memories) = (Vec::new(), Vec::new());
        for (name, program) in [(OURS, bench.programs.bridge(0, size)?), (FLOOR, bench.programs.floor(0, size * 2))] {
            let (mut took, mut most) = (Vec::new(), Vec::new());
            for _ in 0..bench.rounds(5) {
                let (peak, _, time) = large::one(bench, &program)?;
                took.push(time);
                most.push(mebibytes(peak));
            }
            times.push((name, median(&mut took)));
            memories.push((name, median(&mut most)));
        }
        pair.add(number(size * 2) / 1e3, times, memories);
    }
    pair.done(figures);
    Ok(())
}
