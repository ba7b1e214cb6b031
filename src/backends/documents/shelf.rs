//! All documents of a connection at one moment: which of them a name means, and what was left out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::document::Held;
use crate::backends::{Completion, Error, arguments, outside};

/// How many of the things that were left out are named.
const NAMED: usize = 20;
/// How many names an error lists.
const LISTED: usize = 30;
/// The most names among which the nearest is looked for.
const COMPARED: usize = 2_000;

/// What was left out, with the reason for each; the first ones by name.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    pub(super) named: Vec<(String, String)>,
    pub(super) count: usize,
}

impl LeftOut {
    pub(super) fn add(&mut self, what: &str, why: String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push((outside::line(what, 200), why));
        }
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.count += more.count;
        let room = NAMED.saturating_sub(self.named.len());
        self.named.extend(more.named.into_iter().take(room));
    }
}

/// The documents of all kinds, each kind and name once.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) all: Vec<Held>,
    pub(super) left_out: LeftOut,
    /// What else is to be said, for example how old a copy is.
    pub(super) notes: Vec<String>,
    /// Documents that have the kind and the name, in small letters, of one before them: kind, name and file.
    taken: Vec<(String, String, String)>,
}

impl Shelf {
    /// Of documents with the same kind and name, the first stays.
    pub(super) fn new(all: Vec<Held>, left_out: LeftOut) -> Self {
        let mut shelf = Self { all: Vec::with_capacity(all.len()), left_out, ..Self::default() };
        let mut seen: HashMap<(String, String), Arc<super::document::Document>> = HashMap::new();
        for held in all {
            let key = (held.document.kind.clone(), held.document.name.to_lowercase());
            match seen.get(&key) {
                Some(first) => {
                    let why = format!("its name `{}` is that of `{}`, which comes first", first.name, first.file);
                    shelf.left_out.add(&held.document.file, why);
                    shelf.taken.push((key.0, key.1, held.document.file.clone()));
                }
                None => {
                    seen.insert(key, Arc::clone(&held.document));
                    shelf.all.push(held);
                }
            }
        }
        shelf
    }

    /// Those of a kind, or all.
    pub(super) fn of<'a, 'k>(&'a self, kind: Option<&'k str>) -> impl Iterator<Item = &'a Held> + use<'a, 'k> {
        self.all.iter().filter(move |held| kind.is_none_or(|kind| held.document.kind == kind))
    }

    /// How many documents of which kind there are.
    pub(super) fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        self.all.iter().for_each(|held| *kinds.entry(held.document.kind.as_str()).or_default() += 1);
        kinds
    }

    /// A kind as it is written here.
    pub(super) fn kind(&self, text: &str) -> Result<String, Error> {
        let wanted = text.trim().to_lowercase();
        let kinds = self.kinds();
        if kinds.contains_key(wanted.as_str()) {
            return Ok(wanted);
        }
        let names: Vec<&str> = kinds.keys().copied().collect();
        let there = if names.is_empty() {
            "there are no documents at all".to_owned()
        } else {
            format!("there are {}", quoted(&names))
        };
        let hint = arguments::hint(&wanted, &names);
        Err(Error::Arguments(format!("there is no kind `{}`{hint}; {there}", outside::line(text, 60))))
    }

    /// The document of that name, or else of that file, in whatever case; if there is none, what there is.
    pub(super) fn find(&self, kind: Option<&str>, name: &str, one: &str) -> Result<&Held, Error> {
        let wanted = name.trim().to_lowercase();
        let by = |same: &dyn Fn(&Held) -> bool| self.of(kind).find(|held: &&Held| same(held));
        let found = by(&|held| held.document.name.to_lowercase() == wanted)
            .or_else(|| by(&|held| held.document.stem.to_lowercase() == wanted))
            .or_else(|| by(&|held| held.document.file.to_lowercase() == wanted));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.of(kind).map(|held| held.document.name.as_str()).collect();
            let near = names.get(..names.len().min(COMPARED)).unwrap_or_default();
            let hint = match names.iter().find(|known| known.to_lowercase().contains(&wanted)) {
                Some(known) => format!("; did you mean `{known}`?"),
                None => arguments::hint(&wanted, near),
            };
            let there = match names.len() {
                0 => format!("there is no {one} at all"),
                count => format!("of {count} there are {}", quoted(&names)),
            };
            Error::Arguments(format!("there is no {one} `{}`{hint}; {there}", outside::line(name, 60)))
        })
    }

    /// Other documents that the name could mean: of the same kind, which do not count, and of other kinds.
    pub(super) fn also(&self, held: &Held) -> Vec<String> {
        let (kind, name) = (&held.document.kind, held.document.name.to_lowercase());
        let taken = self.taken.iter().filter(|(of, known, _)| of == kind && *known == name);
        let same = self.all.iter().map(|other| &other.document);
        let same = same.filter(|other| other.kind != *kind && other.name.to_lowercase() == name);
        let taken = taken.map(|(_, _, file)| outside::line(file, 200));
        taken
            .chain(same.map(|other| format!("{}: {}", other.kind, outside::line(&other.file, 200))))
            .take(NAMED)
            .collect()
    }
}

/// How many texts a completion may offer.
const OFFERED: usize = 100;

/// What a text may become: first what begins with it, then what holds it.
pub(super) fn completion<'a>(all: impl Iterator<Item = &'a str>, value: &str) -> Completion {
    let value = value.to_lowercase();
    let mut fitting: Vec<(usize, &str)> =
        all.filter_map(|text| Some((text.to_lowercase().find(&value)?.min(1), text))).collect();
    crate::order::by_key(&mut fitting, |(begins, _)| *begins);
    let values: Vec<String> = fitting.iter().take(OFFERED).map(|(_, text)| (*text).to_owned()).collect();
    Completion { has_more: fitting.len() > values.len(), total: u64::try_from(fitting.len()).ok(), values }
}

/// Names in a sentence, the first ones.
fn quoted(names: &[&str]) -> String {
    let listed: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let rest = names.len().saturating_sub(LISTED);
    if rest == 0 { listed.join(", ") } else { format!("{} and {rest} more", listed.join(", ")) }
}
