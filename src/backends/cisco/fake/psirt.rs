//! The PSIRT openVuln API v2.
//!
//! Advisories name the bugs of the Bug API. Of those with versions, one of IOS XE is fixed by the move from 17.9.4a to
//! 17.12.4, one stays and one comes; so it is with NX-OS 9.3(7) and 10.2(5). 2022 has 79 others, CVE-2022-00001 and on.
//! `cisco-sa-hostile-HoStIlE1` has the texts of strangers, `cisco-sa-odd-OdDoDdOd` values of wrong kinds.

use super::answer::{Answer, Page, array, fill, nothing, sort, strings};
use super::asked::{Asked, decode};
use super::calendar::{TODAY, date, day};
use super::hostile;
use super::trouble::is_marked;

/// Below the host.
pub(super) const PREFIX: &str = "/security/advisories/v2";

const RECORD: &str = r#"{"advisoryId":"<id>","advisoryTitle":"<title>","bugIDs":<<bugs>>,"ipsSignatures":["NA"],"cves":<<cves>>,
"cvrfUrl":"https://sec.cloudapps.cisco.com/security/center/contentxml/CiscoSecurityAdvisory/<id>/cvrf/<id>_cvrf.xml",
"csafUrl":"https://sec.cloudapps.cisco.com/security/center/contentjson/CiscoSecurityAdvisory/<id>/csaf/<id>_csaf.json",
"cvssBaseScore":"<score>","cwe":["CWE-126"],"firstPublished":"<first>T16:00:00","lastUpdated":"<last>T04:28:53","status":"Final","version":"1.1",
<<more>>"publicationUrl":"https://sec.cloudapps.cisco.com/security/center/content/CiscoSecurityAdvisory/<id>","sir":"<sir>"}"#;
/// Bare words where arrays belong, `NA` where numbers do, a signature that is an object, a field of nobody.
const ODD: &str = r#"{"advisoryId":"cisco-sa-odd-OdDoDdOd","advisoryTitle":"Odd","bugIDs":"NA","ipsSignatures":[{"legacyIpsId":"1-0","releaseVersion":"S1","softwareVersion":"","legacyIpsUrl":"NA"},"NA"],
"cves":"CVE-2019-00001","cvrfUrl":"NA","csafUrl":"NA","cvssBaseScore":"NA","cwe":"CWE-20","firstPublished":"2019-03-06T16:00:00","lastUpdated":"2019-03-06T16:00:00","status":"Interim","version":1,
<<more>>"publicationUrl":"NA","sir":"NA","colour":{"is":"new"}}"#;
const PAGED: &str = r#"{"advisories":<<records>>,"paging":{"count":<<total>>,"next":"<next>","prev":"<prev>"}}"#;
const PLATFORM: &str = r#"{"id":<<id>>,"name":"<name>","firstFixes":<<fixes>>,"vulnerabilityState":"Vulnerable"}"#;

/// An advisory.
struct Advisory {
    id: String,
    title: &'static str,
    bug: String,
    cve: String,
    sir: &'static str,
    first: i64,
    last: i64,
    product: &'static str,
    /// The system whose versions it is mapped to, the versions, and the first fixed one for each.
    os: &'static str,
    versions: &'static [(&'static str, &'static str)],
}

/// Id, title, bug, CVE, rating, first publication, product, system, versions with their first fix.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    (&'static str, &'static str),
    &'static [(&'static str, &'static str)],
);

