//! Words for what is wrong with a file of this machine that a tool was to use.

use super::{Exit, Report};
use crate::backends::folders::Fault;
use crate::http;

pub(super) fn failed(connection: &str, path: &str, fault: &Fault) -> Report {
    let report = |exit, code| {
        Report::new(exit, code, format!("`{connection}` could not use the file `{path}`")).cause(fault.to_string())
    };
    let allow = format!("`keyward config set connections.{connection}.folders …`");
    match fault {
        Fault::Outside { allowed, .. } if allowed.is_empty() => report(Exit::Denied, "outside")
            .cause("the configuration allows no folder")
            .hint(format!("the person allows folders with {allow}: whole paths, separated by commas")),
        Fault::Outside { allowed, .. } => report(Exit::Denied, "outside")
            .cause(format!("allowed: {}", listed(allowed)))
            .hint("name a file below one of these folders")
            .hint(format!("the person allows others with {allow}, which names all of them, separated by commas")),
        Fault::LeadsOut => report(Exit::Denied, "outside")
            .hint(format!("name a file that is no link; the person allows the folder it is in with {allow}")),
        Fault::Folder { .. } => {
            report(Exit::Configuration, "folder").hint(format!("make the folder, or name others: {allow}"))
        }
        Fault::Name { .. } => report(Exit::Usage, "file_name").hint("choose another name"),
        Fault::NotThere => report(Exit::Usage, "no_file").hint("check the spelling, also of small and capital letters"),
        Fault::NoParent => report(Exit::Usage, "no_file").hint("name a folder that exists, or make it first"),
        Fault::IsFolder => report(Exit::Usage, "is_folder").hint("name a file in it"),
        Fault::NotAFile => report(Exit::Usage, "not_a_file").hint("name a plain file"),
        Fault::Exists => {
            report(Exit::Usage, "exists").hint("choose another name, or say that the file is to be replaced")
        }
        Fault::Denied => report(Exit::Denied, "file_denied").hint("check who may read and write it and its folder"),
        Fault::Unwritable { .. } => report(Exit::Denied, "unwritable").hint("name a folder on another disk"),
        Fault::Full => report(Exit::Unexpected, "no_space").hint("make room, or name a folder on another disk"),
        Fault::Changed => report(Exit::Unexpected, "changed").hint("try again when nobody changes it").retryable(),
        Fault::System(_) => report(Exit::Unexpected, "file").hint("try again, or name another file"),
    }
}

/// The same, noticed while it was being sent.
pub(super) fn unread(message: &str, error: &http::Error) -> Report {
    Report::new(Exit::Unexpected, "unread", message)
        .cause(error.to_string())
        .hint("check that the file can be read and is not being changed, then try again")
}

fn listed(folders: &[std::path::PathBuf]) -> String {
    folders.iter().map(|folder| format!("`{}`", folder.display())).collect::<Vec<_>>().join(", ")
}
