//! A Portal of a few lines, as far as signing in goes. It shares no code with the program or with the sandbox's stand-in,
//! and notes everything that it receives.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;
use url::form_urlencoded::parse;

use crate::world::World;

/// What is right at this Portal, and nowhere else to be found.
pub const PASSWORD: &str = "p&ss w0rd-canary";
pub const SHARED: &str = "sh+ared-canary";
pub const COOKIE: &str = "c00kie-canary";
pub const TICKET: &str = "dGlja2V0LWNhbmFyeQ==";
pub const CODE: &str = "AB12-cd-canary";

/// How this Portal behaves.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// It signs people in elsewhere.
    pub sso: bool,
    /// How the page brings the code back.
    pub back: &'static str,
    /// Whose account it is.
    pub account: &'static str,
    /// It wants something after the password.
    pub second_step: bool,
    /// It takes tokens.
    pub takes_tokens: bool,
}

impl Manners {
    pub const USUAL: Self =
        Self { sso: false, back: "?activationCode=", account: "alice", second_step: false, takes_tokens: false };
    pub const SSO: Self = Self { sso: true, ..Self::USUAL };
}

pub struct Portal {
    pub url: String,
    manners: Arc<Mutex<Manners>>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Portal {
    pub fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (manners, received) = (Arc::new(Mutex::new(manners)), Arc::new(Mutex::new(Vec::new())));
        let (shared, notes) = (Arc::clone(&manners), Arc::clone(&received));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manners = *shared.lock().expect("no panic");
                serve(stream, manners, &notes);
            }
        });
        Self { url, manners, received }
    }

    /// From now on.
    pub fn behaves(&self, manners: Manners) {
        *self.manners.lock().expect("no panic") = manners;
    }

    /// The first lines of what was received, without the version.
    pub fn lines(&self) -> Vec<String> {
        let line =
            |request: &String| request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
        self.received.lock().expect("no panic").iter().map(line).collect()
    }

    pub fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|received| received.starts_with(line)).count()
    }

    /// Every device that was attached, by the id that the client calls its own.
    pub fn devices(&self) -> Vec<String> {
        let all = self.received.lock().expect("no panic");
        let id = |request: &String| {
            Some(request.split_once("<att id=\"deviceMac\"><val>")?.1.split_once("</val>")?.0.to_owned())
        };
        all.iter().filter_map(id).collect()
    }
}

fn serve(mut stream: TcpStream, manners: Manners, notes: &Mutex<Vec<String>>) {
    let Some(request) = whole(&mut stream) else { return };
    notes.lock().expect("no panic").push(request.clone());
    let _ = stream.write_all(answer(&request, manners).as_bytes());
}

fn whole(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok();
            if body.len() >= head.lines().find_map(length).unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut chunk) {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn opened() -> String {
    reply("200 OK", &format!("Set-Cookie: JSESSIONID={COOKIE}; Path=/; HttpOnly\r\n"), "<val>Login succeed</val>")
}

fn nobody() -> String {
    reply("302 Found", "Location: /ServicesPortal/login.html\r\nSet-Cookie: JSESSIONID=anonymous\r\n", "")
}

fn answer(request: &str, manners: Manners) -> String {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let line = head.lines().next().unwrap_or_default();
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_open = head.contains(&format!("JSESSIONID={COOKIE}"))
        || (manners.takes_tokens && head.to_ascii_lowercase().contains("\r\nauthorization: bearer "));
    match path.trim_start_matches("/ServicesPortal").trim_start_matches("/admin") {
        "/public/publicInfo" => {
            let info = format!("{{\"name\":\"acme\",\"hasWebSSO\":{},\"version\":\"8.1.1417\"}}", manners.sso);
            reply("200 OK", "Content-Type: application/json\r\n", &info)
        }
        "/activate" => {
            let scheme =
                parse(query.as_bytes()).find(|(name, _)| name == "scheme").map(|(_, value)| value.into_owned());
            let location = format!("{}{}{CODE}", scheme.unwrap_or_default(), manners.back);
            reply("302 Found", &format!("Location: {location}\r\n"), "")
        }
        "/api/login" => login(body, manners),
        "/sso" if parse(body.as_bytes()).any(|(name, value)| name == "ctera_ticket" && value == TICKET) => {
            reply("302 Found", &format!("Location: /ServicesPortal/\r\nSet-Cookie: JSESSIONID={COOKIE}\r\n"), "")
        }
        "/api/currentSession" if is_open => {
            let account = manners.account;
            let session = format!(
                "{{\"$class\":\"PortalSession\",\"username\":\"{account}\",\"domain\":\"example.com\",\"role\":\"EndUser\",\
                 \"userRef\":\"objs/5986/acme/ADUser/{account}\",\"idleTimeout\":15}}"
            );
            reply("200 OK", "Content-Type: application/json\r\n", &session)
        }
        "/api/logout" => reply("200 OK", "", ""),
        users if users.starts_with("/public/users") => attach(body),
        _ => nobody(),
    }
}

fn login(body: &str, manners: Manners) -> String {
    let field =
        |wanted: &str| parse(body.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let (user, password) = (field("j_username").unwrap_or_default(), field("j_password").unwrap_or_default());
    match (user.as_str(), password.as_str()) {
        ("alice", PASSWORD) if manners.second_step => {
            reply("302 Found", "Location: /ServicesPortal/verify.html\r\n", "")
        }
        ("alice", PASSWORD) | ("device\\5986", SHARED) => opened(),
        _ => reply("403 Forbidden", "Set-Cookie: JSESSIONID=anonymous\r\n", ""),
    }
}

fn attach(body: &str) -> String {
    let password = PASSWORD.replace('&', "&amp;");
    if body.contains(&format!("<val>{password}</val>")) || body.contains(&format!("<val>{CODE}</val>")) {
        let device = format!(
            "{{\"$class\":\"AttachDeviceRespond\",\"deviceName\":\"x\",\"deviceUID\":5986,\"sharedSecret\":\"{SHARED}\"}}"
        );
        return reply("200 OK", "Content-Type: application/json\r\n", &device);
    }
    let no =
        "<obj><att id=\"rc\"><val>1</val></att><att id=\"msg\"><val>Invalid username or password</val></att></obj>";
    reply("500 Internal Server Error", "Content-Type: text/xml\r\n", no)
}

/// A connection to this Portal that can be signed in to at the sandbox, too, with these scopes.
pub fn with_a_provider(portal: &Portal, scopes: &str) -> World {
    let world = World::with_sandbox();
    let metadata = json!({"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"});
    let client = world.sandbox().control().register(&metadata).expect("a client");
    let (id, issuer) = (client["client_id"].as_str().expect("an id"), world.sandbox().issuer());
    let entry = format!(
        "[connections.portal]\nbackend = \"ctera\"\nurl = \"{}/ServicesPortal\"\nissuer = \"{issuer}\"\n\
         client_id = \"{id}\"\nscopes = {scopes}\nresource = \"{}\"\n",
        portal.url,
        world.resource()
    );
    world.config(&entry)
}
