//! The Case API v3.
//!
//! The cases of contract `200000001` and of the user `exampleuser` are `600000001` (closed, with a bug and a return),
//! `600000002` (open and sparse), `600000003` (texts of strangers), `600000004` (75 long notes) and `600000005` (records of
//! wrong kinds). Contract `200000002` and `manyuser` have 120 others, from `610000001` on. Every answer holds names,
//! addresses and numbers of people.

use super::answer::{Answer, Page, array, fill, nothing, paged, rank, refused, sort, strings};
use super::asked::{Asked, decode, list};
use super::calendar::{TODAY, date, day_of_moment};
use super::hostile;
use super::trouble::is_marked;

/// Below the host.
pub(super) const PREFIX: &str = "/case/v3/cases";

const CASE: &str = r#"{<<entry>>"user_id":"<user>","case_id":"<id>","title":"<title>","severity":"<severity>",<<flag>>"status":"<status>","creation_date":"<created>T14:46:09.000Z",
"updated_date":"<updated>T15:54:45.000Z","serial_number":"<serial>","contract_id":"<contract>",<<more>>"rmas":<<rmas>>,"bugs":<<bugs>>,"contact_name":"Example Person"}"#;
const TECHNOLOGY: &str = r#""technology_name":"LAN Switching","sub_technology_name":"Cat9300","#;
const DETAIL: &str = r#""contact_user_id":"<user>","preferred_contact_method":"Email","contact_email_ids":["user@example.com"],
"contact_business_phone_numbers":["+10000000000"],"contact_mobile_phone_numbers":[],"owner_name":"Example Engineer","owner_email":"engineer@example.com",<<closed>>
"tracking_number":"","problem_code_name":"Configuration Assistance","request_type":"Diagnose and Fix my Problem","notes":<<notes>>,"#;
const NOTE: &str = r#"{"note":"<note>","note_detail":"<detail>","created_by":"Example Engineer","creation_date":"<created>T15:54:45.000Z"}"#;
/// Numbers where strings belong, a string where a list does, fields of nobody, and most of the record missing.
const ODD: &str = r#"{"item_entry_id":"5","case_id":600000005,"severity":3,"status_flag":null,"creation_date":"","rmas":"800000004","bugs":null,"colour":{"is":"new"}}"#;

/// A case.
struct Case {
    id: usize,
    title: &'static str,
    severity: usize,
    status: &'static str,
    /// Days ago.
    created: i64,
    updated: i64,
    rma: &'static str,
    bug: &'static str,
}

const KNOWN: [Case; 5] = [
    Case {
        id: 600_000_001,
        title: "Switch reloads after a transceiver was added",
        severity: 2,
        status: "Closed",
        created: 110,
        updated: 87,
        rma: "800000001",
        bug: "CSCwa00001",
    },
    Case {
        id: 600_000_002,
        title: "No PoE on half of the ports",
        severity: 1,
        status: "Cisco Pending",
        created: 12,
        updated: 1,
        rma: "800000002",
        bug: "CSCwa00003",
    },
    Case {
        id: 600_000_003,
        title: hostile::TEXT,
        severity: 4,
        status: "Customer Pending",
        created: 21,
        updated: 2,
        rma: "800000003",
        bug: "",
    },
    Case {
        id: 600_000_004,
        title: "A long story",
        severity: 3,
        status: "Closed",
        created: 60,
        updated: 30,
        rma: "",
        bug: "",
    },
    Case {
        id: 600_000_005,
        title: "",
        severity: 3,
        status: "Closed",
        created: 26,
        updated: 3,
        rma: "800000004",
        bug: "",
    },
];
/// Cases of the contract that has many.
const MANY: usize = 120;

fn made(number: usize) -> Case {
    let created = i64::try_from(number % 80).unwrap_or_default();
    let status = if number.is_multiple_of(3) { "Cisco Pending" } else { "Closed" };
    let id = 610_000_000 + number;
    Case {
        id,
        title: "Example title",
        severity: number % 4 + 1,
        status,
        created,
        updated: created / 2,
        rma: "",
        bug: "",
    }
}

