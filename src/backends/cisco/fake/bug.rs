//! The Bug API v2.0.
//!
//! Keywords: `many` finds 248 bugs, `pages` 23, `odd` records of wrong kinds, `hostile` texts of strangers; any other the
//! bugs that have all its words. The family `CSCwa000NN` is about IOS XE 17.9.4a and 17.12.4, `CSCwb000NN` about NX-OS 9.3(7)
//! and 10.2(5): in each, some are fixed by the move from the one to the other, some stay open, some come with it.

use super::answer::{Answer, Page, array, fill, nothing, paged, refused, sort};
use super::asked::{Asked, decode, list};
use super::calendar::ago;
use super::hostile;
use super::trouble::is_marked;
use super::world::{IOS, IOSXE, NXOS, Os, PRODUCTS, Product, product_of};

/// Below the host.
pub(super) const PREFIX: &str = "/bug/v2.0/bugs";

/// A bug.
#[derive(Clone)]
struct Bug {
    id: String,
    headline: String,
    severity: u8,
    status: char,
    /// Days since the last change.
    age: i64,
    os: Os,
    affected: String,
    fixed: String,
    cases: u32,
    duplicate_of: &'static str,
}

/// Id, severity, status, age, affected, fixed, cases, headline.
type Row = (&'static str, u8, char, i64, &'static str, &'static str, u32, &'static str);

const OF_IOSXE: [Row; 9] = [
    (
        "CSCwa00001",
        1,
        'F',
        3,
        "17.9.4a 17.9.3",
        "17.9.5 17.12.1 17.12.4",
        106,
        "Switch crashes with a memory leak in the forwarding engine",
    ),
    ("CSCwa00002", 2, 'F', 20, "17.9.4a 17.12.3", "17.12.4 17.15.1", 41, "BGP session flaps after a graceful restart"),
    ("CSCwa00003", 2, 'O', 45, "17.9.4a 17.9.5 17.12.4", "", 17, "PoE stops on ports 25 to 48 after a reload"),
    ("CSCwa00004", 3, 'O', 90, "17.12.4", "", 4, "High CPU in the SNMP engine when polling entity MIB"),
    (
        "CSCwa00005",
        1,
        'F',
        170,
        "17.12.1 17.12.4",
        "17.12.5 17.15.1",
        63,
        "Unexpected reload when a port channel loses its last member",
    ),
    ("CSCwa00006", 6, 'T', 200, "17.9.4a", "", 0, "Show the serial number of transceivers in one command"),
    ("CSCwa00007", 2, 'T', 300, "17.9.4a", "", 2, "Crash in the forwarding engine, leak of memory"),
    ("CSCwa00008", 4, 'F', 500, "17.3.1 17.6.1", "17.9.4a 17.12.4", 9, "Wrong unit in the output of show power detail"),
    ("CSCwa00009", 5, 'O', 900, "17.3.1 17.9.4a 17.12.4", "", 1, "Spelling mistake in a syslog message"),
];
const OF_NXOS: [Row; 6] = [
    ("CSCwb00001", 1, 'F', 10, "9.3(7)", "9.3(8) 10.2(5)", 77, "Nexus reloads on a malformed LLDP packet"),
    ("CSCwb00002", 2, 'O', 60, "9.3(7) 10.2(5)", "", 31, "VXLAN traffic is dropped after an ISSU"),
    ("CSCwb00003", 2, 'F', 120, "10.2(4) 10.2(5)", "10.2(6) 10.3(1)", 12, "Memory leak in the NX-API sandbox"),
    ("CSCwb00004", 3, 'F', 400, "9.3(7) 9.3(5)", "9.3(10)", 5, "Interface counters jump after a clear"),
    ("CSCwb00005", 3, 'O', 700, "10.2(5)", "", 3, "Fan speed stays high after a power supply is replaced"),
    ("CSCwb00006", 6, 'O', 800, "9.3(7) 10.2(5)", "", 0, "Support for longer interface descriptions"),
];
const OF_IOS: [Row; 2] = [
    (
        "CSCvc57217",
        2,
        'F',
        2_900,
        "15.6(03)M00a 15.2(7)E",
        "15.2(7)E10",
        250,
        "Catalyst leaks memory in the IPC process",
    ),
    ("CSCvc57218", 3, 'O', 600, "15.2(7)E10", "", 8, "Stack member does not come back after a power loss"),
];

