//! Where each MCP host keeps its list of servers, and how that file is edited.
//!
//! A host is a value in [`ALL`]. A change is a [`Plan`]: it is made by reading, can be shown, and is written by
//! [`Plan::apply`] only. Whatever an edit does is proved before it is written: the new text is read as a whole, and what
//! it says must be what the old one said and our entry. What is not surely understood is refused and left as it is.

use std::path::PathBuf;

mod disk;
mod entry;
mod error;
mod list;
mod place;
mod plan;
mod program;
mod server;
mod text;

mod json;
mod toml;
mod yaml;

pub use entry::Entry;
pub use error::Error;
pub use list::ALL;
pub use place::{Here, System};
pub use plan::{Plan, Written};
pub use program::{Fleeting, own};
pub use server::{Server, Unread};

use entry::Wanted;
use place::{Located, Place, joined};

/// The name of our entry in every host.
pub const NAME: &str = "keyward";

/// One host.
#[derive(Debug)]
pub struct Host {
    /// Its name on the command line.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// How its file is written.
    format: Format,
    /// The table that holds the servers by name.
    pub key: &'static str,
    shape: Shape,
    user: &'static [Place],
    /// The file in the folder of a project, where the host has one.
    project: Option<&'static str>,
    /// What else shows that the host was used here.
    signs: &'static [Place],
    /// Programs that come with it.
    programs: &'static [&'static str],
    /// Its name among the applications of macOS; empty if it is none.
    application: &'static str,
    /// Where a person pastes the entry; empty unless the host keeps its servers where nobody else can write.
    pub dialog: &'static str,
    /// What makes the host notice the entry.
    pub restart: &'static str,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// JSON; comments and trailing commas are kept, because some hosts allow them.
    Json,
    /// TOML.
    Toml,
    /// YAML, as Goose writes it.
    Yaml,
}

/// How a host spells an entry.
#[derive(Clone, Copy, Debug)]
struct Shape {
    command: &'static str,
    env: &'static str,
    /// What stands before the command in a new entry.
    before: &'static [(&'static str, Fixed)],
    /// What stands behind it.
    after: &'static [(&'static str, Fixed)],
}

/// A value that is the same for everybody.
#[derive(Clone, Copy, Debug)]
enum Fixed {
    Text(&'static str),
    Texts(&'static [&'static str]),
    Number(u32),
    Yes,
}

/// Whose list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The person's, everywhere.
    User,
    /// That of the project in this folder.
    Project,
}

/// The host of that name.
pub fn named(name: &str) -> Option<&'static Host> {
    ALL.iter().find(|host| host.name == name)
}

impl Host {
    /// Whether the host seems to be on this machine.
    pub fn is_present(&self, here: &Here) -> bool {
        let was_used = |located: &Located| {
            let folder = located.file.parent().filter(|folder| *folder != located.base);
            located.file.exists() || folder.is_some_and(std::path::Path::is_dir)
        };
        self.user.iter().chain(self.signs).filter_map(|place| place.locate(here)).any(|located| was_used(&located))
            || self.programs.iter().any(|name| here.has_program(name))
            || (!self.application.is_empty() && here.has_application(self.application))
    }

    /// The file with the list; `None` where the host has none of that kind, or the platform names no folder for it.
    pub fn file(&self, scope: Scope, here: &Here) -> Option<PathBuf> {
        Some(self.locate(scope, here)?.file)
    }

    /// Whether the host has lists of that kind.
    pub fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::User => !self.user.is_empty(),
            Scope::Project => self.project.is_some(),
        }
    }

    fn locate(&self, scope: Scope, here: &Here) -> Option<Located> {
        match scope {
            Scope::User => self.user.iter().find_map(|place| place.locate(here)),
            Scope::Project => Some(Located { base: here.project.clone(), file: joined(&here.project, self.project?) }),
        }
    }
}

#[cfg(test)]
mod tests;
