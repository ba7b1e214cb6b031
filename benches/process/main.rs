//! `cargo bench --bench process`: what a person and a host notice of the release binary, beside the floor and its peers.
//!
//! ```text
//! cargo bench --bench process -- [--quick] [SECTION…]     sections: start memory calls load large keychain documents growth
//! ```
//!
//! Where times and rates are compared the programs take turns, round by round, so that what else the machine does meets them
//! alike; a figure is worth something beside the others of its run only. A whole run writes `docs/benchmark.md` and its plots; `--quick` and chosen
//! sections only print. A whole run ends with 1 if it finds a budget missed.

#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs, reads the clock and waits")]
#![expect(clippy::print_stderr, reason = "a benchmark says how far it is")]

use std::error::Error;
use std::path::{Path, PathBuf};

mod calls;
mod commands;
mod documents;
mod figures;
mod growth;
mod host;
mod large;
mod load;
mod page;
mod plot;
mod process;
mod programs;
mod secure;
mod service;
mod start;
mod texts;

use figures::Figures;
use programs::Programs;
use service::Service;

/// What everything here comes to.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// An error in a sentence.
pub fn wrong(text: impl Into<String>) -> Box<dyn Error + Send + Sync> {
    text.into().into()
}

/// What every section needs.
pub struct Bench {
    /// What is measured.
    pub programs: Programs,
    /// What they call.
    pub service: Service,
    /// A folder of this run.
    pub folder: tempfile::TempDir,
    /// Fewer rounds, and nothing written.
    pub is_quick: bool,
}

impl Bench {
    /// So many rounds, or a few.
    pub fn rounds(&self, usual: usize) -> usize {
        if self.is_quick { usual.div_ceil(10).max(3) } else { usual }
    }

    /// A new folder of this run.
    pub fn place(&self, name: &str) -> Outcome<PathBuf> {
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place)?;
        Ok(place)
    }
}

type Section = (&'static str, fn(&Bench, &mut Figures) -> Outcome<()>);

const SECTIONS: &[Section] = &[
    ("start", start::run),
    ("memory", start::memory),
    ("calls", calls::run),
    ("load", load::run),
    ("large", large::run),
    ("keychain", commands::run),
    ("documents", documents::run),
    ("growth", growth::run),
];

/// The top of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.first().is_some_and(|word| word == commands::INSIDE) {
        return commands::inside(&arguments);
    }
    let is_quick = arguments.iter().any(|word| word == "--quick");
    let chosen: Vec<&String> = arguments.iter().filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = chosen.iter().find(|name| SECTIONS.iter().all(|(section, _)| section != &name.as_str())) {
        return Err(wrong(format!("there is no section `{unknown}`")));
    }
    let folder = tempfile::tempdir()?;
    let service = Service::start()?;
    let programs = Programs::prepare(folder.path(), &service)?;
    let bench = Bench { programs, service, folder, is_quick };
    let mut figures = Figures::default();
    for (name, section) in SECTIONS {
        if chosen.is_empty() || chosen.iter().any(|chosen| chosen == name) {
            eprintln!("{name}");
            section(&bench, &mut figures)?;
        }
    }
    let page = page::text(&bench.programs, &figures);
    eprintln!("\n{page}");
    if chosen.is_empty() && !is_quick {
        page::write(&page, &figures)?;
        let held = page::held(&figures);
        if held < page::BUDGETS {
            return Err(wrong(format!("{} budgets are missed or were not measured", page::BUDGETS - held)));
        }
    }
    Ok(())
}
