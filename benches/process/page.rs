//! The page of results, `docs/benchmark.md`: what was promised, what others need, how things grow.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::figures::{FLOOR, Figures, OURS, Row, Unit};
use crate::programs::{BRIDGE, Programs};
use crate::{Outcome, plot, project};

/// What stands between these lines also stands in the README.
const BEGIN: &str = "<!-- benchmark: begin -->\n";
const END: &str = "<!-- benchmark: end -->\n";

/// How many there are.
pub const BUDGETS: usize = 22;

pub fn text(programs: &Programs, figures: &Figures) -> String {
    let mut text = String::from(
        "# Benchmark\n\nWritten by `cargo bench --bench process`, which anyone can repeat; it installs what it compares with. Times and rates are of\n\
         programs that took turns, round by round, each warmed up alike; calls in flight are kept up for two seconds, and whole waves of them are\n\
         counted (who needs over ten seconds for a round has no further one). A busy or slower machine changes all of them, so that the ratios say more than the milliseconds.\n\n",
    );
    text += &machine(programs);
    text += "\n\"Floor\" is a program of one thread that reads a line, makes one call over an open connection and writes a line: no parser, no schema, no login\n\
             ([benches/floor.rs](../benches/floor.rs)). keyward waits awake, for 0.2 ms at most, for a service of its own machine that\n\
             answered within that time before, as the one here does where nothing delays it: being woken would take longer. The processor time of a call says what that costs.\n\n";
    let judged: Vec<&Row> = figures.rows.iter().filter(|row| row.budget.is_some()).collect();
    let _ = writeln!(text, "## Budgets\n\n{} of {BUDGETS} hold.\n\n{}", held(figures), budgets(&judged));
    text += "## Beside others\n\nIn brackets: how many times the floor's.\n\n";
    let all: Vec<&Row> = figures.rows.iter().filter(|row| row.values.len() > 1).collect();
    text += &table(&all, &names(&figures.rows));
    text += &alone(&figures.rows);
    let told: Vec<&Row> = figures.rows.iter().filter(|row| row.is_told).collect();
    let _ = writeln!(text, "\n## In short\n\n{BEGIN}{}{END}", table(&told, &names(&figures.rows)));
    text += "## Growth\n\n";
    for plot in &figures.plots {
        let _ = writeln!(text, "![{}](benchmark/{})\n", plot.title, plot.file);
    }
    let missing: Vec<&String> = programs.absent.iter().chain(&figures.missing).collect();
    if !missing.is_empty() {
        text += "## Not measured\n\n";
        missing.iter().for_each(|line| text += &format!("- {line}\n"));
    }
    text
}

/// How many budgets were measured and hold.
pub fn held(figures: &Figures) -> usize {
    figures.rows.iter().filter(|row| row.verdict().is_some_and(|(_, holds)| holds)).count()
}

/// Ours and the floor first, then the others in the order in which they came.
fn names(rows: &[Row]) -> Vec<String> {
    let mut names = vec![FLOOR.to_owned(), OURS.to_owned()];
    for (name, _) in rows.iter().flat_map(|row| &row.values) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn budgets(rows: &[&Row]) -> String {
    let mut text = String::from("| what | budget | measured | holds |\n|---|---|---|---|\n");
    for row in rows {
        let Some((budget, holds)) = row.verdict() else { continue };
        let value = row.value(OURS).map(|value| row.unit.text(value)).unwrap_or_default();
        let _ = writeln!(text, "| {} | {budget} | {value} | {} |", row.what, if holds { "yes" } else { "**no**" });
    }
    text
}

fn table(rows: &[&Row], names: &[String]) -> String {
    let names: Vec<&String> = names.iter().filter(|name| rows.iter().any(|row| row.value(name).is_some())).collect();
    let mut text = format!(
        "| what |{}\n|---|{}\n",
        names.iter().map(|name| format!(" {name} |")).collect::<String>(),
        "---|".repeat(names.len())
    );
    for row in rows {
        let _ = write!(text, "| {} |", row.what);
        for name in &names {
            let value = row.value(name).map(|value| row.unit.text(value) + &ratio(row, name, value));
            let _ = write!(text, " {} |", value.as_deref().unwrap_or("–"));
        }
        text.push('\n');
    }
    text
}

/// What there is one value of and no budget for.
fn alone(rows: &[Row]) -> String {
    let mut text = String::from("\n## Without a budget\n\n| what | program | measured |\n|---|---|---|\n");
    for row in rows.iter().filter(|row| row.budget.is_none()) {
        if let [(name, value)] = &row.values[..] {
            let _ = writeln!(text, "| {} | {name} | {} |", row.what, row.unit.text(*value));
        }
    }
    text
}

fn ratio(row: &Row, name: &str, value: f64) -> String {
    match row.value(FLOOR) {
        Some(floor) if name != FLOOR && floor > 0.0 && !matches!(row.unit, Unit::Count) => match value / floor {
            many @ 10.0.. => format!(" ({many:.0})"),
            few => format!(" ({few:.2})"),
        },
        _ => String::new(),
    }
}

fn machine(programs: &Programs) -> String {
    let said = |command: &str, argument: &str| {
        let done = Command::new(command).arg(argument).output().map(|done| done.stdout).unwrap_or_default();
        String::from_utf8_lossy(&done).trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("a processor")
        .to_owned();
    let mut versions = vec![format!("keyward {}", env!("CARGO_PKG_VERSION"))];
    versions.extend(programs.peers.iter().map(|peer| format!("{} {}", peer.name, peer.version)));
    format!(
        "Machine: {cores} cores ({processor}), Linux {}, {}. Programs: {}; \"{BRIDGE}\" is keyward before a remote MCP server, as mcp-remote and\nhyper-mcp-remote are.\n",
        said("uname", "-r"),
        said("rustc", "-V"),
        versions.join(", "),
    )
}

/// Writes the page and the plots.
pub fn write(page: &str, figures: &Figures) -> Outcome<()> {
    let folder = project().join("docs");
    fs::create_dir_all(folder.join("benchmark"))?;
    fs::write(folder.join("benchmark.md"), page)?;
    for plot in &figures.plots {
        fs::write(folder.join("benchmark").join(plot.file), plot::svg(plot))?;
    }
    Ok(())
}
