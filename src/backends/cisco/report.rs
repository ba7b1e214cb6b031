//! One report about many devices: what each is, whether it is covered, its end of life, the software that Cisco suggests,
//! its severe bugs and its advisories. Every part may be refused; the others are still there.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::advisories;
use super::answer::{Listing, ORIGIN, Rows, words};
use super::bugs::{Filter, Search};
use super::client::Client;
use super::coverage::{self, About};
use super::page::{self, Batches, Found, Window};
use super::parts::Parts;
use super::products::{self, Operation};
use super::record::{Column, Detail, Form as F, Row};
use super::running::{self, Affecting, SYSTEMS};
use super::tool::{Request, Spec};
use super::{lifecycle, path, software, together};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress, Step};

/// Products whose bugs and advisories are looked up: each is a request of its own.
const PRODUCTS: usize = 30;
/// Bugs and advisories that are named for each product.
const NAMED: usize = 5;

const DEVICE: &[Column] = &[
    Column::new("", "serial_number", F::Line, "The device."),
    Column::new("", "product_id", F::Line, "The product."),
    Column::new("", "name", F::Line, "Its name."),
    Column::new("", "series", F::Line, "Its series."),
    Column::new("", "covered", F::Flag, "Whether a service contract covers it."),
    Column::new("", "coverage_end", F::Date, "Until when."),
    Column::new("", "contract_id", F::Line, "The contract."),
    Column::new("", "service", F::Line, "What it promises."),
    Column::new("", "warranty_end", F::Date, "Until when it has a warranty."),
    Column::new("", "end_of_life_announced", F::Flag, "Whether an end of life is announced."),
    Column::new("", "end_of_sale", F::Date, "Last day it can be ordered."),
    Column::new("", "end_of_security_fixes", F::Date, "Last day of security fixes."),
    Column::new("", "last_support", F::Date, "Last day of any support."),
    Column::new("", "migration_product_id", F::Line, "What Cisco offers instead."),
    Column::new("", "suggested_release", F::Line, "The release that Cisco suggests."),
    Column::new("", "severe_bugs", F::Whole, "Open bugs of severity 1 and 2 filed for the product."),
    Column::new("", "bugs", F::Lines, "The first of them."),
    Column::new(
        "",
        "advisories",
        F::Whole,
        "Advisories about the product's series, or about the version that was given.",
    ),
    Column::new("", "advisory_ids", F::Lines, "The first of them, the most severe first."),
];

const PART: &[Column] = &[
    Column::new("", "part", F::Line, "Which part of the report."),
    Column::new("", "status", F::Line, "`ok`, or what kind of failure it is."),
    Column::new("", "error", F::Line, "Why it could not be had."),
];

const EXTRA: &[Column] =
    &[Column::new("", "parts", F::Rows(PART), "Each part of the report, and whether it could be had.")];

/// Parts of a report.
const PARTS: &[&str] = &["coverage", "products", "end_of_life", "software", "bugs", "advisories"];

pub(super) static SPEC: Spec = Spec {
    name: "report",
    title: "Report on Cisco devices",
    description: "One report on up to 75 serial numbers or product ids: what each is, service coverage, end of life, suggested \
                  release, open severe bugs and security advisories. Asks the APIs in parallel; one that this account may not \
                  use is named in `parts` with the reason, and the rest of the report is there. With `os` and `version` the \
                  advisories are those that affect that version.",
    toolset: "analysis",
    takes: arguments!(&[
        (Field::new("serial_numbers", Form::Texts(75)), "Serial numbers; at most 75."),
        (Field::new("product_ids", Form::Texts(75)), "Product ids; at most 75."),
        (
            Field::new("leave_out", Form::Texts(6)),
            "Parts to leave out: coverage, products, end_of_life, software, bugs, advisories.",
        ),
        (Field::new("os", Form::Choice(SYSTEMS)), "The operating system of the devices; with `version`."),
        (Field::new("version", Form::Text(60)), "The version they run."),
    ]),
    returns: written!(Listing::write, Listing { name: "devices", columns: DEVICE, extra: EXTRA }),
    run,
};

