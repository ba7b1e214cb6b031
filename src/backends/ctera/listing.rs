//! Looking at one item, at what is in a folder, below it, and for what has some name (reference: "fetchResources").
//!
//! The Portal pages by row numbers: what is made or deleted meanwhile can shift rows, which a list cannot see. A walk reads
//! folder by folder, breadth first, and counts what it must leave out.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use super::client::At;
use super::fields;
use super::item::Item;
use super::path::Path;
use super::wire::Node;
use crate::backends::http::Kind;
use crate::backends::{Error, Progress, Step};

/// How many rows one request asks for; what the vendor's own client asks for.
const PAGE: u64 = 100;

/// Which rows of a folder are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Deleted ones, too.
    pub(super) deleted: bool,
    /// In which order: the Portal's field, and whether it grows.
    pub(super) sort: Option<(&'static str, bool)>,
    /// Only those that match: field, operator, value; all of them must.
    pub(super) filters: Vec<(&'static str, &'static str, String)>,
    /// Everything below, not only what is in the folder itself.
    pub(super) below: bool,
}

/// Some rows, in order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) items: Vec<Item>,
    /// Whether there are more.
    pub(super) more: bool,
    /// The number of the first row after them.
    pub(super) next: u64,
}

/// A page as it arrives.
struct Page {
    root: Option<Item>,
    rows: Rows,
    /// How many rows it had, readable or not.
    count: u64,
    error: Option<String>,
}

impl At {
    /// The item at a path; `None` if there is nothing.
    pub(super) async fn stat(&self, path: &Path) -> Result<Option<Item>, Error> {
        self.stat_href(&path.href(self.scope()), false).await
    }

    /// As [`At::stat`], also of what was deleted.
    pub(super) async fn stat_deleted(&self, path: &Path) -> Result<Option<Item>, Error> {
        self.stat_href(&path.href(self.scope()), true).await
    }

    pub(super) async fn stat_href(&self, href: &str, deleted: bool) -> Result<Option<Item>, Error> {
        let wanted = Wanted { deleted, ..Wanted::default() };
        let page = self.page(href, "0", (0, 1), &wanted).await?;
        match page.error.as_deref() {
            None => Ok(page.root),
            Some(word) if is_absent(word) => Ok(None),
            Some(word) => Err(failed(self.host(), word)),
        }
    }

    /// The item at a path, which must be there.
    pub(super) async fn must_stat(&self, path: &Path) -> Result<Item, Error> {
        self.stat(path).await?.ok_or_else(|| absent(self.host(), path))
    }

    /// Rows of a folder from `start` on, at most `most`.
    pub(super) async fn rows(&self, folder: &Path, (start, most): (u64, u64), wanted: &Wanted) -> Result<Rows, Error> {
        let href = folder.href(self.scope());
        let depth = if wanted.below { "Infinity" } else { "1" };
        let mut rows = Rows { items: Vec::new(), more: true, next: start };
        while rows.more && rows.next < start.saturating_add(most) {
            let limit = PAGE.min(start.saturating_add(most).saturating_sub(rows.next));
            let page = self.page(&href, depth, (rows.next, limit), wanted).await?;
            if let Some(word) = &page.error {
                return Err(if is_absent(word) { absent(self.host(), folder) } else { failed(self.host(), word) });
            }
            // Whoever says that there is more and sends nothing would be asked for ever.
            rows.more = page.rows.more && page.count > 0;
            rows.next = rows.next.saturating_add(page.count);
            rows.items.extend(page.rows.items);
        }
        Ok(rows)
    }

    async fn page(&self, href: &str, depth: &str, (start, limit): (u64, u64), wanted: &Wanted) -> Result<Page, Error> {
        let mut param = Node::object([
            ("start", start.into()),
            ("limit", limit.into()),
            ("root", href.into()),
            ("depth", depth.into()),
        ])
        .of("FetchResourcesParam");
        if wanted.deleted {
            param = param.with("includeDeleted", true.into());
        }
        if !wanted.filters.is_empty() {
            let filter = |(field, operator, value): &(&str, &str, String)| {
                Node::object([
                    ("field", (*field).into()),
                    ("operator", (*operator).into()),
                    ("value", value.as_str().into()),
                ])
                .of("SearchFilter")
            };
            param = param.with("searchFilters", Node::List(wanted.filters.iter().map(filter).collect()));
        }
        if let Some((field, ascending)) = wanted.sort {
            let sort = Node::object([("field", field.into()), ("ascending", ascending.into())]).of("Sort");
            param = param.with("sort", Node::List(vec![sort]));
        }
        let answer = self.call("fetchResources", param, Kind::Read).await?;
        let error = fields::text(&answer, "errorType");
        // What is null may be left out.
        if !answer.is_object() || answer.get("msg").is_some() || answer.get("rc").is_some() {
            return Err(self.wrong("it is no list of files"));
        }
        let items = fields::list(&answer, "items");
        // A Portal that sends more than it was asked for is asked for the rest.
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let taken = items.get(..items.len().min(most)).unwrap_or_default();
        let root = answer.get("root").filter(|root| root.is_object());
        Ok(Page {
            root: root.and_then(|root| Item::of(root, self.scope())),
            count: u64::try_from(taken.len()).unwrap_or(u64::MAX),
            rows: Rows {
                items: taken.iter().filter_map(|item| Item::of(item, self.scope())).collect(),
                more: fields::flag(&answer, "hasMore").unwrap_or(false) || taken.len() < items.len(),
                next: start,
            },
            error,
        })
    }

