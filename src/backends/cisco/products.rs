//! Products: what a serial number or a product id is (Product Information API v1).

use std::sync::Arc;

use serde_json::Value;

use super::answer::{Listing, Rows};
use super::api::Api;
use super::client::{Ask, Client};
use super::page::{self, Batch, Batches, Paged};
use super::path;
use super::record::{Column, Detail, Form as F, Row, list};
use super::refusal::Meaning;
use super::tool::{Request, Spec};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, Progress};

/// Identifiers in one request.
const BATCH: usize = 5;

pub(super) const PRODUCT: &[Column] = &[
    Column::new("sr_no", "serial_number", F::Line, "The device."),
    Column::new("product_id", "product_id", F::Line, "The product id."),
    Column::new("orderable_pid", "product_id", F::Line, ""),
    Column::new("base_pid", "base_product_id", F::Line, "The product id that bugs are filed under."),
    Column::new("product_name", "name", F::Line, "Its name, as Cisco writes it."),
    Column::new("product_series", "series", F::Line, "Its series, as Cisco writes it."),
    Column::new("product_type", "type", F::Line, "The kind of product."),
    Column::new("product_category", "category", F::Line, "The category."),
    Column::new("product_subcategory", "subcategory", F::Line, "The subcategory."),
    Column::new("release_date", "released", F::Date, "When it was released."),
    Column::new("orderable_status", "orderable", F::Line, "Whether it can be ordered."),
    Column::new("product_name_mdf", "mdf_name", F::Line, "Its name in Cisco's metadata framework (MDF)."),
    Column::new(
        "product_series_mdf",
        "mdf_series",
        F::Line,
        "Its series there. The numeric id is in the tool `software`.",
    ),
    Column::new("form_factor", "form_factor", F::Line, "How it is mounted."),
    Column::new("dimensions.dimensions_value", "dimensions", F::Line, "Height, width and depth."),
    Column::new("weight", "weight", F::Line, "How heavy it is."),
    Column::new("product_support_page", "url", F::Line, "Its page for people."),
    Column::new("visio_stencil_url", "stencil_url", F::Line, "Its shape for drawings."),
    Column::new("rich_media_urls.large_image_url", "image_url", F::Line, "A picture."),
];

pub(super) static SPEC: Spec = Spec {
    name: "products",
    title: "Look up Cisco products",
    description: "What a serial number or product id is: full name and series as Cisco writes them (which the search for bugs \
                  needs), kind, release date, whether it can be ordered, dimensions. With `mdf` the names in Cisco's metadata \
                  framework.",
    toolset: "products",
    takes: arguments!(&[
        (Field::new("serial_numbers", Form::Texts(100)), "Serial numbers."),
        (Field::new("product_ids", Form::Texts(100)), "Product ids."),
        (Field::new("mdf", Form::Flag), "With `product_ids`: names in the metadata framework; hardware only."),
    ]),
    returns: written!(Listing::write, Listing { name: "products", columns: PRODUCT, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["serial_numbers", "product_ids"])?;
        request.only_with(&["mdf"], subject == "product_ids", "`product_ids`")?;
        let operation = match (subject, request.is("mdf")) {
            ("serial_numbers", _) => Operation::Serials,
            (_, true) => Operation::Mdf,
            _ => Operation::Products,
        };
        let found = look_up(&request.client, operation, &request.texts(subject), &request.progress).await?;
        let Batches { rows: found, missing, failed } = found;
        let rows = found.into_iter().map(|row| row.fields).collect();
        Rows { missing, failed, rows, ..Rows::new("Products", "products", PRODUCT) }.output(&request.client.host())
    })
}

/// What identifiers are looked up as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Serials,
    Products,
    Mdf,
}

/// Products of these identifiers; those with an error of their own count as missing or failed.
pub(super) async fn look_up(
    client: &Client,
    operation: Operation,
    all: &[String],
    progress: &Progress,
) -> Result<Batches, Error> {
    let (name, key) = match operation {
        Operation::Serials => ("serial_numbers", "serial_number"),
        Operation::Products => ("product_ids", "product_id"),
        Operation::Mdf => ("product_ids_mdf", "product_id"),
    };
    let make = |all: &[String]| {
        let path = format!("/{name}/{}", path::list(all)?);
        let ask = move |page: u64| Ask::get(Api::Product, path.clone()).with("page_index", page.to_string());
        Ok(Paged { ask: Arc::new(ask), records, columns: PRODUCT, detail: Detail::default(), size: None })
    };
    let mut batches = page::batched(client, all, Batch { size: BATCH, key }, &make, progress).await?;
    sift(client, &mut batches, key);
    Ok(batches)
}

pub(super) fn records(answer: &mut Value) -> Vec<Value> {
    list(answer.get_mut("product_list").map(Value::take))
}

/// Moves rows that are errors to where those are said.
pub(super) fn sift(client: &Client, batches: &mut Batches, key: &str) {
    let rows = std::mem::take(&mut batches.rows);
    for row in rows {
        let Row { fault: Some(fault), .. } = &row else {
            batches.rows.push(row);
            continue;
        };
        let inputs = vec![fault.input.clone().unwrap_or_else(|| row.text(key).to_owned())];
        match fault.meaning() {
            Meaning::Nothing => batches.missing.extend(inputs),
            Meaning::Denied => {
                batches.failed.push((inputs, Error::Forbidden { host: client.host(), said: fault.said() }))
            }
            Meaning::Down => {
                batches.failed.push((inputs, Error::Server { host: client.host(), status: 500, said: fault.said() }));
            }
            Meaning::Input => {
                batches.failed.push((inputs, Error::Refused { host: client.host(), code: 200, said: fault.said() }));
            }
        }
    }
}
