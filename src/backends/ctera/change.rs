//! Making folders, copying, moving, renaming, deleting, recovering and restoring.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::client::At;
use super::listing::{Wanted, word};
use super::path::{Path, new_name};
use super::read::VERSION;
use super::shape::{OUTCOMES, Shape, returns};
use super::task::{Action, OnConflict, Outcome, Watch};
use super::tool::{ADDS, Request, Spec, TAKES, output, takes, told};
use super::wire::Node;
use crate::backends::arguments::{Field, Form};
use crate::backends::http::Kind;
use crate::backends::{Error, Output};

/// How long a call watches its tasks unless it says.
const WAIT: u64 = 300;

const PATHS: (Field, &str) = (
    Field::required("paths", Form::Texts(100)),
    "The files or folders, by their paths as lists show them. Each is a task of its own.",
);
const FOLDER: (Field, &str) =
    (Field::required("to_folder", Form::Text(4_096)), "The folder into which they go; it must be there already.");
const NEW_NAME: (Field, &str) =
    (Field::new("new_name", Form::Text(255)), "Another name for it there. For one path only.");
const ON_CONFLICT: (Field, &str) = (
    Field::new("on_conflict", Form::Choice(OnConflict::WORDS)),
    "What to do where something of that name is there: `fail` (the default) leaves both as they are and tells; `skip` keeps what \
     is there; `overwrite` replaces it; `rename` gives the new one another name.",
);
const WAITS: (Field, &str) = (
    Field::new("wait", Form::Whole(0, 3_600)),
    "For how many seconds to wait for the end; 300 unless given. What takes longer goes on, and its `task` tells how far it is.",
);

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "make_folder",
        title: "Make a folder",
        description: "Makes a folder on the CTERA Portal, with the folders it is in where they are missing.",
        toolset: "write",
        effect: crate::backends::Effect { idempotent: true, ..ADDS },
        takes: takes!(&[
            (
                Field::required("path", Form::Text(4_096)),
                "The path of the new folder, such as `My Files/Reports/2026`.",
            ),
            (Field::new("parents", Form::Flag), "Also make the folders it is in; true unless given."),
        ]),
        returns: returns!(&[
            ("path", Shape::Text, true, ""),
            ("made", Shape::Texts, true, "What was made, from the top on; empty if it was there already."),
        ]),
        run: |request| Box::pin(make_folder(request)),
    },
    Spec {
        name: "copy",
        title: "Copy",
        description: "Copies files and folders into another folder, waits for the end and tells what became of each.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[PATHS, FOLDER, NEW_NAME, ON_CONFLICT, WAITS]),
        returns: OUTCOMES,
        run: |request| Box::pin(into_folder(request, "copyResources")),
    },
    Spec {
        name: "move",
        title: "Move",
        description: "Moves files and folders into another folder, waits for the end and tells what became of each.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[PATHS, FOLDER, NEW_NAME, ON_CONFLICT, WAITS]),
        returns: OUTCOMES,
        run: |request| Box::pin(into_folder(request, "moveResources")),
    },
    Spec {
        name: "rename",
        title: "Rename",
        description: "Gives a file or folder another name in the folder where it is.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[
            (Field::required("path", Form::Text(4_096)), "Its path, as lists show it."),
            (Field::required("new_name", Form::Text(255)), "The new name, without a path."),
            ON_CONFLICT,
            WAITS,
        ]),
        returns: OUTCOMES,
        run: |request| Box::pin(rename(request)),
    },
    Spec {
        name: "delete",
        title: "Delete",
        description: "Deletes files and folders. Where the Portal keeps deleted files, `recover` brings them back. Folders that are \
                      not empty are deleted only with `recursive`. Ask the person first.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[PATHS, (Field::new("recursive", Form::Flag), "Also folders with what is in them."), WAITS]),
        returns: OUTCOMES,
        run: |request| Box::pin(delete(request)),
    },
    Spec {
        name: "recover",
        title: "Recover",
        description: "Brings back deleted files and folders to where they were. Lists with `include_deleted` show what there is.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[PATHS, ON_CONFLICT, WAITS]),
        returns: OUTCOMES,
        run: |request| Box::pin(recover(request)),
    },
    Spec {
        name: "restore",
        title: "Restore a version",
        description: "Makes an older version of a file or folder the current one. What is current becomes a version.",
        toolset: "write",
        effect: TAKES,
        takes: takes!(&[
            (Field::required("path", Form::Text(4_096)), "Its path, as lists show it."),
            (Field::required("version", Form::Text(40)), VERSION.1),
            ON_CONFLICT,
            WAITS,
        ]),
        returns: OUTCOMES,
        run: |request| Box::pin(restore(request)),
    },
];

#[derive(Serialize)]
struct Made {
    path: String,
    made: Vec<String>,
}

