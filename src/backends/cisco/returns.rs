//! Returns of hardware: by number, or those of a person (Service Order Return API v1.0).

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{self, Listing, Rows};
use super::api::Api;
use super::client::Ask;
use super::page::{self, Batch, Batches, Found, Paged, Window};
use super::record::{Column, Form as F, Row, list};
use super::tool::{Request, Spec};
use super::{bugs, path, value};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::{arguments, written};
use crate::backends::{Boxed, Error, Output, days};

/// Days in one request.
const WINDOW: u32 = 30;

const SHIPPED: &[Column] = &[
    Column::new("shippedPartNo", "part", F::Line, "The part."),
    Column::new("partsDescription", "description", F::Line, "What it is."),
    Column::new("shippedSerialID", "serial_number", F::Line, "Its serial number."),
    Column::new("partsLineStatus", "status", F::Line, "Its state."),
    Column::new("partsDispatchStatus", "dispatch", F::Line, "Whether it is on its way."),
    Column::new("partsqtyShipped", "quantity", F::Whole, "How many."),
    Column::new("partsShipDate", "shipped", F::Date, "When it was sent."),
    Column::new("partsScheduledShipTime", "scheduled", F::Date, "When it is to be sent."),
];

const RETURNED: &[Column] = &[
    Column::new("receivedPartNo", "part", F::Line, "The part."),
    Column::new("returnDescription", "description", F::Line, "What it is."),
    Column::new("receivedSerialNumber", "serial_number", F::Line, "Its serial number."),
    Column::new("returnLineStatus", "status", F::Line, "Its state."),
    Column::new("reqturnQtyReceived", "quantity", F::Whole, "How many arrived."),
    Column::new("returnToCiscoBy", "due", F::Date, "Until when it must be back."),
    Column::new("returnDateReceived", "received", F::Date, "When it arrived."),
];

pub(super) const RETURN: &[Column] = &[
    Column::new("rmaNo", "rma_number", F::Line, "Its number."),
    Column::new("status", "status", F::Line, "Its state."),
    Column::new("orderDate", "ordered", F::Date, "When it was ordered."),
    Column::new("caseId", "case_id", F::Line, "The support case."),
    Column::new("contractId", "contract_id", F::Line, "The contract."),
    Column::new("serviceLevel", "service", F::Line, "What the contract promises."),
    Column::new("failureClass", "failure_class", F::Line, "The kind of failure."),
    Column::new("failureCode", "failure", F::Line, "The failure."),
    Column::new("requestedShipDate", "requested_ship_date", F::Date, "When it was wanted."),
    Column::new("orderedPart", "part", F::Line, "What was ordered."),
    Column::new("customerProvidedSN", "serial_number", F::Line, "The device that failed."),
    Column::new("customerRefInfo.customerProvidedSN", "serial_number", F::Line, ""),
    Column::new("customerRefInfo.customerRefNumber", "customer_reference", F::Line, "The customer's own number."),
    Column::new("earliestShipDateTime", "shipped", F::Date, "When the first part is sent."),
    Column::new("courierList", "courier", F::Line, "Who brings it."),
    Column::new("replacementParts.trackingInfo.courierList", "courier", F::Line, ""),
    Column::new("replacementParts.trackingInfo.trackingNumber", "tracking_number", F::Line, "The courier's number."),
    Column::new("replacementParts.trackingInfo.shipDate", "shipped", F::Date, ""),
    Column::new("replacementParts.partsLineDetails", "replacements", F::Rows(SHIPPED), "Parts that Cisco sends."),
    Column::new("returnLines.returnParts", "returned", F::Rows(RETURNED), "Parts that go back."),
    Column::new("notes.failureDescription", "failure_description", F::Prose, "What failed. Written by others."),
    Column::new("notes.addlComments", "comments", F::Prose, "Comments. Written by others."),
    Column::personal("originator", "originator", F::Line, "Who ordered it."),
    Column::personal("userId", "user_id", F::Line, "Whose it is."),
    Column::personal("shipToInfo.customerName", "ship_to", F::Line, "Who gets it."),
    Column::personal("shipToInfo.address1", "address", F::Line, "Where it goes."),
    Column::personal("shipToInfo.city", "city", F::Line, "The city."),
    Column::personal("shipToInfo.state", "state", F::Line, "The state."),
    Column::personal("shipToInfo.postalCode", "postal_code", F::Line, "The postal code."),
    Column::personal("shipToInfo.country", "country", F::Line, "The country."),
    Column::personal("shipToInfo.shipToContactName", "contact", F::Line, "Whom to ask there."),
    Column::personal("shipToInfo.ackName", "contact", F::Line, ""),
    Column::personal("onSiteContactName", "contact", F::Line, ""),
    Column::personal("shipToInfo.shipToContactPhone", "contact_phone", F::Line, "Their telephone number."),
    Column::personal("shipToInfo.ackPhone", "contact_phone", F::Line, ""),
    Column::personal("onSiteContactPhone", "contact_phone", F::Line, ""),
    Column::personal("shipToInfo.shipToContactEmail", "contact_mail", F::Line, "Their mail address."),
    Column::personal("shipToInfo.ackEmail", "contact_mail", F::Line, ""),
    Column::personal("onSiteContactEmail", "contact_mail", F::Line, ""),
];

