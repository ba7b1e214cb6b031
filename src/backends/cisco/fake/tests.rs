//! The stand-in keeps the rules of the service: otherwise the client's tests would prove little.

use http::Request;

use super::*;
use crate::backends::fake::{Body, Guard};

struct Alice;

impl Guard for Alice {
    fn subject(&self, token: &str, resource: &str) -> Option<String> {
        (token == "good" && resource == "http://127.0.0.1/cisco").then(|| "alice".to_owned())
    }

    fn challenge(&self, _: &str, _: bool) -> String {
        "Bearer".to_owned()
    }
}

fn send(server: &Server, request: Request<Vec<u8>>) -> (u16, String, Reply) {
    let reply = server.answer(&request, &Place { url: "http://127.0.0.1/cisco", guard: &Alice });
    let Body::Whole(body) = reply.body() else { panic!("one piece") };
    (reply.status().as_u16(), String::from_utf8_lossy(body).into_owned(), reply)
}

fn get(server: &Server, path: &str) -> (u16, String) {
    let request = Request::get(path).header("authorization", "Bearer good").body(Vec::new()).expect("a request");
    let (status, body, _) = send(server, request);
    (status, body)
}

/// The JSON of an answer with 200.
fn found(server: &Server, path: &str) -> Value {
    let (status, body) = get(server, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}

/// Status and code of an error in any of the envelopes.
fn refusal(server: &Server, path: &str) -> (u16, String) {
    let (status, body) = get(server, path);
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {status} {body}"));
    let places = [
        "/ErrorResponse/APIError/0/ErrorCode",
        "/ErrorResponse/APIError/ErrorCode",
        "/EOXError/ErrorID",
        "/errorDetailsResponse/errorCode",
        "/APIError/Error/0/errorCode",
        "/OrderList/APIError/Error/0/errorCode",
        "/errorCode",
        "/exception/exceptionCode",
    ];
    let code = places.iter().find_map(|place| body.pointer(place)).unwrap_or_else(|| panic!("{path}: {body}"));
    (status, code.as_str().expect("a code").to_owned())
}

/// The values of a field over a list.
fn each<'a>(answer: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let list = answer.pointer(list).and_then(Value::as_array).unwrap_or_else(|| panic!("no {list} in {answer}"));
    list.iter().map(|one| one.pointer(field).and_then(Value::as_str).unwrap_or("-")).collect()
}

const BUGS: &str = "/bug/v2.0/bugs";
const EOX: &str = "/supporttools/eox/rest/5";
const PRODUCT: &str = "/product/v1/information";
const SERIAL: &str = "/sn2info/v2";
const CASE: &str = "/case/v3/cases";
const RMA: &str = "/return/v1.0/returns";
const PSIRT: &str = "/security/advisories/v2";
const SOFTWARE: &str = "/software/suggestion/v2/suggestions";

#[test]
fn the_gateway_wants_a_bearer_and_a_good_one() {
    let server = Server::default();
    let (status, body, reply) = send(&server, Request::get("/hello").body(Vec::new()).expect("a request"));
    assert_eq!((status, body.as_str()), (403, "<h1>Not Authorized</h1>"));
    assert_eq!(reply.headers()["content-type"], "text/xml");
    assert_eq!(reply.headers()["x-mashery-error-code"], "ERR_403_NOT_AUTHORIZED");
    assert!(reply.headers().contains_key("x-mashery-message-id"));
    let stale = Request::get("/hello").header("authorization", "Bearer old").body(Vec::new()).expect("a request");
    assert_eq!(send(&server, stale).0, 401);
    assert_eq!(found(&server, "/hello")["helloResponse"]["response"], "Hello World!");
    assert_eq!(get(&server, "/bug/v3.0/bugs/bug_ids/CSCwa00001").0, 596);
}

#[test]
fn what_arrived_is_shown_without_the_bearer() {
    let server = Server::default();
    get(&server, "/hello?a=b");
    send(&server, Request::get("/bug/v2.0/bugs/keyword/x").body(Vec::new()).expect("a request"));
    let (_, shown) = get(&server, "/received");
    assert!(!shown.contains("good"), "{shown}");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["apis"]["hello"], json!({"count": 1, "in_flight": 0, "most_in_flight": 1}));
    assert_eq!(shown["received"][0]["query"], "a=b");
    assert_eq!(each(&shown, "/received", "/path"), ["/hello", "/bug/v2.0/bugs/keyword/x"]);
    assert_eq!((&shown["received"][0]["bearer"], &shown["received"][1]["bearer"]), (&json!(true), &json!(false)));
    assert!(shown["received"][1]["at_ms"].is_u64());
}

