//! What affects a running version: advisories from Cisco's Software Checker data, bugs, and the first release that is
//! free of all of them.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::advisories::{self, ADVISORY};
use super::answer::{Listing, Rows};
use super::api::Api;
use super::bugs::{self, Filter, Search};
use super::client::{Answer, Ask, Client};
use super::page::{self, Found, Window};
use super::path;
use super::record::{Column, Detail, Form as F, Row, lean, list};
use super::release::{Release, other_spelling};
use super::tool::{DETAIL, Request, Spec};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Operating systems that the Software Checker knows.
pub(super) const SYSTEMS: &[&str] = &["aci", "ios", "iosxe", "nxos", "asa", "ftd", "fmc", "fxos"];
/// The most bugs that are read.
const BUGS: u64 = 300;

const KNOWN: &[Column] = &[
    Column::new("nos_version", "version", F::Line, "A release."),
    Column::new("platform_name", "name", F::Line, "Its platform."),
    Column::new("nos_type", "os", F::Line, "Its system."),
    Column::new("platformAlias", "platform", F::Line, "What to give as `platform`."),
    Column::new("name", "name", F::Line, "The platform's name."),
];

pub(super) static SPEC: Spec = Spec {
    name: "running_version",
    title: "Check a running version",
    description: "Which security advisories affect an operating system version, the first fixed release of each, and the \
                  first release that is free of all of them; with `product_id` also the bugs known in that version. Only \
                  Critical and High advisories are mapped to versions by Cisco. With `list` it names the versions or the \
                  platforms that can be asked about.",
    toolset: "security",
    takes: arguments!(&[
        (Field::required("os", Form::Choice(SYSTEMS)), "The operating system."),
        (Field::new("version", Form::Text(60)), "The running version, such as 17.9.4."),
        (Field::new("platform", Form::Text(40)), "Only this platform (nxos, asa, ftd, fxos), such as NEXUS9000."),
        (Field::new("advisory_id", Form::Text(100)), "Only this advisory."),
        (Field::new("product_id", Form::Text(100)), "Also look up the bugs that this product has in that version."),
        (Field::new("max_severity", Form::Whole(1, 6)), "With `product_id`: bugs up to this severity; 3 unless given."),
        (Field::new("list", Form::Choice(&["versions", "platforms"])), "Instead: what can be asked about."),
        (Field::new("detail", Form::Choice(&["brief", "full"])), DETAIL),
        (Field::new("limit", Form::Whole(1, 5_000)), "How many rows of a list at most; 100 unless given."),
        (Field::new("offset", Form::Whole(0, 100_000)), "With `list`: leave out this many rows."),
    ]),
    returns: written!(Listing::write, Listing { name: "advisories", columns: ADVISORY, extra: EXTRA }),
    run,
};

const EXTRA: &[Column] = &[
    Column::new("", "os", F::Line, "The system that was asked about."),
    Column::new("", "version", F::Line, "The version that was asked about."),
    Column::new("", "affected", F::Flag, "Whether an advisory affects the version."),
    Column::new(
        "",
        "first_fixed_for_all",
        F::Line,
        "The first release in whose train each of them is fixed by then; absent if there is none or several platforms are meant.",
    ),
    Column::new("", "without_fix", F::Lines, "Advisories that name no fixed release comparable with this version."),
    Column::new("", "said", F::Line, "What the service says where nothing affects the version."),
    Column::new("", "bugs", F::Rows(bugs::BUG), "Bugs known in the version, the most severe first."),
    Column::new("", "bugs_in_all", F::Whole, "How many bugs there are."),
    Column::new("", "known", F::Rows(KNOWN), "What can be asked about."),
];

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let os = request.text("os").unwrap_or_default().to_owned();
        if let Some(what) = request.text("list") {
            return known(&request, &os, what).await;
        }
        let Some(version) = request.text("version").map(str::to_owned) else {
            return Err(Error::Arguments(
                "`version` is missing; `list` `versions` names those that Cisco knows".to_owned(),
            ));
        };
        request.only_with(&["max_severity"], request.has("product_id"), "`product_id`")?;
        let client = &request.client;
        let query = Affecting {
            os: &os,
            version: &version,
            platform: request.text("platform"),
            advisory: request.text("advisory_id"),
        };
        let found = affecting(client, &query, request.detail(), &request.progress).await?;
        let mut rows = request.bounded(Rows::new(
            format!("Security advisories that affect {os} {version}"),
            "advisories",
            ADVISORY,
        ));
        rows.extra_columns = EXTRA;
        let (fixed, without) = first_fixed_for_all(&found.rows, &version);
        let mut put = |name: &str, value: Value| rows.extra.insert(name.to_owned(), value);
        put("os", os.clone().into());
        put("version", version.clone().into());
        put("affected", (!found.rows.is_empty()).into());
        if let Some(said) = &found.nothing {
            put("said", said.clone().into());
        }
        if let Some(fixed) = fixed {
            put("first_fixed_for_all", fixed.into());
        }
        if !without.is_empty() {
            put("without_fix", without.into());
        }
        if let Some(product) = request.text("product_id") {
            let most = i64::try_from(request.whole("max_severity").unwrap_or(3)).unwrap_or(3);
            match of_version(client, product, &version, most).await {
                Ok(found) => {
                    put("bugs_in_all", found.rows.len().into());
                    let shown = found.rows.into_iter().take(50).map(|row| Value::Object(row.fields));
                    put("bugs", shown.collect());
                    rows.notes.extend(found.notes);
                }
                Err(error) => rows.failed.push((vec![format!("bugs of {product} {version}")], error)),
            }
        }
        rows.notes.push("Cisco maps only Critical and High advisories to versions".to_owned());
        let found = Found { nothing: None, ..found };
        let rows = Rows { rows: found.rows.into_iter().map(|row| row.fields).collect(), ..rows };
        request.windowed(rows).output(&client.host())
    })
}

