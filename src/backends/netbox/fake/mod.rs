//! The stand-in for a NetBox.
//!
//! Its types and objects are in `world.txt`: three sites, thirteen devices (the last is seen by administrators only),
//! forty-one interfaces, cables through a patch panel, two VRFs with nested networks, circuits, machines. It takes nothing
//! on trust: every request needs a token, and what its owner may not see is not there.
//!
//! People are `admin`, `jdoe` (everything but users and other people's tokens), `reader` (reads), `nobody` (may do
//! nothing) and `ghost` (switched off); the password of each is `NAME-p&ss%`. Tokens of version 2 are `nbt_`, a key, a dot
//! and [`SECRET`]: `SandboxAdmin`, `SandboxJdoe1`, `SandboxReads` (jdoe's, reads only, until 2031), `SandboxRay01`
//! (reader's), `SandboxNobod`, and the useless ones `SandboxEnded`, `SandboxIsOff`, `SandboxGhost` and `SandboxPlace` (of
//! another network). One of version 1, jdoe's, is the first of [`TOKENS`].
//!
//! `GET /received` shows what arrived, who sent it and what they got. `POST /control` with JSON makes it behave otherwise:
//!
//! | member | what happens |
//! |---|---|
//! | `reset` | all is as at the start: objects, tokens, orders, the record |
//! | `release: "4.0.11"` | it is that release, from 3.7 to 4.6 (`4.6.8`): paths, members, tokens and errors are those of it |
//! | `open` | whoever has no token may read |
//! | `next_scheme: "https"` | addresses in answers begin so |
//! | `proxy: HOW` | a proxy stands in front, takes tokens of the sandbox (all of them are `jdoe`) and turns away others with `401`, `302`, `page` (200) or `403`; the rest is as if there were none |
//! | `remote_user` | whom the header `Remote-User` names is signed in, for reading; a proxy in front sets it |
//! | `maintenance` | writes fail with 500 |
//! | `no_schema` | `/api/schema/` is not there |
//! | `plugins` | a plugin is installed, with one list |
//! | `addresses: N` | N more addresses, in 10.99.0.0/16 |
//! | `set: {TYPE: {ID: {MEMBER: VALUE}}}` | objects are changed as nobody could, for example `users.token` |
//! | `faults: [FAULT]` | `method`, `path` (piece), `times` (1; 0 for ever), `late` (done all the same), `status`, `body`, `wait` (milliseconds) |

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION, ORIGIN, VARY, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Reply, empty, json, whole};
use asked::Asked;
use doors::{NOT_ALLOWED, Who};
use objects::{Said, Work, detail, reply};
use orders::{Fault, Order, Orders};
use schema::Release;
use shown::View;
use world::World;

mod allocation;
mod asked;
mod cables;
mod change;
mod check;
mod doors;
mod filter;
mod listing;
mod network;
mod objects;
mod openapi;
mod orders;
mod root;
mod schema;
mod shown;
mod special;
#[cfg(test)]
mod tests;
mod world;

pub use doors::SECRET;

/// Tokens of `jdoe`, one of each version.
pub const TOKENS: [&str; 2] =
    ["0123456789abcdef0123456789abcdef01234567", "nbt_SandboxJdoe1.0123456789abcdefghijklmnopqrstuvwxyzABCD"];

/// The most requests that the record keeps; a fake may run for days.
const MOST: usize = 2_000;