#[test]
fn an_api_is_switched_off_by_an_order_that_no_page_can_give() {
    let server = Server::default();
    let order = |body: &str, more: &[(&str, &str)]| {
        let mut request = Request::post("/control").header("content-type", "application/json");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        send(&server, request.body(body.as_bytes().to_vec()).expect("a request")).0
    };
    assert_eq!(order(r#"{"disabled":["bug"]}"#, &[("origin", "https://a.example")]), 403);
    assert_eq!(order(r#"{"disabled":["nothing"]}"#, &[]), 400);
    assert_eq!(get(&server, "/bug/v2.0/bugs/keyword/many").0, 200);
    assert_eq!(order(r#"{"disabled":["bug"]}"#, &[]), 200);
    assert_eq!(get(&server, "/bug/v2.0/bugs/keyword/many"), (403, "<h1>Not Authorized</h1>".to_owned()));
    assert_eq!(get(&server, "/hello").0, 200);
    assert_eq!(order(r#"{"disabled":[]}"#, &[]), 200);
    assert_eq!(get(&server, "/bug/v2.0/bugs/keyword/many").0, 200);
}

#[test]
fn elements_are_decoded_after_they_were_taken_apart() {
    let server = Server::default();
    let answer = found(&server, "/product/v1/information/product_ids/ISR4431%2FK9,WIC-1T%3D");
    assert_eq!(each(&answer, "/product_list", "/product_id"), ["ISR4431/K9", "WIC-1T="]);
    // As a separator the slash makes it another path.
    assert_eq!(get(&server, "/product/v1/information/product_ids/ISR4431/K9").0, 404);
    for path in ["/bug/v2.0/bugs/keyword/a%2", "/bug/v2.0/bugs/keyword/\"a\"", "/bug/v2.0/bugs/keyword/%zz"] {
        assert_eq!(get(&server, path).0, 596, "{path}");
    }
}

#[test]
fn bugs_by_id_come_without_an_envelope_and_unknown_ones_not_at_all() {
    let server = Server::default();
    let answer = found(&server, &format!("{BUGS}/bug_ids/CSCwa00007,CSCxx00001,CSCvc57217"));
    assert_eq!(each(&answer, "/bugs", "/bug_id"), ["CSCwa00007", "CSCvc57217"]);
    assert_eq!(each(&answer, "/bugs", "/duplicate_of"), ["CSCwa00001", ""]);
    assert_eq!(answer["bugs"][1]["known_affected_releases"], "15.6(03)M00a 15.2(7)E");
    assert_eq!(answer["pagination_response_record"], Value::Null);
    assert_eq!(found(&server, &format!("{BUGS}/bug_ids/CSCxx00001")), json!({"bugs": []}));
    let six = "CSCwa00001,CSCwa00002,CSCwa00003,CSCwa00004,CSCwa00005,CSCwa00006";
    assert_eq!(refusal(&server, &format!("{BUGS}/bug_ids/{six}")), (403, "EXCEEDED_INPUTS".to_owned()));
}

#[test]
fn bugs_come_in_pages_of_ten_with_a_running_number() {
    let server = Server::default();
    let page = |index: usize| found(&server, &format!("{BUGS}/keyword/many?modified_date=5&page_index={index}"));
    let (first, second, last, beyond) = (page(1), page(2), page(25), page(26));
    assert_eq!(first["bugs"][0]["id"], "1");
    assert_eq!(second["bugs"][0]["id"], "11");
    let envelope = &last["pagination_response_record"];
    assert_eq!(
        (&envelope["last_index"], &envelope["page_records"], &envelope["total_records"]),
        (&json!(25), &json!(8), &json!(248))
    );
    assert_eq!(beyond["bugs"], json!([]));
    let pages = found(&server, &format!("{BUGS}/keyword/pages?modified_date=5&page_index=3"));
    assert_eq!(each(&pages, "/bugs", "/id"), ["21", "22", "23"]);
    let none = found(&server, &format!("{BUGS}/keyword/nothing%20like%20this"));
    let envelope = &none["pagination_response_record"];
    assert_eq!((&envelope["last_index"], &envelope["total_records"]), (&json!(0), &json!(0)));
    assert_eq!(
        envelope["self_link"],
        "https://api.cisco.com/bug/v2.0/bugs/keyword/nothing like this?page_index=1&modified_date=2&sort_by=modified_date"
    );
}

#[test]
fn filters_of_bugs_filter_and_their_order_orders() {
    let server = Server::default();
    let of = |query: &str| {
        let answer = found(&server, &format!("{BUGS}/products/product_id/C9300-48P?{query}"));
        each(&answer, "/bugs", "/bug_id")
            .into_iter()
            .map(|id| id.trim_start_matches("CSCwa0000").to_owned())
            .collect::<Vec<_>>()
            .concat()
    };
    assert_eq!(of(""), "12", "of the last thirty days");
    assert_eq!(of("modified_date=5"), "123456789");
    assert_eq!(of("modified_date=1"), "1");
    assert_eq!(of("modified_date=3"), "12345");
    assert_eq!(of("modified_date=5&severity=2"), "237");
    assert_eq!(of("modified_date=5&status=O"), "349");
    assert_eq!(of("modified_date=5&status=O&severity=2"), "3");
    assert_eq!(of("modified_date=5&sort_by=modified_date_earliest"), "987654321");
    assert_eq!(of("modified_date=5&sort_by=severity"), "152374896");
    assert_eq!(of("modified_date=5&sort_by=support_case_count"), "152384796");
    assert_eq!(of("colour=red"), "12", "what it does not know, it ignores");
    let path = format!("{BUGS}/products/product_id/C9300-48P");
    assert_eq!(
        get(&server, &format!("{path}?severity=1,2,3")),
        (500, "<html><body><h1>500 Internal Server Error</h1></body></html>".to_owned())
    );
    for query in ["severity=7", "status=X", "modified_date=6", "sort_by=age", "page_index=0", "page_index=x"] {
        assert_eq!(refusal(&server, &format!("{path}?{query}")), (403, "API_INVALID_INPUT".to_owned()), "{query}");
    }
}

#[test]
fn a_move_from_one_release_to_another_fixes_some_bugs_leaves_some_and_brings_some() {
    let server = Server::default();
    for (pid, old, new) in [("C9300-48P", "17.9.4a", "17.12.4"), ("N9K-C93180YC-EX", "9.3(7)", "10.2(5)")] {
        let of = |release: &str| {
            found(&server, &format!("{BUGS}/products/product_id/{pid}/software_releases/{release}?modified_date=5"))
        };
        let affected = |answer: &Value, release: &str| -> Vec<String> {
            let lists = each(answer, "/bugs", "/known_affected_releases");
            let ids = each(answer, "/bugs", "/bug_id").into_iter().zip(lists);
            ids.filter(|(_, list)| list.split(' ').any(|one| one == release)).map(|(id, _)| id.to_owned()).collect()
        };
        let (before, after) = (affected(&of(old), old), affected(&of(new), new));
        assert!(before.iter().any(|id| !after.contains(id)), "{pid}: something is fixed");
        assert!(before.iter().any(|id| after.contains(id)), "{pid}: something stays");
        assert!(after.iter().any(|id| !before.contains(id)), "{pid}: something comes");
    }
}

#[test]
fn bugs_by_name_want_the_name_to_the_letter_and_the_path_below_bugs() {
    let server = Server::default();
    let series = "Cisco%20Catalyst%209300%20Series%20Switches";
    let name = "Nexus%2093180YC-EX%20Switch";
    let of = |path: &str| {
        let answer = found(&server, &format!("{BUGS}/{path}?modified_date=5"));
        each(&answer, "/bugs", "/bug_id").join(" ")
    };
    assert_eq!(of(&format!("product_series/{series}/affected_releases/17.12.1")), "CSCwa00005");
    assert_eq!(of(&format!("product_series/{series}/fixed_in_releases/17.12.5,17.9.5")), "CSCwa00001 CSCwa00005");
    assert_eq!(of(&format!("product_name/{name}/fixed_in_releases/9.3(8)")), "CSCwb00001");
    assert_eq!(of(&format!("product_name/{name}/fixed_in_releases/*")), "CSCwb00001 CSCwb00003 CSCwb00004");
    assert_eq!(of("product_series/Catalyst%209300/affected_releases/17.12.1"), "");
    assert_eq!(get(&server, &format!("{BUGS}/products/product_name/{name}/affected_releases/9.3(7)")).0, 404);
    for path in
        [format!("product_series/{series}"), format!("product_name/{name}/affected_releases/"), "keyword/".to_owned()]
    {
        assert_eq!(refusal(&server, &format!("{BUGS}/{path}")), (400, "API_MISSING_PARAMETERS".to_owned()), "{path}");
    }
    let many = vec!["1"; 76].join(",");
    assert_eq!(refusal(&server, &format!("{BUGS}/product_name/{name}/affected_releases/{many}")).1, "EXCEEDED_INPUTS");
    assert_eq!(refusal(&server, &format!("{BUGS}/keyword/{}", "a".repeat(51))).1, "API_INVALID_INPUT");
}

#[test]
fn odd_and_hostile_bugs_are_there_for_whoever_asks() {
    let server = Server::default();
    let odd = found(&server, &format!("{BUGS}/keyword/odd?modified_date=5&sort_by=modified_date"));
    assert_eq!(each(&odd, "/bugs", "/headline"), ["-", "Numbers", "A field of nobody", "-"]);
    assert_eq!(odd["bugs"][1]["severity"], 2);
    let hostile = found(&server, &format!("{BUGS}/bug_ids/CSCho00001"));
    let text = hostile["bugs"][0]["description"].as_str().expect("text");
    for part in ["<script>", "\u{1b}", "\u{0}", "\u{e0049}", "\u{202e}", "IGNORE ALL PREVIOUS"] {
        assert!(text.contains(part), "{part:?}");
    }
}

#[test]
fn an_end_that_was_not_announced_is_a_record_and_the_order_is_not_the_one_of_the_inputs() {
    let server = Server::default();
    let path = format!("{EOX}/EOXByProductID/1/C9300-48P,WIC-1T%3D,ISR4431%2FK9,NOSUCH?responseencoding=json");
    let answer = found(&server, &path);
    assert_eq!(each(&answer, "/EOXRecord", "/EOXInputValue"), ["NOSUCH ", "C9300-48P ", "ISR4431/K9 ", "WIC-1T= "]);
    assert_eq!(each(&answer, "/EOXRecord", "/EOXError/ErrorID"), ["SSA_ERR_026", "SSA_ERR_026", "-", "-"]);
    assert_eq!(each(&answer, "/EOXRecord", "/EOXError/ErrorDataValue"), ["-", "C9300-48P", "-", "-"]);
    assert_eq!(each(&answer, "/EOXRecord", "/EOLProductID"), ["", "", "ISR4431/K9", "WIC-1T="]);
    assert_eq!(
        answer["EOXRecord"][3]["EndOfSecurityVulSupportDate"],
        json!({"value": " ", "dateFormat": "YYYY-MM-DD"})
    );
    assert_eq!(answer["EOXRecord"][1]["LastDateOfSupport"], json!({"value": "", "dateFormat": null}));
    assert_eq!(answer["EOXRecord"][1].get("EndOfSecurityVulSupportDate"), None);
    assert_eq!(answer["PaginationResponseRecord"]["TotalRecords"], 4);
    let (_, xml) = get(&server, &format!("{EOX}/EOXByProductID/1/WIC-1T%3D"));
    assert!(xml.starts_with("<EOXResponse>"), "XML is the default");
}

#[test]
fn ends_by_serial_number_share_a_record_when_they_share_a_product() {
    let server = Server::default();
    let path = format!("{EOX}/EOXBySerialNumber/1/FOC0000A0AA,FDO0000A0AC,SER00000006,BADSERIAL,FOC0000A0AB");
    let answer = found(&server, &format!("{path}?responseencoding=json"));
    assert_eq!(
        each(&answer, "/EOXRecord", "/EOXInputValue"),
        ["FOC0000A0AB ", "BADSERIAL ", "FDO0000A0AC ", "FOC0000A0AA,SER00000006 "]
    );
    assert_eq!(each(&answer, "/EOXRecord", "/EOXError/ErrorID"), ["SSA_ERR_026", "SSA_ERR_023", "-", "-"]);
    let wild = found(&server, &format!("{EOX}/EOXByProductID/1/WS-C*?responseencoding=json"));
    assert_eq!(each(&wild, "/EOXRecord", "/EOLProductID"), ["WS-C3850-48XS-E", "WS-C2960X-48FPD-L", "WS-C6509-E"]);
}

#[test]
fn ends_by_dates_come_in_three_pages_and_the_attribute_chooses_the_date() {
    let server = Server::default();
    let page = |index: usize, query: &str| {
        let answer =
            found(&server, &format!("{EOX}/EOXByDates/{index}/2020-01-01/2026-12-31?responseencoding=json{query}"));
        (answer["PaginationResponseRecord"].clone(), answer["EOXRecord"].as_array().map_or(0, Vec::len))
    };
    let numbers = |index: usize, records: usize| json!({"PageIndex": index, "LastIndex": 3, "TotalRecords": 2216, "PageRecords": records});
    for (index, records) in [(1, 1000), (2, 1000), (3, 216), (4, 0)] {
        assert_eq!(page(index, ""), (numbers(index, records), records));
    }
    assert_eq!(page(1, "&eoxAttrib=EO_LAST_SUPPORT_DATE").0["TotalRecords"], 935);
    let none = found(&server, &format!("{EOX}/EOXByDates/1/1990-01-01/1990-02-01?responseencoding=json"));
    assert_eq!(none["EOXRecord"], json!([]));
}

#[test]
fn ends_by_release_are_announced_or_not_and_one_release_may_have_both() {
    let server = Server::default();
    let answer = found(
        &server,
        &format!("{EOX}/EOXBySWReleaseString/1/?responseencoding=json&input1=12.2%2CIOS&input2=17.12.4%2CIOS-XE"),
    );
    assert_eq!(
        each(&answer, "/EOXRecord", "/EOXInputValue"),
        ["input2=17.12.4,IOS-XE", "input1=12.2,IOS", "input1=12.2,IOS"]
    );
    assert_eq!(each(&answer, "/EOXRecord", "/EOXError/ErrorID"), ["SSA_ERR_024", "SSA_ERR_022", "-"]);
    assert_eq!(answer["EOXRecord"][1]["ProductBulletinNumber"], "PB0000");
}

#[test]
fn a_request_for_ends_is_refused_as_a_whole_with_200() {
    let server = Server::default();
    let many = vec!["X"; 21].join(",");
    let inputs: String = (1..=21).map(|number| format!("&input{number}=1%2CIOS")).collect();
    for (path, code) in [
        (format!("EOXByProductID/1/{many}?a=b"), "SSA_ERR_009"),
        (format!("EOXBySerialNumber/1/{many}?a=b"), "SSA_ERR_007"),
        (format!("EOXBySWReleaseString/1?a=b{inputs}"), "SSA_ERR_003"),
        (format!("EOXBySerialNumber/1/{}?a=b", "X".repeat(41)), "SSA_ERR_010"),
        ("EOXBySWReleaseString/1?input1=1%2CDOS".to_owned(), "SSA_ERR_010"),
        ("EOXByProductID/x/A?a=b".to_owned(), "SSA_ERR_010"),
        ("EOXByProductID/100000/A?a=b".to_owned(), "SSA_ERR_028"),
        ("EOXByProductID/1?a=b".to_owned(), "SSA_ERR_016"),
        ("EOXByProductID/1/AB*?a=b".to_owned(), "SSA_ERR_032"),
        ("EOXByDates/1/2020-13-01/2020-12-31?a=b".to_owned(), "SSA_ERR_001"),
        ("EOXByDates/1/2020-01-01/2019-12-31?a=b".to_owned(), "SSA_ERR_010"),
        ("EOXByDates/1/2020-01-01/2020-12-31?eoxAttrib=EO_SALE_DATE".to_owned(), "SSA_ERR_010"),
    ] {
        assert_eq!(refusal(&server, &format!("{EOX}/{path}&responseencoding=json")), (200, code.to_owned()), "{path}");
    }
}

#[test]
fn a_product_is_found_and_another_is_an_error_inside_its_record() {
    let server = Server::default();
    let answer = found(&server, &format!("{PRODUCT}/serial_numbers/FOC0000A0AB,BADSERIAL01"));
    assert_eq!(answer["product_list"][0]["base_pid"], "C9300-48P");
    assert_eq!(answer["product_list"][0]["product_series"], "Cisco Catalyst 9300 Series Switches");
    let missing = &answer["product_list"][1];
    assert_eq!(missing["sr_no"], "BADSERIAL01");
    assert_eq!(missing["ErrorResponse"]["APIError"]["ErrorCode"], "NO_RECORDS_FOUND");
    let mdf = found(&server, &format!("{PRODUCT}/product_ids_mdf/C9300-48P,CUCM-USR-LIC"));
    assert_eq!(each(&mdf, "/product_list", "/ErrorResponse/APIError/ErrorCode"), ["-", "NO_RECORDS_FOUND"]);
    let part = found(&server, &format!("{PRODUCT}/product_ids/QSFP-100G-SM-SR%3D"));
    assert_eq!(part["product_list"][0].get("weight"), None, "a field may be absent");
    assert_eq!(refusal(&server, &format!("{PRODUCT}/product_ids/A,B,C,D,E,F")), (403, "EXCEEDED_INPUTS".to_owned()));
    assert_eq!(
        refusal(&server, &format!("{PRODUCT}/product_ids/A?page_index=100")),
        (403, "API_INVALID_INPUT".to_owned())
    );
    assert_eq!(get(&server, &format!("{PRODUCT}/mdf/product_ids_mdf/A")).0, 404);
}

#[test]
fn coverage_is_given_for_75_serial_numbers_and_its_summary_in_pages_of_50() {
    let server = Server::default();
    let serials = |count: usize| (1..=count).map(|number| format!("SER{number:08}")).collect::<Vec<_>>().join(",");
    let status =
        found(&server, &format!("{SERIAL}/coverage/status/serial_numbers/FOC0000A0AB,FLM0000A0AD,FCW0000A0AE,X"));
    assert_eq!(each(&status, "/serial_numbers", "/sr_no"), ["X", "FCW0000A0AE", "FLM0000A0AD", "FOC0000A0AB"]);
    assert_eq!(each(&status, "/serial_numbers", "/is_covered"), ["-", "NO", "NO", "YES"]);
    assert_eq!(each(&status, "/serial_numbers", "/coverage_end_date"), ["-", "2024-02-29", "", "2028-06-30"]);
    assert_eq!(status["serial_numbers"][0]["ErrorResponse"]["APIError"]["ErrorCode"], "NO_RECORDS_FOUND");
    assert_eq!(
        refusal(&server, &format!("{SERIAL}/coverage/status/serial_numbers/{}", serials(76))),
        (400, "EXCEEDED_INPUTS".to_owned())
    );
    let second = found(&server, &format!("{SERIAL}/coverage/summary/serial_numbers/{}?page_index=2", serials(75)));
    assert_eq!(second["pagination_response_record"]["page_records"], 25);
    assert_eq!(second["serial_numbers"][0]["id"], "51");
    assert_eq!(second["serial_numbers"][0]["base_pid_list"], json!([{"base_pid": "ISR4431/K9"}]));
    let instance = found(&server, &format!("{SERIAL}/coverage/summary/instance_numbers/900000002"));
    assert_eq!(instance["instance_numbers"][0]["base_pid"], json!({"base_pid": "C9300-48P"}));
    assert_eq!(instance["instance_numbers"][0]["sr_no"], "FOC0000A0AB");
    let owner = found(&server, &format!("{SERIAL}/coverage/owner_status/serial_numbers/FOC0000A0AB"));
    assert_eq!(each(&owner, "/serial_numbers", "/sr_no_owner"), ["YES"]);
    let orderable = found(&server, &format!("{SERIAL}/identifiers/orderable/serial_numbers/FNS0000A0AA"));
    assert_eq!(orderable["serial_numbers"][0]["orderable_pid_list"][0]["orderable_pid"], "QSFP-100G-SM-SR=");
}

#[test]
fn software_is_suggested_by_product_and_compatible_software_at_the_top_level() {
    let server = Server::default();
    let answer = found(&server, &format!("{SOFTWARE}/software/productIds/N9K-C93180YC-EX,WIC-1T%3D,NOSUCH"));
    assert_eq!(
        each(&answer, "/productList", "/errorDetailsResponse/errorCode"),
        ["-", "S3_BASEPID_NO_SUPPORT", "S3_INV_BASEPID"]
    );
    assert_eq!(each(&answer, "/productList", "/product/mdfId"), ["286305946", "268438065", ""]);
    let suggestion = &answer["productList"][0]["suggestions"][0];
    assert_eq!((&suggestion["relDispName"], &suggestion["trainDispName"]), (&json!("10.2(5)"), &json!("10.2")));
    assert_eq!(suggestion["images"][0]["imageName"], "nxos64-cs.10.2.5.M.bin");
    assert_eq!(answer["paginationResponseRecord"]["totalRecords"], "3", "a number in quotes");
    let releases = found(&server, &format!("{SOFTWARE}/releases/mdfIds/286315874"));
    assert_eq!(releases["productList"][0]["suggestions"][0].get("images"), None);
    let compatible = found(&server, &format!("{SOFTWARE}/compatible/productId/C9300-48P?currentRelease=17.9.4a"));
    assert_eq!(each(&compatible, "/suggestions", "/relDispName"), ["17.12.4", "17.9.5"]);
    assert_eq!(each(&compatible, "/suggestions", "/isSuggested"), ["Y", "N"]);
    let eleven = ["A"; 11].join(",");
    for (path, code) in [
        (format!("software/productIds/{eleven}"), "S3_INV_BASEPID"),
        ("software/productIds/C9300-48P?page_index=1".to_owned(), "S3_INV_QUERY_PARAM"),
        ("software/productIds/C9300-48P?currentRelease=1".to_owned(), "S3_INV_QUERY_PARAM"),
        ("compatible/productId/C9300-48P,C9410R".to_owned(), "S3_INV_BASEPID"),
        ("compatible/productId/C9300-48P?currentRelease=17.12.4".to_owned(), "S3_NO_SOFT_AVL"),
        ("compatible/productId/C9300-48P?currentRelease=1.2".to_owned(), "S3_NO_REC_FOUND"),
        ("compatible/mdfId/268438065".to_owned(), "S3_MDFID_NO_SUPPORT"),
        ("software/productIds/".to_owned(), "S3_BASEPID_REQ"),
    ] {
        assert_eq!(refusal(&server, &format!("{SOFTWARE}/{path}")), (200, code.to_owned()), "{path}");
    }
}

#[test]
fn trouble_comes_when_an_identifier_asks_for_it_and_ends_when_it_should() {
    let server = Server::default();
    let status = |path: &str| get(&server, path).0;
    let bug = |number: u16| format!("{BUGS}/bug_ids/CSCzz00{number}");
    for (number, statuses) in [
        (401, [401, 200, 401]),
        (420, [403, 200, 403]),
        (427, [429, 200, 429]),
        (429, [429, 200, 429]),
        (503, [503, 503, 200]),
        (402, [401; 3]),
        (421, [403; 3]),
        (422, [403; 3]),
        (428, [429; 3]),
        (504, [504; 3]),
        (596, [596; 3]),
    ] {
        assert_eq!([(); 3].map(|()| status(&bug(number))), statuses, "{number}");
    }
    for path in [
        format!("{BUGS}/keyword/fake%3A421"),
        format!("{EOX}/EOXByProductID/1/WIC-1T%3D,FAKE-421"),
        format!("{EOX}/EOXBySWReleaseString/1?input1=0.0.421%2CIOS"),
        format!("{PRODUCT}/serial_numbers/FAK0000A421"),
        format!("{SOFTWARE}/software/mdfIds/289999421"),
        format!("{SERIAL}/coverage/summary/instance_numbers/999999421"),
    ] {
        let request = Request::get(&path).header("authorization", "Bearer good").body(Vec::new()).expect("a request");
        let (_, _, reply) = send(&server, request);
        assert_eq!(reply.headers()["x-mashery-error-code"], "ERR_403_DEVELOPER_OVER_QPS", "{path}");
    }
    assert_eq!(refusal(&server, &bug(430)), (403, "API_NOTAUTHORIZED".to_owned()));
    assert_eq!(refusal(&server, &bug(501)), (500, "API_ERROR_01".to_owned()));
    assert_eq!(refusal(&server, &bug(200)), (200, "API_INVALID_INPUT".to_owned()));
    let object = found(&server, &bug(205));
    assert_eq!(object["ErrorResponse"]["APIError"]["ErrorCode"], "API_INVALID_INPUT");
    assert_eq!(refusal(&server, &format!("{EOX}/EOXByProductID/1/FAKE-200")), (200, "SSA_ERR_010".to_owned()));
    assert_eq!(refusal(&server, &format!("{SOFTWARE}/releases/productIds/FAKE-502")).1, "S3_SERVICE_EXCEPTION_OCCURED");
    assert_eq!(found(&server, &bug(100))["bugs"][0]["bug_id"], "CSCzz00100", "a number without trouble is only known");
}

#[test]
fn a_return_is_found_by_its_number_with_the_spellings_of_the_wire() {
    let server = Server::default();
    let answer = found(&server, &format!("{RMA}/rma_numbers/800000001"));
    let record = &answer["returns"]["RmaRecord"][0];
    assert_eq!((&record["rmaNo"], &record["caseId"]), (&json!(800_000_001), &json!("600000001")));
    let part = &record["replacementParts"]["partsLineDetails"][0];
    assert_eq!((&part["partsqtyShipped"], &part["shippedSerialID"]), (&json!("1"), &json!("FNS0000A0AA")));
    let back = &record["returnLines"]["returnParts"][0];
    assert_eq!((&back["reqturnQtyReceived"], &back["receivedSerialNumber"]), (&json!("1"), &json!("FNS0000A0AB")));
    assert_eq!(answer["APIPagination"]["totalRecords"], "1", "a number in quotes");
    let (status, body) = get(&server, &format!("{RMA}/rma_numbers/800000099"));
    let none: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &none["APIError"]["Error"][0]["inputIdentifier"]), (200, &json!("800000099")));
    assert_eq!(refusal(&server, &format!("{RMA}/rma_numbers/800000099")).1, "SVO_NO_RECORDS");
    assert_eq!(refusal(&server, &format!("{RMA}/rma_numbers/x")).1, "API_RMA_FORMAT_ERROR");
    assert_eq!(refusal(&server, &format!("{RMA}/rma_numbers/800000001,800000002")).1, "API_RMA_FORMAT_ERROR");
    let request = Request::get(format!("{RMA}/rma_numbers/1")).header("authorization", "Bearer good");
    let (_, _, reply) = send(&server, request.body(Vec::new()).expect("a request"));
    assert_eq!(reply.headers()["content-type"], "application/json");
    assert!(reply.headers().contains_key("x-envoy-upstream-service-time"));
}

#[test]
fn returns_of_a_user_are_those_of_thirty_days_and_errors_are_wrapped_once_more() {
    let server = Server::default();
    let of = |query: &str| {
        let answer = found(&server, &format!("{RMA}/users/user_ids/exampleuser?{query}"));
        let returns =
            answer.pointer("/OrderList/users/0/returns").and_then(Value::as_array).cloned().unwrap_or_default();
        returns.iter().filter_map(|one| one["rmaNo"].as_u64()).map(|number| number - 800_000_000).collect::<Vec<_>>()
    };
    assert_eq!(of(""), [2, 3, 4]);
    assert_eq!(of("status=open"), [2]);
    assert_eq!(of("sortBy=status"), [4, 3, 2]);
    assert_eq!(of("fromDate=2026-08-01&toDate=2026-08-31"), [1]);
    let many = found(&server, &format!("{RMA}/users/user_ids/manyuser?pageIndex=3"));
    let paging = json!({"pageIndex": "3", "lastIndex": "3", "totalRecords": "45", "pageRecords": "5"});
    assert_eq!(many["OrderList"]["APIPagination"], paging);
    for (path, code) in [
        ("nobody", "SVO_NO_RECORDS"),
        ("exampleuser?fromDate=2026-08-01&toDate=2026-09-01", "API_DATEFORMAT_ERROR"),
        ("exampleuser?fromDate=2026-08-01", "API_DATEFORMAT_ERROR"),
        ("exampleuser?fromDate=2026-08-01T00:00:00Z", "API_DATEFORMAT_ERROR"),
        ("exampleuser?status=Open", "API_RMA_FORMAT_ERROR"),
        ("exampleuser?sortBy=age", "API_RMA_FORMAT_ERROR"),
        ("a-user-whose-name-is-too-long", "API_RMA_FORMAT_ERROR"),
    ] {
        let (status, body) = get(&server, &format!("{RMA}/users/user_ids/{path}"));
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, &body["OrderList"]["APIError"]["Error"][0]["errorCode"]), (200, &json!(code)), "{path}");
    }
    assert_eq!(get(&server, &format!("{RMA}/user_ids/exampleuser")).0, 404);
}

#[test]
fn cases_are_sparse_in_lists_and_long_in_detail() {
    let server = Server::default();
    let answer = found(&server, &format!("{CASE}/case_ids/600000001,600000002,699"));
    assert_eq!(answer["count"], 2);
    assert_eq!(each(&answer, "/cases", "/case_id"), ["600000002", "600000001"]);
    assert_eq!(each(&answer, "/cases", "/technology_name"), ["-", "LAN Switching"]);
    assert_eq!(
        (&answer["cases"][1]["bugs"], &answer["cases"][1]["rmas"]),
        (&json!(["CSCwa00001"]), &json!(["800000001"]))
    );
    assert_eq!(found(&server, &format!("{CASE}/case_ids/600000000")), json!({"cases": [], "count": 0}));
    let detail = found(&server, &format!("{CASE}/details/case_id/600000004"));
    assert_eq!(detail["caseDetail"]["notes"].as_array().map(Vec::len), Some(75));
    assert!(detail.to_string().len() > 300_000);
    assert_eq!((detail["caseDetail"].get("status_flag"), detail["caseDetail"].get("item_entry_id")), (None, None));
    let open = found(&server, &format!("{CASE}/details/case_id/600000002"));
    assert_eq!(open["caseDetail"].get("close_date"), None);
    let odd = found(&server, &format!("{CASE}/details/case_id/600000005"));
    assert_eq!(odd["caseDetail"]["case_id"], 600_000_005);
    assert_eq!(refusal(&server, &format!("{CASE}/details/case_id/600000000")), (403, "CASE_NOTFOUND".to_owned()));
}

#[test]
fn cases_of_a_contract_come_in_pages_of_a_hundred_and_nothing_has_one_page() {
    let server = Server::default();
    let of = |query: &str| {
        let answer = found(&server, &format!("{CASE}/contracts/contract_ids/200000002?{query}"));
        answer["pagination_response_record"].clone()
    };
    assert_eq!((&of("")["last_index"], &of("page_index=2")["page_records"]), (&json!(2), &json!(20)));
    assert_eq!(of("status_flag=O")["total_records"], 40);
    assert_eq!(of("date_created_from=2026-11-19T00:00:00Z")["total_records"], 19);
    assert_eq!(of("date_created_from=2026-11-19T00:00:00Z&date_created_to=2026-11-20T23:59:59Z")["total_records"], 4);
    let none = found(&server, &format!("{CASE}/users/user_ids/nobody"));
    let envelope = &none["pagination_response_record"];
    assert_eq!(
        (&envelope["last_index"], &envelope["total_records"], &none["cases"]),
        (&json!(1), &json!(0), &json!([]))
    );
    let user = found(&server, &format!("{CASE}/users/user_ids/exampleuser,manyuser"));
    assert_eq!(user["pagination_response_record"]["total_records"], 125);
    let list = |count: usize| ["1"].repeat(count).join(",");
    for (path, code) in [
        (format!("case_ids/{}", list(31)), "EXCEEDED_CASEIDS"),
        ("case_ids/1?sort_by=CREATED_DATE".to_owned(), "INVALID_SORT_OPTION"),
        (format!("contracts/contract_ids/{}", list(2)), "EXCEEDED_INPUTS"),
        (format!("contracts/contract_ids/{}", list(11)), "EXCEEDED_CONTRACTIDS"),
        (format!("users/user_ids/{}", list(11)), "EXCEEDED_USERIDS"),
        ("users/user_ids/a?status_flag=X".to_owned(), "INVALID_STATUSFLAG"),
        ("users/user_ids/a?date_created_from=2026-01-01".to_owned(), "INVALID_DATEFORMAT"),
        ("users/user_ids/a?date_created_from=2026-01-01T00:00:00Z".to_owned(), "INVALID_DATERANGE"),
        ("users/user_ids/".to_owned(), "MISSING_INPUTS"),
    ] {
        assert_eq!(refusal(&server, &format!("{CASE}/{path}")), (403, code.to_owned()), "{path}");
    }
}

#[test]
fn a_case_leads_to_a_bug_and_a_return_and_both_lead_back() {
    let server = Server::default();
    let case = found(&server, &format!("{CASE}/details/case_id/600000001"));
    let (bug, rma) = (case["caseDetail"]["bugs"][0].as_str(), case["caseDetail"]["rmas"][0].as_str());
    let bugs = found(&server, &format!("{BUGS}/bug_ids/{}", bug.expect("a bug")));
    assert_eq!(bugs["bugs"][0]["severity"], "1");
    let advisories = found(&server, &format!("{PSIRT}/bugid/{}", bug.expect("a bug")));
    assert_eq!(each(&advisories, "/advisories", "/advisoryId"), ["cisco-sa-iosxe-fwd-AbCdEfGh"]);
    let rma = found(&server, &format!("{RMA}/rma_numbers/{}", rma.expect("a return")));
    assert_eq!(rma["returns"]["RmaRecord"][0]["caseId"], "600000001");
    let serial = case["caseDetail"]["serial_number"].as_str().expect("a serial number");
    let device = found(&server, &format!("{PRODUCT}/serial_numbers/{serial}"));
    assert_eq!(device["product_list"][0]["base_pid"], "C9300-48P");
}

#[test]
fn advisories_come_in_pages_with_relative_links_and_without_pages_all_at_once() {
    let server = Server::default();
    let of = |query: &str| found(&server, &format!("{PSIRT}/year/2022{query}"));
    let paging = |next: &str, prev: &str| json!({"count": 79, "next": next, "prev": prev});
    let first = of("?pageIndex=1&pageSize=10&summaryDetails=true");
    let (next, prev) = ("/year/2022?summaryDetails=true&pageIndex=2&pageSize=10", "/year/2022?pageIndex=7&pageSize=10");
    assert_eq!(first["paging"], paging(next, "NA"));
    assert_eq!(of("?pageIndex=8&pageSize=10")["paging"], paging("NA", prev));
    assert_eq!(of("?pageIndex=8&pageSize=10")["advisories"].as_array().map(Vec::len), Some(9));
    assert_eq!(of("")["paging"], paging("NA", "NA"));
    assert_eq!(first["advisories"][0]["summary"], "<p>Example.</p>\n<ul><li>A &amp; B</li></ul>");
    assert_eq!(of("")["advisories"][0]["summary"], "NA");
    assert_eq!(of("?summaryDetails=false")["advisories"][0].get("summary"), None);
    assert_eq!(of("?productNames=true")["advisories"][0]["productNames"], json!(["Cisco Example Software"]));
    let latest = found(&server, &format!("{PSIRT}/latest/2"));
    assert_eq!(each(&latest, "/advisories", "/firstPublished"), ["2026-11-18T16:00:00", "2026-10-16T16:00:00"]);
    let odd = found(&server, &format!("{PSIRT}/cve/CVE-2019-00001"));
    assert_eq!((&odd["advisories"][0]["bugIDs"], &odd["advisories"][0]["cvssBaseScore"]), (&json!("NA"), &json!("NA")));
    let old = found(&server, &format!("{PSIRT}/advisory/Cisco-SA-19950601-CVE-1995-0001"));
    assert_eq!(old["advisories"].as_array().map(Vec::len), Some(1));
    let partial = found(&server, &format!("{PSIRT}/bugid/CSCwb0000"));
    assert_eq!(partial["paging"]["count"], 3);
    let product = found(&server, &format!("{PSIRT}/product?product=cisco-ios-xe*"));
    assert_eq!(product["paging"]["count"], 3);
}

#[test]
fn advisories_by_version_name_the_first_fix_and_a_move_fixes_some_leaves_some_and_brings_some() {
    let server = Server::default();
    let of = |path: &str| found(&server, &format!("{PSIRT}/OSType/{path}"));
    let ids = |answer: &Value| each(answer, "/advisories", "/advisoryId").join(" ");
    let (before, after) = (of("iosxe?version=17.9.4a"), of("iosxe?version=17.12.4"));
    assert_eq!(ids(&before), "cisco-sa-iosxe-poe-BcDeFgHi cisco-sa-iosxe-fwd-AbCdEfGh");
    assert_eq!(ids(&after), "cisco-sa-iosxe-poe-BcDeFgHi cisco-sa-iosxe-chan-CdEfGhIj");
    assert_eq!(
        (&before["advisories"][1]["firstFixed"], &before["advisories"][1]["iosRelease"]),
        (&json!(["17.9.5"]), &json!(["17.9.4a"]))
    );
    let nexus = of("nxos?version=9.3(7)&platformAlias=NEXUS9000");
    assert_eq!(ids(&nexus), "cisco-sa-nxos-lldp-DeFgHiJk cisco-sa-nxos-vxlan-EfGhIjKl");
    assert_eq!(nexus["advisories"][0]["platforms"][0]["firstFixes"][0]["name"], "9.3(8)");
    assert_eq!(nexus["advisories"][1]["platforms"][0]["firstFixes"], json!([]));
    let data = found(&server, &format!("{PSIRT}/OS_version/OS_data?OSType=nxos"));
    assert_eq!(
        data[0],
        json!({"nos_type": "NXOS", "nos_version": "7.0(3)F1(1)", "platform_name": "Cisco Nexus 9000 Series Switches"})
    );
    let platforms = found(&server, &format!("{PSIRT}/platforms?OSType=nxos"));
    assert_eq!(each(&platforms, "", "/platformAlias"), ["MDS9000", "NEXUS7000", "NEXUS9000"]);
}

#[test]
fn the_refusals_of_openvuln_have_their_own_statuses() {
    let server = Server::default();
    for (path, status, code) in [
        ("advisory/cisco-sa-none", 404, "ADVISORYID_NOT_FOUND"),
        ("cve/CVE-2001-0001", 404, "NO_DATA_FOUND"),
        ("bugid/CSCxx99999", 404, "NO_DATA_FOUND"),
        ("year/2000", 404, "NO_DATA_FOUND"),
        ("year/2022?pageIndex=99", 404, "NO_DATA_FOUND"),
        ("year/1994", 406, "INVALID_YEAR"),
        ("year/2027", 406, "INVALID_YEAR"),
        ("latest/101", 406, "INVALID_ADV_COUNT"),
        ("severity/grave", 406, "INVALID_SEVERITY"),
        ("severity/High", 406, "INVALID_SEVERITY"),
        ("all?pageIndex=0", 406, "INVALID_PAGEINDEX"),
        ("all?pageSize=101", 406, "MIN_PAGESIZE , MAX_PAGESIZE"),
        ("all/firstpublished?startDate=2022-01-01", 406, "START_DATE_AND_END_DATE_MANDATORY"),
        ("all/lastpublished?startDate=2022-01-01&endDate=1", 406, "INVALID_DATE_FORMAT"),
        ("severity/high/firstpublished?startDate=2022-01-02&endDate=2022-01-01", 406, "START_DATE_GREATER"),
        ("product?product=%24", 406, "INVALID_PRODUCT_NAME_FORMAT"),
        ("product?product=toaster", 404, "PRODUCT_NOT_FOUND"),
        ("OSType/", 404, "OS_TYPE_NOT_FOUND"),
        ("OSType/dos?version=1", 406, "INVALID_OS_TYPE"),
        ("OSType/iosxe", 404, "VERSION_ID_IS_MANDATORY"),
        ("OSType/iosxe?version=1.2.3", 200, "INVALID_IOS_VERSION"),
        ("OSType/iosxe?version=17.15.2", 200, "NO_IOS_AFFECTING_ADVISORIES_FOUND"),
        ("OSType/nxos?version=9.3(7)&platformAlias=TOASTER", 404, "NO_DATA_FOUND"),
        ("platforms?OSType=iosxe", 406, "INVALID_OS_TYPE"),
        ("OS_version/OS_data", 404, "OS_TYPE_NOT_FOUND"),
        ("cvrf/all", 410, "URI_NOT_AVAILABLE"),
    ] {
        assert_eq!(refusal(&server, &format!("{PSIRT}/{path}")), (status, code.to_owned()), "{path}");
    }
}

#[test]
fn images_are_found_and_given_only_after_what_a_person_must_agree_to() {
    let server = Server::default();
    let post = |path: &str, body: &Value| {
        let request = Request::post(format!("/software/v4.0/{path}")).header("authorization", "Bearer good");
        let (status, answer, _) = send(&server, request.body(body.to_string().into_bytes()).expect("a request"));
        (status, serde_json::from_str::<Value>(&answer).unwrap_or_default())
    };
    let ask = |pid: &str, output: &str| {
        post(
            "metadata/pidrelease",
            &json!({"pid": pid, "currentReleaseVersion": "9.3(7)", "outputReleaseVersion": output}),
        )
    };
    let (status, above) = ask("N9K-C93180YC-EX", "Above");
    assert_eq!((status, above["pagination"]["totalRecords"].as_u64()), (200, Some(2)));
    let releases = "/metadata/0/products/0/softwareTypes/0/operatingSystems/0/releases";
    assert_eq!(each(&above, releases, "/version"), ["10.2(5)", "9.3(10)"]);
    let give = |pid: &str, of: &Value| {
        let guid = of.pointer(&format!("{releases}/0/images/0/imageGuid"));
        let mdf = of.pointer("/metadata/0/products/0/mdfId");
        post(
            "download/pidimage",
            &json!({"pid": pid, "mdfId": mdf, "metadataTransId": of["metadataTransId"], "imageGuids": [guid]}),
        )
    };
    let (_, given) = give("N9K-C93180YC-EX", &above);
    assert_eq!((&given["acceptanceForm"], &given["downloads"][0]["exception"]), (&Value::Null, &Value::Null));
    assert_eq!(given["downloads"][0]["url"], "https://dl.cisco.com/swc/nxos64-cs.10.2.5.M.bin?SESSION1");
    let (_, latest) = ask("C9300-48P", "latest");
    let (_, held) = give("C9300-48P", &latest);
    assert_eq!(held["downloads"][0]["exception"]["exceptionCode"], "K9_FORM_AR");
    assert_eq!((&held["downloads"][0]["url"], held["acceptanceForm"].is_object()), (&json!(""), true));
    let refused = |(status, answer): (u16, Value)| {
        (status, answer["exception"]["exceptionCode"].as_str().unwrap_or("-").to_owned())
    };
    for (outcome, status, code) in [
        (ask("NOSUCH", "latest"), 400, "PID_INVALID"),
        (ask("WIC-1T=", "latest"), 401, "SW_NO_LONGER_AVL"),
        (ask("C9300-48P", "1.2.3"), 404, "NO_DATA_FOUND"),
        (
            post(
                "metadata/pidrelease",
                &json!({"pid": "C9300-48P", "currentReleaseVersion": "1", "OutputReleaseVersion": "latest"}),
            ),
            400,
            "OUT_REL_MISSING",
        ),
        (post("metadata/images", &json!({"imageNames": ["a", "b", "c", "d", "e", "f"]})), 400, "IMAGE_LIMIT_EXCEEDED"),
        (post("metadata/images", &json!({"imageNames": ["a"]})), 404, "NO_DATA_FOUND"),
        (
            post("download/pidimage", &json!({"pid": "C9300-48P", "mdfId": "286315874", "metadataTransId": "x"})),
            400,
            "INVALID_MTRANSID",
        ),
    ] {
        assert_eq!(refused(outcome), (status, code.to_owned()));
    }
    let (_, some) = post("metadata/images", &json!({"imageNames": ["cat9k_iosxe.17.12.4.SPA.bin", "a"]}));
    assert_eq!(some["invalidImages"], json!(["a"]));
    assert_eq!(get(&server, "/software/v4.0/metadata/images").0, 404);
}

#[test]
fn trouble_reaches_every_api() {
    let server = Server::default();
    for path in [
        format!("{RMA}/rma_numbers/899999421"),
        format!("{RMA}/users/user_ids/fake%3A421"),
        format!("{CASE}/details/case_id/699999421"),
        format!("{CASE}/contracts/contract_ids/299999421"),
        format!("{PSIRT}/advisory/cisco-sa-fake-00000421"),
        format!("{PSIRT}/cve/CVE-1999-99421"),
        format!("{PSIRT}/OSType/iosxe?version=0.0.421"),
    ] {
        assert_eq!(get(&server, &path).0, 403, "{path}");
        assert_eq!(get(&server, &path.replace("421", "100")).0, 200, "{path} without trouble");
    }
    for (path, code) in [
        (format!("{RMA}/rma_numbers/899999200"), "API_RMA_FORMAT_ERROR"),
        (format!("{CASE}/case_ids/699999200"), "MISSING_INPUTS"),
        (format!("{PSIRT}/cve/CVE-1999-99200"), "INVALID_IOS_VERSION"),
    ] {
        assert_eq!(refusal(&server, &path), (200, code.to_owned()));
    }
}

#[test]
fn a_success_can_be_other_than_promised_in_every_api() {
    let server = Server::default();
    let of =
        |number: u16| found(&server, &format!("{EOX}/EOXByProductID/1/WIC-1T%3D,FAKE-{number}?responseencoding=json"));
    let swapped = of(210);
    assert_eq!(swapped["PaginationResponseRecord"]["TotalRecords"], "2");
    assert_eq!(found(&server, &format!("{PRODUCT}/product_ids/FAKE-210"))["product_list"][0]["id"], 1);
    let more = of(211);
    assert_eq!((&more["colour"], &more["EOXRecord"][0]["EOLProductID"]), (&json!(["new"]), &Value::Null));
    let (whole, half) = (of(100), of(212));
    let fields = |answer: &Value| answer["EOXRecord"][0].as_object().map_or(0, serde_json::Map::len);
    assert_eq!(fields(&half), fields(&whole).div_ceil(2));
    assert!(each(&of(213), "/EOXRecord", "/ProductIDDescription")[1].ends_with(hostile::TEXT));
}
