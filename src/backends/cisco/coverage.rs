//! Service coverage: of devices by serial number, or of instances (Serial Number to Information API v2).

use std::sync::Arc;

use serde_json::Value;

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Batch, Batches, Paged};
use super::record::{Column, Detail, Form as F, list};
use super::tool::{Request, Spec};
use super::{path, products};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Identifiers in one request.
const BATCH: usize = 75;

const ORDERABLE: &[Column] = &[
    Column::new("orderable_pid", "product_id", F::Line, "The product id."),
    Column::new("item_description", "description", F::Line, "What it is."),
    Column::new("item_type", "type", F::Line, "The kind of item."),
    Column::new("item_position", "position", F::Line, "Where it belongs."),
    Column::new(
        "pillar_code",
        "pillars",
        F::Words,
        "Support it can have: 1 TAC, 2 hardware replacement, 3 software, 5 none.",
    ),
    Column::new("pillar_description", "pillar", F::Line, "The same in words."),
];

pub(super) const DEVICE: &[Column] = &[
    Column::new("sr_no", "serial_number", F::Line, "The device."),
    Column::new("instance_number", "instance_number", F::Line, "The instance."),
    Column::new("parent_sr_no", "parent_serial_number", F::Line, "What it is built into."),
    Column::new("parent_instance_no", "parent_instance_number", F::Line, "What the instance belongs to."),
    Column::new("is_covered", "covered", F::Flag, "Whether a service contract covers it."),
    Column::new("coverage_end_date", "coverage_end", F::Date, "Until when."),
    Column::new("covered_product_line_end_date", "coverage_end", F::Date, ""),
    Column::new("sr_no_owner", "owned", F::Flag, "Whether it belongs to this account."),
    Column::new("service_contract_number", "contract_id", F::Line, "The contract."),
    Column::new("service_line_descr", "service", F::Line, "What the contract promises."),
    Column::new("warranty_end_date", "warranty_end", F::Date, "Until when it has a warranty."),
    Column::new("warranty_type", "warranty", F::Line, "The kind of warranty."),
    Column::new("warranty_type_description", "warranty_description", F::Line, "More about it."),
    Column::new("base_pid_list.base_pid", "base_product_id", F::Line, "The product id that bugs are filed under."),
    Column::new("base_pid.base_pid", "base_product_id", F::Line, ""),
    Column::new("orderable_pid_list", "products", F::Rows(ORDERABLE), "What was ordered."),
    Column::new("orderable_pid", "products", F::Rows(ORDERABLE), ""),
    Column::personal("contract_site_customer_name", "customer", F::Line, "Whose it is."),
    Column::personal("contract_site_address1", "address", F::Line, "Where it is."),
    Column::personal("contract_site_city", "city", F::Line, "The city."),
    Column::personal("contract_site_state_province", "state", F::Line, "The state or province."),
    Column::personal("contract_site_postal_code", "postal_code", F::Line, "The postal code."),
    Column::personal("contract_site_country", "country", F::Line, "The country."),
];

pub(super) static SPEC: Spec = Spec {
    name: "coverage",
    title: "Check service coverage",
    description: "Whether devices are covered by a service contract and until when. `about` `summary` adds contract, warranty \
                  and product ids, `owner` says whether the device belongs to this account, `orderable` names the product \
                  ids that were ordered. Name and address of the site are left out unless `personal` is true.",
    toolset: "products",
    takes: arguments!(&[
        (Field::new("serial_numbers", Form::Texts(1_000)), "Serial numbers."),
        (Field::new("instance_numbers", Form::Texts(1_000)), "Instance numbers; always a summary."),
        (
            Field::new("about", Form::Choice(&["status", "summary", "owner", "orderable"])),
            "What to say about each device; `status` (covered or not) unless given.",
        ),
        (Field::new("personal", Form::Flag), "Also return name and address of the site."),
    ]),
    returns: written!(Listing::write, Listing { name: "devices", columns: DEVICE, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["serial_numbers", "instance_numbers"])?;
        request.only_with(&["about"], subject == "serial_numbers", "`serial_numbers`")?;
        let about = match (subject, request.text("about")) {
            ("instance_numbers", _) => About::Instances,
            (_, Some("summary")) => About::Summary,
            (_, Some("owner")) => About::Owner,
            (_, Some("orderable")) => About::Orderable,
            _ => About::Status,
        };
        let all = request.texts(subject);
        let Batches { rows: found, missing, failed } =
            ask(&request.client, about, &all, request.detail(), &request.progress).await?;
        let rows = found.into_iter().map(|row| row.fields).collect();
        Rows { missing, failed, rows, is_bounded: true, ..Rows::new("Coverage", "devices", DEVICE) }
            .output(&request.client.host())
    })
}

/// What is asked about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Status,
    Owner,
    Summary,
    Instances,
    Orderable,
}

/// Coverage of these devices.
pub(super) async fn ask(
    client: &Client,
    about: About,
    all: &[String],
    detail: Detail,
    progress: &Progress,
) -> Result<Batches, Error> {
    let (base, key) = match about {
        About::Status => ("/coverage/status/serial_numbers", "serial_number"),
        About::Owner => ("/coverage/owner_status/serial_numbers", "serial_number"),
        About::Summary => ("/coverage/summary/serial_numbers", "serial_number"),
        About::Instances => ("/coverage/summary/instance_numbers", "instance_number"),
        About::Orderable => ("/identifiers/orderable/serial_numbers", "serial_number"),
    };
    let is_paged = matches!(about, About::Summary | About::Instances);
    let make = |all: &[String]| {
        let path = format!("{base}/{}", path::list(all)?);
        let ask = move |page: u64| {
            let ask = Ask::get(Api::Serial, path.clone());
            if is_paged { ask.with("page_index", page.to_string()) } else { ask }
        };
        Ok(Paged { ask: Arc::new(ask), records, columns: DEVICE, detail, size: None })
    };
    let mut batches = page::batched(client, all, Batch { size: BATCH, key }, &make, progress).await?;
    products::sift(client, &mut batches, key);
    Ok(batches)
}

pub(super) fn records(answer: &mut Value) -> Vec<Value> {
    let name = if answer.get("serial_numbers").is_some() { "serial_numbers" } else { "instance_numbers" };
    list(answer.get_mut(name).map(Value::take))
}
