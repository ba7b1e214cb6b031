//! The `EoX` API v5: the end of life of products and software, by dates, product ids, serial numbers and releases.
//!
//! `EOXByDates/1/2020-01-01/2026-12-31` has 2,216 records, in pages of 1,000.

use super::answer::{Answer, Page, array, fill, nothing};
use super::asked::{Asked, decode, list};
use super::calendar::{date, day};
use super::world::{End, PRODUCTS, Product, device, product_of};

/// Below the host.
pub(super) const PREFIX: &str = "/supporttools/eox/rest/5";

const PAGE: usize = 1_000;
/// How many products there are that nobody listed.
const MADE: i64 = 2_209;

/// The dates of a record, in the order of [`End::dates`].
const MILESTONES: [(&str, &str); 9] = [
    ("EO_EXT_ANNOUNCE_DATE", "EOXExternalAnnouncementDate"),
    ("EO_SALES_DATE", "EndOfSaleDate"),
    ("EO_SW_MAINTENANCE_DATE", "EndOfSWMaintenanceReleases"),
    ("EO_SECURITY_VUL_SUPPORT_DATE", "EndOfSecurityVulSupportDate"),
    ("EO_FAIL_ANALYSIS_DATE", "EndOfRoutineFailureAnalysisDate"),
    ("EO_CONTRACT_RENEW_DATE", "EndOfServiceContractRenewal"),
    ("EO_LAST_SUPPORT_DATE", "LastDateOfSupport"),
    ("EO_SVC_ATTACH_DATE", "EndOfSvcAttachDate"),
    ("UPDATED_TIMESTAMP", "UpdatedTimeStamp"),
];

const SYSTEMS: &str = "ACNS,ACSW,ALTIGAOS,ASA,ASYNCOS,CATOS,CDS-IS,CDS-TV,CDS-VN,CDS-VQE,CTS,ECDS,FWSM-OS,GSS,IOS,IOS XR,\
    IOS-XE,IPS,NAM,NX-OS,ONS,PIXOS,SAN-OS,STAR OS,TC,TE,UCS NX-OS,VCS,VDS-IS,WAAS,WANSW BPX/IGX/IPX,WEBNS,WLC,WLSE-OS,XC";

/// Releases with an end, and whether it was announced.
const RELEASES: [(&str, &str, bool); 6] = [
    ("12.2,IOS", "S-12.2", true),
    ("12.2,IOS", "", false),
    ("15.2(7)E,IOS", "C2960X-15.2(7)E", true),
    ("17.3.1,IOS-XE", "IOSXE-17.3", true),
    ("17.9.4a,IOS-XE", "IOSXE-17.9", true),
    ("9.3(7),NX-OS", "NXOS-9.3", true),
];

const RECORD: &str = r#"{"EOLProductID":"<pid>","ProductIDDescription":"<name>","ProductBulletinNumber":"<bulletin>",
"LinkToProductBulletinURL":"<link>",<<dates>>,
<<error>>"EOXMigrationDetails":{"PIDActiveFlag":"<active>","MigrationInformation":"","MigrationOption":"<option>","MigrationProductId":"<replacement>",
"MigrationProductName":"","MigrationStrategy":"","MigrationProductInfoURL":""},"EOXInputType":"<type>","EOXInputValue":"<input>"}"#;
const DATE: &str = r#""<name>":{"value":"<value>","dateFormat":<<format>>}"#;
const ERROR: &str = r#""EOXError":{"ErrorID":"<id>","ErrorDescription":"<what>"<<data>>},"#;
const DATA: &str = r#","ErrorDataType":"<type>","ErrorDataValue":"<value>""#;
const PAGED: &str = r#"{"PaginationResponseRecord":{"PageIndex":<<index>>,"LastIndex":<<last>>,"TotalRecords":<<total>>,"PageRecords":<<count>>},"EOXRecord":<<records>>}"#;

