//! Documents: the first look through them, and searches after it.

use std::time::Instant;

use crate::figures::{Budget, Figures, OURS, Row, Unit, median, milliseconds};
use crate::host::Host;
use crate::{Bench, Outcome};

/// How many documents, and the milliseconds a search in them may take.
const SETS: [(usize, f64); 2] = [(100, 20.0), (10_000, 300.0)];

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for (count, budget) in SETS {
        let folder = bench.place(&format!("documents-{count}"))?;
        crate::texts::write(&folder, count)?;
        let text = format!("[connections.documents]\nfolders = [{:?}]\n", folder.display().to_string());
        let program = bench.programs.serve(OURS, &text)?;
        let (mut first, mut phrase, mut ranked) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.rounds(5) {
            let mut host = Host::ready(&program, &bench.place("home")?)?;
            let mut timed = |tool: &str, arguments: &str| -> Outcome<f64> {
                let began = Instant::now();
                host.call_with(tool, arguments)?;
                Ok(milliseconds(began.elapsed()))
            };
            first.push(timed("documents_list_documents", "{\"limit\":10}")?);
            for _ in 0..3 {
                phrase.push(timed("documents_search_processes", "{\"keyword\":\"the storage of network\"}")?);
                ranked.push(timed("documents_search_documents", "{\"query\":\"release storage audit\"}")?);
            }
        }
        figures.add(
            Row::new(format!("first look through {count} documents"), Unit::Milliseconds)
                .with(OURS, median(&mut first)),
        );
        for (what, times) in [("phrase", &mut phrase), ("ranked words", &mut ranked)] {
            let row = Row::new(format!("search in {count} documents, {what}"), Unit::Milliseconds);
            figures.add(row.within(Budget::AtMost(budget)).told().with(OURS, median(times)));
        }
    }
    Ok(())
}