const XE: (&str, &str) = ("Cisco IOS XE Software", "iosxe");
const NX: (&str, &str) = ("Cisco NX-OS Software", "nxos");
const NOT_MAPPED: (&str, &str) = ("Cisco Unified Contact Center Express", "");
const ROWS: [Row; 11] = [
    (
        "cisco-sa-iosxe-fwd-AbCdEfGh",
        "Cisco IOS XE Software Forwarding Denial of Service Vulnerability",
        "CSCwa00001",
        "CVE-2026-20001",
        "High",
        "2026-09-23",
        XE,
        &[("17.9.3", "17.9.5"), ("17.9.4a", "17.9.5")],
    ),
    (
        "cisco-sa-iosxe-poe-BcDeFgHi",
        "Cisco IOS XE Software Privilege Escalation Vulnerability",
        "CSCwa00003",
        "CVE-2026-20002",
        "Critical",
        "2026-10-16",
        XE,
        &[("17.9.4a", "17.15.2"), ("17.9.5", "17.15.2"), ("17.12.4", "17.15.2")],
    ),
    (
        "cisco-sa-iosxe-chan-CdEfGhIj",
        "Cisco IOS XE Software Port Channel Denial of Service Vulnerability",
        "CSCwa00005",
        "CVE-2026-20003",
        "High",
        "2026-06-11",
        XE,
        &[("17.12.4", "17.12.5")],
    ),
    (
        "cisco-sa-nxos-lldp-DeFgHiJk",
        "Cisco NX-OS Software LLDP Denial of Service Vulnerability",
        "CSCwb00001",
        "CVE-2026-20004",
        "High",
        "2026-08-27",
        NX,
        &[("9.3(5)", "9.3(8)"), ("9.3(7)", "9.3(8)")],
    ),
    (
        "cisco-sa-nxos-vxlan-EfGhIjKl",
        "Cisco NX-OS Software VXLAN Command Injection Vulnerability",
        "CSCwb00002",
        "CVE-2026-20005",
        "Critical",
        "2026-08-27",
        NX,
        &[("9.3(7)", ""), ("10.2(5)", "")],
    ),
    (
        "cisco-sa-nxos-api-FgHiJkLm",
        "Cisco NX-OS Software NX-API Denial of Service Vulnerability",
        "CSCwb00003",
        "CVE-2026-20006",
        "High",
        "2025-02-26",
        NX,
        &[("10.2(5)", "10.2(6)")],
    ),
    (
        "cisco-sa-uccx-info-GhIjKlMn",
        "Cisco Unified Contact Center Express Information Disclosure Vulnerability",
        "CSCwc00001",
        "CVE-2026-20007",
        "Medium",
        "2026-11-18",
        NOT_MAPPED,
        &[],
    ),
    (
        "cisco-sa-20180221-ucdm",
        "Cisco Unified Communications Domain Manager Remote Code Execution Vulnerability",
        "CSCuz67556",
        "CVE-2018-0124",
        "Critical",
        "2018-02-21",
        NOT_MAPPED,
        &[],
    ),
    (
        "Cisco-SA-19950601-CVE-1995-0001",
        "Cisco Example of the Oldest Form",
        "CSCdi00001",
        "CVE-1995-0001",
        "Informational",
        "1995-06-01",
        NOT_MAPPED,
        &[],
    ),
    ("cisco-sa-hostile-HoStIlE1", hostile::TEXT, "CSCho00001", "CVE-2026-20008", "Low", "2026-05-05", NOT_MAPPED, &[]),
    ("cisco-sa-odd-OdDoDdOd", "Odd", "NA", "CVE-2019-00001", "NA", "2019-03-06", NOT_MAPPED, &[]),
];
/// Advisories of 2022.
const MANY: usize = 79;
const RATINGS: [&str; 5] = ["Critical", "High", "Medium", "Low", "Informational"];
const SYSTEMS: [&str; 8] = ["aci", "ios", "iosxe", "nxos", "asa", "ftd", "fmc", "fxos"];
const VERSIONS: [(&str, &[&str]); 4] = [
    ("iosxe", &["17.3.1", "17.9.3", "17.9.4a", "17.9.5", "17.12.4", "17.15.2"]),
    ("nxos", &["7.0(3)F1(1)", "9.3(5)", "9.3(7)", "9.3(10)", "10.2(5)", "10.2(6)"]),
    ("ios", &["15.2(7)E", "15.2(7)E10", "15.6(3)M0a"]),
    ("asa", &["9.16.1", "9.18.4"]),
];
const NEXUS: (&str, u32, &str) = ("NEXUS9000", 265_096, "Cisco Nexus 9000 Series Switches");
/// System, alias, id, name.
const PLATFORMS: [(&str, &str, u32, &str); 8] = [
    ("asa", "ASAV", 277_000, "Cisco Adaptive Security Virtual Appliance (ASAv)"),
    ("asa", "FPR2100", 277_001, "Cisco Firepower 2100 Series"),
    ("ftd", "FPRNGFW", 277_392, "Cisco Firepower NGFW Virtual"),
    ("ftd", "FPR4100", 277_393, "Cisco Firepower 4100 Series"),
    ("fxos", "FPR9000", 277_394, "Cisco Firepower 9000 Series"),
    ("nxos", "MDS9000", 265_086, "Cisco MDS 9000 Multilayer Directors and Fabric Switches"),
    ("nxos", "NEXUS7000", 265_092, "Cisco Nexus 7000 Series Switches"),
    ("nxos", NEXUS.0, NEXUS.1, NEXUS.2),
];

