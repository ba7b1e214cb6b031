//! End of life: of products, devices and software, or everything that changes within a span of days (EoX API v5).

use std::sync::Arc;

use serde_json::Value;

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Batch, Batches, Paged};
use super::record::{Column, Detail, Form as F, list};
use super::refusal::Meaning;
use super::tool::{LIMIT, OFFSET, Request, Spec};
use super::{bugs, path};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Identifiers in one request.
const BATCH: usize = 20;

pub(super) const EOX: &[Column] = &[
    Column::new("EOXInputValue", "input", F::Line, "What was asked about."),
    Column::new("EOLProductID", "product_id", F::Line, "The product."),
    Column::new("ProductIDDescription", "description", F::Line, "What it is."),
    Column::new("announced", "announced", F::Flag, "Whether an end of life is announced."),
    Column::new("EOXExternalAnnouncementDate", "announcement", F::Date, "When the end was announced."),
    Column::new("EndOfSaleDate", "end_of_sale", F::Date, "Last day it can be ordered."),
    Column::new("EndOfSWMaintenanceReleases", "end_of_software_maintenance", F::Date, "Last day of software fixes."),
    Column::new("EndOfSecurityVulSupportDate", "end_of_security_fixes", F::Date, "Last day of security fixes."),
    Column::new("EndOfRoutineFailureAnalysisDate", "end_of_failure_analysis", F::Date, "Last day of failure analysis."),
    Column::new("EndOfServiceContractRenewal", "end_of_contract_renewal", F::Date, "Last day to renew a contract."),
    Column::new("EndOfSvcAttachDate", "end_of_new_contracts", F::Date, "Last day to attach a contract."),
    Column::new("LastDateOfSupport", "last_support", F::Date, "Last day of any support."),
    Column::new(
        "EOXMigrationDetails.MigrationProductId",
        "migration_product_id",
        F::Line,
        "What Cisco offers instead.",
    ),
    Column::new("EOXMigrationDetails.MigrationProductName", "migration_product", F::Line, "Its name."),
    Column::new(
        "EOXMigrationDetails.MigrationInformation",
        "migration",
        F::Line,
        "What Cisco says about a replacement.",
    ),
    Column::new("EOXMigrationDetails.MigrationOption", "migration_option", F::Line, "How to choose one."),
    Column::new("ProductBulletinNumber", "bulletin", F::Line, "The announcement."),
    Column::new("LinkToProductBulletinURL", "url", F::Line, "Its page for people."),
    Column::new("UpdatedTimeStamp", "updated", F::Date, "When the record was changed."),
    Column::new("said", "said", F::Line, "What the service says where nothing is announced."),
];

/// Milestones of a search by days, in our words and in the API's.
const MILESTONES: &[(&str, &str)] = &[
    ("announcement", "EO_EXT_ANNOUNCE_DATE"),
    ("end_of_sale", "EO_SALES_DATE"),
    ("end_of_failure_analysis", "EO_FAIL_ANALYSIS_DATE"),
    ("end_of_new_contracts", "EO_SVC_ATTACH_DATE"),
    ("end_of_software_maintenance", "EO_SW_MAINTENANCE_DATE"),
    ("end_of_security_fixes", "EO_SECURITY_VUL_SUPPORT_DATE"),
    ("end_of_contract_renewal", "EO_CONTRACT_RENEW_DATE"),
    ("last_support", "EO_LAST_SUPPORT_DATE"),
    // Two spellings are documented; without one the API searches by this date.
    ("updated", ""),
];

