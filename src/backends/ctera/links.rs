//! Public links, and with whom something is shared.

use serde::Serialize;
use serde_json::Value;

use super::client::At;
use super::fields;
use super::look::entries;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec, TAKES, output, takes};
use super::wire::Node;
use crate::backends::arguments::{Field, Form};
use crate::backends::http::Kind;
use crate::backends::{Effect, Error, Output, days, outside};

/// For how many days a link is good unless the caller says.
const DAYS: u64 = 30;
/// What a link or a share allows: our word, and the Portal's.
const ACCESS: [(&str, &str); 5] = [
    ("read", "ReadOnly"),
    ("write", "ReadWrite"),
    ("preview", "PreviewOnly"),
    ("upload", "UploadOnly"),
    ("none", "None"),
];
/// Whoever gets the address has what it allows.
const OPENS: Effect = Effect { read_only: false, destructive: false, idempotent: false, open_world: true };

const PATH: (Field, &str) =
    (Field::required("path", Form::Text(4_096)), "The path of the file or folder, as lists show it.");
const ID: &str = "What `remove_link` takes.";
const URL: &str = "Whoever has it has what it allows: show it to the person and to nobody else.";
const EXPIRES: &str = "Absent if it never ends.";
const LINK: &[super::shape::Member] = &[
    ("id", Shape::Text, false, ID),
    ("url", Shape::Text, false, URL),
    ("access", Shape::Text, false, "`read`, `write`, `preview`, `upload`, `none`, or the Portal's own word."),
    ("expires", Shape::Text, false, EXPIRES),
    ("created", Shape::Text, false, ""),
];

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "links",
        title: "List public links",
        description: "Lists the public links to a file or folder on the CTERA Portal.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[PATH]),
        returns: returns!(&[("path", Shape::Text, true, ""), ("links", Shape::Rows(LINK), true, "")]),
        run: |request| Box::pin(links(request)),
    },
    Spec {
        name: "create_link",
        title: "Create a public link",
        description: "Creates an address through which anybody who has it can reach a file or folder, without signing in. Use it \
                      only when the person asks for it.",
        toolset: "links",
        effect: OPENS,
        takes: takes!(&[
            PATH,
            (
                Field::new("access", Form::Choice(&["read", "write", "preview", "upload", "none"])),
                "What it allows; `read` unless given. `upload` is for folders: others can put files in and see nothing.",
            ),
            (Field::new("days", Form::Whole(1, 3_650)), "For how many days it is good; 30 unless given."),
            (Field::new("expires", Form::Day), "Or the day on which it ends."),
            (Field::new("never_expires", Form::Flag), "Or that it never ends."),
        ]),
        returns: returns!(&[
            ("path", Shape::Text, true, ""),
            ("id", Shape::Text, false, ID),
            ("url", Shape::Text, true, URL),
            ("access", Shape::Text, false, ""),
            ("expires", Shape::Text, false, EXPIRES),
            ("created", Shape::Text, false, ""),
        ]),
        run: |request| Box::pin(create(request)),
    },
    Spec {
        name: "remove_link",
        title: "Remove a public link",
        description: "Ends a public link: its address leads nowhere from then on.",
        toolset: "links",
        effect: TAKES,
        takes: takes!(&[
            PATH,
            (
                Field::required("link", Form::Text(500)),
                "The `id` or the `url` of the link, as the list of links shows it.",
            ),
        ]),
        returns: returns!(&[
            ("path", Shape::Text, true, ""),
            ("removed", Shape::Text, true, "The link that was removed."),
        ]),
        run: |request| Box::pin(remove(request)),
    },
    Spec {
        name: "shares",
        title: "With whom it is shared",
        description: "Tells with whom a file or folder is shared inside the company, and who owns it.",
        toolset: "read",
        effect: LOOKS,
        takes: takes!(&[PATH]),
        returns: returns!(&[
            ("path", Shape::Text, true, ""),
            ("owner", Shape::Text, false, ""),
            (
                "shares",
                Shape::Rows(&[
                    ("who", Shape::Text, true, ""),
                    (
                        "type",
                        Shape::Text,
                        false,
                        "The Portal's own word: `localUser`, `adGroup`, `external` and so on.",
                    ),
                    ("access", Shape::Text, false, ""),
                    ("expires", Shape::Text, false, ""),
                ]),
                true,
                "",
            ),
        ]),
        run: |request| Box::pin(shares(request)),
    },
];

