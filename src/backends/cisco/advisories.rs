//! Security advisories: by id, CVE, bug, age, severity, product or day (PSIRT openVuln API v2).

use std::sync::Arc;

use serde_json::Value;

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Found, Paged, Window};
use super::record::{Column, Detail, Form as F, Row, list};
use super::tool::{DETAIL, LIMIT, OFFSET, Request, Spec};
use super::{bugs, path, value};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Advisories on a page: the most that may be asked for.
const PAGE: u64 = 100;

const PLATFORM: &[Column] = &[
    Column::new("name", "platform", F::Line, "The platform."),
    Column::new("vulnerabilityState", "state", F::Line, "Whether it is vulnerable."),
    Column::new("first_fixed", "first_fixed", F::Lines, "First releases that are free of it."),
];

/// An advisory.
pub(super) const ADVISORY: &[Column] = &[
    Column::new("advisoryId", "advisory_id", F::Line, "Its id."),
    Column::new("advisoryTitle", "title", F::Line, "Its title."),
    Column::new("sir", "severity", F::Line, "Security impact: Critical, High, Medium, Low or Informational."),
    Column::new("cvssBaseScore", "cvss", F::Number, "CVSS base score, 0 to 10."),
    Column::new("cves", "cves", F::Lines, "CVE ids."),
    Column::new("bugIDs", "bugs", F::Lines, "Cisco's bugs for it."),
    Column::new("cwe", "cwe", F::Lines, "Kinds of weakness."),
    Column::new("firstPublished", "published", F::Date, "When it was published."),
    Column::new("lastUpdated", "updated", F::Date, "When it was last changed."),
    Column::new("status", "state", F::Line, "Interim or Final."),
    Column::new("version", "version", F::Line, "The advisory's own version."),
    Column::new("firstFixed", "first_fixed", F::Lines, "First releases that are free of it."),
    Column::new("iosRelease", "affected_release", F::Lines, "The release that was asked about."),
    Column::new("platforms", "platforms", F::Rows(PLATFORM), "What is vulnerable, platform by platform."),
    Column::full("productNames", "products", F::Lines, "Products it is about."),
    Column::full("summary", "summary", F::Prose, "What it says, in Cisco's words."),
    Column::full("csafUrl", "csaf_url", F::Line, "The advisory for programs."),
    Column::full("ipsSignatures", "ips_signatures", F::Lines, "Signatures of intrusion detection."),
    Column::new("publicationUrl", "url", F::Line, "Its page for people."),
];

pub(super) static SPEC: Spec = Spec {
    name: "advisories",
    title: "Find Cisco security advisories",
    description: "Cisco's security advisories: by advisory, CVE or bug id, the newest ones, of a year, a severity, a product, \
                  or published or updated within a span of days (also together with a severity). For what affects a \
                  running version use the tool `running_version`.",
    toolset: "security",
    takes: arguments!(&[
        (Field::new("advisory_ids", Form::Texts(50)), "Advisory ids such as cisco-sa-iosxe-webui-privesc-j22SaA4z."),
        (Field::new("cve_ids", Form::Texts(50)), "CVE ids such as CVE-2023-20198."),
        (Field::new("bug_ids", Form::Texts(50)), "Bug ids such as CSCwh87343."),
        (Field::new("latest", Form::Whole(1, 100)), "So many of the newest advisories."),
        (Field::new("year", Form::Whole(1995, 2100)), "Advisories first published in this year."),
        (
            Field::new("product", Form::Text(200)),
            "A product's name or the beginning of one, such as `Cisco IOS XE`; `*` stands for any text.",
        ),
        (Field::new("all", Form::Flag), "All advisories there are."),
        (
            Field::new("severity", Form::Choice(&["critical", "high", "medium", "low", "informational"])),
            "Only this security impact; alone, or with days.",
        ),
        (Field::new("published_from", Form::Day), "First published on this day or later; with `published_to`."),
        (Field::new("published_to", Form::Day), "First published on this day or earlier."),
        (Field::new("updated_from", Form::Day), "Last updated on this day or later; with `updated_to`."),
        (Field::new("updated_to", Form::Day), "Last updated on this day or earlier."),
        (Field::new("detail", Form::Choice(&["brief", "full"])), DETAIL),
        (Field::new("limit", Form::Whole(1, 5_000)), LIMIT),
        (Field::new("offset", Form::Whole(0, 100_000)), OFFSET),
    ]),
    returns: written!(Listing::write, Listing { name: "advisories", columns: ADVISORY, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let days = ["published_from", "updated_from"].into_iter().find(|name| request.has(name));
        let names = ["advisory_ids", "cve_ids", "bug_ids", "latest", "year", "product", "all", "severity"];
        let subject = match days {
            Some(days) => {
                request.only_with(
                    &["advisory_ids", "cve_ids", "bug_ids", "latest", "year", "product", "all"],
                    false,
                    "no days",
                )?;
                days
            }
            None => request.one_of(&names)?,
        };
        request.only_with(&["severity"], days.is_some() || subject == "severity", "days, or alone")?;
        request.only_with(&["published_to"], subject == "published_from", "`published_from`")?;
        request.only_with(
            &["updated_to", "updated_from"],
            subject == "updated_from",
            "`updated_from`, and not with `published_from`",
        )?;
        let (client, detail) = (&request.client, request.detail());
        let rows = request.bounded(Rows::new("Security advisories", "advisories", ADVISORY));
        if let "advisory_ids" | "cve_ids" | "bug_ids" = subject {
            return by_id(&request, subject, rows).await;
        }
        let paged = paged(subject_path(&request, subject)?, subject_query(&request, subject)?, detail);
        let paged = if subject == "latest" { Paged { size: None, ..paged } } else { paged };
        let found = page::read(client, &paged, request.window(), &request.progress).await?;
        bugs::answer(found, rows, &client.host())
    })
}

