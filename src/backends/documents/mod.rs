//! Documents: checklists, processes and whatever else people write down in Markdown, from folders of this machine and from
//! a list behind HTTPS.
//!
//! A document is a file `*.md` or `*.markdown` in UTF-8, up to 4 MiB, perhaps with front matter ([`front`]). Its kind is the
//! name of the first folder on the way to it: below the configured folder `/srv/docs`, `checklists/release.md` is of the
//! kind `checklists`, `runbooks/db/restore.md` of the kind `runbooks`, and `note.md` of the kind `docs`. A configured folder
//! that is itself called `checklists` or `processes` is of that kind as a whole. No key of the configuration says more.
//!
//! Its name is what the front matter says, or the file's own. Of two documents of one kind with the same name the first
//! counts, in the order of the folders and of the paths in them, and answers say so. Files are read when they are asked
//! for; nothing outside of the folders is, whatever links say.

use super::{Backend, Features, Way};

mod answer;
mod document;
mod enclosed;
pub mod fake;
mod files;
mod front;
mod index;
mod library;
mod prompts;
mod resources;
mod search;
mod shelf;
#[cfg(test)]
mod tests;
mod tool;

/// Checklists, processes and other documents.
pub static BACKEND: Backend = Backend {
    name: "documents",
    summary: "checklists, processes and other documents in Markdown, from folders or behind HTTPS",
    ways: &[Way::None, Way::OAuth],
    notes: &[],
    url: None,
    oauth_url: None,
    sign_in: None,
    issuer: |_| None,
    toolsets: &[],
    takes_folders: true,
    tools: |connection| tool::all(connection),
    prompts: |connection| prompts::all(connection),
    resources: |connection| resources::all(connection),
    features: |_| Features { prompts: true, resources: true, completions: true, ..Features::default() },
    passage: None,
    check: |connection| Box::pin(async move { library::Library::of(&connection).shelf().await.map(drop) }),
    fake: || Box::new(fake::Server::default()),
};