pub(super) static SPEC: Spec = Spec {
    name: "returns",
    title: "Find hardware returns (RMA)",
    description: "Returns of hardware (RMA) by number, or those of a person within a span of days; with `serial_numbers` only \
                  those about these devices (the service cannot search for a device itself; a support case names its \
                  returns, too). Names, addresses and telephone numbers are left out unless `personal` is true.",
    toolset: "returns",
    takes: arguments!(&[
        (Field::new("rma_numbers", Form::Texts(50)), "Numbers of returns."),
        (Field::new("user_id", Form::Text(20)), "A Cisco.com user id."),
        (Field::new("from", Form::Day), "With `user_id`: ordered on this day or later; the last 30 days unless given."),
        (Field::new("to", Form::Day), "With `user_id`: ordered on this day or earlier."),
        (
            Field::new("status", Form::Choice(&["open", "booked", "hold", "closed", "cancelled"])),
            "With `user_id`: only of this state.",
        ),
        (Field::new("sort_by", Form::Choice(&["orderdate", "status"])), "With `user_id`: the order."),
        (
            Field::new("serial_numbers", Form::Texts(100)),
            "With `user_id`: only returns about these devices; reads each return.",
        ),
        (Field::new("personal", Form::Flag), "Also return names, addresses and telephone numbers."),
    ]),
    returns: written!(Listing::write, Listing { name: "returns", columns: RETURN, extra: &[] }),
    run,
};

fn run(request: Request) -> Boxed<'static, Result<Output, Error>> {
    Box::pin(async move {
        let subject = request.one_of(&["rma_numbers", "user_id"])?;
        request.only_with(&["from", "to", "status", "sort_by", "serial_numbers"], subject == "user_id", "`user_id`")?;
        let rows = Rows { is_bounded: true, ..Rows::new("Returns", "returns", RETURN) };
        let host = request.client.host();
        if subject == "rma_numbers" {
            let Batches { rows: found, missing, failed } = by_number(&request, &request.texts("rma_numbers")).await?;
            let found = found.into_iter().map(|row| row.fields).collect();
            return Rows { missing, failed, rows: found, ..rows }.output(&host);
        }
        let found = by_user(&request).await?;
        let devices = request.texts("serial_numbers");
        if devices.is_empty() {
            return bugs::answer(found, rows, &host);
        }
        of_devices(&request, found, &devices, rows).await
    })
}

async fn by_number(request: &Request, numbers: &[String]) -> Result<Batches, Error> {
    let detail = request.detail();
    let make = |numbers: &[String]| {
        let path = format!("/rma_numbers/{}", path::list(numbers)?);
        let ask = move |_: u64| Ask::get(Api::Rma, path.clone());
        Ok(Paged { ask: Arc::new(ask), records: of_number, columns: RETURN, detail, size: None })
    };
    page::batched(&request.client, numbers, Batch { size: 1, key: "rma_number" }, &make, &request.progress).await
}