/// What the report is about, while it grows.
struct Report {
    client: Arc<Client>,
    left_out: Vec<String>,
    devices: Vec<Map<String, Value>>,
    parts: Parts,
    notes: Vec<String>,
    missing: Vec<String>,
    /// Some identifiers could not be asked for.
    unsure: bool,
    /// It is about product ids.
    by_product: bool,
}

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["serial_numbers", "product_ids"])?;
        if request.has("os") != request.has("version") {
            return Err(Error::Arguments("`os` and `version` go together".to_owned()));
        }
        let identifiers = page::distinct(&request.texts(subject));
        if identifiers.len() > 75 {
            return Err(Error::Arguments(format!(
                "`{subject}` has {} entries, at most 75 are allowed",
                identifiers.len()
            )));
        }
        let left_out = request.texts("leave_out");
        if let Some(unknown) = left_out.iter().find(|part| !PARTS.contains(&part.as_str())) {
            return Err(Error::Arguments(format!("`leave_out` takes {}, not `{unknown}`", PARTS.join(", "))));
        }
        let key = if subject == "serial_numbers" { "serial_number" } else { "product_id" };
        let device = |identifier: &String| Map::from_iter([(key.to_owned(), Value::from(identifier.clone()))]);
        let mut report = Report {
            client: request.client.clone(),
            left_out,
            devices: identifiers.iter().map(device).collect(),
            parts: Parts::default(),
            notes: Vec::new(),
            missing: Vec::new(),
            unsure: false,
            by_product: key == "product_id",
        };
        let step = |done: f64, message: &str| {
            request.progress.report(Step { done, total: Some(3.0), message: Some(message.to_owned()) });
        };
        step(0.0, "what the devices are");
        report.identify(key, &identifiers).await;
        step(1.0, "end of life, software, bugs and advisories");
        report.look_up(request.text("os").zip(request.text("version"))).await;
        step(2.0, "putting it together");
        report.output()
    })
}

impl Report {
    fn wants(&self, part: &str) -> bool {
        !self.left_out.iter().any(|out| out == part)
    }

    /// A part made of batches, of which some may have failed.
    fn take_batches(&mut self, part: &str, outcome: Result<Batches, Error>) -> Vec<Row> {
        let Some(batches) = self.parts.take(part, outcome) else { return Vec::new() };
        self.unsure |= !batches.failed.is_empty();
        if part == "products" && self.by_product {
            self.missing.extend(batches.missing);
        }
        for (inputs, error) in &batches.failed {
            self.notes.push(format!("{part} of {}: {}", inputs.join(", "), words(error)));
        }
        batches.rows
    }

    /// Coverage and product of each device. Each of the two APIs knows the product id: one of them is enough.
    async fn identify(&mut self, key: &str, identifiers: &[String]) {
        let client = self.client.clone();
        if key == "product_id" {
            if self.wants("products") {
                let outcome = products::look_up(&client, Operation::Products, identifiers, &Progress::default()).await;
                let rows = self.take_batches("products", outcome);
                self.join("product_id", "product_id", &rows, &[("name", "name"), ("series", "series")]);
            }
            return;
        }
        let (wants_coverage, wants_products) = (self.wants("coverage"), self.wants("products"));
        let coverage = async {
            match wants_coverage {
                true => Some(
                    coverage::ask(&client, About::Summary, identifiers, Detail::default(), &Progress::default()).await,
                ),
                false => None,
            }
        };
        let products = async {
            match wants_products {
                true => Some(products::look_up(&client, Operation::Serials, identifiers, &Progress::default()).await),
                false => None,
            }
        };
        let (coverage, products) = tokio::join!(coverage, products);
        let covered = coverage.map(|outcome| self.take_batches("coverage", outcome)).unwrap_or_default();
        let known = products.map(|outcome| self.take_batches("products", outcome)).unwrap_or_default();
        self.join(
            key,
            key,
            &known,
            &[
                ("product_id", "product_id"),
                ("base_product_id", "base_product_id"),
                ("name", "name"),
                ("series", "series"),
            ],
        );
        let members = ["covered", "coverage_end", "contract_id", "service", "warranty_end", "base_product_id"];
        self.join(key, key, &covered, &members.map(|name| (name, name)));
        for row in &covered {
            let ordered = row.fields.get("products").and_then(|all| all.get(0)?.get("product_id").cloned());
            let is_same = |device: &&mut Map<String, Value>| {
                device.get(key).and_then(Value::as_str).is_some_and(|ours| ours.eq_ignore_ascii_case(row.text(key)))
            };
            for device in self.devices.iter_mut().filter(is_same) {
                let known = ordered.clone().or_else(|| row.fields.get("base_product_id").cloned());
                if let Some(product) = known {
                    device.entry("product_id").or_insert(product);
                }
            }
        }
        // Where an API failed, nobody knows whether there is such a device.
        let is_known = self.unsure || self.parts.has_failed();
        let named = |device: &&Map<String, Value>| {
            !is_known && !device.contains_key("product_id") && !device.contains_key("covered")
        };
        let missing = self.devices.iter().filter(named).filter_map(|device| device.get(key)?.as_str());
        self.missing = missing.map(str::to_owned).collect();
    }

