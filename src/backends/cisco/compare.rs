//! Two software versions of a product compared: which bugs and advisories a move fixes, which stay, which are new.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::advisories;
use super::answer::{self, ORIGIN};
use super::bugs::BUG;
use super::client::Client;
use super::page::Found;
use super::parts::Parts;
use super::record::{self, Column, Detail, Row};
use super::release::{Release, is_fixed_at, same};
use super::running::{self, Affecting, SYSTEMS};
use super::tool::{Request, Spec};
use super::{lifecycle, software};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{self, List, Member, Shape, Text, arguments, written};
use crate::backends::{Boxed, Error, Output, Progress, Step};

/// Bugs of each kind that a result names; their number is always there.
const NAMED: usize = 40;

const GROUPS: &[(&str, &str)] = &[
    ("fixed_by_move", "Those of the first version that the second is free of."),
    ("still_open", "Those of both versions."),
    ("newly_exposed", "Those of the second version that the first is not known to have."),
    ("unclear", "Those of the first version for which Cisco names neither the second version nor a fix before it."),
];

pub(super) static SPEC: Spec = Spec {
    name: "compare_versions",
    title: "Compare two software versions",
    description: "Compares two software versions of a product: bugs fixed by the move, still open and newly exposed, by the \
                  affected and fixed releases that Cisco records; security advisories of both with their first fixed \
                  releases; end of life of both; and the release that Cisco suggests. A part that Cisco refuses is named \
                  with the reason, and the others are still there.",
    toolset: "analysis",
    takes: arguments!(&[
        (Field::required("product_id", Form::Text(100)), "The product id."),
        (Field::required("version_a", Form::Text(60)), "The version to move from."),
        (Field::required("version_b", Form::Text(60)), "The version to move to."),
        (
            Field::new("os", Form::Choice(SYSTEMS)),
            "The operating system; without it advisories and end of life are left out.",
        ),
        (Field::new("max_severity", Form::Whole(1, 6)), "Bugs up to this severity; 3 unless given."),
    ]),
    returns: written!(comparison, ()),
    run,
};

/// Writes the schema of a comparison.
const fn comparison<const SIZE: usize>(out: &mut Text<SIZE>, _: ()) {
    out.add("{\"type\":\"object\",\"required\":[\"parts\",\"verdict\"],\"properties\":{");
    let mut list = List::empty();
    schema::members(out, &mut list, &[MEMBERS]);
    groups(out, &mut list, "bugs", BUG);
    groups(out, &mut list, "advisories", advisories::ADVISORY);
    list.name(out, "end_of_life");
    record::rows(out, lifecycle::EOX, "");
    list.name(out, "suggested");
    record::rows(out, software::RELEASE, "");
    out.add("}}");
}

/// Writes what there is of one kind, in its [`GROUPS`].
const fn groups<const SIZE: usize>(out: &mut Text<SIZE>, list: &mut List, word: &str, columns: &[record::Column]) {
    list.name(out, word);
    out.add("{\"type\":\"object\",\"properties\":{");
    let (mut groups, mut list): (&[_], _) = (GROUPS, List::empty());
    while let [(group, about), after @ ..] = groups {
        list.name(out, group);
        out.add("{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\"},\"rows\":");
        record::rows(out, columns, "");
        out.add("}");
        schema::end(out, about);
        groups = after;
    }
    out.add("}}");
}

/// What is there besides the groups.
const MEMBERS: &[Member] = &[
    ("product_id", Shape::Text, false, ""),
    ("version_a", Shape::Text, false, ""),
    ("version_b", Shape::Text, false, ""),
    ("order", Shape::Text, false, "Whether the second version is newer, older, the same, or of another train."),
    ("verdict", Shape::Text, true, "What the figures say, in one sentence."),
    ("parts", Shape::Rows(PARTS), true, "Each part, and whether it could be had."),
    ("notes", Shape::Texts, false, ""),
    ("origin", Shape::Text, false, ""),
];
const PARTS: &[Member] =
    &[("part", Shape::Text, true, ""), ("status", Shape::Text, true, ""), ("error", Shape::Text, false, "")];

/// A comparison, while it grows.
#[derive(Default)]
struct Draft {
    fields: Map<String, Value>,
    parts: Parts,
    notes: Vec<String>,
    text: String,
}

