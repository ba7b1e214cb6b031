//! The tools: a table of what each takes, returns and does.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::answer::Rows;
use super::client::Client;
use super::page::Window;
use super::record::Detail;
use super::{
    advisories, bugs, cases, compare, coverage, lifecycle, products, report, returns, running, search, software,
};
use crate::backends::arguments::{self, Field, Form};
use crate::backends::schema::Arguments;
use crate::backends::{Boxed, Call, Connection, Effect, Error, Handler, Output, Progress, Schema, Tool, name};

/// Asking changes nothing, and the answers hold words of strangers.
const EFFECT: Effect = Effect { read_only: true, destructive: false, idempotent: true, open_world: true };

/// A tool, as a value.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) toolset: &'static str,
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
    pub(super) progress: Progress,
}

/// All of them, in the order of the documentation.
pub(super) static ALL: &[&Spec] = &[
    &bugs::SPEC,
    &search::SPEC,
    &cases::SPEC,
    &lifecycle::SPEC,
    &advisories::SPEC,
    &running::SPEC,
    &products::SPEC,
    &coverage::SPEC,
    &software::SPEC,
    &returns::SPEC,
    &report::SPEC,
    &compare::SPEC,
];

/// The tools of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Tool> {
    let client = Arc::new(Client::new(connection));
    let tool = |spec: &&'static Spec| Tool {
        name: name::of(&connection.name, spec.name),
        own: spec.name.into(),
        title: spec.title.into(),
        description: spec.description.into(),
        input_schema: Schema::Static(spec.takes.schema),
        output_schema: Some(Schema::Static(spec.returns)),
        effect: EFFECT,
        toolset: Some(spec.toolset),
        handler: Arc::new(Runner { client: Arc::clone(&client), spec }),
    };
    ALL.iter().map(tool).collect()
}

struct Runner {
    client: Arc<Client>,
    spec: &'static Spec,
}

impl Handler for Runner {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let (client, spec) = (Arc::clone(&self.client), self.spec);
        Box::pin(async move { spec.call(client, call.arguments, call.progress)?.await })
    }
}

impl Spec {
    /// Checks the arguments of a call, by whatever way it came, and begins it.
    pub(super) fn call(
        &self,
        client: Arc<Client>,
        given: Map<String, Value>,
        progress: Progress,
    ) -> Result<Boxed<'static, Result<Output, Error>>, Error> {
        let fields = self.takes.fields;
        let mut given = arguments::check(fields, given)?;
        settle(fields, &mut given)?;
        Ok((self.run)(Request { client, given, progress }))
    }
}

/// Counts the entries of lists that were written with commas, too, and leaves out what is switched off.
fn settle(fields: &[Field], given: &mut Map<String, Value>) -> Result<(), Error> {
    given.retain(|_, value| *value != Value::Bool(false));
    for field in fields {
        let (Form::Texts(most), Some(Value::Array(all))) = (field.form, given.get(field.name)) else { continue };
        let parts = || all.iter().filter_map(Value::as_str).flat_map(|text| text.split(','));
        let count = parts().filter(|part| !part.trim().is_empty()).count();
        // The comma of a software release belongs to it: two parts are one entry.
        if count == 0 || count > most.saturating_mul(2) || (field.name != "software" && count > most) {
            return Err(Error::Arguments(format!(
                "`{}` has {count} entries, from 1 to {most} are allowed",
                field.name
            )));
        }
    }
    Ok(())
}

impl Request {
    /// `limit` and `offset` of rows that are all there.
    pub(super) fn windowed(&self, rows: Rows) -> Rows {
        let mut rows = self.bounded(rows);
        rows.total = u64::try_from(rows.rows.len()).ok();
        let limit = if self.has("limit") { self.window().limit } else { u64::MAX };
        rows.more |= Window { limit, ..self.window() }.cut(&mut rows.rows);
        rows
    }

    /// An argument as a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).and_then(Value::as_str)
    }

    /// An argument as a list of texts. A text may hold several, separated by commas: callers write lists so.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.given.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let parts = all.iter().filter_map(Value::as_str).flat_map(|text| text.split(','));
        parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    /// An argument as a whole number.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.given.get(name).and_then(Value::as_u64)
    }

    /// An argument as a list of whole numbers.
    pub(super) fn wholes(&self, name: &str) -> Vec<i64> {
        self.given.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
    }

    /// An argument that is true.
    pub(super) fn is(&self, name: &str) -> bool {
        self.given.get(name) == Some(&Value::Bool(true))
    }

    /// Whether an argument was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The one of these arguments that was given.
    pub(super) fn one_of(&self, names: &[&'static str]) -> Result<&'static str, Error> {
        let listed = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let mut given = names.iter().filter(|name| self.has(name));
        match (given.next(), given.next()) {
            (Some(name), None) => Ok(name),
            (None, _) => Err(Error::Arguments(format!("one of {} is needed", listed()))),
            (Some(one), Some(other)) => Err(Error::Arguments(format!(
                "`{one}` and `{other}` do not go together; one of {} is needed",
                listed()
            ))),
        }
    }

    /// Refuses arguments that go together with others only.
    pub(super) fn only_with(&self, names: &[&str], condition: bool, with: &str) -> Result<(), Error> {
        match names.iter().find(|name| self.has(name)) {
            Some(name) if !condition => Err(Error::Arguments(format!("`{name}` goes together with {with} only"))),
            _ => Ok(()),
        }
    }

    /// `limit` and `offset`.
    pub(super) fn window(&self) -> Window {
        Window { offset: self.whole("offset").unwrap_or(0), limit: self.whole("limit").unwrap_or(USUAL) }
    }

    /// `detail` and `personal`.
    pub(super) fn detail(&self) -> Detail {
        Detail { full: self.text("detail") == Some("full"), personal: self.is("personal") }
    }

    /// The same rows, bounded as the caller wants.
    pub(super) fn bounded(&self, rows: Rows) -> Rows {
        Rows { offset: self.window().offset, is_bounded: self.has("limit"), ..rows }
    }
}

/// How many rows a result has where the caller does not say.
const USUAL: u64 = 100;
/// What `limit` is.
pub(super) const LIMIT: &str = "How many rows at most; 100 unless given. Pages are read as needed.";
/// What `offset` is.
pub(super) const OFFSET: &str = "Leave out this many rows: the `next_offset` of an earlier result.";
/// What `detail` is.
pub(super) const DETAIL: &str = "`full` also returns long texts; `brief` (the default) one line for each.";
