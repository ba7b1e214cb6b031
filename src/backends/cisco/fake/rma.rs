//! The Service Order Return (RMA) API v1.0.
//!
//! `800000001` is closed, `800000002` open and sparse, `800000003` has texts of strangers, `800000004` records of wrong
//! kinds; the user `exampleuser` ordered them, and `manyuser` 45 more within the last 30 days. Every answer holds names,
//! addresses and numbers of people.

use super::answer::{Answer, Page, array, fill, nothing, rank, sort};
use super::asked::{Asked, decode, list};
use super::calendar::{TODAY, date, day};
use super::hostile;
use super::trouble::is_marked;

/// Below the host.
pub(super) const PREFIX: &str = "/return/v1.0/returns";

const PAGING: &str =
    r#""APIPagination":{"pageIndex":"<index>","lastIndex":"<last>","totalRecords":"<total>","pageRecords":"<count>""#;
const DETAIL: &str = r#"{"rmaNo":<<number>>,"status":"<status>","orderDate":"<ordered>","caseId":"<case>","requestedShipDate":"<ordered>","originator":"EXAMPLEUSER","allowPartialShipment":"",
"failureClass":"Operational Failure","failureCode":"HW Fail - Ether Port","contractId":"200000001","serviceLevel":"Premium Parts & Labor - 4 Hour",
"customerRefInfo":{"customerPONumber":"","origSalesOrderNumber":"<number>","customerRefNumber":"","customerProvidedSN":""},
"shipToInfo":{"customerName":"EXAMPLE","address1":"1 EXAMPLE STREET","address2":"","address3":"","address4":"","city":"EXAMPLE","state":"CA","country":"US","postalCode":"00000","stateProv":"CA","siteUseId":"1","ackUserId":"exampleuser","ackPhone":"+1 555 0100","ackEmail":"user@example.com","ackName":"Example Person","shipToContactName":"Example Receiver","shipToContactPhone":"+1 555 0101","shipToContactEmail":"receiver@example.com"},
"billToInfo":{"customerName":"EXAMPLE","address1":"","address2":"","address3":"","address4":"","city":"","state":"","country":"US","postalCode":"","stateProv":"","siteUseId":"2"},
"replacementParts":{<<shipped>>},
"returnLines":{"returnParts":[{"returnLineRef":"1","returnLineStatus":"<status>","returnTransactionType":"ARPRM-RETURN-US","receivedPartNo":"<part>","returnDescription":"100GBASE transceiver","returnQtyAuth":"1","returnToCiscoBy":"<back>","reqturnQtyReceived":"1","returnDateReceived":"<back>","returnWarehouse":"AA1","receivedSerialNumber":"<old>"}]},
"laborDetails":{"fieldEngineerName":"Example Engineer","fieldEngineerPhone":"+1 555 0102","fieldEngineerOnRouteTime":"","fieldEngineerArrivedTime":"","fieldEngineerReleasedTime":"","laborLines":[{"laborTaskNumber":"","laborStatus":"","primaryProductFamily":"","laborScheduledTime":"","laborDispatch":"","laborDispatchOrCancellationNotes":""}]},
"notes":{"addlComments":"<hostile>","failureDescription":"<hostile>","fieldEngineerInstructions":"","partDeliveryInstructions":"","partialShipmentNote":"","specialInstructions":""}}"#;
const SHIPPED: &str = r#""trackingInfo":{"trackingNumber":"1234567890","courierList":"DHL","shipDate":"<back>"},
"partsLineDetails":[{"partsLineRef":"2","partsLineStatus":"Closed","partsTransactionType":"ARPRM-SHIP-US","shippedPartNo":"<part>","partsDescription":"100GBASE transceiver","partsQtyAuth":"1","partsScheduledShipTime":"<ordered>","partsqtyShipped":"1","partsShipDate":"<back>","partsShipmentWarehouse":"AAA","partsDispatchStatus":"DISPATCHED","shippedSerialID":"<new>"}]"#;
/// A number is a string, a field is nobody's, half of the record is missing.
const ODD: &str = r#"{"rmaNo":"800000004","status":null,"orderDate":"","caseId":600000005,"colour":["new"],"replacementParts":null,"returnLines":{}}"#;
const SUMMARY: &str = r#"{"rmaNo":<<number>>,"status":"<status>","orderDate":"<ordered>","orderedPart":"<part>","customerProvidedSN":"<old>","courierList":"DHL","earliestShipDateTime":"","onSiteContactName":"Example Receiver","onSiteContactPhone":"+1 555 0101","onSiteContactEmail":"receiver@example.com","shippingAddress":{<<address>>}}"#;
const ADDRESS: &str =
    r#""customerName":"EXAMPLE","address1":"1 EXAMPLE STREET","city":"EXAMPLE","country":"US","postalCode":"00000""#;
