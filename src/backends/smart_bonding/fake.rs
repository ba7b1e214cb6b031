//! A stand-in for Smart Bonding: `/tspcodes`, `/pull/call` and `/push/call`, with a queue of updates that a pull uses up.
//!
//! It takes the tokens of the sandbox. A ticket whose number begins with `fake:` brings out trouble: `fake:400`,
//! `fake:inside` (a refusal with status 200), `fake:500`, `fake:cut` (it is done, and the answer is lost), `fake:html`.
//! `POST /fake/updates` puts an update into the queue, any JSON; `GET /received` shows what arrived.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Record, Reply, empty, json, whole};

/// Smart Bonding on this machine.
#[derive(Default)]
pub struct Server {
    record: Record,
    updates: Mutex<VecDeque<Value>>,
}

impl Server {
    /// What was received with a good token.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Puts an update into the queue.
    pub fn queue(&self, update: Value) {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner).push_back(update);
    }

    fn pull(&self) -> Reply {
        let next = self.updates.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match next {
            Some(trouble) if trouble == "fake:500" => refusal(500, "Internal Server Error"),
            Some(none) if none == "fake:404" => refusal(404, "No messages available to Send"),
            Some(text) if text == "fake:html" => whole(StatusCode::OK, "text/html", "<html>sign in</html>"),
            Some(update) => json(StatusCode::OK, &update),
            None => json(StatusCode::OK, &json!({"message": "No messages available to Send", "status": "200"})),
        }
    }

    fn push(&self, request: &Received) -> Reply {
        let Ok(message) = serde_json::from_slice::<Value>(request.body()) else {
            return refusal(400, "the message is not JSON");
        };
        let text = |place: &str| message.pointer(place).and_then(Value::as_str).unwrap_or_default();
        let (ticket, state) = (text("/Calls/CustCallID"), text("/CallStates/ShortName"));
        match ticket {
            "" => return refusal(400, "CustCallID is mandatory"),
            "fake:400" => return refusal(400, "Contract not found for this partner"),
            "fake:inside" => return json(StatusCode::OK, &json!({"message": "Severity is not valid", "status": 422})),
            "fake:500" => return refusal(500, "Internal Server Error"),
            "fake:html" => return whole(StatusCode::OK, "text/html", "<html>sign in</html>"),
            "fake:cut" => {
                let mut reply = whole(StatusCode::OK, "application/json", "{\"Calls\":");
                reply.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
                return reply;
            }
            _ => {}
        }
        if !["New", "Update", "Open", "Pending", "In Progress", "Resolved", "Closed"].contains(&state) {
            return refusal(400, "CallStates is mandatory");
        }
        if state != "New" {
            return empty(StatusCode::OK);
        }
        if text("/Calls/ShortDescription").is_empty() || text("/Calls/Caller/LastName").is_empty() {
            return refusal(400, "ShortDescription and Caller are mandatory");
        }
        // What an answer holds besides is for uploads: whoever has the token may write into the case for 72 days.
        let extra = json!({"Field80": "cxd.example", "Field81": "canary-upload-token"});
        json(
            StatusCode::OK,
            &json!({"Calls": {"CustCallID": ticket, "SDCallID": "425023546", "ExtTableValues": extra}, "message": "accepted"}),
        )
    }
}

fn refusal(status: u16, said: &str) -> Reply {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(code, &json!({"message": said, "status": status.to_string()}))
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => return json(StatusCode::OK, &json!({"received": self.record.all()})),
            (&Method::POST, "/fake/updates") => {
                self.queue(serde_json::from_slice(request.body()).unwrap_or_default());
                return empty(StatusCode::NO_CONTENT);
            }
            _ => {}
        }
        if let Err(denied) = place.admit(request, place.url, "") {
            return denied.reply();
        }
        self.record.note(request);
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/tspcodes" | "/tsp/api/v1/xylem/tspcodes") => codes(request),
            (&Method::GET, "/pull/call" | "/rest/v1/pull/call") => self.pull(),
            (&Method::POST, "/push/call" | "/rest/v1/push/call") => self.push(request),
            _ => refusal(404, "Not Found"),
        }
    }
}

fn codes(request: &Received) -> Reply {
    let query = request.uri().query().unwrap_or_default();
    let number = |name: &str| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(key, _)| key == name).find_map(|(_, value)| value.parse::<u64>().ok())
    };
    let most = usize::try_from(number("limit").unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let (since, until) = (number("since_id").unwrap_or(0), number("max_id").unwrap_or(u64::MAX));
    let code = |id: u64, tech: &str, sub: &str, name: &str, about: &str| {
        json!({
            "id": id, "techId": 12, "techName": tech, "subTechId": 1234, "subTechName": sub, "problemCodeName": name,
            "problemCodeDescription": about, "changeFlag": "Unchanged", "editTimeUtc": "2020-04-01 00:00:06",
        })
    };
    let all = [
        code(101, "Wireless", "Controllers", "CONFIG_ASSISTANCE", "Configuration Assistance"),
        code(102, "Wireless", "Access Points", "HARDWARE_FAILURE", "Hardware Failure"),
        code(103, "LAN Switching", "Catalyst 9300", "INSTLL_UNSTLL_UPGRD", "Install, uninstall, or upgrade"),
        code(104, "Voice", "Communications Manager", "PRODUCT_QUESTION", "Product Feature/Function Question"),
    ];
    let fits = |code: &Value| code.get("id").and_then(Value::as_u64).is_some_and(|id| id > since && id <= until);
    let found: Vec<Value> = all.into_iter().filter(fits).take(most).collect();
    json(StatusCode::OK, &json!({ "tspCodes": found }))
}