/// A NetBox.
#[derive(Default)]
pub struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Read at the first request.
    world: Option<World>,
    orders: Orders,
    seen: VecDeque<Value>,
    count: u64,
    /// The `OpenAPI` document of a release.
    schema: Option<(String, String)>,
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => return json(StatusCode::OK, &self.received()),
            (_, "/control") => return self.control(request),
            _ => {}
        }
        let fault = self.state().orders.fault(request.method().as_str(), request.uri().path());
        let release = self.state().orders.release.clone();
        // Waits without the lock: others go on meanwhile.
        let instead = fault.as_ref().and_then(|fault| fault.reply(&release));
        self.state().answered(request, place, fault.as_ref(), instead)
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has arrived.
    pub fn received(&self) -> Value {
        json!({ "received": self.state().seen })
    }

    /// Takes an order; the error says what is wrong with it.
    pub fn order(&self, order: &Value) -> Result<(), String> {
        let order = Order::deserialize(order).map_err(|error| error.to_string())?;
        let mut state = self.state();
        if order.reset {
            *state = State::default();
        }
        state.take(order)
    }

    /// Takes an order. A web page cannot send JSON here without asking first, and its `Origin` gives it away.
    fn control(&self, request: &Received) -> Reply {
        let of_page = request.headers().contains_key(ORIGIN) || request.headers().contains_key("sec-fetch-site");
        let media = request.headers().get(CONTENT_TYPE).is_some_and(|media| media == "application/json");
        if of_page || !media || request.method() != Method::POST {
            let rule = "an order is a POST of application/json, and not from a page";
            return whole(StatusCode::FORBIDDEN, "text/plain", rule);
        }
        let order = serde_json::from_slice(request.body()).map_err(|error| error.to_string());
        match order.and_then(|order| self.order(&order)) {
            Ok(()) => json(StatusCode::OK, &self.received()),
            Err(error) => whole(StatusCode::BAD_REQUEST, "text/plain", error),
        }
    }
}

impl State {
    fn take(&mut self, mut order: Order) -> Result<(), String> {
        let world = self.world.get_or_insert_default();
        for (name, objects) in std::mem::take(&mut order.set) {
            for (id, members) in objects.as_object().into_iter().flatten() {
                let row = id.parse().ok().and_then(|id| world.row_mut(&name, id));
                let row = row.ok_or_else(|| format!("there is no {name} {id}"))?;
                row.extend(members.as_object().cloned().unwrap_or_default());
            }
        }
        if let Some(kind) = schema::named("ipam.ipaddress") {
            for number in 0..order.addresses.min(60_000) {
                let mut row = world::empty(kind);
                row.insert("address".to_owned(), format!("10.99.{}.{}/16", number / 250, number % 250 + 1).into());
                world.add(kind, row);
            }
        }
        self.orders.take(order);
        Ok(())
    }

    fn answered(
        &mut self,
        request: &Received,
        place: &Place<'_>,
        fault: Option<&Fault>,
        instead: Option<Reply>,
    ) -> Reply {
        self.count = self.count.saturating_add(1);
        let base = match (self.orders.next_scheme.as_str(), place.url.split_once("://")) {
            ("", _) | (_, None) => place.url.to_owned(),
            (scheme, Some((_, rest))) => format!("{scheme}://{rest}"),
        };
        let Some(asked) = Asked::of(request, place, base, self.count) else {
            return whole(StatusCode::NOT_FOUND, "text/html", "<html><body><h1>Page Not Found</h1></body></html>");
        };
        let mut user = None;
        let reply = match instead {
            Some(reply) if !fault.is_some_and(|fault| fault.late) => reply,
            instead => {
                let right = self.right(&asked, &mut user);
                instead.unwrap_or(right)
            }
        };
        self.seen.push_back(asked.noted(user.as_deref(), reply.status().as_u16()));
        if self.seen.len() > MOST {
            self.seen.pop_front();
        }
        reply
    }

