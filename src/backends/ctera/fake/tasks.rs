//! Tasks: what an action answers with, and what is polled.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::{Value, json};

use super::change::{self, Action, Job, Outcome};
use super::listing::Looking;
use super::people::PEOPLE;
use super::said::{self, Said, list, member};
use super::world::{View, World, stamp};
use crate::backends::fake::Reply;

/// How a task is to go.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Plan {
    /// How many polls say that it runs, before anything is done.
    pub(super) polls: u32,
    /// The status while it runs; `running` if empty.
    pub(super) meanwhile: String,
    /// The status at the end instead of what the action came to; `never` has no end.
    pub(super) end: String,
    /// With `failed`: `missing`, `DestinationNotExists`, `Conflict`, `PermissionDenied`, or another `errorType`.
    pub(super) cause: String,
    /// Whether every attempt meets a conflict, whatever the client says to do about it.
    pub(super) conflict_for_ever: bool,
}

/// All tasks.
#[derive(Default)]
pub(super) struct Tasks {
    all: BTreeMap<u64, Task>,
    /// How the next ones are to go.
    pub(super) plans: VecDeque<Plan>,
    /// How all others are to go.
    pub(super) usual: Plan,
    /// Jobs that stopped, by the mark in their cursors.
    stopped: BTreeMap<String, Job>,
}

struct Task {
    plan: Plan,
    job: Job,
    root: usize,
    scope: super::Scope,
    who: usize,
    began: u64,
    outcome: Option<(Outcome, String)>,
}

/// Every task is one of this server's.
const SERVER: &str = "servers/MainDB/bgTasks";
const FIRST: u64 = 918_908;

impl Tasks {
    /// Starts an action, or goes on with one that stopped; answers its reference.
    pub(super) fn start(&mut self, action: Action, world: &mut World, view: &View, param: &Value) -> said::Result {
        let mut job = Job::of(action, view, param)?;
        if let Some(cursor) = param.get("startFrom").filter(|cursor| !cursor.is_null()) {
            job = self.resumed(job, cursor, param)?;
        }
        let plan = self.plans.pop_front().unwrap_or_else(|| self.usual.clone());
        let number = FIRST + self.all.len() as u64;
        let (root, scope, who) = (view.root, view.scope, view.who);
        let now = plan.polls == 0;
        let task = Task { plan, job, root, scope, who, began: world.clock, outcome: None };
        self.all.insert(number, task);
        if now {
            self.advance(number, world);
        }
        let person = PEOPLE.get(who).map(|person| (person.uid, person.tenant));
        let (uid, tenant) = person.unwrap_or_default();
        Ok(Said::Value(format!("objs/{uid}/{tenant}/{SERVER}/{number}").into()))
    }

    fn resumed(&mut self, asked: Job, cursor: &Value, param: &Value) -> Result<Job, Box<Reply>> {
        let stopped = self.stopped.get(&member(cursor, "mark"));
        let Some(job) = stopped.filter(|job| job.urls == asked.urls && job.action == asked.action) else {
            return Err(said::error(500, "Invalid cursor"));
        };
        let mut job = job.clone();
        // The vendor's own client puts them into the cursor.
        let within = |name: &str| {
            [cursor, param].into_iter().find(|place| place.get(name).is_some_and(|value| !value.is_null()))
        };
        if let Some(place) = within("skipHandler") {
            job.next = handler(&member(place, "skipHandler"))?;
        }
        if let Some(place) = within("fileMoveConflictResolutaion") {
            let mut conflicts = list(place, "fileMoveConflictResolutaion").iter();
            let own = conflicts.rfind(|it| member(it, "errorType") == "Conflict");
            job.all = own.map_or(Ok(String::new()), |it| handler(&member(it, "handler")))?;
        }
        Ok(job)
    }

