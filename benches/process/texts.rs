//! Documents to be searched: as many as one likes, the same in every run.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes so many documents of a kilobyte or two, each with words that few others have.
pub fn write(folder: &Path, count: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
    for kind in ["checklists", "processes", "notes"] {
        fs::create_dir_all(folder.join(kind))?;
    }
    let words = ["release", "backup", "login", "switch", "rack", "address", "audit", "contract", "storage", "network"];
    for number in 0..count {
        let kind = ["checklists", "processes", "notes"].get(number % 3).copied().unwrap_or_default();
        let pick = |step: usize| words.get((number / step + step) % words.len()).copied().unwrap_or_default();
        let mut text =
            format!("---\nname: {} {number}\ndescription: How {} and {} go together\n---\n", pick(1), pick(3), pick(7));
        for line in 0..20 {
            writeln!(
                text,
                "- [ ] {} {line}: ask for the {} of {} and write it down",
                pick(line + 1),
                pick(line + 2),
                pick(line + 3)
            )?;
        }
        fs::write(folder.join(kind).join(format!("{number}.md")), text)?;
    }
    Ok(())
}
