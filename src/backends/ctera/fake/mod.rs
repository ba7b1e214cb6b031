//! The stand-in for a Portal.
//!
//! Its people are in `people` (the password of each is `NAME-p&ss%`), its files in `filled`. It takes nothing on trust: a
//! request without a session of its own part of the Portal is turned away with 302 and a fresh cookie that opens nothing.
//!
//! `GET /received` shows what arrived, who sent it and what they got, and counts it: `methods` by call, `counts` of
//! `logins`, `refused_logins`, `attaches`, `activations`, `logouts`, `turned_away`, `polls`, `changes` by action and path.
//! `POST /control` with JSON makes it behave otherwise:
//!
//! | member | what happens |
//! |---|---|
//! | `reset` | all is as at the start: files, sessions, orders, the record |
//! | `expire`, `expire_at: N` | all sessions end now; before the N-th request with a session |
//! | `location`, `unauthorized` | where those without a session are sent: `relative`, `absolute`, `admin`, `entra`, `foreign`, `none`, or a text; 401 instead |
//! | `stray_cookie` | every answer brings an anonymous cookie |
//! | `web_sso`, `bearer` | people log in through their identity provider only; tokens of the sandbox are taken |
//! | `detach` | all devices are detached |
//! | `code_parameter` | the parameter that carries an activation code (`code`) |
//! | `ranges`, `quota`, `read_only` | whether a download can begin anywhere; the bytes of an upload; the whole Portal |
//! | `no_nulls`, `says_ok` | whether nulls are left out; whether `makeCollection` says `Ok` or nothing |
//! | `tasks: [PLAN]`, `usual_task: PLAN` | how the next tasks go; all others: `polls`, `meanwhile`, `end`, `cause`, `conflict_for_ever` (`tasks`) |
//! | `faults: [FAULT]` | `at` (method), `path` (piece), `times` (1; 0 for ever), `late` (done all the same), and one of `status`, `page`, `message`, `word`, `refused`, `text`, `wait`, `slow`, `reset`, `expire` (`orders`) |

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize as _;
use serde_json::Value;

use super::Scope;
use crate::backends::fake::{Fake, Place, Received, Reply, bearer, empty, json, whole};
use asked::Asked;
use book::Book;
use doors::{Doors, Session};
use orders::{Fault, Order, Orders, Wrong};
use people::{HOME, PEOPLE, Person, TENANTS};
use said::{Said, member};
use shares::Shares;
use tasks::Tasks;
use world::World;

mod asked;
mod book;
mod calls;
mod change;
mod doors;
mod filled;
mod listing;
mod login;
mod orders;
mod people;
mod said;
mod shares;
mod tasks;
#[cfg(test)]
mod tests;
mod transfer;
mod world;