async fn make_folder(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    let parents = request.given.get("parents") != Some(&serde_json::Value::Bool(false));
    let made = request.at.make_folder(&path, parents).await?;
    let heading = match made.len() {
        0 => format!("`{path}` was there already."),
        1 => format!("Made `{path}`."),
        count => format!("Made `{path}`, with {} folders it is in.", count - 1),
    };
    output(&heading, &[], &Made { path: path.to_string(), made })
}

impl At {
    /// Makes a folder; what was made, from the top on.
    ///
    /// The Portal has no option for parents, and may refuse to make a folder at the top that is there. So what is there is
    /// looked for from below, and only what is missing is made (reference: "makeCollection").
    pub(super) async fn make_folder(&self, path: &Path, parents: bool) -> Result<Vec<String>, Error> {
        let mut missing = Vec::new();
        for folder in path.ancestry().rev() {
            match self.stat(&folder).await? {
                Some(item) if item.is_folder => break,
                Some(_) => {
                    let said = format!("`{folder}` is a file");
                    return Err(Error::Refused { host: self.host(), code: 409, said });
                }
                None => missing.push(folder),
            }
        }
        if missing.len() > 1 && !parents {
            let parent = path.parent().unwrap_or_default();
            return Err(Error::Arguments(format!(
                "`path`: the folder `{parent}` is not there; with `parents` it is made as well"
            )));
        }
        for folder in &missing {
            new_name(folder.name().unwrap_or_default())
                .map_err(|why| Error::Arguments(format!("`path`: a name in it {why}")))?;
        }
        let mut made = Vec::new();
        for folder in missing.iter().rev() {
            if self.make_one(folder).await? {
                made.push(folder.to_string());
            }
        }
        Ok(made)
    }

    /// Makes one folder in one that is there; whether it was this call that made it.
    async fn make_one(&self, folder: &Path) -> Result<bool, Error> {
        let parent = folder.parent().unwrap_or_default().href(self.scope());
        let name = folder.name().unwrap_or_default();
        // The name is the one thing that is not encoded.
        let param = Node::object([("name", name.into()), ("parentPath", parent.into())]);
        let answer = self.call("makeCollection", param, Kind::Write).await?;
        // Somebody else was faster, or it is a file.
        let is_there = word(&answer).as_deref() == Some("FileWithTheSameNameExist");
        if is_there && self.stat(folder).await?.is_some_and(|item| item.is_folder) {
            return Ok(false);
        }
        self.accepted(&answer).map(|()| true)
    }
}

/// One item of a call: where it is, and what is to be done; or what became of it without anything being done.
struct Job {
    path: Path,
    target: Option<Path>,
    action: Result<Action, Outcome>,
    /// Whether it must be empty when its turn comes.
    must_be_empty: bool,
}

/// Does one job after the other until the time is over, and tells what became of each.
async fn run(request: &Request, verb: &str, jobs: Vec<Job>) -> Result<Output, Error> {
    let choice = OnConflict::of(request.text("on_conflict"));
    let until = Instant::now() + Duration::from_secs(request.whole("wait").unwrap_or(WAIT));
    let count = jobs.len();
    let mut outcomes = Vec::new();
    for (index, job) in jobs.into_iter().enumerate() {
        let watch = Watch { until, progress: &request.progress, item: (index, count) };
        let empty = match job.must_be_empty && job.action.is_ok() {
            true => is_empty(&request.at, &job.path).await,
            false => Ok(true),
        };
        let outcome = match &job.action {
            // What the items before it came to is worth more than one error for all.
            Ok(_) if let Err(error) = &empty => Outcome::of_error(&job.path, error),
            Ok(_) if matches!(empty, Ok(false)) => {
                refused(&job.path, "the folder is not empty; `recursive` deletes it with what is in it")
            }
            Err(outcome) => outcome.clone(),
            // What is not begun can be asked for again.
            Ok(_) if index > 0 && Instant::now() >= until => {
                Outcome::new(&job.path, "not_started").saying("the time to wait was over; call again for it")
            }
            Ok(action) => match request.at.act(action, choice, &watch).await {
                Ok(outcome) => outcome,
                Err(error @ (Error::Rejected { .. } | Error::Credential(_))) if outcomes.is_empty() => {
                    return Err(error);
                }
                Err(error) => Outcome::of_error(&job.path, &error),
            },
        };
        let target = job.target.as_ref().map(ToString::to_string);
        outcomes.push(Outcome { path: job.path.to_string(), target, ..outcome });
    }
    result(verb, outcomes)
}

#[derive(Serialize)]
struct Outcomes {
    items: Vec<Outcome>,
}

fn result(verb: &str, items: Vec<Outcome>) -> Result<Output, Error> {
    let done = items.iter().filter(|item| item.outcome == "done").count();
    let heading = format!("{verb}: {done} of {} done.", items.len());
    let line = |item: &Outcome| {
        let target = item.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        let message = item.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
        format!("{}: {}{target}{message}", item.outcome, item.path)
    };
    let lines: Vec<String> = items.iter().map(line).collect();
    let failed = items.iter().any(Outcome::is_bad);
    told(&heading, &lines, &Outcomes { items }, failed)
}

