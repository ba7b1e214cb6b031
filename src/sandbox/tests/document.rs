//! Clients that are documents.

use std::net::TcpListener;
use std::thread;

use super::*;

const ADDRESS: &str = "https://app.example/client.json";

fn described(id: &str) -> Value {
    json!({
        "client_id": id, "client_name": "Documented", "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "none", "application_type": "native",
    })
}

/// A server that gives this answer to one request; its address and what it was asked.
fn server(answer: impl Fn(&str) -> String + Send + 'static) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/client.json", listener.local_addr().unwrap());
    let own = url.clone();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        stream.write_all(answer(&own).as_bytes()).unwrap();
        String::from_utf8(read).unwrap()
    });
    (url, asked)
}

fn json_answer(document: &Value) -> String {
    let body = document.to_string();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_document_on_this_machine_is_fetched_for_each_login() {
    let bench = Bench::new();
    let (url, asked) = server(|own| json_answer(&described(own)));
    let code = bench.code(&url, &[]);
    let request = asked.join().unwrap();
    assert!(request.starts_with("GET /client.json HTTP/1.1\r\n"), "{request}");
    // The token endpoint knows the client from the login; nobody listens there any more.
    let tokens = bench.redeem(&url, &code);
    assert_eq!(bench.call(&tokens.text("access_token")).json()["user"], "alice");
    assert_eq!(bench.refresh(&url, &tokens.text("refresh_token")).status, 200);
    let answer = bench.authorize(&bench.request(&url));
    assert_eq!((answer.status, answer.header("location")), (400, ""), "gone, so unknown");
}

#[test]
fn a_document_can_be_given_to_the_sandbox_beforehand() {
    let bench = Bench::new();
    let answer = bench.authorize(&bench.request(ADDRESS));
    assert_eq!((answer.status, answer.header("location")), (400, ""), "nothing is fetched from elsewhere");
    bench.sandbox.control().serve_document(ADDRESS, described(ADDRESS));
    let tokens = bench.redeem(ADDRESS, &bench.code(ADDRESS, &[]));
    assert_eq!(claims(&tokens.text("access_token")).1["client_id"], ADDRESS);
    let order = json!({ "documents": { "https://b.example/c": described("https://b.example/c") } }).to_string();
    assert_eq!(bench.send("POST", "/control", &["Content-Type: application/json"], &order).status, 200);
    assert!(!bench.code("https://b.example/c", &[]).is_empty());
}

#[test]
fn a_document_that_is_about_another_or_holds_a_secret_is_no_client() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    for changes in [
        json!({ "client_id": "https://app.example/other.json" }),
        json!({ "client_id": null }),
        json!({ "client_secret": "x" }),
        json!({ "token_endpoint_auth_method": "client_secret_basic" }),
        json!({ "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "redirect_uris": [] }),
        json!({ "redirect_uris": ["http://app.example/"] }),
        json!({ "grant_types": ["implicit"] }),
    ] {
        control.serve_document(ADDRESS, with(described(ADDRESS), &changes));
        let answer = bench.authorize(&bench.request(ADDRESS));
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{changes}");
    }
    control.serve_document(ADDRESS, with(described(ADDRESS), &json!({ "token_endpoint_auth_method": null })));
    assert!(!bench.code(ADDRESS, &[]).is_empty(), "without a method it is a public client");
    let elsewhere = bench.authorize(&changed(bench.request(ADDRESS), &[("redirect_uri", "http://127.0.0.1/other")]));
    assert_eq!((elsewhere.status, elsewhere.header("location")), (400, ""));
}

#[test]
fn addresses_that_can_be_read_in_two_ways_and_redirects_lead_nowhere() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    for id in
        ["https://app.example/a/../b", "https://app.example", "https://x@app.example/a", "https://app.example/a?b"]
    {
        control.serve_document(id, described(id));
        assert_eq!(bench.authorize(&bench.request(id)).status, 400, "{id}");
    }
    let (url, asked) = server(|_| "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_owned());
    assert_eq!(bench.authorize(&bench.request(&url)).status, 400);
    asked.join().unwrap();
    let name = url.replace("127.0.0.1", "localhost");
    assert_eq!(bench.authorize(&bench.request(&name)).status, 400, "a name could be anywhere");
}

#[test]
fn a_server_need_not_offer_it() {
    let bench = Bench::new();
    let control = bench.sandbox.control();
    control.serve_document(ADDRESS, described(ADDRESS));
    control.set(Faults { without_client_documents: true, ..Faults::default() });
    let document = bench.get("/.well-known/oauth-authorization-server/as").json();
    assert_eq!(document.get("client_id_metadata_document_supported"), None);
    assert_eq!(bench.authorize(&bench.request(ADDRESS)).status, 400);
}

#[test]
fn a_documented_client_pushes_and_begins_with_devices_without_a_login_before() {
    let bench = Bench::new();
    let grants = json!({ "grant_types": ["authorization_code", client::DEVICE] });
    bench.sandbox.control().serve_document(ADDRESS, with(described(ADDRESS), &grants));
    assert_eq!(bench.post("/as/device_authorization", &[("client_id", ADDRESS)]).status, 200);
    let other = "https://b.example/c";
    bench.sandbox.control().serve_document(other, described(other));
    let request = bench.request(other);
    let form: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(bench.post("/as/par", &form).status, 201);
}
