//! The gateway in front of all APIs: its headers, and its refusals, which are XML and no API's.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

use super::answer::Answer;
use crate::backends::fake::Reply;

/// No bearer, or an API that the application did not register for.
pub(super) const NOT_AUTHORIZED: Refusal = Refusal(403, "ERR_403_NOT_AUTHORIZED", "Not Authorized");
/// An application that is unknown or switched off.
pub(super) const INACTIVE: Refusal = Refusal(403, "ERR_403_DEVELOPER_INACTIVE", "Developer Inactive");
/// Too many in this second.
pub(super) const OVER_QPS: Refusal =
    Refusal(403, "ERR_403_DEVELOPER_OVER_QPS", "Account Over Queries Per Second Limit");
/// Too many on this day.
pub(super) const OVER_RATE: Refusal = Refusal(403, "ERR_403_DEVELOPER_OVER_RATE", "Account Over Rate Limit");
/// The gateway has too much to do.
pub(super) const CAPACITY: Refusal = Refusal(403, "", "Rate Limit Exceeded");
/// The same as a status of its own.
pub(super) const TOO_MANY: Refusal = Refusal(429, "ERR_403_DEVELOPER_OVER_RATE", "Account Over Rate Limit");
/// There is no way to what was asked for.
pub(super) const NO_ROUTE: Refusal = Refusal(596, "ERR_596_SERVICE_NOT_FOUND", "Service Not Found");

/// A refusal by the gateway: status, code, detail.
pub(super) struct Refusal(u16, &'static str, &'static str);

impl Refusal {
    pub(super) fn reply(&self) -> Reply {
        let Self(status, code, detail) = *self;
        let body = format!("<h1>{detail}</h1>");
        let mut reply = Answer { status, media: "text/xml", body }.reply();
        for (name, value) in [("x-mashery-error-code", code), ("x-error-detail-header", detail)] {
            if !value.is_empty() {
                reply.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
        }
        reply
    }
}

/// What the gateway adds to every answer.
#[derive(Default)]
pub(super) struct Gateway {
    count: AtomicU64,
}

impl Gateway {
    /// The reply with the gateway's headers.
    pub(super) fn dress(&self, mut reply: Reply, api: &str) -> Reply {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers_mut().insert(name, value);
            }
        };
        set("x-mashery-message-id", format!("00000000-0000-4000-8000-{count:012x}"));
        set("x-ratelimit-limit", "2000".to_owned());
        set("x-ratelimit-observed", (30 + count % 85).to_string());
        if api == "rma" {
            set("x-envoy-upstream-service-time", (370 + count % 5_486).to_string());
        }
        reply
    }
}