impl Draft {
    fn put(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }
}

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let given = |name: &str| request.text(name).unwrap_or_default().trim().to_owned();
        let (product, a, b) = (given("product_id"), given("version_a"), given("version_b"));
        let client = &request.client;
        let text = format!("{product}: from {a} to {b}\n{ORIGIN}\n");
        let mut draft = Draft { text, ..Draft::default() };
        for (name, value) in [("product_id", &product), ("version_a", &a), ("version_b", &b)] {
            draft.put(name, value.clone().into());
        }
        draft.put("order", order(&a, &b).into());
        let step = |done: f64, message: &str| {
            request.progress.report(Step { done, total: Some(4.0), message: Some(message.to_owned()) });
        };
        step(0.0, "bugs");
        let most = i64::try_from(request.whole("max_severity").unwrap_or(3)).unwrap_or(3);
        let bugs = both_bugs(client, &product, (&a, &b), most, &mut draft).await;
        step(1.0, "advisories");
        let advisories = match request.text("os") {
            Some(os) => both_advisories(client, os, (&a, &b), &mut draft).await,
            None => {
                draft.notes.push("without `os` no advisories and no end of life of the versions".to_owned());
                None
            }
        };
        step(2.0, "end of life");
        if let Some(os) = request.text("os") {
            of_life(client, os, (&a, &b), &mut draft).await;
        }
        step(3.0, "suggested software");
        suggested(client, &product, (&a, &b), &mut draft).await;
        draft.notes.extend(draft.parts.complaints());
        draft.parts.nothing_had()?;
        let verdict = verdict(bugs, advisories, &b);
        draft.text.insert_str(0, &format!("{verdict}\n\n"));
        draft.put("verdict", verdict.into());
        let Draft { mut fields, parts, notes, mut text } = draft;
        for note in &notes {
            text.push_str(&format!("\n\nNote: {note}"));
        }
        fields.insert("parts".to_owned(), parts.list.into());
        fields.insert("origin".to_owned(), ORIGIN.into());
        if !notes.is_empty() {
            fields.insert("notes".to_owned(), notes.into());
        }
        answer::output(&client.host(), &text, fields)
    })
}

fn order(a: &str, b: &str) -> &'static str {
    match (Release::of(a), Release::of(b)) {
        (Some(a), Some(b)) => match b.compared(&a) {
            Some(std::cmp::Ordering::Greater) => "newer",
            Some(std::cmp::Ordering::Less) => "older",
            Some(std::cmp::Ordering::Equal) => "same",
            None => "another-train",
        },
        _ => "unknown",
    }
}

/// How many of each group there are.
type Counts = [usize; 4];

fn verdict(bugs: Option<Counts>, advisories: Option<Counts>, b: &str) -> String {
    let said = |what: &str, counts: Option<Counts>| {
        counts.map_or_else(
            || format!("{what} could not be compared"),
            |[fixed, open, new, unclear]| {
                let unclear = if unclear > 0 { format!(", {unclear} unclear") } else { String::new() };
                format!("{what}: {fixed} fixed by the move, {open} still open, {new} newly exposed{unclear}")
            },
        )
    };
    format!("Moving to {b}: {}; {}.", said("bugs", bugs), said("advisories", advisories))
}

async fn both_bugs(
    client: &Client,
    product: &str,
    (a, b): (&str, &str),
    most: i64,
    draft: &mut Draft,
) -> Option<Counts> {
    let of = |version: &str| {
        let (product, version) = (product.to_owned(), version.to_owned());
        async move { running::of_version(client, &product, &version, most).await }
    };
    let (of_a, of_b) = tokio::join!(of(a), of(b));
    let of_a = draft.parts.take(&format!("bugs of {a}"), of_a);
    let of_b = draft.parts.take(&format!("bugs of {b}"), of_b);
    let (found_a, found_b) = (of_a?, of_b?);
    if found_a.more || found_b.more {
        draft
            .notes
            .push("a list that was cut cannot say that a bug is not on it: the groups may be wrong by that".to_owned());
    }
    draft.notes.extend(found_a.notes.into_iter().chain(found_b.notes));
    let groups = classified(found_a.rows, found_b.rows, (a, b));
    Some(shown("bugs", groups, BUG, draft))
}