/// A public link.
#[derive(Clone, Debug, Serialize)]
struct Link {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
}

impl Link {
    fn of(whole: &Value) -> Self {
        let line = |name: &str| fields::text(whole, name).map(|text| outside::line(&text, 500));
        Self {
            id: line("id").or_else(|| line("key")),
            url: line("publicLink"),
            access: line("accessMode").map(ours),
            expires: line("expiration"),
            created: line("createDate"),
        }
    }

    fn line(&self) -> String {
        let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
        let parts =
            [part("id", &self.id), self.url.clone(), part("access", &self.access), part("until", &self.expires)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
    }
}

fn ours(theirs: String) -> String {
    ACCESS.iter().find(|(_, word)| *word == theirs).map_or(theirs, |(word, _)| (*word).to_owned())
}

#[derive(Serialize)]
struct Links {
    path: String,
    links: Vec<Link>,
}

async fn links(request: Request) -> Result<Output, Error> {
    let path = request.inner_path("path")?;
    let all = request.at.links(&path.href(request.at.scope())).await?;
    let links: Vec<Link> = all.iter().map(Link::of).collect();
    let lines: Vec<String> = links.iter().map(Link::line).collect();
    output(&format!("{} public links to `{path}`.", links.len()), &lines, &Links { path: path.to_string(), links })
}

impl At {
    async fn links(&self, href: &str) -> Result<Vec<Value>, Error> {
        let answer = self.call("listPublicShares", href.into(), Kind::Read).await?;
        if !answer.is_array() && !answer.is_null() {
            return Err(self.wrong("it is no list of links"));
        }
        Ok(entries(&answer).into_iter().cloned().collect())
    }

    /// The day that is so many days after today, by the Portal's calendar: it is the one that ends the link.
    async fn day_in(&self, count: u64) -> Result<String, Error> {
        let clock = self.get("/currentTime").await?;
        let today = fields::text(&clock, "LocalTime").and_then(|time| days::number(time.get(..10)?));
        let today = today.ok_or_else(|| self.wrong("it does not say which day it is; give the day as `expires`"))?;
        Ok(days::day(today.saturating_add(i64::try_from(count).unwrap_or(i64::MAX))))
    }
}

#[derive(Serialize)]
struct Created {
    path: String,
    #[serde(flatten)]
    link: Link,
}

async fn create(request: Request) -> Result<Output, Error> {
    let (at, path) = (&request.at, request.inner_path("path")?);
    let given: Vec<&str> =
        ["days", "expires", "never_expires"].into_iter().filter(|name| request.given.contains_key(*name)).collect();
    if given.len() > 1 {
        return Err(Error::Arguments(format!("`{}` do not go together", given.join("` and `"))));
    }
    let access = request.text("access").unwrap_or("read");
    let item = at.must_stat(&path).await?;
    if access == "upload" && !item.is_folder {
        return Err(Error::Arguments("`access`: `upload` is for folders".to_owned()));
    }
    if item.allows("createPublicLink") == Some(false) {
        return Err(Error::Forbidden { host: at.host(), said: format!("no public link may be made to `{path}`") });
    }
    let expires = match (request.is("never_expires"), request.text("expires")) {
        (true, _) => None,
        (false, Some(day)) => Some(day.to_owned()),
        (false, None) => Some(at.day_in(request.whole("days").unwrap_or(DAYS)).await?),
    };
    let mode = ACCESS.iter().find(|(word, _)| *word == access).map_or("ReadOnly", |(_, mode)| *mode);
    let invitee = Node::object([("type", "external".into())]).of("Collaborator");
    let mut share =
        Node::object([("accessMode", mode.into()), ("protectionLevel", "publicLink".into())]).of("ShareConfig");
    if let Some(expires) = &expires {
        share = share.with("expiration", expires.as_str().into());
    }
    let param = Node::object([("url", path.href(at.scope()).into()), ("share", share.with("invitee", invitee))]);
    let answer = at.call("createShare", param.of("CreateShareParam"), Kind::Write).await?;
    let link = Link::of(&answer);
    if link.url.is_none() {
        return Err(at.unsure(at.wrong("it names no link; list the links to see whether there is one")));
    }
    // What the Portal granted, which may be less than what was asked for.
    let (granted, ends) = (link.access.as_deref().unwrap_or(access), link.expires.clone().or(expires));
    let heading = format!(
        "Anybody who has this address can {} `{path}`{}.",
        match granted {
            "write" => "read and change",
            "preview" => "look at",
            "upload" => "put files into",
            "none" => "do nothing yet with",
            _ => "read",
        },
        ends.map_or_else(String::new, |day| format!(" until {day}"))
    );
    let lines = [link.line()];
    output(&heading, &lines, &Created { path: path.to_string(), link })
}

#[derive(Serialize)]
struct Removed {
    path: String,
    removed: String,
}

async fn remove(request: Request) -> Result<Output, Error> {
    let (at, path) = (&request.at, request.inner_path("path")?);
    let wanted = request.text("link").unwrap_or_default().trim();
    let all = at.links(&path.href(at.scope())).await?;
    let is_wanted = |whole: &&Value| {
        let link = Link::of(whole);
        link.id.as_deref() == Some(wanted) || link.url.as_deref() == Some(wanted)
    };
    let mut found = all.iter().filter(is_wanted);
    let share = match (found.next(), found.next()) {
        (Some(share), None) => share,
        (Some(_), Some(_)) => {
            return Err(Error::Arguments("`link` names more than one link; use its `url`".to_owned()));
        }
        (None, _) => {
            return Err(Error::Arguments(format!(
                "`link`: there is no such link to `{path}`; list the links to see them"
            )));
        }
    };
    let mut object = share.as_object().cloned().unwrap_or_default();
    object.insert(super::wire::CLASS.to_owned(), "Share".into());
    object.insert("isRemove".to_owned(), true.into());
    let answer = at.call("deleteShare", Node::from(&Value::Object(object)), Kind::Write).await?;
    at.accepted(&answer)?;
    // A link that is thought to be gone and is not is worse than none.
    // Where nobody can look, the Portal's word counts.
    if at.links(&path.href(at.scope())).await.is_ok_and(|left| left.iter().any(|left| is_wanted(&left))) {
        return Err(at.unsure(at.wrong("the link is still there")));
    }
    let line = Link::of(share).line();
    output(
        &format!("The link to `{path}` is removed."),
        std::slice::from_ref(&line),
        &Removed { path: path.to_string(), removed: line.clone() },
    )
}

#[derive(Serialize)]
struct Share {
    who: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Serialize)]
