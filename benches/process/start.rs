//! Starting: how long until the first answer and the list of tools, what it costs, and what memory is held then.

use std::path::Path;
use std::time::Instant;

use crate::figures::{Budget, FLOOR, Figures, OURS, Row, Unit, mebibytes, median, milliseconds, percentile};
use crate::host::{Host, Program, Until};
use crate::{Bench, Outcome, process, wrong};

/// Starts of each program.
const STARTS: usize = 50;
/// The floor that gives keyward's list.
const LISTER: &str = "floor with a list";

#[derive(Default)]
struct Seen {
    name: String,
    first: Vec<f64>,
    list: Vec<f64>,
    seconds: Vec<f64>,
}

impl Seen {
    fn look(&mut self, bench: &Bench, program: &Program) -> Outcome<()> {
        let home = bench.place("home")?;
        let mut host = Host::start(program, &home)?;
        host.initialize()?;
        self.first.push(milliseconds(host.started.elapsed()));
        host.list()?;
        self.list.push(milliseconds(host.started.elapsed()));
        self.seconds.push(process::seconds(host.id())? * 1e3);
        self.name = program.name.to_owned();
        Ok(())
    }
}

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let whole = bench.programs.whole()?;
    let mut host = Host::ready(&whole, &bench.place("home")?)?;
    host.list()?;
    let list = host.result().ok_or_else(|| wrong("no list of tools"))?;
    let lister = bench.programs.floor_with(LISTER, list)?;
    drop(host);
    let mut programs = vec![bench.programs.floor(0, 100), lister, whole, bench.programs.bridge(0, 100)?];
    programs.extend(bench.programs.peers(0, 100)?);
    let mut all: Vec<Seen> = Vec::new();
    all.resize_with(programs.len(), Seen::default);
    for _ in 0..bench.rounds(STARTS) {
        for (program, seen) in programs.iter().zip(&mut all) {
            match seen.look(bench, program) {
                Err(error) if program.name != OURS => figures.note(format!("start of {}: {error}", program.name)),
                done => done?,
            }
        }
    }
    all.retain(|seen| !seen.first.is_empty());
    type Pick = fn(&mut Seen) -> &mut Vec<f64>;
    let times = Budget::TimesFloor(2.0);
    let rows: [(&str, Pick, f64, Option<Budget>); 5] = [
        ("spawn to the first answer, every backend configured, median", |seen| &mut seen.first, 0.5, Some(times)),
        ("spawn to the first answer, p95", |seen| &mut seen.first, 0.95, None),
        (
            "spawn to the list of tools, every backend configured (the floor has the same list), median",
            |seen| &mut seen.list,
            0.5,
            Some(times),
        ),
        ("spawn to the list of tools, p95", |seen| &mut seen.list, 0.95, None),
        ("processor time from the start to the list", |seen| &mut seen.seconds, 0.5, None),
    ];
    for (what, pick, part, budget) in rows {
        let row = Row { budget, is_told: budget.is_some(), ..Row::new(what, Unit::Milliseconds) };
        // The floor that gives keyward's list is compared with the time to the list, the bare one with all else.
        let (not, named) = if what.contains("list") { (FLOOR, LISTER) } else { (LISTER, "") };
        let seen = all.iter_mut().filter(|seen| seen.name != not);
        let value = |seen: &mut Seen| {
            let name = if seen.name == named { FLOOR } else { &seen.name };
            (name.to_owned(), percentile(pick(seen), part))
        };
        figures.add(Row { values: seen.map(value).collect(), ..row });
    }
    if let Some(floor) = all.iter_mut().find(|seen| seen.name == FLOOR) {
        let row =
            Row::new("spawn to the list of tools, the floor with a list of its own of one tool", Unit::Milliseconds);
        figures.add(row.with(FLOOR, median(&mut floor.list)));
    }
    let size = std::fs::metadata(&bench.programs.keyward)?.len();
    let row = Row::new("size of the program", Unit::Mebibytes).within(Budget::AtMost(8.0));
    figures.add(row.with(OURS, mebibytes(size)));
    Ok(())
}

/// Memory of a program that starts, lists, and waits.
pub fn memory(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let home = bench.place("home")?;
    let mut programs = vec![bench.programs.floor(0, 100), bench.programs.whole()?, bench.programs.bridge(0, 100)?];
    programs.extend(bench.programs.peers(0, 100)?);
    let mut rest = Row::new("memory at rest, after the first answer", Unit::Mebibytes);
    let mut listed =
        Row::new("memory at rest, after the list of tools", Unit::Mebibytes).within(Budget::AtMost(6.0)).told();
    for program in &programs {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..bench.rounds(5) {
            match held(program, &home) {
                Ok((rest, listed)) => (before.push(rest), after.push(listed)),
                Err(error) if program.name == OURS => return Err(error),
                Err(error) => {
                    figures.note(format!("memory of {}: {error}", program.name));
                    break;
                }
            };
        }
        if after.is_empty() {
            continue;
        }
        rest = rest.with(program.name, median(&mut before));
        listed = listed.with(program.name, median(&mut after));
    }
    figures.add(rest);
    figures.add(listed);
    crate::secure::run(bench, figures)?;
    many(bench, figures)
}

/// Memory at rest after the first answer, and after the list.
fn held(program: &Program, home: &Path) -> Outcome<(f64, f64)> {
    let mut host = Host::ready(program, home)?;
    let rest = settled(host.id())?;
    host.list()?;
    Ok((rest, settled(host.id())?))
}

/// Memory when nothing has changed for a tenth of a second.
pub fn settled(id: u32) -> Outcome<f64> {
    let mut last = process::memory_of_all(id)?;
    for _ in 0..50 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = process::memory_of_all(id)?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(mebibytes(last))
}

/// Memory over ten thousand calls, and over a session of a hundred thousand lines.
fn many(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let home = bench.place("home")?;
    let warm = 500;
    let (calls, lines) = (bench.rounds(10_000), bench.rounds(100_000));
    let mut grown =
        Row::new(format!("growth of memory over {calls} calls"), Unit::Mebibytes).within(Budget::AtMost(1.0));
    for program in [bench.programs.floor(0, 6_000), bench.programs.keyward(0, 6_000)?] {
        let mut host = Host::ready(&program, &home)?.flood(Until::Calls(warm), 8)?.host;
        let before = settled(host.id())?;
        host = host.flood(Until::Calls(calls), 8)?.host;
        grown = grown.with(program.name, settled(host.id())? - before);
    }
    figures.add(grown);
    let mut host = Host::ready(&bench.programs.keyward(0, 100)?, &home)?;
    host.pings(1_000)?;
    let (before, began) = (settled(host.id())?, Instant::now());
    host.pings(lines)?;
    let took = began.elapsed();
    let row = Row::new(format!("growth of memory over a session of {lines} lines"), Unit::Mebibytes);
    figures.add(row.within(Budget::AtMost(1.0)).with(OURS, settled(host.id())? - before));
    #[expect(clippy::cast_precision_loss, reason = "lines are counted in thousands")]
    let rate = lines as f64 / took.as_secs_f64();
    figures.add(Row::new("lines of such a session", Unit::Rate).with(OURS, rate));
    Ok(())
}