/// The bugs of two versions: fixed by the move, still open, newly exposed, unclear.
fn classified(of_a: Vec<Row>, of_b: Vec<Row>, (a, b): (&str, &str)) -> [Vec<Row>; 4] {
    let ids = |rows: &[Row]| rows.iter().map(|row| row.text("bug_id").to_owned()).collect::<HashSet<String>>();
    let (listed_a, listed_b) = (ids(&of_a), ids(&of_b));
    let mut groups: [Vec<Row>; 4] = Default::default();
    let [fixed, open, new, unclear] = &mut groups;
    let only_b = of_b.into_iter().filter(|row| !listed_a.contains(row.text("bug_id")));
    for row in of_a.into_iter().chain(only_b) {
        let has = |version: &str, listed: &HashSet<String>| has_bug(&row, version, listed.contains(row.text("bug_id")));
        match (has(a, &listed_a), has(b, &listed_b)) {
            (Some(true), Some(true)) => open.push(row),
            (Some(true), Some(false)) => fixed.push(row),
            (Some(true), None) => unclear.push(row),
            (_, Some(true)) => new.push(row),
            (_, Some(false) | None) => {}
        }
    }
    groups
}

/// Whether a version has a bug, by what Cisco records. The affected releases are the strongest word, then the fixed ones;
/// that the bug is listed for the version comes last, since bugs that were fixed in it are listed, too.
fn has_bug(row: &Row, version: &str, is_listed: bool) -> Option<bool> {
    if row.texts("affected_releases").iter().any(|known| same(known, version)) {
        return Some(true);
    }
    let fixes = row.texts("fixed_releases");
    let is_fixed = fixes.iter().any(|fix| same(fix, version))
        || Release::of(version).and_then(|version| is_fixed_at(&fixes, &version)) == Some(true);
    if is_fixed { Some(false) } else { is_listed.then_some(true) }
}

async fn both_advisories(client: &Client, os: &str, (a, b): (&str, &str), draft: &mut Draft) -> Option<Counts> {
    let of = |version: &str| {
        let (os, version) = (os.to_owned(), version.to_owned());
        async move {
            let asked = Affecting { os: &os, version: &version, platform: None, advisory: None };
            running::affecting(client, &asked, Detail::default(), &Progress::default()).await
        }
    };
    let (of_a, of_b) = tokio::join!(of(a), of(b));
    let of_a: Option<Found> = draft.parts.take(&format!("advisories of {a}"), of_a);
    let of_b: Option<Found> = draft.parts.take(&format!("advisories of {b}"), of_b);
    let (of_a, of_b) = (of_a?.rows, of_b?.rows);
    let has = |rows: &[Row], row: &Row| rows.iter().any(|other| other.text("advisory_id") == row.text("advisory_id"));
    // The Software Checker knows every version it answers for: what it does not list does not affect it.
    let (open, new): (Vec<Row>, Vec<Row>) = of_b.iter().cloned().partition(|row| has(&of_a, row));
    let fixed = of_a.into_iter().filter(|row| !has(&of_b, row)).collect();
    Some(shown("advisories", [fixed, open, new, Vec::new()], advisories::ADVISORY, draft))
}

/// The groups as members of the result and as text.
fn shown(name: &str, groups: [Vec<Row>; 4], columns: &'static [Column], draft: &mut Draft) -> Counts {
    let mut members = Map::new();
    let counts = [0, 1, 2, 3].map(|index: usize| groups.get(index).map_or(0, Vec::len));
    for ((group, about), rows) in GROUPS.iter().zip(groups) {
        let count = rows.len();
        if count > 0 {
            draft.text.push_str(&format!("\n{name}, {}: {count}. {about}", group.replace('_', " ")));
        }
        let rows: Vec<Value> = rows.into_iter().take(NAMED).map(|row| Value::Object(row.fields)).collect();
        for row in rows.iter().filter_map(Value::as_object) {
            draft.text.push('\n');
            record::readable(&mut draft.text, row, columns, 1);
        }
        if count > NAMED {
            draft.notes.push(format!("{} of the {count} {name} ({}) are named", NAMED, group.replace('_', " ")));
        }
        members.insert((*group).to_owned(), json!({"count": count, "rows": rows}));
    }
    draft.put(name, Value::Object(members));
    counts
}

