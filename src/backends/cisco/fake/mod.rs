//! A stand-in for Cisco's Support APIs and the gateway in front of them, all below one address as they are on
//! `https://apix.cisco.com`.
//!
//! A request without a bearer is refused by the gateway (403, XML), one with a stale bearer by 401; good are the tokens of
//! the sandbox. The world behind the APIs is one: a serial number that one of them knows is a product with an end of life,
//! bugs and advisories in the others (`world`). Its calendar stands still on 2026-11-28 (`calendar`). The header of each
//! API's file says which of its identifiers bring out many records, odd ones or hostile ones.
//!
//! `GET /received` shows what arrived. `POST /control` with `{"disabled": ["rma"]}` takes APIs away from the application, by
//! the names that are there: the gateway refuses them until the next such order. What else can go wrong is asked for with
//! an identifier (`trouble`).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Record, Reply, bearer, empty, json, whole};
use answer::Answer;
use asked::Asked;
use gateway::Gateway;
use trouble::Troubles;

mod answer;
mod asd;
mod asked;
mod bug;
mod calendar;
mod case;
mod eox;
mod gateway;
mod hostile;
mod product;
mod psirt;
mod rma;
mod serial;
mod software;
#[cfg(test)]
mod tests;
mod trouble;
mod world;

/// One of the APIs behind the gateway.
struct Api {
    /// Its name in `/received`.
    name: &'static str,
    /// Where it is below the host.
    prefix: &'static str,
    /// Answers a request.
    answer: fn(&Asked<'_>) -> Answer,
    /// How it refuses in its own words.
    refused: fn(u16, &str, &str) -> Answer,
    /// Its codes for a request that is wrong, for one that is not authorized, and for its own failure.
    invalid: &'static str,
    unauthorized: &'static str,
    down: &'static str,
}

/// An API that refuses as four of them do.
const fn api(name: &'static str, prefix: &'static str, answer: fn(&Asked<'_>) -> Answer) -> Api {
    let refused = answer::refused;
    let (invalid, unauthorized, down) = ("API_INVALID_INPUT", "API_NOTAUTHORIZED", "API_ERROR_01");
    Api { name, prefix, answer, refused, invalid, unauthorized, down }
}

const APIS: [Api; 10] = [
    api("bug", bug::PREFIX, bug::answer),
    api("product", product::PREFIX, product::answer),
    api("serial", serial::PREFIX, serial::answer),
    api("hello", "/hello", hello),
    Api {
        invalid: "MISSING_INPUTS",
        unauthorized: "CASE_API_FORBIDDEN",
        down: "SYSTEM_ERROR",
        ..api("case", case::PREFIX, case::answer)
    },
    Api {
        refused: eox::refused,
        invalid: "SSA_ERR_010",
        unauthorized: "SSA_ERR_036",
        down: "SSA_ERR_013",
        ..api("eox", eox::PREFIX, eox::answer)
    },
    Api {
        refused: software::refused,
        invalid: "S3_INV_INPUT",
        down: "S3_SERVICE_EXCEPTION_OCCURED",
        ..api("software", software::PREFIX, software::answer)
    },
    Api { refused: rma::refused, invalid: "API_RMA_FORMAT_ERROR", ..api("rma", rma::PREFIX, rma::answer) },
    Api { refused: psirt::refused, invalid: "INVALID_IOS_VERSION", ..api("psirt", psirt::PREFIX, psirt::answer) },
    Api {
        refused: asd::refused,
        invalid: "INVALID_INPUT",
        unauthorized: "LOGIN_REQD",
        down: "SER_UNEXPECT_FAIL",
        ..api("asd", asd::PREFIX, asd::answer)
    },
];

/// The API that exists to be called.
fn hello(_: &Asked<'_>) -> Answer {
    Answer::json(200, r#"{"helloResponse":{"response":"Hello World!"}}"#.to_owned())
}

/// Cisco's Support APIs on this machine.
pub struct Server {
    record: Record,
    gateway: Gateway,
    troubles: Troubles,
    disabled: Mutex<Vec<String>>,
    began: Instant,
    arrivals: Mutex<VecDeque<Arrival>>,
    in_flight: [AtomicUsize; APIS.len()],
}

/// What another program may order. Unknown members are refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    disabled: Vec<String>,
}

/// A request to an API, without its bearer.
struct Arrival {
    api: usize,
    method: String,
    path: String,
    query: String,
    bearer: bool,
    /// Milliseconds since the start.
    at: u128,
    /// How many of this API were being answered, itself included.
    in_flight: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            record: Record::default(),
            gateway: Gateway::default(),
            troubles: Troubles::default(),
            disabled: Mutex::default(),
            began: Instant::now(),
            arrivals: Mutex::default(),
            in_flight: Default::default(),
        }
    }
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        let path = request.uri().path();
        if (request.method(), path) == (&Method::GET, "/received") {
            return json(StatusCode::OK, &self.received());
        }
        if path == "/control" {
            return self.control(request);
        }
        self.record.note(request);
        let below = |api: &Api| path.strip_prefix(api.prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let found = APIS.iter().enumerate().find_map(|(number, api)| Some((number, api, below(api)?)));
        let Some((number, api, rest)) = found.filter(|_| asked::is_routable(path)) else {
            return self.gateway.dress(gateway::NO_ROUTE.reply(), "");
        };
        let flying = self.arrived(number, request);
        let reply = self.denied(api, request, place).unwrap_or_else(|| self.answered(api, request, rest));
        flying.fetch_sub(1, Ordering::SeqCst);
        self.gateway.dress(reply, api.name)
    }
}

