//! The tools: a table of what each takes, returns and does.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::client::Client;
use super::{allocate, cabling, changes, describe, ipam, objects, search, status, summary, write};
use crate::backends::arguments;
use crate::backends::schema::Arguments;
use crate::backends::{Agreed, Boxed, Call, Connection, Effect, Error, Handler, Output, Schema, Tool, name};

/// A tool, as a value.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// `None` for what is always there.
    pub(super) toolset: Option<&'static str>,
    pub(super) effect: Effect,
    pub(super) takes: Arguments,
    pub(super) returns: &'static str,
    pub(super) run: Run,
}

/// Runs a call whose arguments were checked.
pub(super) type Run = fn(Request) -> Boxed<'static, Result<Output, Error>>;

/// A call whose arguments were checked.
pub(super) struct Request {
    pub(super) client: Arc<Client>,
    pub(super) given: Map<String, Value>,
    pub(super) agreed: Agreed,
}

/// Changes nothing.
pub(super) const LOOKS: Effect = Effect { read_only: true, destructive: false, idempotent: true, open_world: false };
/// Adds something and takes nothing away.
pub(super) const ADDS: Effect = Effect { read_only: false, destructive: false, idempotent: false, open_world: false };
/// May take something away.
pub(super) const TAKES: Effect = Effect { read_only: false, destructive: true, idempotent: false, open_world: false };

/// All of them, in the order of the documentation.
pub(super) static ALL: &[&[Spec]] = &[
    objects::SPECS,
    search::SPECS,
    changes::SPECS,
    describe::SPECS,
    status::SPECS,
    ipam::SPECS,
    cabling::SPECS,
    summary::SPECS,
    write::SPECS,
    allocate::SPECS,
];

/// The tools of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Tool> {
    let client = Arc::new(Client::new(connection));
    let tool = |spec: &'static Spec| Tool {
        name: name::of(&connection.name, spec.name),
        title: spec.title.into(),
        description: spec.description.into(),
        input_schema: Schema::Static(spec.takes.schema),
        output_schema: Some(Schema::Static(spec.returns)),
        effect: spec.effect,
        toolset: spec.toolset,
        own: spec.name.into(),
        handler: Arc::new(Runner { client: Arc::clone(&client), spec }),
    };
    ALL.iter().copied().flatten().map(tool).collect()
}

struct Runner {
    client: Arc<Client>,
    spec: &'static Spec,
}

impl Handler for Runner {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let (client, spec) = (Arc::clone(&self.client), self.spec);
        Box::pin(async move {
            let given = arguments::check(spec.takes.fields, call.arguments)?;
            (spec.run)(Request { client, given, agreed: call.agreed }).await
        })
    }
}

impl Request {
    /// An argument as a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).and_then(Value::as_str).map(str::trim)
    }

    /// An argument as a list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        let all = self.given.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str)
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// An argument as a whole number.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.given.get(name).and_then(Value::as_u64)
    }

    /// An argument as an object.
    pub(super) fn object(&self, name: &str) -> Map<String, Value> {
        self.given.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
    }
}