    /// Copies members of rows into the devices that they are about.
    fn join(&mut self, ours: &str, theirs: &str, rows: &[Row], members: &[(&str, &str)]) {
        for device in &mut self.devices {
            let Some(key) = device.get(ours).and_then(Value::as_str).map(str::to_owned) else { continue };
            let is_same = |row: &&Row| row.text(theirs).split(',').any(|one| one.trim().eq_ignore_ascii_case(&key));
            for row in rows.iter().filter(is_same) {
                for (from, to) in members {
                    if let Some(value) = row.fields.get(*from) {
                        device.entry(*to).or_insert_with(|| value.clone());
                    }
                }
            }
        }
    }

    fn distinct(&self, member: &str) -> Vec<String> {
        let all: Vec<String> =
            self.devices.iter().filter_map(|device| device.get(member)?.as_str()).map(str::to_owned).collect();
        page::distinct(&all)
    }

    /// Everything that goes by product, at the same time.
    async fn look_up(&mut self, running: Option<(&str, &str)>) {
        let products = self.distinct("product_id");
        if products.is_empty() {
            return;
        }
        let client = self.client.clone();
        // Bugs and suggestions go by the base product id, which differs from the one that was ordered.
        for device in &mut self.devices {
            if let Some(product) = device.get("product_id").cloned() {
                device.entry("base_product_id").or_insert(product);
            }
        }
        let bases = self.distinct("base_product_id");
        let left_out = self.left_out.clone();
        let wants = |part: &str| !left_out.iter().any(|out| out == part);
        let silent = Progress::default();
        let life = optional(wants("end_of_life"), lifecycle::by_product(&client, &products, &silent));
        let software =
            optional(wants("software"), software::suggested(&client, ("releases", "product_ids"), &bases, &silent));
        let bugs = optional(wants("bugs"), severe(&client, &bases));
        let advisories = optional(wants("advisories"), self.advisories(running));
        let (life, software, bugs, advisories) = tokio::join!(life, software, bugs, advisories);
        if let Some(outcome) = life {
            let rows = self.take_batches("end_of_life", outcome);
            let members = ["end_of_sale", "end_of_security_fixes", "last_support", "migration_product_id"]
                .map(|name| (name, name));
            self.join("product_id", "product_id", &rows, &members);
            self.join("product_id", "input", &rows, &members);
            self.join("product_id", "input", &rows, &[("announced", "end_of_life_announced")]);
        }
        if let Some(outcome) = software {
            let rows = self.take_batches("software", outcome);
            let suggested: Vec<Row> =
                rows.into_iter().filter(|row| row.fields.get("suggested") == Some(&Value::Bool(true))).collect();
            self.join("base_product_id", "input", &suggested, &[("release", "suggested_release")]);
        }
        if let Some(outcome) = bugs {
            self.take_counts("bugs", outcome, "base_product_id", ("severe_bugs", "bugs"));
        }
        if let Some(outcome) = advisories {
            let key = if running.is_some() { "" } else { "series" };
            self.take_counts("advisories", outcome, key, ("advisories", "advisory_ids"));
        }
    }

    /// Numbers and names by product or series; an empty key means all devices.
    fn take_counts(&mut self, part: &str, outcome: Result<Counted, Error>, key: &str, (count, names): (&str, &str)) {
        let Some(counted) = self.parts.take(part, outcome) else { return };
        self.notes.extend(counted.notes);
        let mut unnamed = false;
        for device in &mut self.devices {
            let which = if key.is_empty() { Some("") } else { device.get(key).and_then(Value::as_str) };
            let Some((total, first)) = which.and_then(|which| counted.by.get(&which.to_ascii_uppercase())) else {
                continue;
            };
            // No product of an advisory has this name: that says nothing about the software on it.
            if part == "advisories" && *total == Some(0) && !key.is_empty() {
                unnamed = true;
                continue;
            }
            if let Some(total) = total {
                device.insert(count.to_owned(), (*total).into());
            }
            device.insert(names.to_owned(), first.clone().into());
        }
        if unnamed {
            let why = "advisories mostly name software, not hardware: give `os` and `version` for those of a version";
            self.notes.push(why.to_owned());
        }
    }

