//! A result of five megabytes: how much memory it needs on its way, and how long it takes.

use std::time::Instant;

use crate::figures::{Budget, Figures, OURS, Row, Unit, mebibytes, median, milliseconds, percentile};
use crate::host::{Host, Program};
use crate::programs::BRIDGE;
use crate::{Bench, Outcome, process};

/// Half of it: a bridge passes the text and the structure.
const SIZE: usize = 2_500_000;

/// The most memory while such a result passes, its own size, and how long it took.
pub fn one(bench: &Bench, program: &Program) -> Outcome<(u64, u64, f64)> {
    let mut host = Host::ready(program, &bench.place("home")?)?;
    host.list()?;
    process::forget_the_most(host.id())?;
    let began = Instant::now();
    let size = host.call()? as u64;
    let took = milliseconds(began.elapsed());
    Ok((process::memory(host.id())?.most, size, took))
}

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let mut programs = vec![bench.programs.floor(0, SIZE * 2), bench.programs.bridge(0, SIZE)?];
    programs.extend(bench.programs.peers(0, SIZE)?.into_iter().filter(|peer| peer.name != "tavily-mcp"));
    let what = "most memory for a result of 5 MB, keyward as a bridge, most of five";
    let (mut most, mut times) = (Row::new(what, Unit::Mebibytes), Row::new("time of it, median", Unit::Milliseconds));
    for program in &programs {
        let (mut peaks, mut took, mut whole) = (Vec::new(), Vec::new(), 0);
        for _ in 0..bench.rounds(5) {
            match one(bench, program) {
                Ok((peak, size, time)) => {
                    (whole, _) = (size, peaks.push(mebibytes(peak)));
                    took.push(time);
                }
                Err(error) => {
                    figures.missing.push(format!("a result of 5 MB: {}: {error}", program.name));
                    break;
                }
            }
        }
        if peaks.is_empty() {
            continue;
        }
        // What is judged is ours, which is a bridge here.
        let name = if program.name == BRIDGE { OURS } else { program.name };
        if program.name == BRIDGE {
            most = most.within(Budget::AtMost(4.0 * mebibytes(whole)));
        }
        most = most.with(name, percentile(&mut peaks, 1.0));
        times = times.with(name, median(&mut took));
    }
    figures.add(most);
    figures.add(times);
    Ok(())
}