/// What advisories are asked for.
pub(super) struct Affecting<'a> {
    pub(super) os: &'a str,
    pub(super) version: &'a str,
    pub(super) platform: Option<&'a str>,
    pub(super) advisory: Option<&'a str>,
}

/// Advisories that affect a version. "Nothing affects it" is an answer; a version that nobody knows is an error.
pub(super) async fn affecting(
    client: &Client,
    asked: &Affecting<'_>,
    detail: Detail,
    progress: &Progress,
) -> Result<Found, Error> {
    let mut query = vec![("version", asked.version.to_owned())];
    query.extend(asked.platform.map(|platform| ("platformAlias", platform.to_owned())));
    query.extend(asked.advisory.map(|advisory| ("advisoryId", advisory.to_owned())));
    let paged = advisories::paged(format!("/OSType/{}", path::one(asked.os)?), query, detail);
    page::read(client, &paged, Window::ALL, progress).await.and_then(Found::whole)
}

/// Bugs that a product has in a version, up to a severity, in both spellings of the version.
pub(super) async fn of_version(client: &Client, product: &str, version: &str, most: i64) -> Result<Found, Error> {
    let spellings: Vec<String> = [Some(version.to_owned()), other_spelling(version)].into_iter().flatten().collect();
    let path = format!("/products/product_id/{}/software_releases/{}", path::one(product)?, path::list(&spellings)?);
    let filter = Filter { sort_by: Some("severity".to_owned()), ..Filter::default() };
    let window = Window { offset: 0, limit: BUGS };
    let search = Search { client, paths: &[path], filter: &filter, detail: Detail::default(), window };
    let mut found = search.run(&Progress::default()).await?.whole()?;
    if found.more {
        let all = found.total.map(|total| format!(" of {total}")).unwrap_or_default();
        found.notes.push(format!("the first {}{all} bugs of {product} {version} were read", found.rows.len()));
    }
    bugs::merge(&mut found.rows);
    let severity = |row: &Row| row.fields.get("severity").and_then(Value::as_i64);
    found.rows.retain(|row| severity(row).is_none_or(|severity| severity <= most));
    Ok(found)
}

/// The first release that is free of all advisories, and the advisories that name no newer release. A release counts only
/// if every advisory has a fix in its train that is not after it; and only where the advisories speak of one platform.
pub(super) fn first_fixed_for_all(rows: &[Row], version: &str) -> (Option<String>, Vec<String>) {
    let Some(running) = Release::of(version) else { return (None, Vec::new()) };
    let newer = |row: &Row| -> Vec<(Release, String)> {
        let all = advisories::first_fixed(row).into_iter().filter_map(|name| Some((Release::of(&name)?, name)));
        all.filter(|(release, _)| release.compared(&running).is_some_and(Ordering::is_gt)).collect()
    };
    let fixes: Vec<Vec<(Release, String)>> = rows.iter().map(newer).collect();
    let without = rows.iter().zip(&fixes).filter(|(_, fixes)| fixes.is_empty());
    let without: Vec<String> = without.map(|(row, _)| row.text("advisory_id").to_owned()).collect();
    let platforms = rows.iter().filter_map(|row| row.fields.get("platforms")?.as_array());
    let is_mixed = platforms.flatten().any(|one| one.get("platform") != first_platform(rows));
    if !without.is_empty() || is_mixed {
        return (None, without);
    }
    let frees = |candidate: &Release, fixes: &Vec<(Release, String)>| {
        let own = fixes.iter().filter(|(fix, _)| fix.is_of_train(candidate));
        own.filter_map(|(fix, _)| fix.compared(candidate)).any(Ordering::is_le)
    };
    let candidates = fixes.iter().flatten().filter(|(release, _)| fixes.iter().all(|fixes| frees(release, fixes)));
    let first = candidates.reduce(|one, other| match other.0.compared(&one.0) {
        Some(Ordering::Less) => other,
        _ => one,
    });
    (first.map(|(_, name)| name.clone()), without)
}

