//! Many calls in flight: how many are answered in a second, and how long the slowest wait.

use std::time::{Duration, Instant};

use crate::figures::{Budget, FLOOR, Figures, OURS, Row, Unit, median, milliseconds, percentile};
use crate::host::{Flood, Host, Program, Until};
use crate::{Bench, Outcome};

/// After this time with one of the others it gets no further round of a step.
const PATIENCE: Duration = Duration::from_secs(10);
/// For how long calls are made in a round; the same for every program.
const TIME: Duration = Duration::from_secs(2);
const SIZE: usize = 6_000;
const ROUNDS: usize = 3;
/// Calls that are not counted, of every program; fewer where few are in flight, which may have to wait for each.
const WARM: usize = 500;
/// How many calls are in flight.
const IN_FLIGHT: [usize; 5] = [1, 8, 64, 256, 1_000];
/// Milliseconds for which the service waits.
const DELAYS: [u64; 2] = [0, 50];

/// What one program reached in one round.
struct Reached {
    rate: f64,
    p99: f64,
}

/// One program under this load.
fn one(bench: &Bench, program: &Program, in_flight: usize) -> Outcome<Reached> {
    let host = Host::ready(program, &bench.place("home")?)?;
    // As many connections as will be needed are open, and what compiles as it runs has compiled, before the clock runs.
    let warm = WARM.min(in_flight * 64).max(in_flight * 2);
    let host = host.flood(Until::Calls(warm), in_flight)?.host;
    let time = if bench.is_quick { TIME / 5 } else { TIME };
    let mut flood = host.flood(Until::Time(time), in_flight)?;
    if flood.failed > 0 {
        return Err(crate::wrong(format!("{} of {} calls of {} failed", flood.failed, flood.ends.len(), program.name)));
    }
    let mut latencies: Vec<f64> = flood.latencies.iter().copied().map(milliseconds).collect();
    Ok(Reached { rate: rate(&mut flood, in_flight), p99: percentile(&mut latencies, 0.99) })
}

/// Calls a second. What is in flight goes round in a wave where the service waits, so that whole waves are counted, without the
/// first and the last: how it sets out and comes in is not how it goes on. Who is slow may have made no other.
#[expect(clippy::cast_precision_loss, reason = "calls are counted in thousands")]
fn rate(flood: &mut Flood, in_flight: usize) -> f64 {
    flood.ends.sort_unstable();
    let waves = (flood.ends.len() / in_flight).saturating_sub(2);
    match (flood.ends.get(in_flight - 1), flood.ends.get(in_flight * (waves + 1) - 1)) {
        (Some(first), Some(last)) if waves > 0 => (waves * in_flight) as f64 / (*last - *first).as_secs_f64(),
        _ => flood.ends.len() as f64 / flood.took.as_secs_f64(),
    }
}

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for delay in DELAYS {
        for in_flight in IN_FLIGHT {
            step(bench, figures, delay, in_flight)?;
        }
    }
    Ok(())
}

fn step(bench: &Bench, figures: &mut Figures, delay: u64, in_flight: usize) -> Outcome<()> {
    let mut programs = vec![bench.programs.keyward(delay, SIZE)?, bench.programs.bridge(delay, SIZE)?];
    if delay == 0 {
        programs.insert(0, bench.programs.floor(delay, SIZE));
    }
    programs.extend(bench.programs.peers(delay, SIZE)?);
    let title = format!("calls a second, {in_flight} in flight, service of {delay} ms");
    let mut rates = Row::new(&title, Unit::Rate);
    let mut waits = Row::new("the same, p99 of a call", Unit::Milliseconds);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let ideal = if delay > 0 { in_flight as f64 * 1e3 / delay as f64 } else { f64::INFINITY };
    match (delay, in_flight) {
        (0, 64) => rates = rates.within(Budget::PartOfFloor(0.4)).told(),
        (50, 256) => {
            rates = rates.within(Budget::AtLeast(ideal * 0.9)).told();
            waits = waits.within(Budget::AtMost(75.0));
        }
        _ => {}
    }
    let mut reached: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); programs.len()];
    let mut spent = vec![Duration::ZERO; programs.len()];
    for _ in 0..bench.rounds(ROUNDS) {
        for ((program, (rates, waits)), spent) in programs.iter().zip(&mut reached).zip(&mut spent) {
            let is_ours = [OURS, FLOOR].contains(&program.name);
            // Some answer one call after the other: more rounds would say the same.
            if !is_ours && *spent > PATIENCE {
                continue;
            }
            let began = Instant::now();
            match one(bench, program, in_flight) {
                Ok(reached) => {
                    rates.push(reached.rate);
                    waits.push(reached.p99);
                }
                Err(error) if !is_ours => figures.note(format!("{title}: {}: {error}", program.name)),
                Err(error) => return Err(error),
            }
            *spent += began.elapsed();
        }
    }
    for (program, (mut rate, mut wait)) in programs.iter().zip(reached) {
        if !rate.is_empty() {
            rates = rates.with(program.name, median(&mut rate));
            waits = waits.with(program.name, median(&mut wait));
        }
    }
    figures.add(rates);
    figures.add(waits);
    Ok(())
}