/// A person's returns; a long span of days in parts of 30 days.
async fn by_user(request: &Request) -> Result<Found, Error> {
    let path = format!("/users/user_ids/{}", path::one(request.text("user_id").unwrap_or_default())?);
    let mut merged = Found::default();
    // The newest first.
    for (from, to) in days::spans(request.text("from"), request.text("to"), WINDOW)?.into_iter().rev() {
        let span = format!("{} to {}", from.as_deref().unwrap_or("…"), to.as_deref().unwrap_or("…"));
        let mut query = Vec::new();
        query.extend(from.map(|day| ("fromDate", day)));
        query.extend(to.map(|day| ("toDate", day)));
        query.extend(request.text("status").map(|status| ("status", status.to_owned())));
        query.extend(request.text("sort_by").map(|order| ("sortBy", order.to_owned())));
        let path = path.clone();
        let ask = move |page: u64| {
            Ask { query: query.clone(), ..Ask::get(Api::Rma, path.clone()) }.with("pageIndex", page.to_string())
        };
        let paged =
            Paged { ask: Arc::new(ask), records: of_user, columns: RETURN, detail: request.detail(), size: None };
        let found = match page::read(&request.client, &paged, Window::ALL, &request.progress).await {
            Ok(found) => found,
            Err(error) if merged.rows.is_empty() => return Err(error),
            Err(error) => {
                merged.notes.push(format!("{span}: {}", answer::words(&error)));
                continue;
            }
        };
        merged.rows.extend(found.rows);
        merged.lost.extend(found.lost);
        merged.nothing = found.nothing;
    }
    if !merged.rows.is_empty() {
        merged.nothing = None;
    }
    Ok(merged)
}

/// Reads each return and keeps those that name one of the devices.
async fn of_devices(request: &Request, found: Found, devices: &[String], mut rows: Rows) -> Result<Output, Error> {
    /// Each is a request of its own, and slow.
    const MOST: usize = 60;
    rows.failed.extend(found.lost.into_iter().map(|(page, error)| (vec![format!("page {page}")], error)));
    rows.notes.extend(found.notes);
    let mut numbers: Vec<String> = found.rows.iter().map(|row| row.text("rma_number").to_owned()).collect();
    if numbers.len() > MOST {
        rows.notes.push(format!("only the first {MOST} of {} returns were read; give fewer days", numbers.len()));
        numbers.truncate(MOST);
    }
    let names = |row: &Row| {
        let lists = ["replacements", "returned"].map(|name| row.fields.get(name).and_then(Value::as_array));
        let parts = lists.into_iter().flatten().flatten().filter_map(|part| part.get("serial_number")?.as_str());
        let mut all = parts.chain([row.text("serial_number")]);
        all.any(|serial| devices.iter().any(|device| device.eq_ignore_ascii_case(serial)))
    };
    if !numbers.is_empty() {
        let Batches { rows: read, failed, missing } = by_number(request, &numbers).await?;
        rows.failed.extend(failed);
        rows.missing = missing;
        rows.rows = read.into_iter().filter(names).map(|row| row.fields).collect();
    }
    rows.output(&request.client.host())
}

pub(super) fn of_number(answer: &mut Value) -> Vec<Value> {
    let records = answer.get_mut("returns").and_then(|returns| returns.get_mut("RmaRecord")).map(Value::take);
    list(records)
}

/// The returns of each person in the answer, which name the person.
pub(super) fn of_user(answer: &mut Value) -> Vec<Value> {
    let users = match answer.get_mut("OrderList") {
        Some(inner) => inner.get_mut("users").map(Value::take),
        None => answer.get_mut("users").map(Value::take),
    };
    let mut records = Vec::new();
    for mut user in list(users) {
        let id = user.get("userId").and_then(value::line);
        for mut record in list(user.get_mut("returns").map(Value::take)) {
            if let Some(record) = record.as_object_mut() {
                record.insert("userId".to_owned(), json!(id));
            }
            records.push(record);
        }
    }
    records
}