const ERROR: &str = r#"{"APIError":{"Error":[{"errorCode":"<code>","errorDescription":"<what>","suggestedAction":"<what>"<<input>>}]}}"#;

const STATES: [&str; 5] = ["Open", "Booked", "Hold", "Closed", "Cancelled"];

/// A return.
struct Rma {
    number: usize,
    status: &'static str,
    ordered: i64,
    case: String,
    part: &'static str,
    /// The serial number that was sent out, if it was, and the one that came back.
    new: &'static str,
    old: &'static str,
}

/// Number, status, days ago, case, part, new serial number, old one.
const KNOWN: [(usize, &str, i64, &str, &str, &str, &str); 4] = [
    (800_000_001, "Closed", 106, "600000001", "QSFP-100G-SM-SR=", "FNS0000A0AA", "FNS0000A0AB"),
    (800_000_002, "Open", 10, "600000002", "C9300-48P", "", "FOC0000A0AB"),
    (800_000_003, "Hold", 20, "600000003", "QSFP-100G-SM-SR=", "", "FNS0000A0AB"),
    (800_000_004, "Booked", 25, "600000005", "WIC-1T=", "", "FOC0000A0AG"),
];
/// Returns of the user who has many.
const MANY: usize = 45;

fn known() -> Vec<Rma> {
    let rma =
        |(number, status, age, case, part, new, old): &(
            usize,
            &'static str,
            i64,
            &str,
            &'static str,
            &'static str,
            &'static str,
        )| { Rma { number: *number, status, ordered: TODAY - age, case: (*case).to_owned(), part, new, old } };
    KNOWN.iter().map(rma).collect()
}

fn many() -> Vec<Rma> {
    let rma = |place: usize| Rma {
        number: 810_000_000 + place,
        status: STATES.get(place % 5).copied().unwrap_or_default(),
        ordered: TODAY - i64::try_from(place % 30).unwrap_or_default(),
        case: (610_000_000 + place).to_string(),
        part: "QSFP-100G-SM-SR=",
        new: "",
        old: "FNS0000A0AB",
    };
    (1..=MANY).map(rma).collect()
}

/// How it refuses: with 200.
pub(super) fn refused(status: u16, code: &str, what: &str) -> Answer {
    Answer::json(status, fill(ERROR, &[("code", code), ("what", what), ("input", "")]))
}

/// Answers a request.
pub(super) fn answer(asked: &Asked<'_>) -> Answer {
    let answer = match asked.path() {
        ["rma_numbers", numbers] => of_number(asked, &list(numbers)),
        ["users", "user_ids", user] => of_user(asked, &decode(user)),
        _ => nothing(),
    };
    // This API has another media type than the rest.
    Answer { media: if answer.media == super::answer::JSON { "application/json" } else { answer.media }, ..answer }
}