pub(super) static SPEC: Spec = Spec {
    name: "end_of_life",
    title: "Find end-of-life dates",
    description: "End-of-sale, end-of-support and the other milestones of Cisco products, of devices by serial number, of \
                  software releases, or of everything with a milestone within a span of days. `announced` false is an \
                  answer: no end of life is announced.",
    toolset: "lifecycle",
    takes: arguments!(&[
        (
            Field::new("product_ids", Form::Texts(400)),
            "Product ids; `*` stands for any text behind at least three characters.",
        ),
        (Field::new("serial_numbers", Form::Texts(400)), "Serial numbers."),
        (
            Field::new("software", Form::Texts(200)),
            "Software releases, each as `release,system`, such as `12.2,IOS` or `17.3.1,IOS-XE`.",
        ),
        (Field::new("from", Form::Day), "First day of a span, instead of identifiers."),
        (Field::new("to", Form::Day), "Last day of the span."),
        (
            Field::new(
                "milestone",
                Form::Choice(&[
                    "announcement",
                    "end_of_sale",
                    "end_of_failure_analysis",
                    "end_of_new_contracts",
                    "end_of_software_maintenance",
                    "end_of_security_fixes",
                    "end_of_contract_renewal",
                    "last_support",
                    "updated",
                ]),
            ),
            "Which date falls into the span; when the record was updated unless given.",
        ),
        (Field::new("limit", Form::Whole(1, 5_000)), LIMIT),
        (Field::new("offset", Form::Whole(0, 100_000)), OFFSET),
    ]),
    returns: written!(Listing::write, Listing { name: "records", columns: EOX, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["product_ids", "serial_numbers", "software", "from"])?;
        request.only_with(&["to", "milestone"], subject == "from", "`from`")?;
        let host = request.client.host();
        let rows = request.bounded(Rows::new("End of life", "records", EOX));
        if subject == "from" {
            let (Some(from), Some(to)) = (request.text("from"), request.text("to")) else {
                return Err(Error::Arguments("`from` and `to` go together".to_owned()));
            };
            if from > to {
                return Err(Error::Arguments("`from` is after `to`".to_owned()));
            }
            let found = by_days(&request, from, to).await?;
            return bugs::answer(found, rows, &host);
        }
        let batches = match subject {
            "software" => by_software(&request.client, &software(&request)?, &request.progress).await?,
            "serial_numbers" => {
                by_identifier(&request.client, "EOXBySerialNumber", &request.texts(subject), &request.progress).await?
            }
            _ => by_product(&request.client, &request.texts(subject), &request.progress).await?,
        };
        let Batches { rows: found, missing, failed } = batches;
        let rows = Rows { missing, failed, rows: found.into_iter().map(|row| row.fields).collect(), ..rows };
        request.windowed(rows).output(&host)
    })
}

async fn by_days(request: &Request, from: &str, to: &str) -> Result<page::Found, Error> {
    let milestone = request.text("milestone").unwrap_or("updated");
    let attribute = MILESTONES.iter().find(|(word, _)| *word == milestone).map_or("", |(_, attribute)| attribute);
    let first = page::read(&request.client, &days(from, to, attribute), request.window(), &request.progress).await;
    match first {
        // The documentation writes it both ways.
        Err(Error::Refused { said, .. }) if attribute == "EO_SALES_DATE" && said.contains("SSA_ERR_010") => {
            page::read(&request.client, &days(from, to, "EO_SALE_DATE"), request.window(), &request.progress).await
        }
        outcome => outcome,
    }
}

fn days(from: &str, to: &str, attribute: &str) -> Paged {
    let (from, to, attribute) = (from.to_owned(), to.to_owned(), attribute.to_owned());
    paged(move |page| {
        let ask = ask(format!("/EOXByDates/{page}/{from}/{to}"));
        if attribute.is_empty() { ask } else { ask.with("eoxAttrib", attribute.clone()) }
    })
}

/// Release and system of each software string. A list that was split at its commas is put together again.
fn software(request: &Request) -> Result<Vec<String>, Error> {
    let given = request.given.get("software").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let wrong = |text: &str| Error::Arguments(format!("`{text}` is not a release and a system such as `12.2,IOS`"));
    given
        .iter()
        .filter_map(Value::as_str)
        .map(|text| {
            let (release, system) = text.split_once(',').ok_or_else(|| wrong(text))?;
            match (release.trim(), system.trim()) {
                ("", _) | (_, "") => Err(wrong(text)),
                (release, system) => Ok(format!("{release},{system}")),
            }
        })
        .collect()
}