fn row((id, severity, status, age, affected, fixed, cases, headline): &Row, os: Os) -> Bug {
    let duplicate_of = if *id == "CSCwa00007" { "CSCwa00001" } else { "" };
    let [id, headline, affected, fixed] = [id, headline, affected, fixed].map(|text| (*text).to_owned());
    Bug {
        id,
        headline,
        severity: *severity,
        status: *status,
        age: *age,
        os,
        affected,
        fixed,
        cases: *cases,
        duplicate_of,
    }
}

/// Every bug that was written down.
fn known() -> Vec<Bug> {
    let of = |rows: &'static [Row], os: Os| rows.iter().map(move |one| row(one, os));
    of(&OF_IOSXE, IOSXE).chain(of(&OF_NXOS, NXOS)).chain(of(&OF_IOS, IOS)).collect()
}

/// A bug of a family of any size.
fn made(family: &str, number: usize) -> Bug {
    let severity = u8::try_from(number % 6 + 1).unwrap_or(1);
    let status = ['O', 'F', 'T'].get(number % 3).copied().unwrap_or('O');
    let hostile = if family == "ho" { hostile::TEXT } else { "" };
    Bug {
        id: format!("CSC{family}{number:05}"),
        headline: format!("{hostile}Example headline {number}"),
        severity,
        status,
        age: i64::try_from(number * 7 % 1_000).unwrap_or(0),
        os: IOSXE,
        affected: "17.3.1".to_owned(),
        fixed: if status == 'F' { "17.3.2 17.6.1 17.10.1".to_owned() } else { String::new() },
        cases: u32::try_from(number * 13 % 107).unwrap_or_default(),
        duplicate_of: "",
    }
}

/// Families by keyword, name and size.
const FAMILIES: [(&str, &str, usize); 4] =
    [("many", "ma", 248), ("pages", "pa", 23), ("odd", "od", 4), ("hostile", "ho", 2)];

/// The bug with this id.
fn of_id(id: &str) -> Option<Bug> {
    let id = id.trim();
    if let Some(known) = known().into_iter().find(|bug| bug.id.eq_ignore_ascii_case(id)) {
        return Some(known);
    }
    let (family, number) = id.strip_prefix("CSC")?.split_at_checked(2)?;
    let number = number.parse().ok().filter(|_| number.len() == 5)?;
    let size = FAMILIES.iter().find(|(_, name, _)| *name == family).map(|(_, _, size)| *size);
    let size = size.or_else(|| (family == "zz").then_some(999))?;
    (1..=size).contains(&number).then(|| made(family, number))
}

const RECORD: &str = r#"{"id":"<index>","bug_id":"<bug>","headline":"<headline>","description":"<B>Symptom:</B>\n<headline>\n\n<B>Conditions:</B>\n<a href=\"https://example.com/?a=1&amp;b=2\">Seen</a> on <affected><BR>\n<B>Workaround:</B>\nNone\n\n<B>Further Problem Description:</B>\n<hostile>",
"severity":"<severity>","status":"<status>","behavior_changed":"<changed>","last_modified_date":"<modified>","product":"<product>",
"known_affected_releases":"<affected>","known_fixed_releases":"<fixed>","support_case_count":"<cases>"<<more>>}"#;

/// Records that are not what they should be: a field is missing, numbers are numbers, one field is nobody's, one is null.
const ODD: [&str; 4] = [
    r#"{"id":"1","bug_id":"CSCod00001"}"#,
    r#"{"id":2,"bug_id":"CSCod00002","headline":"Numbers","severity":2,"status":"O","support_case_count":7,"behavior_changed":true}"#,
    r#"{"id":"3","bug_id":"CSCod00003","headline":"A field of nobody","severity":"3","status":"F","colour":{"is":["new"]},"known_fixed_releases":"17.3.2"}"#,
    r#"{"id":"4","bug_id":"CSCod00004","headline":null,"description":null,"severity":"","status":"","last_modified_date":" ","support_case_count":""}"#,
];