/// The system as the end-of-life API writes it.
pub(super) fn lifecycle_system(os: &str) -> Option<&'static str> {
    Some(match os {
        "ios" => "IOS",
        "iosxe" => "IOS-XE",
        "nxos" => "NX-OS",
        "asa" => "ASA",
        _ => return None,
    })
}

async fn of_life(client: &Client, os: &str, (a, b): (&str, &str), draft: &mut Draft) {
    let Some(system) = lifecycle_system(os) else {
        draft.notes.push(format!("Cisco publishes no end of life of {os} by release"));
        return;
    };
    let inputs = [a, b].map(|version| format!("{version},{system}"));
    let outcome = lifecycle::by_software(client, &inputs, &Progress::default()).await;
    if let Some(batches) = draft.parts.take("end of life", outcome) {
        let rows: Vec<Value> = batches.rows.into_iter().map(|row| Value::Object(row.fields)).collect();
        for row in rows.iter().filter_map(Value::as_object) {
            draft.text.push_str("\nend of life\n");
            record::readable(&mut draft.text, row, lifecycle::EOX, 1);
        }
        draft.put("end_of_life", rows.into());
    }
}

async fn suggested(client: &Client, product: &str, (a, b): (&str, &str), draft: &mut Draft) {
    let ids = [product.to_owned()];
    let outcome = software::suggested(client, ("releases", "product_ids"), &ids, &Progress::default()).await;
    let Some(batches) = draft.parts.take("suggested software", outcome) else { return };
    let is_suggested = |row: &&Row| row.fields.get("suggested") == Some(&Value::Bool(true));
    let rows: Vec<&Row> = batches.rows.iter().filter(is_suggested).collect();
    for row in &rows {
        let release = row.text("release");
        let which = match (same(release, a), same(release, b)) {
            (_, true) => ", which is the version to move to",
            (true, _) => ", which is the version to move from",
            _ => "",
        };
        draft.text.push_str(&format!("\nCisco suggests {release}{which}"));
        draft.notes.push(format!("Cisco suggests {release} for {product}{which}"));
    }
    let rows = rows.into_iter().map(|row| Value::Object(row.fields.clone())).collect();
    draft.put("suggested", rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bug(id: &str, affected: &[&str], fixed: &[&str]) -> Row {
        let fields = json!({"bug_id": id, "affected_releases": affected, "fixed_releases": fixed});
        Row { fields: fields.as_object().cloned().expect("an object"), fault: None }
    }

    fn ids(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.text("bug_id")).collect()
    }

    #[test]
    fn bugs_are_sorted_by_what_cisco_records_about_both_versions() {
        let a = vec![
            bug("gone", &["17.3.1"], &["17.3.2", "17.6.1"]),
            bug("stays", &["17.3.1", "17.6.2"], &["17.9.1"]),
            bug("unknown", &["17.3.1"], &[]),
            bug("later", &["17.3.1"], &["17.12.1"]),
            bug("both", &["17.3.1"], &[]),
        ];
        let b = vec![
            bug("both", &["17.3.1", "17.6.2"], &[]),
            bug("new", &["17.6.2"], &[]),
            bug("listed", &["17.3.1"], &["17.6.1"]),
        ];
        let [fixed, open, new, unclear] = classified(a, b, ("17.3.1", "17.6.2"));
        assert_eq!(ids(&fixed), ["gone", "listed"]);
        assert_eq!(ids(&open), ["stays", "both"]);
        assert_eq!(ids(&new), ["new"]);
        assert_eq!(ids(&unclear), ["unknown", "later"]);
    }

    #[test]
    fn the_order_of_two_versions_is_said() {
        for (a, b, expected) in [
            ("17.3.1", "17.09.04", "newer"),
            ("17.9.4", "17.3.1", "older"),
            ("17.9.4", "17.09.04", "same"),
            ("15.2(7)E3", "15.2(4)S", "another-train"),
            ("x", "17.1", "unknown"),
        ] {
            assert_eq!(order(a, b), expected, "{a} {b}");
        }
    }
}
