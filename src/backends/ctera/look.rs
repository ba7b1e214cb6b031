//! Who is signed in, what is where, and what a task is doing.

use serde::Serialize;
use serde_json::Value;

use super::fields;
use super::item::{Item, Row};
use super::listing::{Bounds, Wanted};
use super::open::Who;
use super::path::Path;
use super::shape::{ROWS, Shape, returns};
use super::tool::{LOOKS, Request, Spec, output, takes};
use super::wire::Node;
use crate::backends::arguments::{Field, Form};
use crate::backends::http::Kind;
use crate::backends::{Error, Output, outside};

/// The tool that only the administration has.
pub(super) const PORTALS: &str = "portals";

const PATH: (Field, &str) = (
    Field::new("path", Form::Text(4_096)),
    "A path such as `My Files/Reports`, as lists show it; the root unless given.",
);
const DELETED: (Field, &str) =
    (Field::new("include_deleted", Form::Flag), "Also what was deleted and can perhaps be recovered.");
const LIMIT: (Field, &str) = (Field::new("limit", Form::Whole(1, 1_000)), "How many items at most; 200 unless given.");
const OFFSET: (Field, &str) = (
    Field::new("offset", Form::Whole(0, 10_000_000)),
    "Leave out this many items: the `next_offset` of an earlier result.",
);
const SORT: (Field, &str) = (
    Field::new("sort", Form::Choice(&["name", "size", "modified", "-name", "-size", "-modified"])),
    "The order; `-` turns it round. The Portal's own order unless given.",
);
const ONLY: (Field, &str) = (Field::new("only", Form::Choice(&["files", "folders"])), "Leave out the others.");

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "who_am_i",
        title: "Who is signed in",
        description: "Tells who is signed in to the CTERA Portal, what they may do there, and where they are.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[]),
        returns: returns!(&[
            ("account", Shape::Text, true, "Who is signed in."),
            ("role", Shape::Text, false, "What they may do, by the Portal's word."),
            ("home_portal", Shape::Text, false, "The portal that the account belongs to."),
            ("portal", Shape::Text, false, "The portal that this call worked in; absent in the global administration."),
            ("version", Shape::Text, false, "The Portal's version."),
            ("most_for_links", Shape::Text, false, "The most that a public link may allow."),
            (
                "idle_minutes",
                Shape::Whole,
                false,
                "A session without use ends after this time; it is opened again by itself.",
            ),
        ]),
        run: |request| Box::pin(who_am_i(request)),
    },
    Spec {
        name: "list",
        title: "List a folder",
        description: "Lists what is in a folder on the CTERA Portal. Begin with the root, which shows the person's own files and \
                      the folders they share.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[PATH, DELETED, ONLY, SORT, LIMIT, OFFSET]),
        returns: ROWS,
        run: |request| Box::pin(list(request)),
    },
    Spec {
        name: "info",
        title: "Look at one item",
        description: "Tells everything about one file or folder: size, owner, last change, what may be done with it, and its \
                      permanent address for people who have access.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[
            (Field::required("path", Form::Text(4_096)), "Its path, as lists show it."),
            (Field::new("include_deleted", Form::Flag), "Also if it was deleted."),
        ]),
        returns: returns!(&[
            ("path", Shape::Text, false, ""),
            ("name", Shape::Text, true, ""),
            ("is_folder", Shape::Flag, true, ""),
            ("deleted", Shape::Flag, false, ""),
            ("size", Shape::Whole, false, "In bytes."),
            ("modified", Shape::Text, false, "By the Portal's own clock."),
            ("id", Shape::Whole, false, ""),
            ("permission", Shape::Text, false, "What the person may do, by the Portal's word."),
            ("shared", Shape::Flag, false, ""),
            ("has_links", Shape::Flag, false, ""),
            ("permalink", Shape::Text, false, "An address for people who have access anyway."),
            ("kind", Shape::Text, false, "What kind of place it is in, by the Portal's word."),
            ("owner", Shape::Text, false, ""),
            ("last_changed_by", Shape::Text, false, ""),
            ("last_change", Shape::Text, false, ""),
            ("allowed", Shape::Texts, true, "What may be done with it, by the names of these tools."),
            ("retained_until", Shape::Text, false, "It cannot be deleted before."),
        ]),
        run: |request| Box::pin(info(request)),
    },
    Spec {
        name: "walk",
        title: "List a folder with all below it",
        description: "Lists a folder and the folders below it, level by level, within bounds. Use `search` to find something by \
                      its name.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[
            PATH,
            (Field::new("depth", Form::Whole(1, 20)), "How many levels of folders; 3 unless given."),
            (Field::new("limit", Form::Whole(1, 2_000)), "How many items at most; 500 unless given."),
            DELETED,
        ]),
        returns: ROWS,
        run: |request| Box::pin(walk(request)),
    },
    Spec {
        name: "search",
        title: "Search by name, kind or content",
        description: "Searches a folder and everything below it on the Portal itself.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[
            (Field::new("name", Form::Text(200)), "What the name contains."),
            (Field::new("extension", Form::Text(40)), "The ending of the name, such as `pdf`."),
            (Field::new("content", Form::Text(200)), "What the text contains; newer Portals only."),
            PATH,
            DELETED,
            LIMIT,
            OFFSET,
        ]),
        returns: ROWS,
        run: |request| Box::pin(search(request)),
    },
    Spec {
        name: PORTALS,
        title: "List portals",
        description: "Lists the portals (tenants) that this administrator can work in. Other tools take one as `portal`.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[LIMIT, OFFSET]),
        returns: returns!(&[
            ("portals", Shape::Texts, true, "Their names."),
            ("next_offset", Shape::Whole, false, "There are more: call again with this `offset`."),
        ]),
        run: |request| Box::pin(portals(request)),
    },
    Spec {
        name: "task",
        title: "Look at a task",
        description: "Tells what a task is doing that went on after a call for copying, moving, deleting or recovering had ended.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[(Field::required("task", Form::Text(300)), "The `task` of an earlier result.")]),
        returns: returns!(&[
            ("outcome", Shape::Text, true, "`done`, `failed` or `running`."),
            ("status", Shape::Text, true, "The Portal's own word."),
            ("percentage", Shape::Whole, false, ""),
            ("files", Shape::Whole, false, "How many files were worked on."),
            ("message", Shape::Text, false, "Why it failed."),
        ]),
        run: |request| Box::pin(task(request)),
    },
];