fn find(id: &str) -> Option<Case> {
    let number: usize = id.parse().ok()?;
    if is_marked(id) {
        return Some(Case { id: number, ..made(1) });
    }
    let many = number.checked_sub(610_000_000).filter(|number| (1..=MANY).contains(number));
    KNOWN.into_iter().find(|case| case.id == number).or_else(|| many.map(made))
}

impl Case {
    fn is_open(&self) -> bool {
        self.status != "Closed"
    }

    fn fill(&self, (entry, flag): (&str, &str), more: &str) -> String {
        let (id, severity) = (self.id.to_string(), self.severity.to_string());
        let (created, updated) = (date(TODAY - self.created), date(TODAY - self.updated));
        let lists =
            [self.rma, self.bug].map(|one| strings(if one.is_empty() { &[] } else { std::slice::from_ref(&one) }));
        let [rmas, bugs] = &lists;
        let is_made = self.id >= 610_000_000;
        let (user, contract) = if is_made { ("manyuser", "200000002") } else { ("exampleuser", "200000001") };
        let more = format!("{}{more}", if self.id == 600_000_002 { "" } else { TECHNOLOGY });
        let mut values =
            vec![("entry", entry), ("flag", flag), ("id", &*id), ("title", self.title), ("severity", &*severity)];
        values.extend([
            ("status", self.status),
            ("created", &*created),
            ("updated", &*updated),
            ("rmas", rmas),
            ("bugs", bugs),
        ]);
        values.extend([("user", user), ("contract", contract), ("serial", "FOC0000A0AB"), ("more", &more)]);
        fill(CASE, &values)
    }