/// How the request as a whole is refused: with 200.
pub(super) fn refused(status: u16, id: &str, what: &str) -> Answer {
    let body = r#"{"EOXError":{"ErrorID":"<id>","ErrorDescription":"<what>"}}"#;
    Answer::json(status, fill(body, &[("id", id), ("what", what)]))
}

/// What came in, for the end of a record.
#[derive(Clone, Copy)]
struct Input<'a> {
    kind: &'a str,
    value: &'a str,
}

fn dates(values: &[&str; 9], format: &str) -> String {
    let named = MILESTONES.iter().zip(values).filter(|((_, name), _)| format != "null" || !name.contains("Vul"));
    let all: Vec<String> =
        named.map(|((_, name), value)| fill(DATE, &[("name", name), ("value", value), ("format", format)])).collect();
    all.join(",")
}

/// A record of an end that was announced.
fn ends(pid: &str, name: &str, end: &End, input: Input<'_>) -> String {
    let active = if end.replacement.is_empty() { "" } else { "Y" };
    let values = [
        ("pid", pid),
        ("name", name),
        ("bulletin", end.bulletin),
        ("link", "https://www.cisco.com/c/en/us/products/example.html"),
        ("dates", &dates(&end.dates, r#""YYYY-MM-DD""#)),
        ("error", ""),
        ("active", active),
        ("option", end.option),
        ("replacement", end.replacement),
        ("type", input.kind),
        ("input", input.value),
    ];
    fill(RECORD, &values)
}

/// A record that says why there is no end: a normal answer.
fn does_not_end((id, what): (&str, &str), data: Option<(&str, &str)>, input: Input<'_>) -> String {
    let data = data.map_or_else(String::new, |(kind, value)| fill(DATA, &[("type", kind), ("value", value)]));
    let error = fill(ERROR, &[("id", id), ("what", what), ("data", &data)]);
    let bulletin = if id == "SSA_ERR_022" { "PB0000" } else { "" };
    let mut values = vec![("error", &*error), ("bulletin", bulletin), ("type", input.kind), ("input", input.value)];
    let nothing = dates(&[""; 9], "null");
    values.push(("dates", &nothing));
    values.extend(["pid", "name", "link", "active", "option", "replacement"].map(|name| (name, "")));
    fill(RECORD, &values)
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let [operation, page, inputs @ ..] = asked.path() else { return nothing() };
    if page.len() > 5 {
        return refused(200, "SSA_ERR_028", "The page index exceeds 5 characters.");
    }
    let Some(page) = page.parse().ok().filter(|page| *page > 0) else { return wrong("pageIndex") };
    let records = match (*operation, inputs) {
        ("EOXByDates", [start, end]) => by_dates(asked, &decode(start), &decode(end)),
        ("EOXByProductID", [pids]) => by_pids(&list(pids)),
        ("EOXBySerialNumber", [serials]) => by_serials(&list(serials)),
        ("EOXBySWReleaseString", []) => by_releases(asked),
        ("EOXByProductID" | "EOXBySerialNumber" | "EOXByDates", _) => Err(empty()),
        _ => Err(nothing()),
    };
    let records = match records {
        Ok(records) => records,
        Err(refusal) => return refusal,
    };
    let page = Page::of(&records, page, PAGE);
    // The default of the service is XML.
    if asked.get("responseencoding") != Some("json") {
        let body = format!("<EOXResponse><TotalRecords>{}</TotalRecords></EOXResponse>", page.total);
        return Answer { status: 200, media: "text/xml", body };
    }
    let array = array(page.records);
    Answer::json(200, page.fill(PAGED, &[("records", &array)]))
}

fn wrong(what: &str) -> Answer {
    let text = format!("The {what} value specified is invalid. Please correct the {what} value and try again.");
    refused(200, "SSA_ERR_010", &text)
}

fn empty() -> Answer {
    refused(200, "SSA_ERR_016", "The input is empty. Please enter a value and try again.")
}

fn by_dates(asked: &Asked<'_>, start: &str, end: &str) -> Result<Vec<String>, Answer> {
    let from = day(start).ok_or_else(|| refused(200, "SSA_ERR_001", "The start date is invalid."))?;
    let until = day(end).filter(|until| *until >= from).ok_or_else(|| wrong("endDate"))?;
    let attributes = asked.get("eoxAttrib").unwrap_or("UPDATED_TIMESTAMP");
    let mut chosen = Vec::new();
    for name in attributes.split(',').map(|name| name.replace("UPDATE_", "UPDATED_")) {
        let place = MILESTONES.iter().position(|(known, _)| *known == name);
        chosen.push(place.ok_or_else(|| wrong("eoxAttrib"))?);
    }
    let input = format!("{start} , {end} , {attributes}");
    let input = Input { kind: "showEoXByDates", value: &input };
    let within = |value: &str| day(value).is_some_and(|day| (from..=until).contains(&day));
    let mut records = Vec::new();
    for product in &PRODUCTS {
        let Some(found) = &product.end else { continue };
        if chosen.iter().any(|place| found.dates.get(*place).is_some_and(|value| within(value))) {
            records.push(ends(product.pid, product.name, found, input));
        }
    }
    // Each of the others has its record updated on a day of its own from 2020 on, and its milestones around that.
    let first = day("2020-01-01").unwrap_or_default();
    for number in 0..MADE {
        let updated = first + number;
        let days = [-400, -200, 165, 900, 165, 1_300, 1_626, 165, 0].map(|after| date(updated + after));
        let mut dates = days.each_ref().map(String::as_str);
        if let (Some(security), true) = (dates.get_mut(3), number % 2 == 0) {
            *security = "";
        }
        if !chosen.iter().any(|place| dates.get(*place).is_some_and(|value| within(value))) {
            continue;
        }
        let pid = format!("EOX-{number:04}=");
        records.push(made(&pid, &dates, input));
    }
    Ok(records)
}

fn made(pid: &str, values: &[&str; 9], input: Input<'_>) -> String {
    let dates = dates(values, r#""YYYY-MM-DD""#);
    let mut all = vec![("pid", pid), ("name", "Example description"), ("bulletin", "EOL00000"), ("dates", &*dates)];
    all.extend([("link", "https://www.cisco.com/c/en/us/products/example.html"), ("option", "See Migration Section")]);
    all.extend([("error", ""), ("active", ""), ("replacement", ""), ("type", input.kind), ("input", input.value)]);
    fill(RECORD, &all)
}

/// Puts inputs that lead to the same product into one record, and the records into an order that is not the one of the
/// inputs.
fn joined(found: Vec<(String, Option<&'static Product>, String)>, kind: &str) -> Vec<String> {
    let mut groups: Vec<(&Product, Vec<String>)> = Vec::new();
    let mut records = Vec::new();
    for (input, product, missing) in found {
        match product {
            Some(product) if product.end.is_some() => {
                match groups.iter_mut().find(|(known, _)| known.pid == product.pid) {
                    Some((_, inputs)) => inputs.push(input),
                    None => groups.push((product, vec![input])),
                }
            }
            product => {
                let what = format!("EOX information does not exist for the following product ID(s): {input}");
                let id = if product.is_some() { "SSA_ERR_026" } else { &missing };
                let data = product.map(|product| ("PRODUCT_ID", product.pid));
                records.push(does_not_end((id, &what), data, Input { kind, value: &format!("{input} ") }));
            }
        }
    }
    records.reverse();
    for (product, inputs) in groups.iter().rev() {
        let Some(end) = &product.end else { continue };
        let value = format!("{} ", inputs.join(","));
        records.push(ends(product.pid, product.name, end, Input { kind, value: &value }));
    }
    records
}

fn by_pids(pids: &[String]) -> Result<Vec<String>, Answer> {
    if pids.is_empty() {
        return Err(empty());
    }
    if pids.len() > 20 {
        return Err(refused(200, "SSA_ERR_009", "The number of product IDs exceeds the limit of 20."));
    }
    let mut found = Vec::new();
    let mut wild = Vec::new();
    for pid in pids {
        if !pid.contains('*') {
            found.push((pid.clone(), product_of(pid), "SSA_ERR_026".to_owned()));
            continue;
        }
        let middle = pid.trim_matches('*');
        if middle.chars().count() < 3 || middle.contains('*') {
            return Err(refused(200, "SSA_ERR_032", "A wildcard needs at least three other characters."));
        }
        let (open, close) = (pid.starts_with('*'), pid.ends_with('*'));
        let is = |known: &str| match (open, close) {
            (true, true) => known.contains(middle),
            (true, false) => known.ends_with(middle),
            _ => known.starts_with(middle),
        };
        let mut any = false;
        for product in PRODUCTS.iter().filter(|product| is(product.pid)) {
            let Some(end) = &product.end else { continue };
            any = true;
            let value = format!("{pid} ");
            wild.push(ends(product.pid, product.name, end, Input { kind: "ShowEOXByPids", value: &value }));
        }
        if !any {
            found.push((pid.clone(), None, "SSA_ERR_015".to_owned()));
        }
    }
    let mut records = joined(found, "ShowEOXByPids");
    records.append(&mut wild);
    Ok(records)
}

fn by_serials(serials: &[String]) -> Result<Vec<String>, Answer> {
    if serials.is_empty() {
        return Err(empty());
    }
    if serials.len() > 20 {
        return Err(refused(200, "SSA_ERR_007", "The number of serial numbers exceeds the limit of 20."));
    }
    if serials.iter().any(|serial| serial.len() > 40) {
        return Err(wrong("serialNumbers"));
    }
    let product = |serial: &String| device(serial).map(|device| device.product);
    let found = serials.iter().map(|serial| (serial.clone(), product(serial), "SSA_ERR_023".to_owned())).collect();
    Ok(joined(found, "ShowEOXBySerialNumber"))
}

fn by_releases(asked: &Asked<'_>) -> Result<Vec<String>, Answer> {
    const KIND: &str = "ShowEOXBySoftware";
    if asked.names().filter(|name| name.starts_with("input")).count() > 20 {
        return Err(refused(200, "SSA_ERR_003", "The number of software releases exceeds the limit of 20."));
    }
    let mut records = Vec::new();
    for number in 1..=20 {
        let Some(input) = asked.get(&format!("input{number}")) else { continue };
        let system = input.split_once(',').map(|(_, system)| system.trim());
        if system.is_some_and(|system| !SYSTEMS.split(',').any(|known| known == system)) {
            return Err(wrong("OS type"));
        }
        let value = format!("input{number}={input}");
        let shown = Input { kind: KIND, value: &value };
        let known: Vec<_> = RELEASES.iter().filter(|(release, _, _)| is_release(release, input)).collect();
        for (_, pid, announced) in &known {
            let link = "https://www.cisco.com/c/en/us/products/example-bulletin.html";
            let what = format!("EOX information does not exist for the following product bulletin(s): {link}");
            records.push(match announced {
                true => made(
                    pid,
                    &["2022-03-31", "2023-03-31", "2024-03-30", "2026-03-30", "", "", "2028-03-31", "", "2023-01-15"],
                    shown,
                ),
                false => does_not_end(("SSA_ERR_022", &what), Some(("PRODUCT_BULLETIN", link)), shown),
            });
        }
        if known.is_empty() {
            let what = format!("EOX information does not exist for the following software release(s): {input}");
            records.push(does_not_end(("SSA_ERR_024", &what), None, shown));
        }
    }
    if records.is_empty() {
        return Err(empty());
    }
    records.reverse();
    Ok(records)
}

/// Whether the input means this release: with its system, or without one.
fn is_release(known: &str, input: &str) -> bool {
    known == input || known.split_once(',').is_some_and(|(release, _)| release == input.trim_end_matches(','))
}
