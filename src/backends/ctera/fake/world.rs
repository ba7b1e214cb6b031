//! The files: one tree for everybody, into which each person looks from their own root.

use super::super::Scope;
use super::super::path::Path;
use super::people::PEOPLE;

/// A file or a folder.
#[derive(Clone, Default)]
pub(super) struct Item {
    /// The folder it is in; a root is in itself.
    pub(super) parent: usize,
    pub(super) name: String,
    pub(super) is_folder: bool,
    /// What is really meant, if this is only an entry somewhere else.
    pub(super) target: Option<usize>,
    /// The `scope`; empty within a cloud folder.
    pub(super) scope: &'static str,
    /// The right that it gives, instead of its folder's.
    pub(super) permission: Option<&'static str>,
    /// Whose cloud folder it is.
    pub(super) owner: Option<usize>,
    /// What a file held, oldest first.
    pub(super) versions: Vec<Version>,
    pub(super) created: u64,
    /// When it went to the trash.
    pub(super) deleted: Option<u64>,
    /// Whether it must be kept as it is.
    pub(super) worm: bool,
    /// Whether its row is a poor one.
    pub(super) is_bare: bool,
    /// Whether it is nowhere any more.
    pub(super) is_gone: bool,
}

/// What a file held from then on.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) content: Vec<u8>,
    pub(super) stamp: u64,
    pub(super) by: String,
}

/// All files.
pub(super) struct World {
    pub(super) items: Vec<Item>,
    /// Seconds since the stand-in's calendar began.
    pub(super) clock: u64,
    /// The root of each person.
    pub(super) roots: Vec<usize>,
    /// The root of each tenant's administration.
    pub(super) administrations: Vec<(&'static str, usize)>,
}

/// From where somebody looks, and as whom.
pub(super) struct View {
    pub(super) root: usize,
    pub(super) scope: Scope,
    pub(super) who: usize,
}

/// A place that was found.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) id: usize,
    pub(super) path: Path,
    pub(super) scope: &'static str,
    pub(super) permission: &'static str,
    /// The cloud folder it is in.
    pub(super) cloud: Option<usize>,
    /// The moment that is looked at, if it is not now.
    pub(super) at: Option<u64>,
}

/// How the first name of a path into the past begins.
const SNAPSHOT: &str = "@snapshot-";
/// What a name must not hold.
const REFUSED: [char; 9] = ['\\', '/', ':', '?', '<', '>', '"', '|', '*'];

impl World {
    /// The item of that number.
    pub(super) fn item(&self, id: usize) -> &Item {
        static NONE: std::sync::LazyLock<Item> = std::sync::LazyLock::new(Item::default);
        self.items.get(id).unwrap_or(&NONE)
    }

    /// A moment later.
    pub(super) fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Puts something new into a folder.
    pub(super) fn add(&mut self, parent: usize, item: Item) -> usize {
        let created = self.tick();
        let id = self.items.len();
        self.items.push(Item { parent, created, ..item });
        id
    }

    /// What is in a folder, by name.
    pub(super) fn children(&self, folder: usize) -> Vec<usize> {
        let within =
            |(id, item): (usize, &Item)| (item.parent == folder && id != folder && !item.is_gone).then_some(id);
        let mut all: Vec<usize> = self.items.iter().enumerate().filter_map(within).collect();
        crate::order::by_key(&mut all, |id| (self.item(*id).name.to_lowercase(), *id));
        all
    }

    /// Whether it is there: at that moment, or now, with what is in the trash or without.
    pub(super) fn is_there(&self, id: usize, at: Option<u64>, trash: bool) -> bool {
        let item = self.item(id);
        match at {
            Some(moment) => item.created <= moment && item.deleted.is_none_or(|deleted| deleted > moment),
            None => trash || item.deleted.is_none(),
        }
    }