impl Bug {
    fn record(&self, index: usize, more: &str) -> String {
        if let Some(odd) = self.id.strip_prefix("CSCod0000").and_then(|number| number.parse::<usize>().ok()) {
            return ODD.get(odd.saturating_sub(1)).copied().unwrap_or_default().to_owned();
        }
        let changed = ["", "true", "false", "Y", "N"].get((self.cases % 5) as usize).copied().unwrap_or_default();
        let hostile = if self.id.starts_with("CSCho") { hostile::TEXT } else { "" };
        let values = [
            ("index", index.to_string()),
            ("severity", self.severity.to_string()),
            ("status", self.status.to_string()),
            ("modified", ago(self.age)),
            ("cases", self.cases.to_string()),
        ];
        let mut all: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend([("bug", &*self.id), ("headline", &*self.headline), ("hostile", hostile), ("changed", changed)]);
        all.extend([("product", self.os.bug), ("affected", &*self.affected), ("fixed", &*self.fixed), ("more", more)]);
        fill(RECORD, &all)
    }

    fn detail(&self, index: usize) -> String {
        let created = if self.cases.is_multiple_of(5) { String::new() } else { ago(self.age + 400) };
        let more = [("duplicate", self.duplicate_of), ("created", &*created)];
        self.record(index, &fill(r#","duplicate_of":"<duplicate>","created_date":"<created>""#, &more))
    }

    /// Whether a release is among the affected ones, or the fixed ones.
    fn is_about(&self, wanted: &[String], affected: bool, fixed: bool) -> bool {
        let lists = [(affected, &self.affected), (fixed, &self.fixed)];
        let named = |release: &str| wanted.iter().any(|one| one == release || one == "*");
        lists.iter().any(|(asked, list)| *asked && list.split(' ').any(|release| !release.is_empty() && named(release)))
    }
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let missing = || refused(400, "API_MISSING_PARAMETERS", "A required parameter is missing");
    match asked.path() {
        ["bug_ids", ids] => of_ids(&list(ids)),
        ["keyword", word] => keyword(asked, &decode(word)),
        ["products", "product_id", pid] => of_product(asked, &decode(pid), None),
        ["products", "product_id", pid, "software_releases", releases] => {
            of_product(asked, &decode(pid), Some(&list(releases)))
        }
        [
            what @ ("product_series" | "product_name"),
            name,
            kind @ ("affected_releases" | "fixed_in_releases"),
            releases,
        ] => of_name(asked, (what, &decode(name)), kind, &list(releases)),
        ["bug_ids" | "keyword" | "products" | "product_series" | "product_name"]
        | ["products", "product_id"]
        | ["products", "product_id", _, "software_releases"]
        | ["product_series" | "product_name", _]
        | ["product_series" | "product_name", _, "affected_releases" | "fixed_in_releases"] => missing(),
        _ => nothing(),
    }
}

fn of_ids(ids: &[String]) -> Answer {
    if ids.len() > 5 {
        return refused(403, "EXCEEDED_INPUTS", "The number of bug ids exceeds the limit of 5");
    }
    let found = ids.iter().filter_map(|id| of_id(id));
    let records: Vec<String> = found.zip(1..).map(|(bug, index)| bug.detail(index)).collect();
    Answer::json(200, format!(r#"{{"bugs":{}}}"#, array(&records)))
}

fn keyword(asked: &Asked<'_>, word: &str) -> Answer {
    if word.chars().count() > 50 {
        return invalid("keyword");
    }
    let lower = word.to_lowercase();
    let family = FAMILIES.iter().find(|(keyword, _, _)| *keyword == lower);
    let found = match family {
        Some((_, name, size)) => (1..=*size).map(|number| made(name, number)).collect(),
        None if is_marked(word) => (1..4).map(|number| made("zz", number)).collect(),
        None => {
            let has = |bug: &Bug| {
                let text = format!("{} {} {}", bug.id, bug.headline, bug.os.bug).to_lowercase();
                lower.split_whitespace().all(|word| text.contains(word))
            };
            known().into_iter().filter(has).collect()
        }
    };
    searched(asked, found, "Bug API - Search Bugs by Keyword", "")
}

fn of_product(asked: &Asked<'_>, pid: &str, releases: Option<&[String]>) -> Answer {
    if releases.is_some_and(|all| all.len() > 75) {
        return refused(403, "EXCEEDED_INPUTS", "The number of software releases exceeds the limit of 75");
    }
    let os = product_of(pid).and_then(|product| product.os);
    let about = |bug: &Bug| releases.is_none_or(|all| bug.is_about(all, true, true));
    let found = known().into_iter().filter(|bug| Some(bug.os) == os && about(bug)).collect();
    let title = match releases {
        None => "Bug API - Get Bugs by Base Product Id",
        Some(_) => "Bug API - Get Bugs by a Base Product Id and Software Releases",
    };
    searched(asked, found, title, &fill(r#","base_pid":"<pid>""#, &[("pid", pid)]))
}

fn of_name(asked: &Asked<'_>, (what, name): (&str, &str), kind: &str, releases: &[String]) -> Answer {
    if releases.len() > 75 {
        return refused(403, "EXCEEDED_INPUTS", "The number of software releases exceeds the limit of 75");
    }
    if name.chars().count() > 100 {
        return invalid(what);
    }
    let is_series = what == "product_series";
    // Names must be Cisco's own to the letter.
    let is = |product: &&Product| if is_series { product.full_series() == name } else { product.name == name };
    let os = PRODUCTS.iter().find(is).and_then(|product| product.os);
    let fixed = kind == "fixed_in_releases";
    let found = known().into_iter().filter(|bug| Some(bug.os) == os && bug.is_about(releases, !fixed, fixed)).collect();
    let title = format!(
        "Bug API - Get Bugs by Product {} and {} Software Releases",
        if is_series { "Series" } else { "Name" },
        if fixed { "Fixed In" } else { "Affected" }
    );
    searched(asked, found, &title, &fill(r#","<what>":"<name>""#, &[("what", what), ("name", name)]))
}

fn invalid(what: &str) -> Answer {
    refused(403, "API_INVALID_INPUT", &format!("The value of {what} is invalid"))
}

/// Filters, sorts and cuts what was found, as the query says.
fn searched(asked: &Asked<'_>, mut found: Vec<Bug>, title: &str, more: &str) -> Answer {
    let Some(index) = asked.page("page_index") else { return invalid("page_index") };
    let window = asked.get("modified_date").unwrap_or("2");
    let most = match window {
        "1" => 7,
        "2" => 30,
        "3" => 182,
        "4" => 365,
        "5" => i64::MAX,
        _ => return invalid("modified_date"),
    };
    found.retain(|bug| bug.age <= most);
    match asked.get("severity") {
        None => {}
        // More than one value is more than the service can take.
        Some(several) if several.contains(',') => return Answer::page(500, "500 Internal Server Error"),
        Some(one @ ("1" | "2" | "3" | "4" | "5" | "6")) => found.retain(|bug| bug.severity.to_string() == one),
        Some(_) => return invalid("severity"),
    }
    match asked.get("status") {
        None => {}
        Some(one @ ("O" | "F" | "T")) => found.retain(|bug| one.starts_with(bug.status)),
        Some(_) => return invalid("status"),
    }
    let order = asked.get("sort_by").unwrap_or("modified_date");
    let key: &dyn Fn(&Bug) -> i64 = match order {
        "modified_date" => &|bug| bug.age,
        "modified_date_earliest" => &|bug| -bug.age,
        "severity" => &|bug| i64::from(bug.severity),
        "status" => &|bug| i64::from(u32::from(bug.status)),
        "support_case_count" => &|bug| -i64::from(bug.cases),
        _ => return invalid("sort_by"),
    };
    sort(&mut found, key);
    let page = Page::of(&found, index, 10);
    let records: Vec<String> =
        page.records.iter().zip(page.before + 1..).map(|(bug, index)| bug.record(index, more)).collect();
    let mut link = format!("{PREFIX}{}?page_index={index}&modified_date={window}&sort_by={order}", decode(asked.rest));
    for name in ["severity", "status"] {
        link.extend(asked.get(name).map(|value| format!("&{name}={value}")));
    }
    paged(&page, &link, title, ("bugs", &records))
}