struct Shares {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    shares: Vec<Share>,
}

async fn shares(request: Request) -> Result<Output, Error> {
    let (at, path) = (&request.at, request.inner_path("path")?);
    let answer = at.call("listShares", path.href(at.scope()).into(), Kind::Read).await?;
    if !answer.is_object() && !answer.is_null() {
        return Err(at.wrong("it is no list of shares"));
    }
    let share = |whole: &Value| {
        let line = |name: &str| fields::text(whole, name).map(|text| outside::line(&text, 200));
        Share {
            who: whole
                .get("invitee")
                .and_then(person)
                .unwrap_or_else(|| "somebody whom the Portal does not name".to_owned()),
            kind: whole
                .get("invitee")
                .and_then(|invitee| fields::text(invitee, "type"))
                .map(|word| outside::line(&word, 40)),
            access: line("accessMode").map(ours),
            expires: line("expiration"),
        }
    };
    let shares: Vec<Share> = fields::list(&answer, "shares").iter().map(share).collect();
    let owner = answer.get("owner").and_then(person);
    let line = |share: &Share| format!("{}  {}", share.who, share.access.as_deref().unwrap_or_default());
    let lines: Vec<String> =
        owner.iter().map(|owner| format!("owner: {owner}")).chain(shares.iter().map(line)).collect();
    output(
        &format!("`{path}` is shared with {}.", shares.len()),
        &lines,
        &Shares { path: path.to_string(), owner, shares },
    )
}

/// A collaborator: the name, and the address where there is one.
fn person(whole: &Value) -> Option<String> {
    let text = |name: &str| fields::text(whole, name);
    let full = [text("firstName"), text("lastName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = Some(full).filter(|name| !name.is_empty()).or_else(|| text("name"));
    let words = match (name, text("email")) {
        (Some(name), Some(email)) if name != email => format!("{name} <{email}>"),
        (name, email) => name.or(email)?,
    };
    Some(outside::line(&words, 200))
}
