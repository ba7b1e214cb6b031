//! The Serial Number to Information API v2.

use super::answer::{Answer, NO_RECORDS, Page, array, fill, nothing, paged, refused};
use super::asked::{Asked, decode, list};
use super::world::{Device, device, device_of_instance};

/// Below the host.
pub(super) const PREFIX: &str = "/sn2info/v2";

const STATUS: &str = r#"{"sr_no":"<serial>","is_covered":"<covered>","coverage_end_date":"<until>"<<owner>>}"#;
const SUMMARY: &str = r#"{"id":"<id>","sr_no":"<serial>",<<which>>,"is_covered":"<covered>",<<pids>>,"contract_site_customer_name":"EXAMPLE CUSTOMER",
"contract_site_address1":"1 EXAMPLE STREET","contract_site_city":"EXAMPLE","contract_site_state_province":"CA","contract_site_country":"US"<<code>>,
"covered_product_line_end_date":"<until>","service_contract_number":"<contract>","service_line_descr":"<line>","warranty_end_date":"<warranty>",
"warranty_type":"WARR-ELTD-LIFE-HW","warranty_type_description":"http://www.cisco.com/go/warranty"}"#;
const LISTS: &str = r#""base_pid_list":[{"base_pid":"<pid>"}],"orderable_pid_list":[{"orderable_pid":"<pid>","item_description":"<name>","item_position":"P","item_type":"CHASSIS","pillar_code":"1,2,3"}]"#;
const OBJECTS: &str = r#""base_pid":{"base_pid":"<pid>"},"orderable_pid":{"orderable_pid":"<pid>","item_description":"<name>","item_position":"P","item_type":"CHASSIS"}"#;
const ORDERABLE: &str = r#"{"sr_no":"<serial>","orderable_pid_list":[{"orderable_pid":"<pid>","pillar_code":"<code>","pillar_description":"<pillar>"}]}"#;

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let (kind, what, inputs) = match asked.path() {
        ["coverage", kind @ ("status" | "owner_status" | "summary"), what @ "serial_numbers", inputs]
        | ["coverage", kind @ "summary", what @ "instance_numbers", inputs]
        | ["identifiers", kind @ "orderable", what @ "serial_numbers", inputs] => (*kind, *what, list(inputs)),
        ["coverage" | "identifiers", _, "serial_numbers" | "instance_numbers"] => {
            return refused(400, "API_MISSING_PARAMETERS", "A required parameter is missing");
        }
        _ => return nothing(),
    };
    if inputs.len() > 75 {
        return refused(400, "EXCEEDED_INPUTS", "The number of inputs exceeds the limit of 75");
    }
    if inputs.iter().any(|input| input.len() > 40) {
        return refused(400, "API_INVALID_INPUT", "A serial number is longer than 40 characters");
    }
    if kind == "summary" {
        return summary(asked, what, &inputs);
    }
    // The order of the answers is not the one of the inputs.
    let records: Vec<String> = inputs.iter().rev().map(|serial| short(kind, serial)).collect();
    Answer::json(200, format!(r#"{{"serial_numbers":{}}}"#, array(&records)))
}

fn unknown(name: &str, input: &str, more: &str) -> String {
    let values = [("name", name), ("in", input), ("error", NO_RECORDS), ("more", more)];
    fill(r#"{<<more>>"<name>":"<in>",<<error>>}"#, &values)
}

fn short(kind: &str, serial: &str) -> String {
    let Some(device) = device(serial) else { return unknown("sr_no", serial, "") };
    let (code, pillar) = match device.product.is_chassis() {
        true => ("1", "TAC SUPPORT"),
        false => ("5", "DOES NOT APPLY"),
    };
    let owned = if device.covered { r#","sr_no_owner":"YES""# } else { r#","sr_no_owner":"NO""# };
    let more = [("owner", if kind == "owner_status" { owned } else { "" }), ("code", code), ("pillar", pillar)];
    fill(if kind == "orderable" { ORDERABLE } else { STATUS }, &values(&device, &more))
}

fn values<'a>(device: &'a Device, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut values = vec![("serial", &*device.serial), ("until", device.until), ("contract", device.contract)];
    values.push(("covered", if device.covered { "YES" } else { "NO" }));
    values.push(("pid", device.product.pid));
    values.push(("name", device.product.name));
    values.extend(more);
    values
}

fn summary(asked: &Asked<'_>, what: &str, inputs: &[String]) -> Answer {
    let Some(index) = asked.page("page_index") else {
        return refused(400, "API_INVALID_INPUT", "The value of page_index is invalid");
    };
    let page = Page::of(inputs, index, 50);
    let records: Vec<String> =
        page.records.iter().zip(page.before + 1..).map(|(input, id)| long(what, input, &id.to_string())).collect();
    let link = format!("{PREFIX}{}?page_index={index}", decode(asked.rest));
    let title = match what {
        "serial_numbers" => "Get Coverage Summary by Serial Numbers - SN2INFO API",
        _ => "Get Coverage Summary by Instance Numbers - SN2INFO API",
    };
    paged(&page, &link, title, (what, &records))
}

fn long(what: &str, input: &str, id: &str) -> String {
    let by_serial = what == "serial_numbers";
    let Some(device) = (if by_serial { device(input) } else { device_of_instance(input) }) else {
        let name = if by_serial { "sr_no" } else { "instance_number" };
        return unknown(name, input, &fill(r#""id":"<id>","#, &[("id", id)]));
    };
    let pids = fill(if by_serial { LISTS } else { OBJECTS }, &values(&device, &[]));
    let which = match by_serial {
        true => fill(r#""parent_sr_no":"<parent>""#, &[("parent", device.parent)]),
        false => fill(r#""instance_number":"<instance>","parent_instance_no":"""#, &[("instance", &device.instance)]),
    };
    // Only some sites have a postal code.
    let code = if device.covered { r#","contract_site_postal_code":"00000""# } else { "" };
    let line = if device.contract.is_empty() { "" } else { "SMARTNET 8X5XNBD" };
    let warranty = if device.product.end.is_some() { "" } else { "2029-04-09" };
    let more =
        [("id", id), ("pids", &*pids), ("which", &*which), ("code", code), ("line", line), ("warranty", warranty)];
    fill(SUMMARY, &values(&device, &more))
}