    async fn advisories(&self, running: Option<(&str, &str)>) -> Result<Counted, Error> {
        let silent = Progress::default();
        if let Some((os, version)) = running {
            let asked = Affecting { os, version, platform: None, advisory: None };
            let found = running::affecting(&self.client, &asked, Detail::default(), &silent).await?;
            return Ok(Counted {
                by: BTreeMap::from([(String::new(), named(found, "advisory_id"))]),
                notes: Vec::new(),
            });
        }
        let series = self.distinct("series");
        let jobs = series.iter().take(PRODUCTS).map(|series| -> Boxed<'static, Result<Found, Error>> {
            let (client, series) = (self.client.clone(), series.clone());
            Box::pin(async move {
                advisories::of_product(&client, &series, 100, &Progress::default()).await.and_then(Found::whole)
            })
        });
        let answers = together::all(jobs.collect(), |_| ()).await;
        counted(&series, answers, "advisory_id", "advisories")
    }

    fn output(mut self) -> Result<Output, Error> {
        let notes = self.parts.complaints();
        self.parts.nothing_had()?;
        for device in &mut self.devices {
            device.remove("base_product_id");
        }
        let mut rows = Rows {
            rows: self.devices,
            missing: self.missing,
            notes: self.notes,
            ..Rows::new("Devices", "devices", DEVICE)
        };
        rows.notes.extend(notes);
        rows.is_bounded = true;
        rows.extra.insert("parts".to_owned(), self.parts.list.into());
        rows.extra.insert("origin".to_owned(), ORIGIN.into());
        rows.output(&self.client.host())
    }
}

/// Numbers and first names, by product or series in capitals.
struct Counted {
    by: BTreeMap<String, (Option<u64>, Vec<String>)>,
    notes: Vec<String>,
}

/// Open bugs of severity 1 and 2 of each product.
async fn severe(client: &Client, products: &[String]) -> Result<Counted, Error> {
    let jobs = products.iter().take(PRODUCTS).map(|product| -> Boxed<'static, Result<Found, Error>> {
        let (client, product) = (client.clone(), product.clone());
        Box::pin(async move {
            let path = format!("/products/product_id/{}", path::one(&product)?);
            let filter = Filter { severities: vec![1, 2], status: Some("O"), ..Filter::default() };
            let window = Window { offset: 0, limit: 10 };
            let search = Search { client: &client, paths: &[path], filter: &filter, detail: Detail::default(), window };
            search.run(&Progress::default()).await.and_then(Found::whole)
        })
    });
    let answers = together::all(jobs.collect(), |_| ()).await;
    counted(products, answers, "bug_id", "bugs")
}

fn counted(
    keys: &[String],
    answers: Vec<Option<Result<Found, Error>>>,
    member: &str,
    part: &str,
) -> Result<Counted, Error> {
    let mut counted = Counted { by: BTreeMap::new(), notes: Vec::new() };
    let mut failed = None;
    for (key, answer) in keys.iter().zip(answers) {
        match answer {
            Some(Ok(found)) => {
                counted.notes.extend(found.notes.iter().map(|note| format!("{part} of {key}: {note}")));
                counted.by.insert(key.to_ascii_uppercase(), named(found, member));
            }
            Some(Err(error)) => {
                counted.notes.push(format!("{part} of {key}: {}", words(&error)));
                failed = Some(error);
            }
            None => counted.notes.push(format!("{part} of {key}: no answer")),
        }
    }
    if keys.len() > PRODUCTS {
        counted
            .notes
            .push(format!("{part} of the first {PRODUCTS} of {} were looked up; ask for fewer devices", keys.len()));
    }
    match failed {
        Some(error) if counted.by.is_empty() => Err(error),
        _ => Ok(counted),
    }
}

/// How many there are, and the first of them: the most severe first.
fn named(found: Found, member: &str) -> (Option<u64>, Vec<String>) {
    // Of a list that was not read to its end, nobody knows how many there are.
    let read = u64::try_from(found.rows.len()).ok().filter(|_| !found.more && found.notes.is_empty());
    let total = found.total.or(read);
    let mut rows = found.rows;
    let rank = |row: &Row| match row.text("severity") {
        "Critical" => 0,
        "High" => 1,
        "Medium" => 2,
        "" => row.fields.get("severity").and_then(Value::as_i64).unwrap_or(9),
        _ => 3,
    };
    crate::order::by_key(&mut rows, rank);
    (total, rows.iter().take(NAMED).map(|row| row.text(member).to_owned()).collect())
}

/// The outcome of what is wanted.
async fn optional<T>(is_wanted: bool, future: impl Future<Output = T>) -> Option<T> {
    if is_wanted { Some(future.await) } else { None }
}
