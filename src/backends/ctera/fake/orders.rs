//! What another program may order: `POST /control` with JSON, the members below, all of them optional. What is ordered
//! stays until it is ordered otherwise.

use serde::Deserialize;

use super::asked::Asked;
use super::said::{self, Said};
use super::tasks::Plan;
use crate::backends::fake::{Reply, pause};

/// An order.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Order {
    /// Everything is as at the start, before the rest of this order.
    pub(super) reset: bool,
    /// All sessions end now.
    pub(super) expire: bool,
    /// All sessions end before the n-th request with a session from now on; 1 is the next.
    pub(super) expire_at: Option<u32>,
    /// All devices are detached.
    pub(super) detach: bool,
    /// Where a request without a session is sent: `relative`, `absolute`, `admin`, `entra`, `foreign`, `none`, or any text.
    pub(super) location: Option<String>,
    /// Whether it gets 401 instead.
    pub(super) unauthorized: Option<bool>,
    /// Whether every answer brings an anonymous cookie.
    pub(super) stray_cookie: Option<bool>,
    /// Whether people sign in through their identity provider only.
    pub(super) web_sso: Option<bool>,
    /// Whether tokens of the sandbox are taken.
    pub(super) bearer: Option<bool>,
    /// Whether a download can begin anywhere.
    pub(super) ranges: Option<bool>,
    /// Whether nulls are left out of answers.
    pub(super) no_nulls: Option<bool>,
    /// Whether `makeCollection` answers `Ok`, and not with nothing.
    pub(super) says_ok: Option<bool>,
    /// Whether nothing can be written.
    pub(super) read_only: Option<bool>,
    /// How many bytes an upload may have.
    pub(super) quota: Option<usize>,
    /// The parameter that carries an activation code.
    pub(super) code_parameter: Option<String>,
    /// How the next tasks are to go, in their order.
    pub(super) tasks: Vec<Plan>,
    /// How all other tasks are to go.
    pub(super) usual_task: Option<Plan>,
    /// What is to go wrong, beside what was ordered before.
    pub(super) faults: Vec<Fault>,
}

/// What is in force.
pub(super) struct Orders {
    pub(super) expire_at: Option<u32>,
    pub(super) location: String,
    pub(super) unauthorized: bool,
    pub(super) stray_cookie: bool,
    pub(super) web_sso: bool,
    pub(super) bearer: bool,
    pub(super) ranges: bool,
    pub(super) no_nulls: bool,
    pub(super) says_ok: bool,
    pub(super) read_only: bool,
    pub(super) quota: usize,
    pub(super) code_parameter: String,
    pub(super) faults: Vec<Fault>,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            expire_at: None,
            location: "relative".to_owned(),
            unauthorized: false,
            stray_cookie: false,
            web_sso: false,
            bearer: false,
            ranges: true,
            no_nulls: false,
            says_ok: true,
            read_only: false,
            quota: 64 << 20,
            code_parameter: "code".to_owned(),
            faults: Vec::new(),
        }
    }
}

impl Orders {
    /// Takes over what an order says.
    pub(super) fn take(&mut self, order: Order) {
        fn set<T>(to: &mut T, from: Option<T>) {
            if let Some(value) = from {
                *to = value;
            }
        }
        if order.expire_at.is_some() {
            self.expire_at = order.expire_at;
        }
        set(&mut self.location, order.location);
        set(&mut self.unauthorized, order.unauthorized);
        set(&mut self.stray_cookie, order.stray_cookie);
        set(&mut self.web_sso, order.web_sso);
        set(&mut self.bearer, order.bearer);
        set(&mut self.ranges, order.ranges);
        set(&mut self.no_nulls, order.no_nulls);
        set(&mut self.says_ok, order.says_ok);
        set(&mut self.read_only, order.read_only);
        set(&mut self.quota, order.quota);
        set(&mut self.code_parameter, order.code_parameter);
        self.faults.extend(order.faults);
    }

    /// The fault that meets this request, which uses it up.
    pub(super) fn fault(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        let meets = |fault: &Fault| (fault.at.is_empty() || fault.at == asked.what) && asked.mentions(&fault.path);
        let at = self.faults.iter().position(meets)?;
        let fault = self.faults.get_mut(at)?;
        let met = fault.clone();
        fault.times = fault.times.saturating_sub(1);
        // Ordered with 0 it has no end.
        if met.times == 1 {
            self.faults.remove(at);
        }
        Some(met)
    }
}

/// Something that goes wrong.
#[derive(Clone, Deserialize)]
pub(super) struct Fault {
    /// The request: the method of a call, or `login`, `currentSession`, `download`, `upload`, `zip`, …; empty for every one.
    #[serde(default)]
    at: String,
    /// A piece of the path of a file that it is about; empty for every one.
    #[serde(default)]
    path: String,
    /// How often; 0 for ever.
    #[serde(default = "once")]
    times: u32,
    /// Whether what was asked for is done all the same.
    #[serde(default)]
    pub(super) late: bool,
    /// What goes wrong.
    #[serde(flatten)]
    pub(super) what: Wrong,
}

fn once() -> u32 {
    1
}

/// What goes wrong.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wrong {
    /// This status, with a web page.
    Status(u16),
    /// 200, with a web page.
    Page(String),
    /// 500, with an error object that says this.
    Message(String),
    /// 200, with this scalar: an error word of `makeCollection`, for one.
    Word(String),
    /// 200, with an upload's refusal that says this.
    Refused(String),
    /// The answer begins after so many milliseconds.
    Wait(u64),
    /// A download takes so many milliseconds for each piece.
    Slow(u64),
    /// A download breaks off after half of what it announced.
    Reset(bool),
    /// All sessions end, just before.
    Expire(bool),
    /// An answer with this text, whatever it is.
    Text(String),
}

impl Wrong {
    /// The answer instead; `None` for what only changes how the right one arrives.
    pub(super) fn reply(&self, json: bool) -> Option<Reply> {
        Some(match self {
            Self::Status(status) => *said::page(*status, "<h1>The Portal is not itself</h1>"),
            Self::Page(content) => *said::page(200, content),
            Self::Message(message) => *said::error(500, message),
            Self::Word(word) => Said::Value(word.as_str().into()).reply(json, false),
            Self::Refused(message) => *said::error(200, message),
            Self::Text(text) => *said::text(200, text),
            Self::Wait(milliseconds) => {
                pause(std::time::Duration::from_millis(*milliseconds));
                return None;
            }
            Self::Slow(_) | Self::Reset(_) | Self::Expire(_) => return None,
        })
    }
}
