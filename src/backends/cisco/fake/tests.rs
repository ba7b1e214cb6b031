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
    assert_eq!(refusal(&server, &format!("{EOX}/EOXByProductID/1/FAKE-200")), (200, "API_INVALID_INPUT".to_owned()));
    assert_eq!(found(&server, &bug(100))["bugs"][0]["bug_id"], "CSCzz00100", "a number without trouble is only known");
}
