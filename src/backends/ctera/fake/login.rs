//! What needs no session: logging in in every way, and the pages of a browser.

use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::super::Scope;
use super::asked::Asked;
use super::doors::secret;
use super::people::{HOME, PEOPLE, Person, VERSION};
use super::said::{self, Said, escaped, member};
use super::{State, redirect};
use crate::backends::fake::{Reply, empty};

impl State {
    /// Answers what needs no session; `None` for everything else.
    pub(super) fn open(&mut self, asked: &Asked<'_>) -> Option<said::Result> {
        let posts = asked.request.method() == Method::POST;
        Some(match (asked.what.as_str(), posts) {
            ("login", true) => self.login(asked),
            ("logout", true) => self.logout(asked),
            ("publicInfo", false) => Ok(Said::Value(json!({
                "$class": "PublicInfo", "name": HOME, "hasWebSSO": self.orders.web_sso, "version": VERSION,
            }))),
            ("attachMobileDevice", true) if asked.rest.starts_with("/public/users") => self.attach(asked),
            ("sso", true) => self.sso(asked),
            ("activate", _) => self.activation(asked),
            ("login.html", false) => Ok(Said::Raw(said::page(200, "<h1>Sign in to the CTERA Portal</h1>"))),
            _ => return None,
        })
    }

    fn login(&mut self, asked: &Asked<'_>) -> said::Result {
        let (name, password) = (member(&asked.param, "j_username"), member(&asked.param, "j_password"));
        let who = self.doors.signs_in(asked.scope, &name, &password, self.orders.web_sso);
        let Some(who) = who else {
            self.book.count("refused_logins");
            return Err(said::page(403, "<h1>Forbidden</h1>"));
        };
        self.book.count("logins");
        let cookie = self.doors.open(asked.scope, who, None);
        let mut reply = Said::Value("Login succeed".into()).reply(asked.json, false);
        set_cookie(&mut reply, asked.scope, &cookie);
        Ok(Said::Raw(Box::new(reply)))
    }

    fn logout(&mut self, asked: &Asked<'_>) -> said::Result {
        let cookie = asked.cookie().unwrap_or_default();
        if self.doors.session(cookie, asked.scope).is_none() {
            return Err(Box::new(self.expired(asked)));
        }
        self.book.count("logouts");
        self.doors.close(cookie);
        Ok(Said::Nothing)
    }

    fn sso(&mut self, asked: &Asked<'_>) -> said::Result {
        let who = self.doors.redeem(&member(&asked.param, "ctera_ticket"));
        let own = |who: &usize| PEOPLE.get(*who).is_some_and(|person| person.tenant == HOME);
        let Some(who) = who.filter(own).filter(|_| asked.scope == Scope::User) else {
            self.book.count("refused_logins");
            return Err(said::page(403, "<h1>Forbidden</h1>"));
        };
        self.book.count("logins");
        let cookie = self.doors.open(Scope::User, who, Some(secret(40)));
        let mut reply = empty(said::code(200));
        set_cookie(&mut reply, Scope::User, &cookie);
        Ok(Said::Raw(Box::new(reply)))
    }

    fn attach(&mut self, asked: &Asked<'_>) -> said::Result {
        let param = &asked.param;
        let code = member(param, "ssoActivationCode");
        let named =
            asked.rest.strip_prefix("/public/users/").map(|name| super::super::path::decoded(name).unwrap_or_default());
        let who = match named {
            Some(name) if !self.orders.web_sso => {
                let password = member(param, "password");
                Person::named(&name).filter(|who| PEOPLE.get(*who).is_some_and(|person| person.has(&password)))
            }
            Some(_) => None,
            None => self.doors.activate(&code),
        };
        let Some(who) = who.filter(|who| PEOPLE.get(*who).is_some_and(|person| person.tenant == HOME)) else {
            self.book.count("refused_logins");
            let by_code = code.is_empty();
            return Err(said::error(
                500,
                if by_code { "Invalid username or password" } else { "Invalid activation code" },
            ));
        };
        let (mac, host) = (member(param, "deviceMac"), member(param, "hostname"));
        if mac.is_empty() || host.is_empty() || member(param, "deviceType").is_empty() {
            return Err(said::error(500, "Missing device parameters"));
        }
        self.book.count("attaches");
        let (uid, secret) = self.doors.attach(who, host.clone(), mac);
        Ok(Said::Value(json!({
            "$class": "AttachDeviceRespond", "deviceName": host, "deviceUID": uid, "lastLogin": "2026-11-28T10:00:00",
            "sharedSecret": secret,
        })))
    }

    /// The page behind the browser's login, which sends an activation code to where it was asked to.
    fn activation(&mut self, asked: &Asked<'_>) -> said::Result {
        if asked.scope != Scope::User {
            return Err(said::page(404, "Not Found"));
        }
        let is_post = asked.request.method() == Method::POST;
        let scheme = if is_post { member(&asked.param, "scheme") } else { asked.query("scheme").unwrap_or_default() };
        if !scheme.is_empty() && !may_return_to(&scheme) {
            return Err(said::page(400, "This address is none to come back to"));
        }
        let own = asked.cookie().and_then(|cookie| self.doors.session(cookie, Scope::User)).map(|session| session.who);
        if !is_post {
            return Ok(Said::Raw(said::page(200, &form(&scheme, own))));
        }
        let named = Person::named(&member(&asked.param, "user"));
        let who = own.or(named).filter(|who| PEOPLE.get(*who).is_some_and(|person| person.tenant == HOME));
        let Some(who) = who else { return Err(said::page(403, "There is nobody of that name")) };
        self.book.count("activations");
        let code = self.doors.code(who);
        if scheme.is_empty() || !member(&asked.param, "show").is_empty() {
            return Ok(Said::Raw(said::page(
                200,
                &format!("<h1>Your code</h1><p><code id=\"code\">{code}</code></p>"),
            )));
        }
        let pair =
            form_urlencoded::Serializer::new(String::new()).append_pair(&self.orders.code_parameter, &code).finish();
        let joint = if scheme.contains('?') { '&' } else { '?' };
        Ok(Said::Raw(Box::new(redirect(&format!("{scheme}{joint}{pair}")))))
    }
}