    /// Goes down a path; what is in the trash counts only if asked for, and only if nothing else is there.
    pub(super) fn find(&self, view: &View, path: &Path, trash: bool) -> Option<Found> {
        let item = self.item(view.root);
        let top = Found {
            id: view.root,
            path: Path::default(),
            scope: item.scope,
            permission: "ReadWrite",
            cloud: None,
            at: None,
        };
        let text = path.to_string();
        let names = text.split('/').filter(|name| !name.is_empty());
        names.enumerate().try_fold(top, |found, (depth, name)| match name.strip_prefix(SNAPSHOT) {
            Some(moment) if depth == 0 => {
                Some(Found { at: Some(moment.parse().ok()?), path: found.path.child(name), ..found })
            }
            _ => {
                let named = self.children(found.id).into_iter().filter(|id| self.item(*id).name == name);
                let named: Vec<usize> = named.filter(|id| self.is_there(*id, found.at, trash)).collect();
                let live = named.iter().find(|id| found.at.is_some() || self.item(**id).deleted.is_none());
                Some(self.entered(view, &found, *live.or(named.last())?))
            }
        })
    }

    /// What something in a folder is, seen from there.
    pub(super) fn entered(&self, view: &View, from: &Found, id: usize) -> Found {
        let entry = self.item(id);
        let target = entry.target.unwrap_or(id);
        let item = self.item(target);
        let read_only = PEOPLE.get(view.who).is_some_and(|person| person.role == "ReadOnlyAdmin");
        let permission = entry.permission.or(item.permission).unwrap_or(from.permission);
        Found {
            id: target,
            path: from.path.child(&entry.name),
            scope: [entry.scope, item.scope].into_iter().find(|scope| !scope.is_empty()).unwrap_or("InsideCloudFolder"),
            permission: if read_only && permission == "ReadWrite" { "ReadOnly" } else { permission },
            cloud: self.cloud_of(target),
            at: from.at,
        }
    }

    fn cloud_of(&self, id: usize) -> Option<usize> {
        let up = |id: &usize| Some(self.item(*id).parent).filter(|parent| parent != id);
        std::iter::successors(Some(id), up).find(|id| self.item(*id).owner.is_some())
    }

    /// Everything below, folders before what is in them.
    pub(super) fn below(&self, view: &View, from: &Found, trash: bool) -> Vec<Found> {
        let mut all = Vec::new();
        for id in self.children(from.id).into_iter().filter(|id| self.is_there(*id, from.at, trash)) {
            let found = self.entered(view, from, id);
            all.push(found.clone());
            all.extend(self.below(view, &found, trash));
        }
        all
    }

    /// What a file holds: now, or then.
    pub(super) fn version(&self, found: &Found) -> Option<&Version> {
        let versions = &self.item(found.id).versions;
        match found.at {
            Some(moment) => versions.iter().rev().find(|version| version.stamp <= moment),
            None => versions.last(),
        }
    }

    /// Writes a file: a new one, or a new version.
    pub(super) fn write(&mut self, folder: usize, name: &str, content: Vec<u8>, by: &str) -> usize {
        let own = |id: &usize| self.item(*id).name == name && self.item(*id).deleted.is_none();
        let id = self.children(folder).into_iter().find(own);
        let id = id.unwrap_or_else(|| self.add(folder, Item { name: name.to_owned(), ..Item::default() }));
        let stamp = self.tick();
        if let Some(item) = self.items.get_mut(id) {
            item.versions.push(Version { content, stamp, by: by.to_owned() });
        }
        id
    }

    /// How many bytes are below.
    pub(super) fn size(&self, folder: usize) -> usize {
        let size = |id: usize| match self.item(id).is_folder {
            true => self.size(id),
            false => self.item(id).versions.last().map_or(0, |version| version.content.len()),
        };
        self.children(folder).into_iter().map(size).sum()
    }
}

/// Whether something may be called that.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(REFUSED) && !name.chars().any(char::is_control)
}

/// A moment of the stand-in's calendar; past the last of the day it goes on in the next.
pub(super) fn stamp(clock: u64) -> String {
    let (minutes, seconds) = (clock / 60, clock % 60);
    let (hours, minutes) = (10 + minutes / 60, minutes % 60);
    format!("2026-11-{:02}T{:02}:{minutes:02}:{seconds:02}", 28 + hours / 24 % 3, hours % 24)
}

/// The name under which that moment can be looked at.
pub(super) fn snapshot(moment: u64) -> String {
    format!("{SNAPSHOT}{moment}")
}
