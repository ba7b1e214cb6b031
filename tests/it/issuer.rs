//! An authorization server and the resource it guards, as strict about its clients as a company's: each uses the method
//! it registered with, and what it may do can be changed while a test runs. It shares nothing with the client under test.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::scripted;

/// What the server offers.
#[derive(Clone)]
pub struct Rules {
    pub registration: bool,
    /// Whether a registration can be read and ended (RFC 7592).
    pub management: bool,
    /// The status of an answer to `DELETE`.
    pub delete: u16,
    pub documents: bool,
    pub par: bool,
    pub requires_par: bool,
    pub auth_methods: Vec<&'static str>,
    /// When the secrets of new registrations end.
    pub secrets_end: i64,
    /// No client is good enough.
    pub refuses_clients: bool,
    /// So many times no client is good enough, in the words of Okta's server.
    pub refuses_next: u32,
    /// An error for every pushed request.
    pub refuses_pushed: Option<&'static str>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            registration: true,
            management: true,
            delete: 204,
            documents: false,
            par: false,
            requires_par: false,
            auth_methods: vec!["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
            secrets_end: 0,
            refuses_clients: false,
            refuses_next: 0,
            refuses_pushed: None,
        }
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub form: BTreeMap<String, String>,
    pub body: String,
}

struct Client {
    /// Secret, or public key of P-256.
    evidence: Vec<u8>,
    method: String,
    management: String,
}

#[derive(Default)]
struct State {
    clients: BTreeMap<String, Client>,
    pushed: BTreeMap<String, BTreeMap<String, String>>,
    codes: BTreeMap<String, BTreeMap<String, String>>,
    assertions: Vec<String>,
    seen: Vec<Seen>,
    number: u32,
}

#[derive(Clone)]
pub struct Issuer {
    pub url: String,
    rules: Arc<Mutex<Rules>>,
    state: Arc<Mutex<State>>,
}