#[derive(Serialize)]
struct Account {
    account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_portal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    portal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most_for_links: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_minutes: Option<u64>,
}

async fn who_am_i(request: Request) -> Result<Output, Error> {
    let at = &request.at;
    let who = at.who().await?;
    // Who it is, is known; the rest is welcome.
    let line = |value: Option<String>| value.map(|text| outside::line(&text, 200)).filter(|text| !text.is_empty());
    let portal = line(at.current_portal().await?);
    let version = line(at.get("/version").await.ok().and_then(|version| fields::scalar(&version)));
    let account = who.account();
    let Who { role, portal: home_portal, idle_minutes, most_for_links, .. } = who;
    let place =
        portal.as_ref().map_or_else(|| "no portal of its own".to_owned(), |portal| format!("the portal `{portal}`"));
    let heading =
        format!("Signed in as {account} ({}), in {place} at {}.", role.as_deref().unwrap_or("role unknown"), at.host());
    let fields = Account { account, role, home_portal, portal, version, most_for_links, idle_minutes };
    output(&heading, &[], &fields)
}

/// Rows in a result.
#[derive(Serialize)]
struct Listed {
    path: String,
    items: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deeper_folders: Option<u64>,
}

impl Listed {
    fn output(self, what: &str) -> Result<Output, Error> {
        let place = if self.path.is_empty() { "the root".to_owned() } else { format!("`{}`", self.path) };
        let mut heading = format!("{} items {what} {place}.", self.items.len());
        if let Some(next) = self.next_offset {
            heading.push_str(&format!(" There are more: call again with `offset` {next}."));
        }
        if !self.unread.is_empty() {
            heading.push_str(&format!(" {} folders were not read to their end.", self.unread.len()));
        }
        if let Some(deeper) = self.deeper_folders {
            heading.push_str(&format!(" {deeper} folders lie deeper."));
        }
        let lines: Vec<String> = self.items.iter().map(Row::line).collect();
        output(&heading, &lines, &self)
    }
}

fn wanted(request: &Request) -> Wanted {
    let sort = request.text("sort").map(|word| {
        let field = match word.trim_start_matches('-') {
            "size" => "size",
            "modified" => "lastmodified",
            _ => "name",
        };
        (field, !word.starts_with('-'))
    });
    let filter = |(name, operator): (&'static str, &'static str)| {
        Some((name, operator, request.text(name)?.trim_start_matches('.').to_owned()))
    };
    let filters =
        [("name", "contains"), ("extension", "eq"), ("content", "contains")].into_iter().filter_map(filter).collect();
    Wanted { deleted: request.is("include_deleted"), sort, filters, below: false }
}

async fn rows(request: &Request, folder: &Path, wanted: &Wanted) -> Result<Listed, Error> {
    let (offset, limit) = (request.whole("offset").unwrap_or(0), request.whole("limit").unwrap_or(200));
    let rows = request.at.rows(folder, (offset, limit), wanted).await?;
    let keep = |item: &Item| match request.text("only") {
        Some("files") => !item.is_folder,
        Some("folders") => item.is_folder,
        _ => true,
    };
    Ok(Listed {
        path: folder.to_string(),
        items: rows.items.iter().filter(|item| keep(item)).map(Item::row).collect(),
        next_offset: rows.more.then_some(rows.next),
        unread: Vec::new(),
        deeper_folders: None,
    })
}

