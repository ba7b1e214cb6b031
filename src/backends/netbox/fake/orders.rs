//! What another program may order: `POST /control` with JSON. What is ordered stays until it is ordered otherwise.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::backends::fake::{Reply, pause, whole};
use http::StatusCode;

/// An order; the header of `fake` says what each member does.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Order {
    pub(super) reset: bool,
    pub(super) release: Option<String>,
    pub(super) open: Option<bool>,
    pub(super) next_scheme: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) remote_user: Option<bool>,
    pub(super) maintenance: Option<bool>,
    pub(super) no_schema: Option<bool>,
    pub(super) plugins: Option<bool>,
    pub(super) addresses: u32,
    /// Members of objects, by type and id: `{"users.token": {"2": {"enabled": false}}}`.
    pub(super) set: Map<String, Value>,
    pub(super) faults: Vec<Fault>,
}

/// What is in force.
pub(super) struct Orders {
    pub(super) release: String,
    pub(super) open: bool,
    pub(super) next_scheme: String,
    pub(super) proxy: String,
    pub(super) remote_user: bool,
    pub(super) maintenance: bool,
    pub(super) no_schema: bool,
    pub(super) plugins: bool,
    pub(super) faults: Vec<Fault>,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            release: "4.6.8".to_owned(),
            open: false,
            next_scheme: String::new(),
            proxy: String::new(),
            remote_user: false,
            maintenance: false,
            no_schema: false,
            plugins: false,
            faults: Vec::new(),
        }
    }
}

impl Orders {
    pub(super) fn take(&mut self, order: Order) {
        fn set<T>(to: &mut T, from: Option<T>) {
            if let Some(value) = from {
                *to = value;
            }
        }
        set(&mut self.release, order.release);
        set(&mut self.open, order.open);
        set(&mut self.next_scheme, order.next_scheme);
        set(&mut self.proxy, order.proxy);
        set(&mut self.remote_user, order.remote_user);
        set(&mut self.maintenance, order.maintenance);
        set(&mut self.no_schema, order.no_schema);
        set(&mut self.plugins, order.plugins);
        self.faults.extend(order.faults);
    }

    /// The fault that meets this request, which uses it up.
    pub(super) fn fault(&mut self, method: &str, path: &str) -> Option<Fault> {
        let meets = |fault: &Fault| (fault.method.is_empty() || fault.method == method) && path.contains(&fault.path);
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
    #[serde(default)]
    method: String,
    /// A piece of the path; empty for every one.
    #[serde(default)]
    path: String,
    /// How often; 0 for ever.
    #[serde(default = "once")]
    times: u32,
    /// Whether what was asked for is done all the same.
    #[serde(default)]
    pub(super) late: bool,
    #[serde(default)]
    status: u16,
    /// The whole body; without one a web page for 502 to 504, and NetBox's own words for 500.
    #[serde(default)]
    body: Option<Value>,
    /// Milliseconds before the answer begins.
    #[serde(default)]
    wait: u64,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The answer instead; `None` if the right one only comes late.
    pub(super) fn reply(&self, release: &str) -> Option<Reply> {
        if self.wait > 0 {
            pause(std::time::Duration::from_millis(self.wait));
        }
        let status = StatusCode::from_u16(self.status).ok().filter(|_| self.status > 0)?;
        Some(match (&self.body, self.status) {
            (Some(Value::String(text)), _) => whole(status, "text/html", text.clone()),
            (Some(body), _) => whole(status, "application/json", body.to_string()),
            (None, 500) => {
                let body = serde_json::json!({
                    "error": "relation \"dcim_device\" does not exist", "exception": "ProgrammingError",
                    "netbox_version": release, "python_version": "3.12.3",
                });
                whole(status, "application/json", body.to_string())
            }
            _ => whole(status, "text/html", "<html><body><h1>The gateway has no answer</h1></body></html>"),
        })
    }
}