    /// The answer when nothing goes wrong.
    fn right(&mut self, asked: &Asked<'_>, user: &mut Option<String>) -> Reply {
        let release = schema::release(&self.orders.release);
        let path = asked.request.uri().path();
        let who = match self.admitted(asked, release) {
            Ok(who) => who,
            Err(reply) => return *reply,
        };
        if !path.ends_with('/') {
            return slashless(asked);
        }
        *user = who.as_ref().ok().map(|who| who.name.clone());
        let mut etag = None;
        let said = self.said(asked, who, release, &mut etag);
        let mut reply = match said {
            Ok(said) => reply(said),
            Err(reply) => *reply,
        };
        let mut set = |name: HeaderName, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                reply.headers_mut().insert(name, value);
            }
        };
        set(HeaderName::from_static("api-version"), &format!("{}.{}", release.0, release.1));
        set(HeaderName::from_static("x-request-id"), &asked.id);
        set(VARY, "HX-Request, Accept-Language, Cookie, origin");
        set(ALLOW, "GET, PUT, PATCH, POST, DELETE, HEAD, OPTIONS");
        if let Some(etag) = etag {
            set(ETAG, &etag);
        }
        if asked.method() == "HEAD" {
            *reply.body_mut() = crate::backends::fake::Body::Whole(Vec::new());
        }
        reply
    }

    /// Whoever is asking, or what NetBox has against them; the error is an answer of the proxy in front.
    fn admitted(&mut self, asked: &Asked<'_>, release: Release) -> Result<Result<Who, String>, Box<Reply>> {
        let world = self.world.get_or_insert_default();
        if !self.orders.proxy.is_empty() {
            return match asked.place.admit(asked.request, asked.place.url, "") {
                // The header that the proxy sets says who it is.
                Ok(_) => Ok(Ok(Who::of(world, 2, true))),
                Err(denied) => Err(Box::new(turned_away(&self.orders.proxy, &denied.challenges))),
            };
        }
        if let Some(name) = asked.header("remote-user").filter(|name| self.orders.remote_user && !name.is_empty()) {
            return Ok(doors::named(world, name, asked.reads()));
        }
        let header = asked.request.headers().get(http::header::AUTHORIZATION);
        let text = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let who = doors::admit(world, release, text.as_deref());
        Ok(match who {
            Err(why) if why == doors::NO_CREDENTIALS && self.orders.open && asked.reads() => {
                Ok(Who::of(world, 3, false))
            }
            who => who,
        })
    }

    fn said(
        &mut self,
        asked: &Asked<'_>,
        who: Result<Who, String>,
        release: Release,
        etag: &mut Option<String>,
    ) -> Said {
        let world = self.world.get_or_insert_default();
        let parts = asked.parts.as_slice();
        if let (["users", "tokens", "provision"], "POST") = (parts, asked.method()) {
            return provisioned(world, asked, release);
        }
        let who = match who {
            Ok(who) => who,
            Err(why) => return detail(403, &why),
        };
        if self.orders.maintenance && !asked.reads() {
            let body = json!({ "error": "maintenance mode", "exception": "InternalError",
                "netbox_version": self.orders.release, "python_version": "3.12.3" });
            return Ok((500, body));
        }
        let version = self.orders.release.as_str();
        match parts {
            [] => return Ok((200, root::root(&asked.base))),
            ["status"] => return Ok((200, root::status(version, release, self.orders.plugins))),
            ["schema"] if !self.orders.no_schema => {
                return Err(Box::new(schema_of(&mut self.schema, release, version)));
            }
            ["authentication-check"] if release >= (4, 5) => return Ok((200, user(world, asked, release, &who))),
            ["users", "config"] => return Ok((200, json!({}))),
            ["dcim", "connected-device"] => return connected(world, asked, release, &who),
            ["plugins", "installed-plugins"] if !who.is_admin => return detail(403, NOT_ALLOWED),
            ["plugins", "inventory", "assets"] if self.orders.plugins => {
                let asset = json!({ "id": 1, "display": "Asset 1", "name": "Asset 1" });
                return Ok((
                    200,
                    root::paged(asked, vec![asset], &format!("{}/api/plugins/inventory/assets/", asked.base)),
                ));
            }
            [app] => {
                return root::app(&asked.base, app, release)
                    .map_or_else(|| detail(404, "Not found."), |app| Ok((200, app)));
            }
            _ => {}
        }
        let (Some(app), Some(list)) = (parts.first(), parts.get(1)) else { return detail(404, "Not found.") };
        let place = format!("{app}/{list}");
        if root::object_types(release) == Some(&place) {
            return Ok((200, root::types(asked, release, self.orders.plugins)));
        }
        let kind = match (*app, *list) {
            ("extras", "object-changes") if release < (4, 1) => schema::named("core.objectchange"),
            ("core", "object-changes") if release < (4, 1) => None,
            (app, list) => schema::listed(app, list).filter(|kind| kind.since <= release),
        };
        let Some(kind) = kind else { return detail(404, "Not found.") };
        let mut work = Work { asked, world, release, who: &who, etag: None };
        let said = work.answer(kind, parts.get(2..).unwrap_or_default());
        *etag = work.etag;
        said
    }
}