fn of_number(asked: &Asked<'_>, numbers: &[String]) -> Answer {
    let input = numbers.first().map(String::as_str).unwrap_or_default();
    let fails = |code: &str, what: &str| {
        let input = fill(r#","inputIdentifier":"<input>""#, &[("input", input)]);
        Answer::json(200, fill(ERROR, &[("code", code), ("what", what), ("input", &input)]))
    };
    let Some(number) = input.parse::<usize>().ok().filter(|_| numbers.len() == 1) else {
        return fails("API_RMA_FORMAT_ERROR", "One RMA number is accepted, and it has digits only.");
    };
    let wanted = if is_marked(input) { 800_000_001 } else { number };
    let Some(rma) = known().into_iter().chain(many()).find(|rma| rma.number == wanted) else {
        return fails("SVO_NO_RECORDS", "No order found for the given request.");
    };
    let record = if rma.number == 800_000_004 { ODD.to_owned() } else { detail(&Rma { number, ..rma }) };
    let all = [record];
    let link = format!("https://api.cisco.com{PREFIX}{}", asked.rest);
    let body = format!(
        r#"{{{PAGING},"title":"Service Order RMA API","selfLink":"<link>"}},"returns":{{"RmaRecord":<<records>>}}}}"#
    );
    Answer::json(200, Page::of(&all, 1, 1).fill(&body, &[("link", &link), ("records", &array(&all))]))
}

fn detail(rma: &Rma) -> String {
    let (number, ordered, back) = (rma.number.to_string(), date(rma.ordered), date(rma.ordered + 2));
    let hostile = if rma.number == 800_000_003 { hostile::TEXT } else { "" };
    let mut values = vec![("number", &*number), ("ordered", &*ordered), ("back", &*back), ("hostile", hostile)];
    values.extend([
        ("status", rma.status),
        ("case", &*rma.case),
        ("part", rma.part),
        ("new", rma.new),
        ("old", rma.old),
    ]);
    let shipped = if rma.new.is_empty() { String::new() } else { fill(SHIPPED, &values) };
    values.push(("shipped", &shipped));
    fill(DETAIL, &values)
}

fn of_user(asked: &Asked<'_>, user: &str) -> Answer {
    let fails = |code: &str, what: &str| {
        let inner = refused(200, code, what);
        Answer::json(200, fill(r#"{"OrderList":<<inner>>}"#, &[("inner", &inner.body)]))
    };
    let status = asked.get("status");
    let state = |status: &str| STATES.iter().any(|known| known.to_lowercase() == status);
    let order = asked.get("sortBy").unwrap_or("orderdate");
    let page = asked.page("pageIndex").filter(|_| status.is_none_or(state) && ["orderdate", "status"].contains(&order));
    let Some(index) = page.filter(|_| user.chars().count() <= 20) else {
        return fails("API_RMA_FORMAT_ERROR", "A parameter is not of its form.");
    };
    let read = |name: &str| asked.get(name).map_or(Ok(None), |text| day(text).map(Some).ok_or(()));
    let (Ok(from), Ok(to)) = (read("fromDate"), read("toDate")) else {
        return fails("API_DATEFORMAT_ERROR", "Dates are YYYY-MM-DD.");
    };
    let to = to.unwrap_or(TODAY);
    let from = from.unwrap_or(to - 30);
    if !(0..=30).contains(&(to - from)) {
        return fails("API_DATEFORMAT_ERROR", "The dates are in the wrong order, or more than 30 days apart.");
    }
    let mut all = match user {
        "manyuser" => many(),
        "exampleuser" => known(),
        _ if is_marked(user) => known(),
        _ => Vec::new(),
    };
    all.retain(|rma| {
        (from..=to).contains(&rma.ordered) && status.is_none_or(|status| rma.status.to_lowercase() == status)
    });
    sort(&mut all, if order == "status" { &|rma: &Rma| rank(rma.status) } else { &|rma: &Rma| -rma.ordered });
    if all.is_empty() {
        return fails("SVO_NO_RECORDS", "No order found for the given request.");
    }
    let page = Page::of(&all, index, 20);
    let records: Vec<String> = page.records.iter().map(summary).collect();
    let total = page.total.to_string();
    let body = format!(
        r#"{{"OrderList":{{{PAGING}}},"users":[{{"userId":"<user>","returnCount":"<returns>","returns":<<records>>}}]}}}}"#
    );
    Answer::json(200, page.fill(&body, &[("user", user), ("returns", &total), ("records", &array(&records))]))
}

fn summary(rma: &Rma) -> String {
    let (number, ordered) = (rma.number.to_string(), date(rma.ordered));
    let address = if rma.status == "Open" { "" } else { ADDRESS };
    let mut values = vec![("number", &*number), ("ordered", &*ordered), ("status", rma.status), ("address", address)];
    values.extend([("part", rma.part), ("old", rma.old)]);
    fill(SUMMARY, &values)
}
