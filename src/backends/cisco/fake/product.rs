//! The Product Information API v1.

use super::answer::{Answer, NO_RECORDS, Page, fill, nothing, paged, refused};
use super::asked::{Asked, decode, list};
use super::world::{Product, device, product_of};

/// Below the host.
pub(super) const PREFIX: &str = "/product/v1/information";

const RECORD: &str = r#"{"id":"<id>",<<who>>,"product_name":"<name>","product_type":"<type>","product_series":"<series>","product_category":"<type>",
"product_subcategory":"<sub>","release_date":"<released>","orderable_status":"<status>","dimensions":{"dimensions_format":"(H x W x D)","dimensions_value":"1.75 x 17.5 x 14.5 in"},
"weight":"12.9 lb","form_factor":"Rack-mountable - 1U","product_support_page":"https://www.cisco.com/c/en/us/support/example/series.html",
"visio_stencil_url":"https://www.cisco.com/example.zip","rich_media_urls":{"large_image_url":"https://www.cisco.com/l.jpg","small_image_url":"https://www.cisco.com/s.jpg"}}"#;
/// What is known of a part: half of the fields are not there.
const PART: &str = r#"{"id":"<id>",<<who>>,"product_name":"<name>","product_type":"","product_series":"<series>","release_date":"<released>"}"#;
const MDF: &str = r#"{"id":"<id>",<<who>>,"product_name":"<name>","product_name_mdf":"Cisco <name>","product_series":"<series>","product_series_mdf":"<series>"}"#;

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let (kind, inputs) = match asked.path() {
        [kind @ ("serial_numbers" | "product_ids" | "product_ids_mdf"), inputs] => (*kind, list(inputs)),
        ["serial_numbers" | "product_ids" | "product_ids_mdf"] => {
            return refused(403, "API_MISSING_PARAMETERS", "A required parameter is missing");
        }
        _ => return nothing(),
    };
    if inputs.len() > 5 {
        return refused(403, "EXCEEDED_INPUTS", "The number of identifiers exceeds the limit of 5");
    }
    let Some(index) = asked.page("page_index").filter(|page| *page < 100) else {
        return refused(403, "API_INVALID_INPUT", "The value of page_index is invalid");
    };
    let page = Page::of(&inputs, index, 500);
    let records: Vec<String> =
        page.records.iter().zip(page.before + 1..).map(|(input, id)| record(kind, input, &id.to_string())).collect();
    let link = format!("{PREFIX}{}?page_index={index}", decode(asked.rest));
    let title = match kind {
        "serial_numbers" => "Get Product Information by Serial Numbers",
        "product_ids" => "Get Product Information by Product IDs",
        _ => "Get Product MDF Information by Product IDs",
    };
    paged(&page, &link, title, ("product_list", &records))
}

fn record(kind: &str, input: &str, id: &str) -> String {
    let (who, product) = if kind == "serial_numbers" {
        let product = device(input).map(|device| device.product);
        let pid = product.map(|product| product.pid).unwrap_or_default();
        let who = if product.is_some() {
            r#""sr_no":"<in>","base_pid":"<pid>","orderable_pid":"<pid>""#
        } else {
            r#""sr_no":"<in>""#
        };
        (fill(who, &[("in", input), ("pid", pid)]), product)
    } else {
        (fill(r#""product_id":"<in>""#, &[("in", input)]), product_of(input))
    };
    // Metadata concepts are those of hardware.
    let Some(product) = product.filter(|product| kind != "product_ids_mdf" || product.kind != "Software") else {
        return fill(r#"{"id":"<id>",<<who>>,<<error>>}"#, &[("id", id), ("who", &who), ("error", NO_RECORDS)]);
    };
    let template = match kind {
        "product_ids_mdf" => MDF,
        _ if product.is_chassis() => RECORD,
        _ => PART,
    };
    fill(template, &values(product, &[("id", id), ("who", &who), ("series", &product.full_series())]))
}

fn values<'a>(product: &'a Product, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut values = vec![("name", product.name), ("type", product.kind), ("released", product.released)];
    values.push(("sub", if product.kind == "Switches" { "Campus LAN Switches - Access" } else { "Branch Routers" }));
    values.push(("status", if product.end.is_some() { "End of Sale" } else { "Orderable" }));
    values.extend(more);
    values
}