fn all() -> Vec<Advisory> {
    let known = |(id, title, bug, cve, sir, first, (product, os), versions): &Row| {
        let first = day(first).unwrap_or_default();
        let [id, bug, cve] = [id, bug, cve].map(|text| (*text).to_owned());
        Advisory { id, title, bug, cve, sir, first, last: first + 16, product, os, versions }
    };
    let begin = day("2022-01-01").unwrap_or_default();
    let made = |number: usize| {
        let first = begin + i64::try_from(number * 4).unwrap_or_default();
        Advisory {
            id: format!("cisco-sa-example-{number:08}"),
            title: "Cisco Example Denial of Service Vulnerability",
            bug: format!("CSCma{number:05}"),
            cve: format!("CVE-2022-{number:05}"),
            sir: RATINGS.get(number % 5).copied().unwrap_or_default(),
            first,
            last: first + 16,
            product: "Cisco Example Software",
            os: "",
            versions: &[],
        }
    };
    let mut all: Vec<Advisory> = ROWS.iter().map(known).chain((1..=MANY).map(made)).collect();
    sort(&mut all, &|advisory| -advisory.first);
    all
}

impl Advisory {
    /// The record, with the first fixes for a version of its system, where one was asked for.
    fn record(&self, asked: &Asked<'_>, version: Option<&str>) -> String {
        let mut more = String::new();
        let hostile = if self.id.contains("hostile") { hostile::TEXT } else { "Example." };
        // Asked for: there. Declined: not there. Not spoken of: `NA`.
        let texts = [
            ("productNames", strings(&[self.product])),
            ("summary", strings(&[format!("<p>{hostile}</p>\n<ul><li>A &amp; B</li></ul>")])),
        ];
        for (name, (member, value)) in ["productNames", "summaryDetails"].iter().zip(texts) {
            let value = if member == "summary" { value.trim_matches(['[', ']']).to_owned() } else { value };
            match asked.get(name) {
                Some("true") => more.push_str(&format!(r#""{member}":{value},"#)),
                None => more.push_str(&format!(r#""{member}":"NA","#)),
                Some(_) => {}
            }
        }
        if let Some(version) = version {
            more.push_str(&self.fixes(version));
        }
        if self.id == "cisco-sa-odd-OdDoDdOd" {
            return fill(ODD, &[("more", &more)]);
        }
        let (first, last) = (date(self.first), date(self.last));
        let score = match self.sir {
            "Critical" => "9.8",
            "High" => "8.6",
            "Medium" => "5.3",
            "Low" => "3.1",
            _ => "NA",
        };
        let (bugs, cves) = (strings(&[&self.bug]), strings(&[&self.cve]));
        let mut values =
            vec![("id", &*self.id), ("title", self.title), ("bugs", &*bugs), ("cves", &*cves), ("more", &*more)];
        values.extend([("score", score), ("first", &*first), ("last", &*last), ("sir", self.sir)]);
        fill(RECORD, &values)
    }

    fn fixes(&self, version: &str) -> String {
        let fix = self.versions.iter().find(|(known, _)| *known == version).map_or("", |(_, fix)| fix);
        if self.os != "nxos" {
            return format!(r#""iosRelease":{},"firstFixed":{},"#, strings(&[version]), strings(&[fix]));
        }
        let one = fill(r#"[{"id":"290001","name":"<fix>"}]"#, &[("fix", fix)]);
        let fixes = if fix.is_empty() { "[]" } else { &one };
        let values = [("id", &*NEXUS.1.to_string()), ("name", NEXUS.2), ("fixes", fixes)];
        format!(r#""platforms":[{}],"#, fill(PLATFORM, &values))
    }
}

/// How it refuses.
pub(super) fn refused(status: u16, code: &str, what: &str) -> Answer {
    Answer::json(status, fill(r#"{"errorCode":"<code>","errorMessage":"<what>"}"#, &[("code", code), ("what", what)]))
}

fn no_data(what: &str) -> Answer {
    refused(404, "NO_DATA_FOUND", what)
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let with = |is: &dyn Fn(&Advisory) -> bool| listed(asked, all().into_iter().filter(is).collect(), None);
    match asked.path() {
        ["all"] => with(&|_| true),
        ["all", which @ ("firstpublished" | "lastpublished")] => published(asked, which, None),
        ["advisory", id] => {
            let id = decode(id);
            match all()
                .into_iter()
                .find(|one| one.id.eq_ignore_ascii_case(&id) || (is_marked(&id) && one.sir == "High"))
            {
                Some(one) => {
                    Answer::json(200, fill(r#"{"advisories":[<<one>>]}"#, &[("one", &one.record(asked, None))]))
                }
                None => refused(404, "ADVISORYID_NOT_FOUND", "Advisory-id not found"),
            }
        }
        ["cve", cve] => {
            let cve = decode(cve);
            match all().iter().any(|one| one.cve == cve) || is_marked(&cve) {
                true => with(&|one| one.cve == cve || is_marked(&cve)),
                false => no_data("CVE_ID not found"),
            }
        }
        ["bugid", bug] => {
            let bug = decode(bug);
            with(&|one| one.bug.contains(&bug) || is_marked(&bug))
        }
        ["latest", number] => match number.parse::<usize>().ok().filter(|number| (1..=100).contains(number)) {
            Some(number) => listed(asked, all().into_iter().take(number).collect(), None),
            None => refused(406, "INVALID_ADV_COUNT", "Invalid advisories count"),
        },
        ["severity", severity, rest @ ..] => match (RATINGS.iter().find(|one| one.to_lowercase() == *severity), rest) {
            (Some(rating), []) => with(&|one| one.sir == *rating),
            (Some(rating), [which @ ("firstpublished" | "lastpublished")]) => published(asked, which, Some(rating)),
            (Some(_), _) => nothing(),
            (None, _) => refused(406, "INVALID_SEVERITY", "Severity is critical, high, medium, low or informational"),
        },
        ["product"] => product(asked),
        ["year", year] => match year.parse::<i64>().ok().filter(|_| ("1995"..=&*date(TODAY)).contains(year)) {
            Some(_) => with(&|one| date(one.first).starts_with(year)),
            None => refused(406, "INVALID_YEAR", "The year is one from 1995 to the current one"),
        },
        ["OSType", os] => of_system(asked, &decode(os)),
        ["OSType"] => refused(404, "OS_TYPE_NOT_FOUND", "OS Type is mandatory"),
        ["OS_version", "OS_data"] => versions(asked),
        ["platforms"] => platforms(asked),
        ["cvrf" | "oval", ..] => refused(410, "URI_NOT_AVAILABLE", "This URI is no longer available"),
        _ => nothing(),
    }
}

fn published(asked: &Asked<'_>, which: &str, rating: Option<&str>) -> Answer {
    let (Some(from), Some(to)) = (asked.get("startDate"), asked.get("endDate")) else {
        return refused(406, "START_DATE_AND_END_DATE_MANDATORY", "Both dates are needed");
    };
    let (Some(from), Some(to)) = (day(from), day(to)) else {
        return refused(406, "INVALID_DATE_FORMAT", "Dates are yyyy-mm-dd");
    };
    if from > to {
        return refused(406, "START_DATE_GREATER", "The start is after the end");
    }
    let moment = |one: &Advisory| if which == "firstpublished" { one.first } else { one.last };
    let is = |one: &Advisory| (from..=to).contains(&moment(one)) && rating.is_none_or(|rating| one.sir == rating);
    listed(asked, all().into_iter().filter(is).collect(), None)
}

fn product(asked: &Asked<'_>) -> Answer {
    let wanted = asked.get("product").unwrap_or_default();
    let trouble = is_marked(wanted);
    if !trouble && !wanted.chars().all(|one| one.is_ascii_alphanumeric() || " -_.*".contains(one)) {
        return refused(406, "INVALID_PRODUCT_NAME_FORMAT", "Special characters are not allowed");
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', '*'], " ").trim().to_owned();
    let name = plain(wanted);
    let found: Vec<Advisory> =
        all().into_iter().filter(|one| trouble || (!name.is_empty() && plain(one.product).contains(&name))).collect();
    if found.is_empty() {
        return refused(404, "PRODUCT_NOT_FOUND", "Product not found");
    }
    listed(asked, found, None)
}

fn of_system(asked: &Asked<'_>, os: &str) -> Answer {
    if !SYSTEMS.contains(&os) {
        return refused(406, "INVALID_OS_TYPE", "OS Type is Invalid");
    }
    let (version, id) = (asked.get("version"), asked.get("advisoryId"));
    if version.is_none() && id.is_none() {
        return refused(404, "VERSION_ID_IS_MANDATORY", "Version ID is mandatory");
    }
    let known = |version: &str| VERSIONS.iter().any(|(system, all)| *system == os && all.contains(&version));
    if let Some(version) = version.filter(|version| !known(version) && !is_marked(version)) {
        return refused(200, "INVALID_IOS_VERSION", &format!("{version} is not a known version"));
    }
    let named = |alias: &str| PLATFORMS.iter().any(|(system, known, ..)| *system == os && *known == alias);
    if asked.get("platformAlias").is_some_and(|alias| !named(alias)) {
        return no_data("No data found");
    }
    let affects =
        |one: &Advisory, version: &str| is_marked(version) || one.versions.iter().any(|(known, _)| *known == version);
    let other = asked.get("platformAlias").is_some_and(|alias| os == "nxos" && alias != NEXUS.0);
    let is = |one: &Advisory| {
        one.os == os
            && !other
            && version.is_none_or(|version| affects(one, version))
            && id.is_none_or(|id| one.id == id)
    };
    let found: Vec<Advisory> = all().into_iter().filter(is).collect();
    if found.is_empty() {
        return refused(200, "NO_IOS_AFFECTING_ADVISORIES_FOUND", "No advisories affect this version");
    }
    listed(asked, found, Some(version.unwrap_or_default()))
}

fn versions(asked: &Asked<'_>) -> Answer {
    let os = asked.get("OSType").unwrap_or_default();
    if !SYSTEMS.contains(&os) {
        return if os.is_empty() {
            refused(404, "OS_TYPE_NOT_FOUND", "OS Type is mandatory")
        } else {
            unknown_system()
        };
    }
    let versions = VERSIONS.iter().find(|(system, _)| *system == os).map_or(&[][..], |(_, all)| all);
    let record = |version: &&str| {
        let platform = format!(r#","platform_name":"{}""#, NEXUS.2);
        let more = if os == "nxos" { &*platform } else { "" };
        let values = [("os", &*os.to_uppercase()), ("version", version), ("more", more)];
        fill(r#"{"nos_type":"<os>","nos_version":"<version>"<<more>>}"#, &values)
    };
    Answer::json(200, array(&versions.iter().map(record).collect::<Vec<_>>()))
}

fn unknown_system() -> Answer {
    refused(406, "INVALID_OS_TYPE", "OS Type is Invalid")
}

fn platforms(asked: &Asked<'_>) -> Answer {
    let os = asked.get("OSType").unwrap_or_default();
    let found: Vec<String> = PLATFORMS
        .iter()
        .filter(|(system, ..)| *system == os)
        .map(|(_, alias, id, name)| format!(r#"{{"platformAlias":"{alias}","id":{id},"name":"{name}"}}"#))
        .collect();
    match (os, found.is_empty()) {
        ("", _) => refused(404, "OS_TYPE_NOT_FOUND", "OS Type is mandatory"),
        (_, true) => unknown_system(),
        (_, false) => Answer::json(200, array(&found)),
    }
}

/// A page of what was found: all of it, unless the request speaks of pages.
fn listed(asked: &Asked<'_>, found: Vec<Advisory>, version: Option<&str>) -> Answer {
    let Some(index) = asked.page("pageIndex").filter(|page| *page <= 100) else {
        return refused(406, "INVALID_PAGEINDEX", "Incorrect page index value");
    };
    let paged = asked.get("pageIndex").is_some() || asked.get("pageSize").is_some();
    let size =
        asked.get("pageSize").map_or(Some(if paged { 100 } else { found.len().max(1) }), |size| size.parse().ok());
    let Some(size) = size.filter(|size| !paged || (1..=100).contains(size)) else {
        let what = "Minimum page size value = 1 and Maximum page size = 100";
        return refused(406, "MIN_PAGESIZE , MAX_PAGESIZE", what);
    };
    let page = Page::of(&found, index, size);
    if page.records.is_empty() {
        return no_data("No data found");
    }
    let records: Vec<String> = page.records.iter().map(|one| one.record(asked, version)).collect();
    let link = |there: bool, index: usize| match there {
        true => format!("{}?{}pageIndex={index}&pageSize={size}", asked.rest.trim_end_matches('/'), other(asked)),
        false => "NA".to_owned(),
    };
    let (next, prev) = (link(index < page.last, index + 1), link(index > 1, index - 1));
    Answer::json(200, page.fill(PAGED, &[("records", &array(&records)), ("next", &next), ("prev", &prev)]))
}

/// The parameters besides those of the page, as they go on to the next one.
fn other(asked: &Asked<'_>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in asked.names().filter(|name| !name.starts_with("page")) {
        query.append_pair(name, asked.get(name).unwrap_or_default());
    }
    let query = query.finish();
    if query.is_empty() { query } else { query + "&" }
}