impl Server {
    /// The most arrivals that are kept; a fake may run for days.
    const MOST: usize = 10_000;

    /// What has arrived, with all headers.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// From now on the application is registered for all but these APIs.
    pub fn disable(&self, apis: &[&str]) {
        *self.disabled.lock().unwrap_or_else(PoisonError::into_inner) =
            apis.iter().map(|&api| api.to_owned()).collect();
    }

    /// Takes an order. A web page cannot send JSON here without asking first, and its `Origin` gives it away.
    fn control(&self, request: &Received) -> Reply {
        let of_page = request.headers().contains_key(ORIGIN) || request.headers().contains_key("sec-fetch-site");
        let media = request.headers().get(CONTENT_TYPE).is_some_and(|media| media == "application/json");
        if of_page || !media || request.method() != Method::POST {
            return whole(
                StatusCode::FORBIDDEN,
                "text/plain",
                "an order is a POST of application/json, and not from a page",
            );
        }
        match serde_json::from_slice::<Order>(request.body()) {
            Ok(order) if order.disabled.iter().all(|name| APIS.iter().any(|api| api.name == name)) => {
                *self.disabled.lock().unwrap_or_else(PoisonError::into_inner) = order.disabled;
                json(StatusCode::OK, &self.received())
            }
            Ok(_) => whole(StatusCode::BAD_REQUEST, "text/plain", "there is no API of that name"),
            Err(error) => whole(StatusCode::BAD_REQUEST, "text/plain", error.to_string()),
        }
    }

    /// The refusal of a request by the gateway: without a token of the sandbox, or to an API that the application may not
    /// use.
    fn denied(&self, api: &Api, request: &Received, place: &Place<'_>) -> Option<Reply> {
        if bearer(request).is_none() {
            return Some(gateway::NOT_AUTHORIZED.reply());
        }
        if let Err(denied) = place.admit(request, place.url, "") {
            return Some(denied.reply());
        }
        let disabled = self.disabled.lock().unwrap_or_else(PoisonError::into_inner);
        disabled.iter().any(|name| name == api.name).then(|| gateway::NOT_AUTHORIZED.reply())
    }

    fn answered(&self, api: &Api, request: &Received, rest: &str) -> Reply {
        let asked = Asked::of(request, rest);
        let trouble = trouble::wanted(&asked);
        if let Some(reply) = trouble.and_then(|number| self.troubles.reply(number, api, &asked)) {
            return reply;
        }
        // Only the distribution of software is asked with a body.
        if *asked.method != Method::GET && api.name != "asd" {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        trouble::warped(trouble.unwrap_or_default(), (api.answer)(&asked)).reply()
    }

    /// Writes an arrival down.
    fn arrived(&self, api: usize, request: &Received) -> &AtomicUsize {
        // There is one for each API.
        let [first, ..] = &self.in_flight;
        let flying = self.in_flight.get(api).unwrap_or(first);
        let in_flight = flying.fetch_add(1, Ordering::SeqCst) + 1;
        let arrival = Arrival {
            api,
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            bearer: bearer(request).is_some(),
            at: self.began.elapsed().as_millis(),
            in_flight,
        };
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() >= Self::MOST {
            arrivals.pop_front();
        }
        arrivals.push_back(arrival);
        flying
    }

    /// What has arrived, as JSON: each request, and for each API how many there were, how many are being answered now and
    /// how many were at most.
    pub fn received(&self) -> Value {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |api: usize| APIS.get(api).map(|api| api.name);
        let one = |it: &Arrival| {
            json!({
                "api": name(it.api), "method": it.method, "path": it.path, "query": it.query, "bearer": it.bearer,
                "at_ms": it.at, "in_flight": it.in_flight,
            })
        };
        let mut apis = serde_json::Map::new();
        for (number, (api, flying)) in APIS.iter().zip(&self.in_flight).enumerate() {
            let own = || arrivals.iter().filter(|arrival| arrival.api == number);
            let most = own().map(|arrival| arrival.in_flight).max().unwrap_or(0);
            let now = flying.load(Ordering::SeqCst);
            apis.insert(api.name.to_owned(), json!({"count": own().count(), "in_flight": now, "most_in_flight": most}));
        }
        json!({"received": arrivals.iter().map(one).collect::<Vec<_>>(), "apis": apis})
    }
}