fn first_platform(rows: &[Row]) -> Option<&Value> {
    rows.iter().find_map(|row| row.fields.get("platforms")?.get(0)?.get("platform"))
}

/// What can be asked about: a bare list, in one piece.
async fn known(request: &Request, os: &str, what: &str) -> Result<Output, Error> {
    let path = if what == "versions" { "/OS_version/OS_data" } else { "/platforms" };
    let ask = Ask::get(Api::Psirt, path.to_owned()).with("OSType", os);
    let (records, said) = match request.client.ask(&ask).await? {
        Answer::Found(mut value) => (
            list(Some(match value.get_mut("OS_data") {
                Some(inner) => inner.take(),
                None => value,
            })),
            None,
        ),
        Answer::Nothing(said) => (Vec::new(), Some(said)),
    };
    let window = request.window();
    let skip = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let total = records.len();
    let shown = records.iter().skip(skip).take(limit).map(|record| lean(record, KNOWN, Detail::default()).fields);
    let shown: Vec<Map<String, Value>> = shown.collect();
    let mut rows = Rows {
        total: u64::try_from(total).ok(),
        more: total > skip.saturating_add(shown.len()),
        notes: said.into_iter().collect(),
        ..request.bounded(Rows::new(format!("{what} of {os}"), "known", KNOWN))
    };
    rows.rows = shown;
    rows.extra.insert("os".to_owned(), os.into());
    // The schema's own list is there, and empty: this question was not about advisories.
    rows.extra.insert("advisories".to_owned(), json!([]));
    rows.output(&request.client.host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(id: &str, fixes: &[&str], platforms: &[(&str, &[&str])]) -> Row {
        let platforms: Vec<Value> =
            platforms.iter().map(|(name, fixes)| json!({"platform": name, "first_fixed": fixes})).collect();
        let fields = json!({"advisory_id": id, "first_fixed": fixes, "platforms": platforms});
        Row { fields: fields.as_object().cloned().expect("an object"), fault: None }
    }

    #[test]
    fn a_release_is_named_only_if_every_advisory_is_fixed_in_it() {
        let found = |rows: &[Row], version: &str| first_fixed_for_all(rows, version);
        let one = advisory("a", &["17.9.5", "17.12.3"], &[]);
        let both = [one.clone(), advisory("b", &["17.12.2"], &[])];
        assert_eq!(found(&both, "17.9.4a").0.as_deref(), Some("17.12.3"), "17.12.2 still has the first");
        let same = [one.clone(), advisory("b", &["17.9.6"], &[])];
        assert_eq!(found(&same, "17.9.4a").0.as_deref(), Some("17.9.6"));
        let apart = [one, advisory("b", &["17.15.1"], &[])];
        assert_eq!(found(&apart, "17.9.4a"), (None, Vec::new()));
        let none = [advisory("a", &["17.3.1"], &[])];
        assert_eq!(found(&none, "17.9.4a"), (None, vec!["a".to_owned()]));
        let mixed = [advisory("a", &[], &[("N3K", &["9.3(9)"]), ("N9K", &["9.3(8)"])])];
        assert_eq!(found(&mixed, "9.3(7)").0, None, "one release is not for both platforms");
        let single = [advisory("a", &[], &[("N9K", &["9.3(8)"])])];
        assert_eq!(found(&single, "9.3(7)").0.as_deref(), Some("9.3(8)"));
        let other = [advisory("a", &["7.3(1)D1(1)", "7.3(0)N1(1)"], &[])];
        assert_eq!(found(&other, "7.3(0)D1(1)").0.as_deref(), Some("7.3(1)D1(1)"));
    }
}
