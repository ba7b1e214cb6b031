//! What changes the tree: new folders, and the four actions behind tasks.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::super::path::Path;
use super::listing::{self, Looking, may_write};
use super::people::PEOPLE;
use super::said::{self, list, member};
use super::world::{Found, Item, Version, View, World, is_name};
use crate::backends::fake::Reply;

/// `makeCollection`: nothing if it was made, or the word of an error.
pub(super) fn make(world: &mut World, view: &View, param: &Value) -> Result<Option<&'static str>, Box<Reply>> {
    let parent = listing::path(view, &member(param, "parentPath"))?;
    let name = member(param, "name");
    let Some(found) = world.find(view, &parent, false).filter(|found| world.item(found.id).is_folder) else {
        return Ok(Some("DestinationNotExists"));
    };
    if !is_name(&name) {
        return Ok(Some("InvalidName"));
    }
    if [".ctera", "con"].contains(&name.to_lowercase().as_str()) {
        return Ok(Some("ReservedName"));
    }
    if world.find(view, &parent.child(&name), false).is_some() {
        return Ok(Some("FileWithTheSameNameExist"));
    }
    if !may_write(&found) {
        return Ok(Some("PermissionDenied"));
    }
    world.add(found.id, Item { name, is_folder: true, ..Item::default() });
    Ok(None)
}

/// One of the four actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Copy,
    Move,
    Delete,
    Restore,
}

impl Action {
    /// By the name of its method.
    pub(super) fn named(method: &str) -> Option<Self> {
        Some(match method {
            "copyResources" => Self::Copy,
            "moveResources" => Self::Move,
            "deleteResources" => Self::Delete,
            "restoreResources" => Self::Restore,
            _ => return None,
        })
    }
}

/// What is left to do of an action.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) action: Action,
    /// What was asked for.
    pub(super) urls: Vec<(Path, Path)>,
    steps: VecDeque<Step>,
    /// What to do about all conflicts.
    pub(super) all: String,
    /// What to do about the next one.
    pub(super) next: String,
    /// How many files were touched.
    pub(super) done: u64,
}

#[derive(Clone)]
enum Step {
    /// The action on one pair.
    Do(Path, Path),
    /// A folder whose content has moved goes, if nothing was left in it.
    Prune(Path),
}

/// How far a job came.
pub(super) enum Outcome {
    Done,
    /// Something is already there: source and target.
    Conflict(Path, Path),
    /// No right to this.
    Denied(Path),
    /// There is no such source.
    Missing(Path),
    /// There is no such folder to put it.
    NoFolder(Path),
}

impl Job {
    /// Reads what is asked for.
    pub(super) fn of(action: Action, view: &View, param: &Value) -> Result<Self, Box<Reply>> {
        let mut urls = Vec::new();
        for pair in list(param, "urls") {
            let from = listing::path(view, &member(pair, "src"))?;
            let to = match (action, member(pair, "dest").as_str()) {
                (Action::Copy | Action::Move, "") => return Err(said::error(500, "No destination")),
                (Action::Copy | Action::Move, href) => listing::path(view, href)?,
                _ => Path::default(),
            };
            urls.push((from, to));
        }
        if urls.is_empty() {
            return Err(said::text(400, "Malformed request: no urls"));
        }
        let steps = urls.iter().map(|(from, to)| Step::Do(from.clone(), to.clone())).collect();
        Ok(Self { action, urls, steps, all: String::new(), next: String::new(), done: 0 })
    }

    /// Goes on until the end or the first obstacle.
    pub(super) fn run(&mut self, world: &mut World, view: &View) -> Outcome {
        while let Some(step) = self.steps.pop_front() {
            let outcome = match &step {
                Step::Do(from, to) => self.step(world, view, from, to),
                Step::Prune(from) => prune(world, view, from),
            };
            if !matches!(outcome, Outcome::Done) {
                self.steps.push_front(step);
                return outcome;
            }
        }
        Outcome::Done
    }