    /// Does what is to be done, and writes down what came of it.
    fn advance(&mut self, number: u64, world: &mut World) {
        let Some(task) = self.all.get_mut(&number).filter(|task| task.outcome.is_none()) else { return };
        let view = View { root: task.root, scope: task.scope, who: task.who };
        let first = task.job.urls.first().cloned().unwrap_or_default();
        let outcome = match (task.plan.end.as_str(), task.plan.cause.as_str()) {
            _ if task.plan.conflict_for_ever => Outcome::Conflict(first.0, first.1),
            ("failed", "Conflict") => Outcome::Conflict(first.0, first.1),
            ("failed", "PermissionDenied") => Outcome::Denied(first.0),
            ("failed", "missing") => Outcome::Missing(first.0),
            ("failed", "DestinationNotExists") => Outcome::NoFolder(first.1),
            ("failed" | "stopped" | "disabled" | "never", _) => Outcome::Done,
            _ => task.job.run(world, &view),
        };
        let mark = format!("m{number}");
        if matches!(outcome, Outcome::Conflict(..)) {
            self.stopped.insert(mark.clone(), task.job.clone());
        }
        task.outcome = Some((outcome, mark));
    }

    /// What a poll says; `None` if there is no such task of this person's.
    pub(super) fn poll(&mut self, reference: &str, who: usize, world: &mut World, url: &str) -> Option<Value> {
        let number: u64 = reference.rsplit_once("bgTasks/")?.1.parse().ok()?;
        reference.rsplit_once("/bgTasks/").filter(|(server, _)| server.ends_with("servers/MainDB"))?;
        let task = self.all.get_mut(&number).filter(|task| task.who == who)?;
        let running = task.plan.polls > 0 || task.plan.end == "never";
        task.plan.polls = task.plan.polls.saturating_sub(1);
        if !running {
            self.advance(number, world);
        }
        let task = self.all.get(&number)?;
        Some(if running { task.said(number, world, &Value::Null) } else { task.ended(number, world, url) })
    }
}

fn handler(word: &str) -> Result<String, Box<Reply>> {
    let known = ["", "Skip", "Override", "Rename"].contains(&word);
    if known { Ok(word.to_owned()) } else { Err(said::error(500, "Unknown handler")) }
}

impl Task {
    fn said(&self, number: u64, world: &World, end: &Value) -> Value {
        let status = if self.plan.meanwhile.is_empty() { "running" } else { &self.plan.meanwhile };
        let mut said = json!({
            "$class": "FileManagerBgTask", "id": number, "name": format!("{:?}", self.job.action),
            "startTime": stamp(self.began), "endTime": null, "elapsedTime": world.clock.saturating_sub(self.began),
            "status": status, "percentage": 40, "result": null, "progstring": "", "portalUid": 456,
            "userUid": PEOPLE.get(self.who).map(|person| person.uid), "filesProcessed": self.job.done,
            "bytesProcessed": 0, "totalFiles": self.job.urls.len(), "totalBytes": 0,
            "fileInProgress": null, "errorType": null, "cursor": null,
        });
        if let (Some(said), Some(end)) = (said.as_object_mut(), end.as_object()) {
            said.extend(end.clone());
        }
        said
    }

    fn ended(&self, number: u64, world: &World, url: &str) -> Value {
        let view = View { root: self.root, scope: self.scope, who: self.who };
        let looking = Looking { world, view: &view, url };
        let Some((outcome, mark)) = &self.outcome else { return Value::Null };
        let (error, words) = match outcome {
            Outcome::Done => (Value::Null, String::new()),
            Outcome::Conflict(..) => ("Conflict".into(), String::new()),
            Outcome::Denied(_) => ("PermissionDenied".into(), String::new()),
            Outcome::Missing(path) => (Value::Null, format!("Resource, {path} , doesn't exist.")),
            Outcome::NoFolder(_) => (Value::Null, "DestinationNotExists".to_owned()),
        };
        let failed = !matches!(outcome, Outcome::Done);
        let status = match self.plan.end.as_str() {
            "" => {
                if failed {
                    "failed"
                } else {
                    "completed"
                }
            }
            _ if failed => "failed",
            other => other,
        };
        let (error, words) = match (failed, status) {
            (false, "failed") if !self.plan.cause.is_empty() => (self.plan.cause.clone().into(), words),
            (false, "completed with warnings") => (error, "1 item could not be processed".to_owned()),
            _ => (error, words),
        };
        let end = json!({
            "endTime": stamp(world.clock), "status": status, "percentage": if status == "completed" { 100 } else { 60 },
            "progstring": words, "errorType": error, "cursor": change::cursor(&looking, outcome, mark),
        });
        self.said(number, world, &end)
    }
}
