//! Everything below an allowed folder, in an order that does not change, for tools that look at all of it.
//!
//! Folders are entered through the handle of the folder above. Links to folders are not followed, so that there are no
//! loops; links to files are, where they stay inside. What a walk leaves out, it says.

use std::fs::File;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

use super::{Fault, read};

/// How deep a walk goes.
const DEPTH: usize = 16;
/// How many entries a walk looks at.
const ENTRIES: usize = 200_000;

/// A file that a walk came upon.
pub struct Found<'a> {
    /// Its path below the folder, with `/` between the names.
    pub below: &'a str,
    /// What the system says about it; of a link, about what it leads to.
    pub metadata: Metadata,
    folder: &'a Dir,
    name: &'a str,
}

impl Found<'_> {
    /// Opens it, if it has bytes of its own.
    pub fn open(&self) -> Result<File, Fault> {
        read::regular(self.folder, self.name)
    }
}

/// What a walk wants to know.
pub trait Visitor {
    /// Whether a file of this name is looked at; of others, nothing is said.
    fn wants(&self, name: &str) -> bool;
    /// A file.
    fn visit(&mut self, found: &Found<'_>);
    /// Something that was left out, and why.
    fn leave_out(&mut self, below: &str, why: String);
}

/// Walks through an allowed folder. Blocks: see [`super::aside`].
pub fn walk(folder: &Path, visitor: &mut dyn Visitor) -> Result<(), Fault> {
    let root = Dir::open_ambient_dir(folder, ambient_authority())
        .map_err(|error| Fault::Folder { folder: folder.to_path_buf(), why: error.kind().to_string() })?;
    Walk { visitor, root: &root, left: ENTRIES }.enter(&root, "", 0);
    Ok(())
}

/// Opens one file below an allowed folder, which a walk came upon. Blocks.
pub fn open(folder: &Path, below: &str) -> Result<File, Fault> {
    let root = Dir::open_ambient_dir(folder, ambient_authority())
        .map_err(|error| Fault::Folder { folder: folder.to_path_buf(), why: error.kind().to_string() })?;
    read::regular(&root, below)
}

struct Walk<'a> {
    visitor: &'a mut dyn Visitor,
    root: &'a Dir,
    left: usize,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Dir, path: &str, depth: usize) {
        let entries = match folder.entries() {
            Ok(entries) => entries,
            Err(error) => return self.visitor.leave_out(path, Fault::of(&error).to_string()),
        };
        let mut names = Vec::new();
        for entry in entries {
            if self.left == 0 {
                self.visitor.leave_out(path, format!("more than {ENTRIES} entries; the rest is not looked at"));
                break;
            }
            self.left -= 1;
            match entry {
                Ok(entry) => names.push((entry.file_name(), entry)),
                Err(error) => self.visitor.leave_out(path, Fault::of(&error).to_string()),
            }
        }
        names.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, entry) in &names {
            let Some(name) = name.to_str() else {
                self.visitor.leave_out(&join(path, &name.to_string_lossy()), "its name is not Unicode".to_owned());
                continue;
            };
            let below = join(path, name);
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.visitor.leave_out(&below, Fault::of(&error).to_string());
                    continue;
                }
            };
            let wanted = self.visitor.wants(name);
            match (kind.is_dir(), kind.is_symlink()) {
                (true, _) if name.starts_with('.') => self.visitor.leave_out(&below, HIDDEN.to_owned()),
                (true, _) if depth >= DEPTH => {
                    self.visitor.leave_out(&below, format!("more than {DEPTH} folders below each other"));
                }
                (true, _) => match folder.open_dir(name) {
                    Ok(inner) => self.enter(&inner, &below, depth + 1),
                    Err(error) => self.visitor.leave_out(&below, Fault::of(&error).to_string()),
                },
                _ if wanted && name.starts_with('.') => self.visitor.leave_out(&below, HIDDEN.to_owned()),
                (_, true) => self.link(&below, wanted),
                _ if !wanted => {}
                _ if !kind.is_file() => self.visitor.leave_out(&below, Fault::NotAFile.to_string()),
                _ => self.file(entry.metadata(), folder, name, &below),
            }
        }
    }

    /// A link may lead to anywhere in the allowed folder, also up from where it lies.
    fn link(&mut self, below: &str, wanted: bool) {
        let root = self.root;
        let target = root.metadata(below);
        match &target {
            Ok(found) if found.is_dir() => {
                self.visitor.leave_out(below, "a link to a folder, which is not followed".to_owned());
            }
            // What is not asked for is nobody's business, unless it could be a folder that somebody misses.
            Ok(_) if !wanted => {}
            Err(error) if !wanted && Fault::of(error) != Fault::LeadsOut => {}
            Ok(found) if !found.is_file() => self.visitor.leave_out(below, Fault::NotAFile.to_string()),
            _ => self.file(target, root, below, below),
        }
    }

    fn file(&mut self, metadata: std::io::Result<Metadata>, folder: &Dir, name: &str, below: &str) {
        match metadata {
            Ok(metadata) => self.visitor.visit(&Found { below, metadata, folder, name }),
            Err(error) => self.visitor.leave_out(below, Fault::of(&error).to_string()),
        }
    }
}

/// Why a hidden file or folder is left out.
const HIDDEN: &str = "it is hidden";

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