    fn step(&mut self, world: &mut World, view: &View, from: &Path, to: &Path) -> Outcome {
        let restores = self.action == Action::Restore;
        let found = world.find(view, from, restores);
        let Some(found) = found else { return Outcome::Missing(from.clone()) };
        let outcome = match self.action {
            Action::Delete => delete(world, view, &found),
            Action::Restore => restore(world, view, &found),
            Action::Copy | Action::Move => self.put(world, view, &found, to),
        };
        self.done += u64::from(matches!(outcome, Outcome::Done));
        outcome
    }

    fn put(&mut self, world: &mut World, view: &View, from: &Found, to: &Path) -> Outcome {
        let moves = self.action == Action::Move;
        let parent = to.parent().and_then(|parent| world.find(view, &parent, false));
        let Some(parent) = parent.filter(|parent| world.item(parent.id).is_folder) else {
            return Outcome::NoFolder(to.clone());
        };
        let kept = moves && (!is_own(world, view, from) || holds_worm(world, view, from));
        if kept || !matches!(from.permission, "ReadWrite" | "ReadOnly") {
            return Outcome::Denied(from.path.clone());
        }
        if !may_write(&parent) || to.name().is_none_or(|name| !is_name(name)) || to.is_within(&from.path) && moves {
            return Outcome::Denied(parent.path);
        }
        let name = to.name().unwrap_or_default().to_owned();
        let Some(there) = world.find(view, to, false) else {
            place(world, view, from, (parent.id, &name), moves);
            return Outcome::Done;
        };
        let handler = if self.next.is_empty() { self.all.clone() } else { std::mem::take(&mut self.next) };
        let both = (world.item(from.id).is_folder, world.item(there.id).is_folder);
        match (handler.as_str(), both) {
            ("Skip", _) => {}
            ("Rename", _) => place(world, view, from, (parent.id, &free(world, view, &parent, &name)), moves),
            ("Override", _) if holds_worm(world, view, &there) => return Outcome::Denied(there.path),
            ("Override", (true, true)) => self.merge(world, view, from, to),
            ("Override", _) if from.id == there.id => {}
            ("Override", (false, false)) => overwrite(world, view, (from, there.id), moves),
            ("Override", _) => {
                trash(world, there.id);
                place(world, view, from, (parent.id, &name), moves);
            }
            _ => return Outcome::Conflict(from.path.clone(), there.path),
        }
        Outcome::Done
    }

    /// Does with everything inside what was to be done with the folder.
    fn merge(&mut self, world: &World, view: &View, from: &Found, to: &Path) {
        if self.action == Action::Move {
            self.steps.push_front(Step::Prune(from.path.clone()));
        }
        for id in world.children(from.id).into_iter().rev().filter(|id| world.is_there(*id, from.at, false)) {
            let found = world.entered(view, from, id);
            let to = to.child(&world.item(id).name);
            self.steps.push_front(Step::Do(found.path, to));
        }
    }
}

/// Whether it lies in a folder where it may be moved or deleted.
fn is_own(world: &World, view: &View, found: &Found) -> bool {
    let parent = found.path.parent().and_then(|parent| world.find(view, &parent, true));
    may_write(found) && parent.is_some_and(|parent| may_write(&parent))
}

fn holds_worm(world: &World, view: &View, found: &Found) -> bool {
    world.item(found.id).worm || world.below(view, found, false).iter().any(|found| world.item(found.id).worm)
}

fn trash(world: &mut World, id: usize) {
    let now = world.tick();
    if let Some(item) = world.items.get_mut(id) {
        item.deleted = Some(now);
    }
}

fn delete(world: &mut World, view: &View, found: &Found) -> Outcome {
    if !is_own(world, view, found) || holds_worm(world, view, found) {
        return Outcome::Denied(found.path.clone());
    }
    trash(world, found.id);
    Outcome::Done
}