/// End of life of software releases, given as `release,system`.
pub(super) async fn by_software(client: &Client, all: &[String], progress: &Progress) -> Result<Batches, Error> {
    /// The parameters of one request.
    const INPUTS: [&str; BATCH] = [
        "input1", "input2", "input3", "input4", "input5", "input6", "input7", "input8", "input9", "input10", "input11",
        "input12", "input13", "input14", "input15", "input16", "input17", "input18", "input19", "input20",
    ];
    // The comma inside an input would be taken for a list: matching goes by a key without it.
    let make = |all: &[String]| {
        let all = all.to_vec();
        Ok(paged(move |page| {
            let inputs = INPUTS.into_iter().zip(all.iter().map(|input| input.replacen(';', ",", 1)));
            Ask { query: inputs.collect(), ..Ask::get(Api::Eox, format!("/EOXBySWReleaseString/{page}/")) }
                .with("responseencoding", "json")
        }))
    };
    let keys: Vec<String> = all.iter().map(|input| input.replacen(',', ";", 1)).collect();
    let mut batches = page::batched(client, &keys, Batch { size: BATCH, key: "input" }, &make, progress).await?;
    let back = |text: &String| text.replacen(';', ",", 1);
    batches.missing = batches.missing.iter().map(back).collect();
    for row in &mut batches.rows {
        let input = row.text("input").replace(';', ",");
        row.fields.insert("input".to_owned(), input.into());
    }
    Ok(batches)
}

/// End of life of products.
pub(super) async fn by_product(client: &Client, all: &[String], progress: &Progress) -> Result<Batches, Error> {
    if let Some(wide) = all.iter().find(|id| id.contains('*') && id.chars().filter(|c| *c != '*').count() < 3) {
        return Err(Error::Arguments(format!("`{wide}` needs at least three characters beside `*`")));
    }
    by_identifier(client, "EOXByProductID", all, progress).await
}

async fn by_identifier(
    client: &Client,
    operation: &'static str,
    all: &[String],
    progress: &Progress,
) -> Result<Batches, Error> {
    let make = |all: &[String]| {
        let list = path::list(all)?;
        Ok(paged(move |page| ask(format!("/{operation}/{page}/{list}"))))
    };
    let mut batches = page::batched(client, all, Batch { size: BATCH, key: "input" }, &make, progress).await?;
    // A wildcard stands for its products: it is not missing if it brought any.
    let met = |wild: &String| {
        let start = wild.split('*').next().unwrap_or_default().to_ascii_uppercase();
        batches.rows.iter().any(|row| row.text("product_id").to_ascii_uppercase().starts_with(&start))
    };
    let missing = batches.missing.iter().filter(|wild| !wild.contains('*') || !met(wild));
    batches.missing = missing.cloned().collect();
    Ok(batches)
}

fn ask(path: String) -> Ask {
    Ask::get(Api::Eox, path).with("responseencoding", "json")
}

fn paged(ask: impl Fn(u64) -> Ask + Send + Sync + 'static) -> Paged {
    Paged { ask: Arc::new(ask), records, columns: EOX, detail: Detail::default(), size: None }
}

/// The records of an answer. One that says "no data" is an answer of its own: nothing is announced.
pub(super) fn records(answer: &mut Value) -> Vec<Value> {
    let mut records = list(answer.get_mut("EOXRecord").map(Value::take));
    for record in &mut records {
        let fault = super::record::lean(record, &[], Detail::default()).fault;
        let Some(members) = record.as_object_mut() else { continue };
        if let Some(Value::String(input)) = members.get_mut("EOXInputValue") {
            *input = spelled(input);
        }
        match fault {
            None => members.insert("announced".to_owned(), true.into()),
            Some(fault) => {
                if members
                    .get("EOXInputValue")
                    .is_none_or(|input| input.as_str().is_none_or(|text| text.trim().is_empty()))
                {
                    members.insert("EOXInputValue".to_owned(), fault.input.clone().unwrap_or_default().into());
                }
                members.insert("said".to_owned(), fault.said().into());
                (fault.meaning() == Meaning::Nothing)
                    .then(|| members.insert("announced".to_owned(), false.into()))
                    .flatten()
            }
        };
    }
    records
}

/// What was asked, without padding; `input1=12.2,IOS` names a software release, whose comma does not separate.
fn spelled(input: &str) -> String {
    let input = input.trim();
    match input.strip_prefix("input").and_then(|rest| rest.split_once('=')) {
        Some((_, software)) => software.trim().replacen(',', ";", 1),
        None => input.to_owned(),
    }
}