async fn list(request: Request) -> Result<Output, Error> {
    let folder = request.path("path")?;
    must_be_folder(&request, &folder).await?;
    rows(&request, &folder, &wanted(&request)).await?.output("in")
}

/// The Portal lists a file as an empty folder.
async fn must_be_folder(request: &Request, path: &Path) -> Result<(), Error> {
    let item = if path.is_root() { None } else { request.at.stat_deleted(path).await? };
    match item {
        Some(item) if item.is_folder => Ok(()),
        None if path.is_root() => Ok(()),
        None => Err(super::listing::absent(request.at.host(), path)),
        Some(_) => Err(Error::Arguments(format!("`path`: `{path}` is a file. Use `info` or `read` for it"))),
    }
}

async fn info(request: Request) -> Result<Output, Error> {
    let path = request.path("path")?;
    let deleted = request.is("include_deleted");
    let found = if deleted { request.at.stat_deleted(&path).await? } else { request.at.stat(&path).await? };
    let item = found.ok_or_else(|| super::listing::absent(request.at.host(), &path))?;
    let details = item.details();
    let mut lines = vec![details.row.line()];
    let more = [
        ("permission", &details.row.permission),
        ("owner", &details.owner),
        ("last changed by", &details.last_changed_by),
        ("permanent address", &details.permalink),
        ("kept until", &details.retained_until),
    ];
    lines.extend(more.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?))));
    lines.push(format!("allowed: {}", details.allowed.join(", ")));
    output(&format!("What the Portal knows about `{path}`."), &lines, &details)
}

async fn walk(request: Request) -> Result<Output, Error> {
    let folder = request.path("path")?;
    must_be_folder(&request, &folder).await?;
    let bounds = Bounds { depth: request.whole("depth").unwrap_or(3), most: request.whole("limit").unwrap_or(500) };
    let walk = request.at.walk(&folder, bounds, &wanted(&request), &request.progress).await?;
    Listed {
        path: folder.to_string(),
        items: walk.items.iter().map(Item::row).collect(),
        next_offset: None,
        unread: walk.unread,
        deeper_folders: (walk.deeper > 0).then_some(walk.deeper),
    }
    .output("below")
}

async fn search(request: Request) -> Result<Output, Error> {
    let folder = request.path("path")?;
    let wanted = Wanted { below: true, ..wanted(&request) };
    if wanted.filters.is_empty() {
        return Err(Error::Arguments("one of `name`, `extension`, `content` is needed".to_owned()));
    }
    rows(&request, &folder, &wanted).await?.output("found below")
}

#[derive(Serialize)]
struct Portals {
    portals: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
}

async fn portals(request: Request) -> Result<Output, Error> {
    let (offset, limit) = (request.whole("offset").unwrap_or(0), request.whole("limit").unwrap_or(200));
    let param =
        Node::object([("startFrom", offset.into()), ("countLimit", limit.into()), ("isTrashcan", false.into())]);
    let answer = request.at.call("getPortalsDisplayInfo", param.of("QueryParams"), Kind::Read).await?;
    if answer.get("objects").is_none_or(|all| !all.is_array() && !all.is_null()) {
        return Err(request.at.wrong("it is no list of portals"));
    }
    let objects = fields::list(&answer, "objects");
    let portals: Vec<String> = objects
        .iter()
        .filter_map(|portal| fields::text(portal, "name"))
        .map(|name| outside::line(&name, 200))
        .collect();
    let more = fields::flag(&answer, "hasMore").unwrap_or(false) && !objects.is_empty();
    let next_offset = more.then(|| offset.saturating_add(u64::try_from(objects.len()).unwrap_or(u64::MAX)));
    let heading = format!("{} portals.{}", portals.len(), if more { " There are more." } else { "" });
    let lines = portals.clone();
    output(&heading, &lines, &Portals { portals, next_offset })
}

#[derive(Serialize)]
struct Seen {
    outcome: &'static str,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

async fn task(request: Request) -> Result<Output, Error> {
    let at = &request.at;
    let task = at.task(request.text("task").unwrap_or_default(), at.is_global().await?).await?;
    let outcome = match (task.is_over(), task.is_done()) {
        (_, true) => "done",
        (true, false) => "failed",
        (false, false) => "running",
    };
    let message = (outcome == "failed").then(|| task.reason(at.scope()));
    let heading = match &message {
        Some(message) => format!("The task has failed: {message}."),
        None => format!("The task is `{}`, {} %.", task.status, task.percentage.unwrap_or(0)),
    };
    output(
        &heading,
        &[],
        &Seen { outcome, status: task.status, percentage: task.percentage, files: task.files, message },
    )
}

/// What the Portal answers where it answers a list.
pub(super) fn entries(answer: &Value) -> Vec<&Value> {
    answer.as_array().map(|all| all.iter().collect()).unwrap_or_default()
}