/// A Portal.
#[derive(Default)]
pub struct Server {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    world: World,
    doors: Doors,
    tasks: Tasks,
    shares: Shares,
    orders: Orders,
    book: Book,
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => return json(StatusCode::OK, &self.received()),
            (_, "/control") => return self.control(request),
            _ => {}
        }
        let Some(asked) = Asked::of(request, place) else { return empty(StatusCode::NOT_FOUND) };
        let fault = self.state().orders.fault(&asked);
        // Waits without the lock: others go on meanwhile.
        let instead = fault.as_ref().and_then(|fault| fault.what.reply(asked.json));
        self.state().answered(&asked, fault.as_ref(), instead)
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has arrived.
    pub fn received(&self) -> Value {
        let state = self.state();
        let mut value = state.book.value();
        if let Some(members) = value.as_object_mut() {
            members.insert("sessions".to_owned(), state.doors.open_sessions().into());
        }
        value
    }

    /// Takes an order; the error says what is wrong with it.
    pub fn order(&self, order: &Value) -> Result<(), String> {
        let order = Order::deserialize(order).map_err(|error| error.to_string())?;
        let mut state = self.state();
        if order.reset {
            *state = State::default();
        }
        state.take(order);
        Ok(())
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
    fn take(&mut self, mut order: Order) {
        if order.expire {
            self.doors.expire();
        }
        if order.detach {
            self.doors.detach();
        }
        self.tasks.plans.extend(std::mem::take(&mut order.tasks));
        if let Some(plan) = order.usual_task.take() {
            self.tasks.usual = plan;
        }
        self.orders.take(order);
    }

    fn answered(&mut self, asked: &Asked<'_>, fault: Option<&Fault>, instead: Option<Reply>) -> Reply {
        if matches!(fault.map(|fault| &fault.what), Some(Wrong::Expire(true))) {
            self.doors.expire();
        }
        let who = self.who(asked);
        let reply = match (fault, instead) {
            (Some(fault), Some(reply)) if !fault.late => reply,
            (_, Some(reply)) => {
                drop(self.right(asked));
                reply
            }
            (None, None) => self.right(asked),
            (Some(fault), None) => transfer::warped(self.right(asked), &fault.what),
        };
        let user = who.and_then(|who| PEOPLE.get(who)).map(|person| person.name);
        self.book.note(asked, user, reply.status().as_u16());
        self.dressed(asked, reply)
    }

    /// Whose session it is, for the record.
    fn who(&mut self, asked: &Asked<'_>) -> Option<usize> {
        let cookie = asked.cookie()?;
        self.doors.session(cookie, asked.scope).map(|session| session.who)
    }

    fn dressed(&self, asked: &Asked<'_>, mut reply: Reply) -> Reply {
        if self.orders.stray_cookie && !reply.headers().contains_key(http::header::SET_COOKIE) {
            login::set_cookie(&mut reply, asked.scope, &doors::secret(32));
        }
        reply
    }

    /// The answer when nothing goes wrong.
    fn right(&mut self, asked: &Asked<'_>) -> Reply {
        let result = match self.open(asked) {
            Some(result) => result,
            None => match self.admitted(asked) {
                Ok(session) => self.routed(asked, &session),
                Err(reply) => Err(reply),
            },
        };
        match result {
            Ok(said) => {
                let mut reply = said.reply(asked.json, self.orders.no_nulls);
                self.told(asked, &mut reply);
                reply
            }
            Err(reply) => *reply,
        }
    }

    /// The session of a request, or how it is turned away.
    fn admitted(&mut self, asked: &Asked<'_>) -> Result<Session, Box<Reply>> {
        if let Some(session) = self.borne(asked) {
            return Ok(session);
        }
        let cookie = asked.cookie().unwrap_or_default();
        if self.doors.session(cookie, asked.scope).is_some() {
            self.orders.expire_at = self.orders.expire_at.map(|left| left.saturating_sub(1));
            if self.orders.expire_at == Some(0) {
                self.orders.expire_at = None;
                self.doors.expire();
            }
        }
        let session = self.doors.session(cookie, asked.scope).map(|session| session.clone());
        let reads = asked.request.method() == Method::GET && asked.request.uri().path().contains("/api/");
        let holds = |session: &Session| {
            let token = session.token.as_deref().filter(|_| session.is_told && !reads);
            token.is_none_or(|token| asked.header("x-ctera-token") == Some(token))
        };
        session.filter(holds).ok_or_else(|| Box::new(self.expired(asked)))
    }

    /// Who brings a token of the sandbox, while tokens are taken.
    fn borne(&self, asked: &Asked<'_>) -> Option<Session> {
        bearer(asked.request).filter(|_| self.orders.bearer && asked.scope == Scope::User)?;
        let subject = asked.place.admit(asked.request, asked.place.url, "").ok()?;
        let who = Person::named(&subject).filter(|who| PEOPLE.get(*who).is_some_and(|person| person.tenant == HOME));
        Some(Session {
            scope: Scope::User,
            who: who.unwrap_or(0),
            tenant: HOME.to_owned(),
            token: None,
            is_told: false,
        })
    }

    fn routed(&mut self, asked: &Asked<'_>, session: &Session) -> said::Result {
        let method = asked.request.method().as_str();
        let area = asked.request.uri().path().split('/').nth(2).unwrap_or_default();
        match (method, area) {
            ("POST", "api") if asked.is_broken => Err(said::text(400, "Malformed request")),
            ("POST", "api") => self.call(asked, session),
            ("GET", "api") if asked.rest.contains("/bgTasks/") => match session.tenant.is_empty() {
                true => self.task(asked.rest, asked, session),
                false => Err(said::error(404, "Object not found")),
            },
            ("GET", "api") => self.read(asked, session.who, &session.tenant),
            ("PUT", "api") if asked.what == "currentPortal" => self.browse(asked, session),
            ("GET" | "HEAD", "webdav") | ("POST", "upload" | "folders") => self.transferred(asked, session, area),
            (_, "api" | "webdav" | "upload" | "folders") => Err(Box::new(empty(StatusCode::METHOD_NOT_ALLOWED))),
            _ => Err(said::page(404, "Not Found")),
        }
    }

    fn transferred(&mut self, asked: &Asked<'_>, session: &Session, area: &str) -> said::Result {
        let Some(view) = self.view(session) else { return Err(said::page(404, "Not Found")) };
        self.book.count(match area {
            "webdav" => "downloads",
            "folders" => "zips",
            _ => "uploads",
        });
        match area {
            "webdav" => transfer::download(&self.world, &view, asked, self.orders.ranges),
            "folders" => transfer::zip(&self.world, &view, asked),
            _ if self.orders.read_only => Ok(Said::Raw(said::error(200, "The system is in read only mode"))),
            _ => transfer::upload(&mut self.world, &view, asked, self.orders.quota),
        }
    }

    /// `PUT currentPortal`: from now on this session looks at that tenant.
    fn browse(&mut self, asked: &Asked<'_>, session: &Session) -> said::Result {
        let wanted = super::wire::parse(asked.request.body()).unwrap_or_default();
        let wanted = member(&serde_json::json!({ "name": wanted }), "name");
        if session.scope != Scope::Admin || !PEOPLE.get(session.who).is_some_and(Person::is_global) {
            return Err(said::error(403, "Permission denied"));
        }
        if !wanted.is_empty() && !TENANTS.contains(&wanted.as_str()) {
            return Err(said::error(500, "Portal does not exist"));
        }
        let cookie = asked.cookie().unwrap_or_default();
        if let Some(session) = self.doors.session(cookie, asked.scope) {
            session.tenant = wanted;
        }
        Ok(Said::Nothing)
    }
}

/// Sends a browser on, and everybody else.
fn redirect(location: &str) -> Reply {
    let mut reply = empty(StatusCode::FOUND);
    if let Ok(location) = HeaderValue::from_str(location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}