type Answer = (u16, Vec<(&'static str, String)>, String);

impl Issuer {
    pub fn start(rules: Rules) -> Self {
        let (state, rules) = (Arc::new(Mutex::new(State::default())), Arc::new(Mutex::new(rules)));
        let issuer = Arc::new(Mutex::new(None::<Self>));
        let answering = Arc::clone(&issuer);
        let address = scripted::listen(move |mut stream| {
            let (head, body) = scripted::read_request(&mut stream);
            let issuer = answering.lock().expect("no panic").clone().expect("started");
            let (status, headers, body) = issuer.answer(&head, &String::from_utf8_lossy(&body));
            let mut text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
            for (name, value) in headers {
                text += &format!("{name}: {value}\r\n");
            }
            let _ = stream.write_all(format!("{text}\r\n{body}").as_bytes());
        });
        let started = Self { url: format!("http://{address}"), rules, state };
        *issuer.lock().expect("no panic") = Some(started.clone());
        started
    }

    /// The resource it guards.
    pub fn resource(&self) -> String {
        format!("{}/mcp", self.url)
    }

    pub fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("no panic")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    /// An administrator registers a client.
    pub fn admit(&self, id: &str, method: &str, evidence: &[u8]) {
        let client = Client { evidence: evidence.to_vec(), method: method.to_owned(), management: String::new() };
        self.state().clients.insert(id.to_owned(), client);
    }

    /// All clients are gone.
    pub fn forget_clients(&self) {
        self.state().clients.clear();
    }

    pub fn clients(&self) -> Vec<String> {
        self.state().clients.keys().cloned().collect()
    }

    /// The requests to this path, in order.
    pub fn seen(&self, method: &str, path: &str) -> Vec<Seen> {
        let fits = |seen: &&Seen| seen.method == method && seen.path.starts_with(path);
        self.state().seen.iter().filter(fits).cloned().collect()
    }

    fn answer(&self, head: &str, body: &str) -> Answer {
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let pairs = |text: &str| form_urlencoded::parse(text.as_bytes()).into_owned().collect::<BTreeMap<_, _>>();
        let seen = Seen {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
            form: pairs(if method == "GET" { query } else { body }),
            body: body.to_owned(),
        };
        self.state().seen.push(seen.clone());
        match path {
            "/mcp" if seen.headers.contains_key("authorization") => (200, Vec::new(), scripted::mcp(body.as_bytes())),
            "/mcp" => {
                let document = format!("{}/.well-known/oauth-protected-resource/mcp", self.url);
                let challenge = format!("Bearer resource_metadata=\"{document}\"");
                (401, vec![("WWW-Authenticate", challenge)], String::new())
            }
            "/.well-known/oauth-protected-resource/mcp" => {
                said(200, &json!({"resource": self.resource(), "authorization_servers": [self.url]}))
            }
            "/.well-known/oauth-authorization-server" => said(200, &self.metadata()),
            "/register" => self.register(&seen),
            "/par" => self.push(&seen),
            "/authorize" => self.authorize(&seen),
            "/token" => self.token(&seen),
            "/revoke" => (200, Vec::new(), String::new()),
            _ if path.starts_with("/register/") => self.manage(&seen),
            _ => (404, Vec::new(), String::new()),
        }
    }

    fn metadata(&self) -> Value {
        let rules = self.rules().clone();
        let at = |path: &str| format!("{}{path}", self.url);
        let mut members = json!({
            "issuer": self.url,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "revocation_endpoint": at("/revoke"),
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["a", "offline_access"],
            "token_endpoint_auth_methods_supported": rules.auth_methods,
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": rules.documents,
            "require_pushed_authorization_requests": rules.requires_par,
        });
        if rules.registration {
            members["registration_endpoint"] = json!(at("/register"));
        }
        if rules.par {
            members["pushed_authorization_request_endpoint"] = json!(at("/par"));
        }
        members
    }

    fn fresh(&self, kind: &str) -> String {
        let mut state = self.state();
        state.number += 1;
        format!("{kind}-{}", state.number)
    }

    fn register(&self, seen: &Seen) -> Answer {
        let wanted: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let (id, secret, management) = (self.fresh("client"), self.fresh("secret"), self.fresh("management"));
        let method = wanted["token_endpoint_auth_method"].as_str().expect("a method").to_owned();
        let rules = self.rules().clone();
        assert!(rules.auth_methods.contains(&method.as_str()), "a method that is listed: {method}");
        let mut record = json!({"client_id": id, "redirect_uris": wanted["redirect_uris"],
            "token_endpoint_auth_method": method});
        if method != "none" {
            record["client_secret"] = json!(secret);
            record["client_secret_expires_at"] = json!(rules.secrets_end);
        }
        if rules.management {
            record["registration_client_uri"] = json!(format!("{}/register/{id}", self.url));
            record["registration_access_token"] = json!(management);
        }
        let client = Client { evidence: secret.into_bytes(), method, management };
        self.state().clients.insert(id, client);
        said(201, &record)
    }

    /// Reading the record makes its token anew.
    fn manage(&self, seen: &Seen) -> Answer {
        let id = seen.path.trim_start_matches("/register/").to_owned();
        let fresh = self.fresh("management");
        let delete = self.rules().delete;
        let mut state = self.state();
        let sent = seen.headers.get("authorization").map(String::as_str).unwrap_or_default();
        let Some(client) = state.clients.get_mut(&id).filter(|client| sent == format!("Bearer {}", client.management))
        else {
            return said(401, &json!({"error": "invalid_token"}));
        };
        if seen.method == "DELETE" {
            if delete == 204 {
                state.clients.remove(&id);
            }
            return (delete, Vec::new(), String::new());
        }
        client.management.clone_from(&fresh);
        let uri = format!("{}/register/{id}", self.url);
        said(200, &json!({"client_id": id, "registration_client_uri": uri, "registration_access_token": fresh}))
    }

    fn push(&self, seen: &Seen) -> Answer {
        if let Err(refusal) = self.known(seen) {
            return refusal;
        }
        if let Some(error) = self.rules().refuses_pushed {
            return said(400, &json!({"error": error}));
        }
        let reference = format!("urn:ietf:params:oauth:request_uri:{}", self.fresh("request"));
        self.state().pushed.insert(reference.clone(), seen.form.clone());
        said(201, &json!({"request_uri": reference, "expires_in": 60}))
    }

    fn authorize(&self, seen: &Seen) -> Answer {
        let page = |text: &str| (400, vec![("Content-Type", "text/html".to_owned())], format!("<p>{text}</p>"));
        let request = match seen.form.get("request_uri") {
            // For one use.
            Some(reference) => self.state().pushed.remove(reference),
            None if self.rules().requires_par => None,
            None => Some(seen.form.clone()),
        };
        let Some(request) = request.filter(|request| request.get("client_id") == seen.form.get("client_id")) else {
            return page("unknown request");
        };
        let text = |name: &str| request.get(name).cloned().unwrap_or_default();
        let is_document = self.rules().documents && text("client_id").starts_with("http");
        if !is_document && !self.state().clients.contains_key(&text("client_id")) {
            return page("unknown client");
        }
        assert_eq!((text("response_type").as_str(), text("code_challenge_method").as_str()), ("code", "S256"));
        let code = self.fresh("code");
        let mut to = url::Url::parse(&text("redirect_uri")).expect("a redirect");
        to.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &text("state"))
            .append_pair("iss", &self.url);
        self.state().codes.insert(code, request);
        (302, vec![("Location", to.to_string())], String::new())
    }

    fn token(&self, seen: &Seen) -> Answer {
        let id = match self.known(seen) {
            Ok(id) => id,
            Err(refusal) => return refusal,
        };
        let text = |name: &str| seen.form.get(name).cloned().unwrap_or_default();
        let refused = || said(400, &json!({"error": "invalid_grant"}));
        let mut body = json!({"access_token": self.fresh("token"), "token_type": "Bearer", "expires_in": 3600});
        match text("grant_type").as_str() {
            "client_credentials" => return said(200, &body),
            "refresh_token" if text("refresh_token").starts_with("refresh-") => {}
            "authorization_code" => {
                let Some(request) = self.state().codes.remove(&text("code")) else { return refused() };
                let digest = ring::digest::digest(&ring::digest::SHA256, text("code_verifier").as_bytes());
                let same = |name: &str| request.get(name) == seen.form.get(name);
                if request.get("code_challenge") != Some(&URL_SAFE_NO_PAD.encode(digest))
                    || request.get("client_id") != Some(&id)
                    || !same("redirect_uri")
                {
                    return refused();
                }
            }
            _ => return refused(),
        }
        body["refresh_token"] = json!(self.fresh("refresh"));
        said(200, &body)
    }

    /// Who asks, if it proves it by the method it registered with and by no other.
    fn known(&self, seen: &Seen) -> Result<String, Answer> {
        let refusal = || said(401, &json!({"error": "invalid_client"}));
        let rules = self.rules().clone();
        if rules.refuses_next > 0 {
            self.rules().refuses_next -= 1;
            let summary = "Invalid value for 'client_id' parameter.";
            return Err(said(401, &json!({"errorCode": "invalid_client", "errorSummary": summary, "errorCauses": []})));
        }
        let form = |name: &str| seen.form.get(name).cloned();
        let (id, method, evidence) =
            match (seen.headers.get("authorization"), form("client_secret"), form("client_assertion")) {
                (Some(header), None, None) => {
                    let pair = STANDARD.decode(header.strip_prefix("Basic ").expect("Basic")).expect("base64");
                    let pair = String::from_utf8(pair).expect("text");
                    let (id, secret) = pair.split_once(':').expect("a pair");
                    (id.to_owned(), "client_secret_basic", secret.to_owned())
                }
                (None, Some(secret), None) => (form("client_id").expect("an id"), "client_secret_post", secret),
                (None, None, Some(assertion)) => (form("client_id").expect("an id"), "private_key_jwt", assertion),
                (None, None, None) => (form("client_id").expect("an id"), "none", String::new()),
                _ => panic!("two ways at once: {seen:?}"),
            };
        if rules.documents && id.starts_with("http") && method == "none" {
            return Ok(id);
        }
        let mut state = self.state();
        let Some(client) = state.clients.get(&id).filter(|client| client.method == method) else {
            return Err(refusal());
        };
        let proven = match method {
            "none" => true,
            "private_key_jwt" => {
                let good = signed(&evidence, &client.evidence, &id, &self.url);
                let is_new = !state.assertions.contains(&evidence);
                state.assertions.push(evidence);
                good && is_new
            }
            _ => client.evidence == evidence.as_bytes(),
        };
        if proven && !rules.refuses_clients { Ok(id) } else { Err(refusal()) }
    }
}

fn signed(assertion: &str, key: &[u8], id: &str, audience: &str) -> bool {
    let (message, signature) = assertion.rsplit_once('.').expect("three parts");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, key);
    let claims = URL_SAFE_NO_PAD.decode(message.split('.').nth(1).expect("claims")).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(end, start)| end - start);
    key.verify(message.as_bytes(), &signature).is_ok()
        && (claims["iss"].as_str(), claims["sub"].as_str(), claims["aud"].as_str())
            == (Some(id), Some(id), Some(audience))
        && lifetime.is_some_and(|lifetime| (1..=300).contains(&lifetime))
}

fn said(status: u16, body: &Value) -> Answer {
    (status, vec![("Content-Type", "application/json".to_owned())], body.to_string())
}