    /// What is below a folder: level by level down to `depth`, at most `most` items.
    pub(super) async fn walk(
        &self,
        folder: &Path,
        bounds: Bounds,
        wanted: &Wanted,
        progress: &Progress,
    ) -> Result<Walk, Error> {
        let mut walk = Walk::default();
        let mut todo = VecDeque::from([(folder.clone(), 1_u64)]);
        let mut seen = BTreeSet::from([folder.clone()]);
        while let Some((folder, level)) = todo.pop_front() {
            let left = bounds.most.saturating_sub(walk.count());
            if left == 0 {
                walk.unread.push(folder.to_string());
                walk.unread.extend(todo.iter().map(|(folder, _)| folder.to_string()));
                break;
            }
            let rows = match self.rows(&folder, (0, left), wanted).await {
                // A folder may vanish or be closed while its neighbours are read; the first one is what was asked for.
                Err(Error::Refused { .. } | Error::Forbidden { .. }) if level > 1 => {
                    walk.unread.push(folder.to_string());
                    continue;
                }
                rows => rows?,
            };
            if rows.more {
                walk.unread.push(folder.to_string());
            }
            for item in rows.items {
                // A folder that holds itself, or one outside, would be walked for ever.
                let inner = item
                    .path
                    .clone()
                    .filter(|path| item.is_folder && !item.is_deleted && path.parent().as_ref() == Some(&folder));
                if let Some(path) = inner.filter(|path| seen.insert(path.clone())) {
                    if level < bounds.depth {
                        todo.push_back((path, level + 1))
                    } else {
                        walk.deeper = walk.deeper.saturating_add(1)
                    }
                }
                walk.items.push(item);
            }
            walk.folders = walk.folders.saturating_add(1);
            let message = Some(format!("{} items in {} folders", walk.items.len(), walk.folders));
            #[expect(clippy::cast_precision_loss, reason = "a count for a progress bar")]
            progress.report(Step { done: walk.items.len() as f64, total: None, message });
        }
        Ok(walk)
    }
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Levels of folders; 1 is the folder itself.
    pub(super) depth: u64,
    /// Items.
    pub(super) most: u64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) items: Vec<Item>,
    /// How many folders were read.
    pub(super) folders: u64,
    /// Folders that were not read, or not to their end.
    pub(super) unread: Vec<String>,
    /// How many folders lie below the depth that was asked for.
    pub(super) deeper: u64,
}

impl Walk {
    fn count(&self) -> u64 {
        u64::try_from(self.items.len()).unwrap_or(u64::MAX)
    }
}

fn is_absent(word: &str) -> bool {
    matches!(word, "DestinationNotExists" | "SourceNotExists" | "NotFound")
}

/// There is nothing at that path.
pub(super) fn absent(host: String, path: &Path) -> Error {
    let said = if path.is_root() { "it shows no files".to_owned() } else { format!("there is nothing at `{path}`") };
    Error::Refused { host, code: 404, said }
}

/// What a word means with which the Portal refuses something (reference: "makeCollection", "Task polling").
pub(super) fn failed(host: String, word: &str) -> Error {
    let said = match word {
        "PermissionDenied" => return Error::Forbidden { host, said: "no permission".to_owned() },
        "FileWithTheSameNameExist" => "there is something of that name already".to_owned(),
        "DestinationNotExists" => "the folder it should go to is not there".to_owned(),
        "ReservedName" => "the Portal keeps that name for itself".to_owned(),
        "InvalidName" => "the Portal does not take that name".to_owned(),
        other => format!("the Portal says `{}`", crate::backends::outside::line(other, 200)),
    };
    Error::Refused { host, code: 0, said }
}

/// The value as the Portal's answers hold it, where a scalar is expected.
pub(super) fn word(value: &Value) -> Option<String> {
    fields::scalar(value).filter(|word| !word.is_empty())
}