/// A custom scheme, or this machine.
fn may_return_to(scheme: &str) -> bool {
    let Ok(url) = Url::parse(scheme) else { return false };
    match url.scheme() {
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
        "https" | "javascript" | "data" | "file" | "blob" => false,
        _ => true,
    }
}

fn form(scheme: &str, own: Option<usize>) -> String {
    let person = match own.and_then(|who| PEOPLE.get(who)) {
        Some(person) => format!("<p>{} is signed in.</p>", person.full),
        None => "<label>Person <input name=\"user\" id=\"user\" value=\"alice\"></label>".to_owned(),
    };
    format!(
        "<h1>Activate this device</h1><form method=\"post\"><input type=\"hidden\" name=\"scheme\" value=\"{}\">{person}\
         <button id=\"activate\">Activate</button> \
         <button id=\"show\" name=\"show\" value=\"1\">Show the code instead</button></form>",
        escaped(scheme)
    )
}

/// A session's cookie, as the Portal sets it.
pub(super) fn set_cookie(reply: &mut Reply, scope: Scope, value: &str) {
    let cookie = format!("JSESSIONID={value}; Path=/{}; HttpOnly", scope.word());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
}

impl State {
    /// The answer to a request without a session. It brings a new cookie, which is none of a session.
    pub(super) fn expired(&mut self, asked: &Asked<'_>) -> Reply {
        self.book.count("turned_away");
        let url = asked.place.url;
        let location = match self.orders.location.as_str() {
            "relative" => "/ServicesPortal/login.html".to_owned(),
            "absolute" => format!("{url}/ServicesPortal/login.html"),
            "admin" => "/admin/login.html".to_owned(),
            "entra" => "https://login.microsoftonline.com/common/saml2?SAMLRequest=x".to_owned(),
            "foreign" => "https://idp.example.com/sso/saml?SAMLRequest=x".to_owned(),
            other => other.to_owned(),
        };
        let mut reply = redirect(&location);
        if self.orders.unauthorized {
            reply = *said::page(401, "<h1>Authentication required</h1>");
        } else if location == "none" {
            reply.headers_mut().remove(LOCATION);
        }
        set_cookie(&mut reply, asked.scope, &secret(32));
        reply
    }

    /// Simple answers to `GET api/…`.
    pub(super) fn read(&self, asked: &Asked<'_>, who: usize, tenant: &str) -> said::Result {
        let Some(person) = PEOPLE.get(who) else { return Err(said::error(500, "Unknown user")) };
        let rest = asked.rest.trim_start_matches('/');
        let rest = super::super::path::decoded(rest).unwrap_or_default();
        Ok(Said::Value(match rest.as_str() {
            "currentSession" => person.session(),
            "currentPortal" => tenant.into(),
            "version" => VERSION.into(),
            "currentTime" => json!({"LocalTime": "2026-11-28T12:00:00", "GMTTime": "2026-11-28T10:00:00"}),
            "devices" => {
                let own = self.doors.devices.iter().filter(|device| device.who == who && device.is_attached);
                own.map(|device| json!({"uid": device.uid, "name": device.name, "deviceType": "Mobile"})).collect()
            }
            "settings/dnsSuffix" if person.is_global() => "portal.example.com".into(),
            rest if rest == person.reference() => person.object(self.used(who)),
            rest => match rest.strip_prefix("rolesSettings/").filter(|_| person.is_administrator()) {
                Some(key) => super::people::role(key).ok_or_else(|| said::error(500, "Unknown role"))?,
                None => return Err(said::error(404, "Object not found")),
            },
        }))
    }

    fn used(&self, who: usize) -> usize {
        self.world.roots.get(who).map_or(0, |root| {
            self.world
                .children(*root)
                .iter()
                .filter(|id| self.world.item(**id).target.is_none())
                .map(|id| self.world.size(*id))
                .sum()
        })
    }

    /// `currentSession`, which tells a session that came from a ticket its token.
    pub(super) fn told(&mut self, asked: &Asked<'_>, reply: &mut Reply) {
        let session = asked.cookie().and_then(|cookie| self.doors.session(cookie, asked.scope));
        if let Some(session) = session.filter(|_| asked.what == "currentSession") {
            session.is_told = session.token.is_some();
            if let Some(token) = session.token.as_deref().and_then(|token| HeaderValue::from_str(token).ok()) {
                reply.headers_mut().insert("x-ctera-token", token);
            }
        }
    }
}

/// The members of what `get-multi` asks for.
pub(super) fn multi(names: &Value, of: impl Fn(&str) -> Value) -> Value {
    let names = names.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str);
    names
        .map(|name| name.trim_start_matches('/'))
        .map(|name| (name.to_owned(), of(name)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