fn subject_path(request: &Request, subject: &str) -> Result<String, Error> {
    let severity = request.text("severity").map(|severity| format!("/severity/{severity}")).unwrap_or_default();
    let under = |way: &str| if severity.is_empty() { format!("/all/{way}") } else { format!("{severity}/{way}") };
    Ok(match subject {
        "latest" => format!("/latest/{}", request.whole("latest").unwrap_or(10)),
        "year" => format!("/year/{}", request.whole("year").unwrap_or_default()),
        "product" => "/product".to_owned(),
        "published_from" => under("firstpublished"),
        "updated_from" => under("lastpublished"),
        "severity" => severity,
        _ => "/all".to_owned(),
    })
}

fn subject_query(request: &Request, subject: &'static str) -> Result<Vec<(&'static str, String)>, Error> {
    let end = match subject {
        "product" => return Ok(vec![("product", request.text("product").unwrap_or_default().to_owned())]),
        "published_from" => "published_to",
        "updated_from" => "updated_to",
        _ => return Ok(Vec::new()),
    };
    let (Some(from), Some(to)) = (request.text(subject), request.text(end)) else {
        return Err(Error::Arguments(format!("`{subject}` and `{end}` go together")));
    };
    if from > to {
        return Err(Error::Arguments(format!("`{subject}` is after `{end}`")));
    }
    Ok(vec![("startDate", from.to_owned()), ("endDate", to.to_owned())])
}

/// One request for each id; advisories that several ids name are there once.
async fn by_id(request: &Request, subject: &'static str, mut rows: Rows) -> Result<Output, Error> {
    let ids = page::distinct(&request.texts(subject));
    let (client, detail) = (&request.client, request.detail());
    let mut met = std::collections::HashSet::new();
    for id in &ids {
        match named(client, subject, id, detail, &request.progress).await {
            Ok(found) if found.is_empty() => rows.missing.push(id.clone()),
            Ok(found) => {
                let new = found.into_iter().filter(|row| met.insert(row.text("advisory_id").to_owned()));
                rows.rows.extend(new.map(|row| row.fields));
            }
            Err(error) if ids.len() == 1 => return Err(error),
            Err(error) => rows.failed.push((vec![id.clone()], error)),
        }
    }
    match rows.failed.len() == ids.len() {
        true => {
            Err(rows.failed.pop().map_or_else(|| Error::Arguments("no id was given".to_owned()), |(_, error)| error))
        }
        false => request.windowed(rows).output(&client.host()),
    }
}

/// Advisories of one id.
pub(super) async fn named(
    client: &Client,
    subject: &str,
    id: &str,
    detail: Detail,
    progress: &Progress,
) -> Result<Vec<Row>, Error> {
    let below = match subject {
        "advisory_ids" => "advisory",
        "cve_ids" => "cve",
        _ => "bugid",
    };
    let id = path::one(id)?;
    let paged = Paged { size: None, ..paged(format!("/{below}/{id}"), Vec::new(), detail) };
    Ok(page::read(client, &paged, Window::ALL, progress).await?.rows)
}

/// Advisories whose product's name begins like this.
pub(super) async fn of_product(
    client: &Client,
    product: &str,
    limit: u64,
    progress: &Progress,
) -> Result<Found, Error> {
    // Other characters are refused.
    let name: String = product
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '*') { c } else { ' ' })
        .collect();
    let query = vec![("product", name.trim().to_owned())];
    page::read(client, &paged("/product".to_owned(), query, Detail::default()), Window { offset: 0, limit }, progress)
        .await
}

pub(super) fn paged(path: String, query: Vec<(&'static str, String)>, detail: Detail) -> Paged {
    let is_paged = !["/advisory/", "/latest/"].iter().any(|start| path.starts_with(start));
    let ask = move |page: u64| {
        let mut ask = Ask { query: query.clone(), ..Ask::get(Api::Psirt, path.clone()) };
        if is_paged {
            ask = ask.with("pageIndex", page.to_string()).with("pageSize", PAGE.to_string());
        }
        let full = if detail.full { "true" } else { "false" };
        ask.with("summaryDetails", full).with("productNames", full)
    };
    Paged { ask: Arc::new(ask), records, columns: ADVISORY, detail, size: is_paged.then_some(PAGE) }
}

/// The advisories of an answer: a list below a name, a bare list, or one alone.
pub(super) fn records(answer: &mut Value) -> Vec<Value> {
    let mut records = match answer {
        Value::Array(_) => list(Some(answer.take())),
        Value::Object(members) if members.contains_key("advisories") => list(members.remove("advisories")),
        Value::Object(members) if members.contains_key("advisoryId") => vec![answer.take()],
        _ => Vec::new(),
    };
    for record in &mut records {
        for platform in record.get_mut("platforms").and_then(Value::as_array_mut).into_iter().flatten() {
            let fixes = list(platform.get("firstFixes").cloned());
            let names: Vec<String> =
                fixes.iter().filter_map(|fix| value::given(fix.get("name").unwrap_or(fix))).collect();
            if let Some(platform) = platform.as_object_mut() {
                platform.insert("first_fixed".to_owned(), names.into());
            }
        }
    }
    records
}

/// The first fixed releases of an advisory, over all its platforms.
pub(super) fn first_fixed(row: &Row) -> Vec<String> {
    let mut all = row.texts("first_fixed");
    let platforms = row.fields.get("platforms").and_then(Value::as_array).into_iter().flatten();
    for platform in platforms {
        let names = platform.get("first_fixed").and_then(Value::as_array).into_iter().flatten();
        all.extend(names.filter_map(Value::as_str).map(str::to_owned));
    }
    page::distinct(&all)
}