fn refused(path: &Path, why: impl Into<String>) -> Outcome {
    Outcome::new(path, "failed").saying(why)
}

async fn into_folder(request: Request, method: &'static str) -> Result<Output, Error> {
    let (at, folder) = (&request.at, request.path("to_folder")?);
    let paths = distinct(request.paths("paths")?);
    let name = request.text("new_name").map(valid).transpose()?;
    if name.is_some() && paths.len() > 1 {
        return Err(Error::Arguments("`new_name` goes together with one path only".to_owned()));
    }
    // A file as the target would become the folder's name of a path that nobody meant.
    if !folder.is_root() && !at.must_stat(&folder).await?.is_folder {
        return Err(Error::Arguments(format!(
            "`to_folder`: `{folder}` is a file; name the folder, and the new name as `new_name`"
        )));
    }
    let mut targets = std::collections::BTreeSet::new();
    let twice = paths.iter().filter_map(|path| path.name()).find(|name| !targets.insert(*name));
    if let Some(name) = twice {
        let why = "two of them are called so, and one would take the place of the other";
        return Err(Error::Arguments(format!("`paths`: `{name}`: {why}")));
    }
    let job = |path: Path| {
        let target = folder.child(name.or(path.name()).unwrap_or_default());
        let action = match () {
            () if folder.is_within(&path) => Err(refused(&path, "it cannot go into itself")),
            () if target == path => Err(refused(&path, "it is there already; `new_name` gives it another name")),
            () => Ok(Action {
                method,
                source: path.href(at.scope()),
                target: Some(target.href(at.scope())),
                place: target.clone(),
            }),
        };
        Job { must_be_empty: false, target: Some(target), action, path }
    };
    let jobs = paths.into_iter().map(job).collect();
    run(&request, if method == "copyResources" { "Copy" } else { "Move" }, jobs).await
}

async fn rename(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    let name = valid(request.text("new_name").unwrap_or_default())?;
    let target = path.parent().unwrap_or_default().child(name);
    let scope = request.at.scope();
    let action = match target == path {
        true => Err(refused(&path, "it has that name already")),
        false => Ok(Action {
            method: "moveResources",
            source: path.href(scope),
            target: Some(target.href(scope)),
            place: target.clone(),
        }),
    };
    run(&request, "Rename", vec![Job { must_be_empty: false, path, target: Some(target), action }]).await
}

async fn delete(request: Request) -> Result<Output, Error> {
    let at = &request.at;
    let mut jobs = Vec::new();
    for path in distinct(request.paths("paths")?) {
        let found = at.stat(&path).await?;
        // What does not say that it is a file may be a folder.
        let must_be_empty =
            !request.is("recursive") && found.as_ref().is_some_and(|item| item.is_folder || item.size.is_none());
        let action = match found {
            None => Err(refused(&path, "there is nothing at that path")),
            Some(item) if item.allows("_delete") == Some(false) => Err(refused(&path, "the person may not delete it")),
            Some(_) => Ok(Action {
                method: "deleteResources",
                source: path.href(at.scope()),
                target: None,
                place: path.clone(),
            }),
        };
        jobs.push(Job { must_be_empty, path, target: None, action });
    }
    run(&request, "Delete", jobs).await
}

async fn is_empty(at: &At, folder: &Path) -> Result<bool, Error> {
    let rows = at.rows(folder, (0, 1), &Wanted::default()).await?;
    Ok(rows.items.is_empty() && !rows.more && rows.next == 0)
}

async fn recover(request: Request) -> Result<Output, Error> {
    let scope = request.at.scope();
    let job = |path: Path| {
        let action = Action { method: "restoreResources", source: path.href(scope), target: None, place: path.clone() };
        Job { must_be_empty: false, action: Ok(action), target: None, path }
    };
    let jobs = distinct(request.paths("paths")?).into_iter().map(job).collect();
    run(&request, "Recover", jobs).await
}

async fn restore(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    let version = request.at.version(&path, request.text("version").unwrap_or_default()).await?;
    let action = Action { method: "restoreResources", source: version.href, target: None, place: path.clone() };
    run(&request, "Restore", vec![Job { must_be_empty: false, path, target: None, action: Ok(action) }]).await
}

fn valid(name: &str) -> Result<&str, Error> {
    new_name(name).map_err(|why| Error::Arguments(format!("`new_name` {why}")))
}

/// Each path once, in the order of the call: what is named twice is meant once.
fn distinct(paths: Vec<Path>) -> Vec<Path> {
    let mut seen = std::collections::BTreeSet::new();
    paths.into_iter().filter(|path| seen.insert(path.clone())).collect()
}