fn restore(world: &mut World, view: &View, found: &Found) -> Outcome {
    if found.at.is_some() {
        let now = Found { at: None, ..found.clone() };
        let content = world.version(found).map(|version| version.content.clone());
        let Some(content) = content.filter(|_| may_write(&now)) else { return Outcome::Denied(found.path.clone()) };
        add_version(world, view, found.id, content);
        return Outcome::Done;
    }
    if !is_own(world, view, found) {
        return Outcome::Denied(found.path.clone());
    }
    if let Some(item) = world.items.get_mut(found.id) {
        item.deleted = None;
    }
    Outcome::Done
}

fn prune(world: &mut World, view: &View, from: &Path) -> Outcome {
    let found = world.find(view, from, false);
    if let Some(found) = found.filter(|found| world.below(view, found, false).is_empty()) {
        trash(world, found.id);
    }
    Outcome::Done
}

fn add_version(world: &mut World, view: &View, id: usize, content: Vec<u8>) {
    let stamp = world.tick();
    let by = PEOPLE.get(view.who).map_or("", |person| person.name).to_owned();
    if let Some(item) = world.items.get_mut(id) {
        item.versions.push(Version { content, stamp, by });
    }
}

fn overwrite(world: &mut World, view: &View, (from, to): (&Found, usize), moves: bool) {
    let content = world.version(from).map(|version| version.content.clone()).unwrap_or_default();
    add_version(world, view, to, content);
    if moves && let Some(item) = world.items.get_mut(from.id) {
        item.is_gone = true;
    }
}

/// Puts it there under that name: itself, or a copy of what can be seen of it.
fn place(world: &mut World, view: &View, from: &Found, (folder, name): (usize, &str), moves: bool) {
    if moves {
        if let Some(item) = world.items.get_mut(from.id) {
            (item.parent, item.name) = (folder, name.to_owned());
        }
        return;
    }
    let item = Item { name: name.to_owned(), is_folder: world.item(from.id).is_folder, ..Item::default() };
    // What is put into itself is what was there before.
    let inside: Vec<usize> = world.children(from.id);
    let content = world.version(from).map(|version| version.content.clone());
    let own = world.add(folder, item);
    if let Some(content) = content {
        add_version(world, view, own, content);
    }
    for id in inside.into_iter().filter(|id| world.is_there(*id, from.at, false)).collect::<Vec<_>>() {
        let found = world.entered(view, from, id);
        let name = world.item(id).name.clone();
        place(world, view, &found, (own, &name), false);
    }
}

/// A name that nothing has.
fn free(world: &World, view: &View, parent: &Found, name: &str) -> String {
    let (stem, extension) = name.rsplit_once('.').map_or((name, String::new()), |(a, b)| (a, format!(".{b}")));
    let names = (1..).map(|number| format!("{stem} ({number}){extension}"));
    let is_free = |name: &String| world.find(view, &parent.path.child(name), false).is_none();
    names.take(1_000).find(is_free).unwrap_or_default()
}

/// Where a job stopped, for the client to say back.
pub(super) fn cursor(looking: &Looking<'_>, outcome: &Outcome, mark: &str) -> Value {
    let scope = looking.view.scope;
    let row = |path: &Path| looking.world.find(looking.view, path, true).map(|found| looking.row(&found));
    let bare = |path: &Path| json!({"$class": "ResourceInfo", "name": path.name(), "href": path.href(scope)});
    let (from, to, at) = match outcome {
        Outcome::Done => return Value::Null,
        Outcome::Conflict(from, to) => (row(from), row(to), to),
        Outcome::Denied(path) | Outcome::Missing(path) => (row(path).or_else(|| Some(bare(path))), None, path),
        Outcome::NoFolder(to) => (None, Some(bare(to)), to),
    };
    json!({
        "$class": "ResourceActionCursor", "srcResource": from, "destResource": to, "upperLevelUrl": at.href(scope),
        "mark": mark,
    })
}