/// A path without its slash is found by whoever reads, somewhere else.
fn slashless(asked: &Asked<'_>) -> Reply {
    if !asked.reads() {
        return whole(StatusCode::NOT_FOUND, "text/html", "<html><body><h1>Page Not Found</h1></body></html>");
    }
    let query = asked.request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    to(StatusCode::MOVED_PERMANENTLY, &format!("{}{}/{query}", asked.base, asked.request.uri().path()))
}

fn to(status: StatusCode, location: &str) -> Reply {
    let mut reply = empty(status);
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

/// The proxy's answer to strangers.
fn turned_away(how: &str, challenges: &[String]) -> Reply {
    let page = "<!DOCTYPE html><html><body><form>Sign in to continue</form></body></html>";
    match how {
        "302" => to(StatusCode::FOUND, "https://sso.example.com/login?next=/api/"),
        "page" => whole(StatusCode::OK, "text/html", page),
        "403" => whole(StatusCode::FORBIDDEN, "text/html", page),
        _ => {
            let mut reply = whole(StatusCode::UNAUTHORIZED, "text/html", page);
            for challenge in challenges.iter().filter_map(|text| HeaderValue::from_str(text).ok()) {
                reply.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            reply
        }
    }
}

fn view<'a>(world: &'a World, asked: &'a Asked<'_>, release: Release, is_admin: bool) -> View<'a> {
    View { world, base: &asked.base, release, is_admin }
}

fn provisioned(world: &mut World, asked: &Asked<'_>, release: Release) -> Said {
    let body = asked.body.clone().unwrap_or_default();
    let (id, secret) = match doors::provision(world, release, &body) {
        Ok(made) => made,
        Err(said) => return Ok(said),
    };
    let shown = schema::named("users.token").map(|kind| view(world, asked, release, true).full(kind, id));
    Ok((201, doors::shown_once(shown.unwrap_or_default(), release, &secret)))
}

/// The user object of whoever asks.
fn user(world: &World, asked: &Asked<'_>, release: Release, who: &Who) -> Value {
    schema::named("users.user").map(|kind| view(world, asked, release, true).full(kind, who.user)).into()
}

fn connected(world: &World, asked: &Asked<'_>, release: Release, who: &Who) -> Said {
    let (Some(device), Some(interface)) = (asked.query("peer_device"), asked.query("peer_interface")) else {
        return detail(400, "Request must include \"peer_device\" and \"peer_interface\" filters.");
    };
    let view = view(world, asked, release, who.is_admin);
    match cables::connected_device(&view, device, interface) {
        Some(device) => Ok((200, device.into())),
        None => detail(404, "Not found."),
    }
}

/// The schema of a release, made once.
fn schema_of(kept: &mut Option<(String, String)>, release: Release, version: &str) -> Reply {
    let text = match kept.take().filter(|(of, _)| of == version) {
        Some((_, text)) => text,
        None => openapi::document(release, version).to_string(),
    };
    *kept = Some((version.to_owned(), text.clone()));
    whole(StatusCode::OK, "application/vnd.oai.openapi+json; charset=utf-8", text)
}