    fn record(&self, number: usize) -> String {
        if self.id == 600_000_005 {
            return ODD.to_owned();
        }
        let flag = if self.is_open() { r#""status_flag":"O","# } else { r#""status_flag":"C","# };
        self.fill((&format!(r#""item_entry_id":{number},"#), flag), "")
    }

    fn detail(&self) -> String {
        if self.id == 600_000_005 {
            return ODD.to_owned();
        }
        let created = date(TODAY - self.updated);
        let note = |note: &str, detail: &str| fill(NOTE, &[("note", note), ("detail", detail), ("created", &created)]);
        let notes = match self.id {
            600_000_003 => vec![note(hostile::TEXT, hostile::TEXT)],
            600_000_004 => (1..=75)
                .map(|number| note(&format!("Note {number}"), &"The log says the same again. ".repeat(150)))
                .collect(),
            _ => vec![note("", self.status)],
        };
        let user = if self.id >= 610_000_000 { "manyuser" } else { "exampleuser" };
        let closed = fill(r#""close_date":"<created>T15:54:39.000Z","#, &[("created", &created)]);
        let closed = if self.is_open() { "" } else { &closed };
        let more = fill(DETAIL, &[("user", user), ("closed", closed), ("notes", &array(&notes))]);
        self.fill(("", ""), &more)
    }
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    match asked.path() {
        ["case_ids", ids] => of_ids(asked, &list(ids)),
        ["details", "case_id", id] => match find(&decode(id)) {
            Some(case) => Answer::json(200, fill(r#"{"caseDetail":<<case>>}"#, &[("case", &case.detail())])),
            None => refused(403, "CASE_NOTFOUND", "The case was not found"),
        },
        ["contracts", "contract_ids", contracts] => {
            let contracts = list(contracts);
            match contracts.as_slice() {
                [_, _, ..] if contracts.len() > 10 => {
                    refused(403, "EXCEEDED_CONTRACTIDS", "There are more than 10 contracts")
                }
                [_, _, ..] => refused(403, "EXCEEDED_INPUTS", "There is more than one contract"),
                _ => search(asked, &contracts, "Get Cases By Contract Id"),
            }
        }
        ["users", "user_ids", users] => {
            let users = list(users);
            match users.len() > 10 {
                true => refused(403, "EXCEEDED_USERIDS", "There are more than 10 users"),
                false => search(asked, &users, "Get Cases By User Id"),
            }
        }
        ["case_ids"] | ["details", "case_id"] | ["contracts", "contract_ids"] | ["users", "user_ids"] => {
            refused(403, "MISSING_INPUTS", "An input is missing")
        }
        _ => nothing(),
    }
}

/// Puts cases into the order that was asked for.
fn ordered(asked: &Asked<'_>, cases: &mut [Case]) -> Result<(), Answer> {
    let key: &dyn Fn(&Case) -> i64 = match asked.get("sort_by").unwrap_or("UPDATED_DATE") {
        "UPDATED_DATE" => &|case| case.updated,
        "STATUS" => &|case| rank(case.status),
        _ => return Err(refused(403, "INVALID_SORT_OPTION", "The sort option is invalid")),
    };
    sort(cases, key);
    Ok(())
}

fn of_ids(asked: &Asked<'_>, ids: &[String]) -> Answer {
    if ids.len() > 30 {
        return refused(403, "EXCEEDED_CASEIDS", "There are more than 30 cases");
    }
    let mut cases: Vec<Case> = ids.iter().filter_map(|id| find(id)).collect();
    if let Err(refusal) = ordered(asked, &mut cases) {
        return refusal;
    }
    let records: Vec<String> = cases.iter().zip(1..).map(|(case, number)| case.record(number)).collect();
    Answer::json(200, format!(r#"{{"cases":{},"count":{}}}"#, array(&records), records.len()))
}

fn search(asked: &Asked<'_>, of: &[String], title: &str) -> Answer {
    let mut cases: Vec<Case> = Vec::new();
    for one in of {
        match one.as_str() {
            "200000001" | "exampleuser" => cases.extend(KNOWN),
            "200000002" | "manyuser" => cases.extend((1..=MANY).map(made)),
            _ if is_marked(one) => cases.extend(KNOWN),
            _ => {}
        }
    }
    let limits = match window(asked) {
        Ok(limits) => limits,
        Err(refusal) => return refusal,
    };
    cases.retain(|case| limits.contains(&(TODAY - case.created)));
    match asked.get("status_flag") {
        None => {}
        Some(flag @ ("O" | "C")) => cases.retain(|case| case.is_open() == (flag == "O")),
        Some(_) => return refused(403, "INVALID_STATUSFLAG", "The status flag is O or C"),
    }
    if let Err(refusal) = ordered(asked, &mut cases) {
        return refusal;
    }
    let Some(index) = asked.page("page_index") else {
        return refused(403, "MISSING_INPUTS", "The page index is invalid");
    };
    let mut page = Page::of(&cases, index, 100);
    // Here, and only here, the last page of nothing is the first.
    page.last = page.last.max(1);
    let records: Vec<String> =
        page.records.iter().zip(page.before + 1..).map(|(case, number)| case.record(number)).collect();
    let link = format!("{PREFIX}{}?page_index={index}", decode(asked.rest));
    paged(&page, &link, title, ("cases", &records))
}

/// The days of creation that are asked for.
fn window(asked: &Asked<'_>) -> Result<std::ops::RangeInclusive<i64>, Answer> {
    let read = |name: &str| match asked.get(name) {
        None => Ok(None),
        Some(text) => match day_of_moment(text) {
            Some(day) => Ok(Some(day)),
            None => Err(refused(403, "INVALID_DATEFORMAT", "Dates are YYYY-MM-DDThh:mm:ssZ")),
        },
    };
    let (from, to) = (read("date_created_from")?, read("date_created_to")?);
    let (Some(first), last) = (from, to.unwrap_or(TODAY)) else { return Ok(i64::MIN..=to.unwrap_or(i64::MAX)) };
    if (0..=90).contains(&(last - first)) {
        return Ok(first..=last);
    }
    Err(refused(403, "INVALID_DATERANGE", "The dates are in the wrong order, or more than 90 days apart"))
}
