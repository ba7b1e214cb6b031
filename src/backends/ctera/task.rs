//! Copying, moving, deleting and recovering: the Portal queues a task for each, and only the end of the task says what
//! became of it (reference: "copyResources …", "Task polling").
//!
//! Each item is a task of its own, one after the other: so each has an outcome of its own, and nothing is sent a second
//! time because its neighbour failed.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::client::At;
use super::listing::{failed, word};
use super::path::Path;
use super::wire::Node;
use super::{Scope, fields};
use crate::backends::http::Kind;
use crate::backends::{Error, Progress, Step, outside};

/// The first pause between two looks at a task, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// How often one item's task may stop at a conflict. One answer settles all conflicts of a task, so a Portal that asks
/// again and again is not listening.
const MOST_ROUNDS: usize = 20;
/// The Portal's own spelling.
const RESOLUTION: &str = "fileMoveConflictResolutaion";

/// What is done with an item.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// The Portal's method.
    pub(super) method: &'static str,
    /// The address of what it is done with.
    pub(super) source: String,
    /// The whole address that it gets, name included.
    pub(super) target: Option<String>,
    /// Where it will be.
    pub(super) place: Path,
}

/// What is done where the target is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnConflict {
    /// The item is left as it is, and the outcome says so.
    Fail,
    /// What is there stays.
    Skip,
    /// What is there is replaced.
    Overwrite,
    /// What comes gets another name.
    Rename,
}

impl OnConflict {
    /// The words for arguments.
    pub(super) const WORDS: &'static [&'static str] = &["fail", "skip", "overwrite", "rename"];

    pub(super) fn of(word: Option<&str>) -> Self {
        match word {
            Some("skip") => Self::Skip,
            Some("overwrite") => Self::Overwrite,
            Some("rename") => Self::Rename,
            _ => Self::Fail,
        }
    }

    const fn handler(self) -> Option<&'static str> {
        match self {
            Self::Fail => None,
            Self::Skip => Some("Skip"),
            Self::Overwrite => Some("Override"),
            Self::Rename => Some("Rename"),
        }
    }
}

/// What became of one item.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Outcome {
    pub(super) path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    /// `done`, `skipped`, `conflict`, `failed`, `running`, `unknown` or `not_started`.
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Files that the Portal says it worked on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) files: Option<u64>,
    /// Conflicts that were settled as the caller chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conflicts: Option<u64>,
    /// The task, where it can still be asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<String>,
}

impl Outcome {
    pub(super) fn new(path: &Path, outcome: &'static str) -> Self {
        Self { path: path.to_string(), target: None, outcome, message: None, files: None, conflicts: None, task: None }
    }

    pub(super) fn saying(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// What an error means for the item it happened to.
    pub(super) fn of_error(path: &Path, error: &Error) -> Self {
        let outcome = if matches!(error, Error::MaybeDone { .. }) { "unknown" } else { "failed" };
        Self::new(path, outcome).saying(error.to_string())
    }

    /// Whether it is not as the caller wanted it.
    pub(super) fn is_bad(&self) -> bool {
        matches!(self.outcome, "conflict" | "failed" | "unknown" | "not_started")
    }
}

/// A task as the Portal describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    pub(super) status: String,
    pub(super) percentage: Option<u64>,
    pub(super) files: Option<u64>,
    error: Option<String>,
    text: Option<String>,
    cursor: Value,
}

impl Task {
    fn of(whole: &Value) -> Option<Self> {
        let line = |name: &str| fields::text(whole, name).map(|text| outside::line(&text, outside::LONGEST));
        Some(Self {
            status: line("status")?,
            percentage: fields::number(whole, "percentage"),
            files: fields::number(whole, "filesProcessed"),
            error: line("errorType"),
            text: line("progstring"),
            cursor: whole.get("cursor").cloned().unwrap_or_default(),
        })
    }

    /// Whether nothing more will happen. A task that waits for a decision names an error and where it stands.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "failed" | "completed with warnings" | "stopped" | "disabled")
            || (self.error.is_some() && self.cursor.is_object() && !self.is_under_way())
    }

    fn is_under_way(&self) -> bool {
        matches!(self.status.as_str(), "running" | "waiting" | "retrying" | "stopping")
    }

    pub(super) fn is_done(&self) -> bool {
        self.status == "completed" && self.error.is_none()
    }

    fn is_conflict(&self) -> bool {
        self.error.as_deref() == Some("Conflict")
    }

    /// What was there already.
    fn stopped_at(&self, scope: Scope) -> Option<Path> {
        let href = self.cursor.get("destResource").and_then(|there| there.get("href")).and_then(fields::scalar)?;
        Path::of_href(&href, scope)
    }

    /// What it ended with, in words (reference: "Failure meanings").
    pub(super) fn reason(&self, scope: Scope) -> String {
        let at = |member: Option<&Value>| {
            let href = member.and_then(fields::scalar)?;
            Path::of_href(&href, scope).map(|path| format!(": `{path}`"))
        };
        let text = self.text.as_deref().unwrap_or_default();
        match self.error.as_deref() {
            Some("Conflict") => {
                let place = self.stopped_at(scope).map(|path| format!(": `{path}`"));
                format!("something is there already{}", place.unwrap_or_default())
            }
            Some("PermissionDenied") => {
                format!("no permission{}", at(self.cursor.get("upperLevelUrl")).unwrap_or_default())
            }
            Some(error) if text.is_empty() => format!("the Portal says `{error}`"),
            Some(error) => format!("the Portal says `{error}`: {text}"),
            None if text.starts_with("Resource,") && text.contains("doesn't exist") => {
                "there is nothing at that path".to_owned()
            }
            None if text == "DestinationNotExists" => "the folder it should go to is not there".to_owned(),
            None if text.is_empty() => format!("the task ended as `{}`", self.status),
            None => format!("the task ended as `{}`: {text}", self.status),
        }
    }
}

/// How long a call watches its tasks, and whom it tells.
pub(super) struct Watch<'a> {
    pub(super) until: Instant,
    pub(super) progress: &'a Progress,
    /// Which item of how many this is.
    pub(super) item: (usize, usize),
}

impl At {
    /// Does it and waits for the end. The outcome has no paths yet; an error means that nothing was begun, or that nobody
    /// knows.
    pub(super) async fn act(&self, action: &Action, choice: OnConflict, watch: &Watch<'_>) -> Result<Outcome, Error> {
        let nothing = Path::default();
        let (mut settled, mut is_skipped) = (0_u64, false);
        let mut cursor = Node::Null;
        for _ in 0..MOST_ROUNDS {
            let handler = choice.handler().filter(|_| cursor != Node::Null);
            let reference = match self.begin(action, cursor, handler).await {
                // From the second round on something may have been done.
                Err(error) if settled > 0 => {
                    let said = format!("a part may be done; after a conflict: {error}");
                    return Ok(Outcome::new(&nothing, "unknown").saying(said));
                }
                reference => reference?,
            };
            let task = match self.follow(&reference, watch).await {
                Ok(Some(task)) => task,
                Ok(None) => return Ok(Outcome { task: Some(reference), ..Outcome::new(&nothing, "running") }),
                Err(error) => {
                    let said = format!("it was begun, and its task could not be followed: {error}");
                    return Ok(Outcome { task: Some(reference), ..Outcome::new(&nothing, "unknown").saying(said) });
                }
            };
            let outcome = |word| Outcome {
                files: task.files,
                conflicts: (settled > 0).then_some(settled),
                ..Outcome::new(&nothing, word)
            };
            // What was skipped is what a task may warn about.
            let is_warned = choice == OnConflict::Skip && settled > 0 && task.status == "completed with warnings";
            if task.is_done() || is_warned {
                return Ok(outcome(if is_skipped { "skipped" } else { "done" }));
            }
            let reason = task.reason(self.scope());
            match (task.is_conflict(), choice.handler()) {
                (false, _) => return Ok(outcome("failed").saying(reason)),
                (true, None) => {
                    let said = format!("{reason}. Call again with `on_conflict` as `skip`, `overwrite` or `rename`");
                    return Ok(outcome("conflict").saying(said));
                }
                (true, Some(_)) if !task.cursor.is_object() => {
                    return Ok(outcome("failed").saying(format!("{reason}, and the Portal does not say how to go on")));
                }
                (true, Some(_)) => {
                    settled = settled.saturating_add(1);
                    // Whether what was skipped is the item itself, and not something in it.
                    is_skipped |=
                        choice == OnConflict::Skip && task.stopped_at(self.scope()).as_ref() == Some(&action.place);
                    cursor = Node::from(&task.cursor);
                }
            }
        }
        Ok(Outcome::new(&nothing, "failed")
            .saying(format!("the Portal reported a conflict {MOST_ROUNDS} times, whatever it was told")))
    }

    async fn begin(&self, action: &Action, cursor: Node, handler: Option<&str>) -> Result<String, Error> {
        let target = action.target.as_deref().map_or(Node::Null, Node::from);
        let pair = Node::object([("src", action.source.as_str().into()), ("dest", target)]).of("SrcDstParam");
        // The choice is a part of where the task goes on, as the vendor's own client sends it.
        let start = match handler {
            Some(handler) => {
                let settle = Node::object([("errorType", "Conflict".into()), ("handler", handler.into())]);
                cursor.with(RESOLUTION, Node::List(vec![settle.of("FileMoveConflictResolutaion")]))
            }
            None => cursor,
        };
        let param = Node::object([("urls", Node::List(vec![pair])), ("startFrom", start)]).of("ActionResourcesParam");
        let answer = self.call(action.method, param, Kind::Write).await?;
        match word(&answer) {
            Some(reference) if is_reference(&reference) => Ok(reference),
            Some(refused) => Err(failed(self.host(), &refused)),
            None => Err(self.unsure(self.wrong("it names no task for what it was asked to do"))),
        }
    }

    /// Looks at the task until it is over; `None` if it goes on beyond the time.
    async fn follow(&self, reference: &str, watch: &Watch<'_>) -> Result<Option<Task>, Error> {
        let is_global = self.is_global().await?;
        let mut pause = PAUSES.0;
        loop {
            let task = self.task(reference, is_global).await?;
            if task.is_over() {
                return Ok(Some(task));
            }
            report(watch, &task);
            if Instant::now() + pause > watch.until {
                return Ok(None);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(PAUSES.1);
        }
    }

    /// What a task is doing now.
    pub(super) async fn task(&self, reference: &str, is_global: bool) -> Result<Task, Error> {
        let short = short(reference)
            .ok_or_else(|| Error::Arguments(format!("`{}` names no task", outside::line(reference, 80))))?;
        let answer = match is_global {
            true => self.get(&format!("/{short}")).await?,
            false => self.call("getTaskStatus", short.into(), Kind::Read).await?,
        };
        Task::of(&answer).ok_or_else(|| self.wrong("it does not say how far the task is"))
    }

    /// Whether this is the global administration, where tasks are objects of their own.
    pub(super) async fn is_global(&self) -> Result<bool, Error> {
        Ok(self.scope() == Scope::Admin && self.current_portal().await?.is_none())
    }
}

fn report(watch: &Watch<'_>, task: &Task) {
    let (index, count) = watch.item;
    let share = f64::from(u32::try_from(task.percentage.unwrap_or(0).min(100)).unwrap_or(0)) / 100.0;
    let whole = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let message = Some(format!(
        "item {} of {count}: {}, {} %",
        index.saturating_add(1),
        task.status,
        task.percentage.unwrap_or(0)
    ));
    watch.progress.report(Step { done: whole(index) + share, total: Some(whole(count)), message });
}

fn is_reference(text: &str) -> bool {
    short(text).is_some()
}

/// The part of a reference by which the Portal finds the task: `servers/MainDB/bgTasks/918908`.
fn short(reference: &str) -> Option<String> {
    let mut parts: Vec<&str> = reference.rsplitn(5, '/').take(4).collect();
    parts.reverse();
    let [servers, server, tasks, number] = parts.as_slice() else { return None };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && name != ".."
    };
    let is_task = *servers == "servers" && *tasks == "bgTasks" && is_name(server);
    (is_task && number.parse::<u64>().is_ok_and(|number| number > 0)).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_task_is_found_by_either_form_of_its_reference() {
        for text in ["servers/MainDB/bgTasks/918908", "objs/12/acme/servers/MainDB/bgTasks/918908"] {
            assert_eq!(short(text).as_deref(), Some("servers/MainDB/bgTasks/918908"));
        }
        for text in [
            "",
            "Ok",
            "servers/MainDB/bgTasks/",
            "servers/../bgTasks/7",
            "servers/a b/bgTasks/7",
            "bgTasks/7",
            "servers/MainDB/bgTasks/0",
        ] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_completed_task_without_an_error_is_a_success() {
        let task = |status: &str, error: Value, cursor: Value| {
            Task::of(&json!({"status": status, "errorType": error, "cursor": cursor, "percentage": "100"}))
                .expect("a task")
        };
        assert!(task("completed", Value::Null, Value::Null).is_done());
        for (status, error) in [
            ("completed", json!("Conflict")),
            ("completed with warnings", Value::Null),
            ("failed", Value::Null),
            ("stopped", Value::Null),
        ] {
            let task = task(status, error, Value::Null);
            assert!(task.is_over() && !task.is_done(), "{task:?}");
        }
        for status in ["running", "waiting", "retrying", "stopping", "something new"] {
            assert!(!task(status, Value::Null, Value::Null).is_over(), "{status}");
        }
        assert!(!task("running", json!("Conflict"), json!({})).is_over(), "it may still go on by itself");
        assert!(task("something new", json!("Conflict"), json!({})).is_over());
        assert_eq!(Task::of(&json!({"percentage": 3})), None);
    }

    #[test]
    fn each_cause_of_a_failure_has_its_words() {
        let reason = |task: Value| Task::of(&task).expect("a task").reason(Scope::User);
        let there = json!({"destResource": {"href": "/ServicesPortal/webdav/a%20b"}, "upperLevelUrl": "/ServicesPortal/webdav/c"});
        assert_eq!(
            reason(json!({"status": "failed", "errorType": "Conflict", "cursor": there})),
            "something is there already: `a b`"
        );
        assert_eq!(
            reason(json!({"status": "failed", "errorType": "PermissionDenied", "cursor": there})),
            "no permission: `c`"
        );
        assert_eq!(
            reason(json!({"status": "failed", "progstring": "Resource, /a , doesn't exist."})),
            "there is nothing at that path"
        );
        assert_eq!(
            reason(json!({"status": "failed", "progstring": "DestinationNotExists"})),
            "the folder it should go to is not there"
        );
        assert_eq!(reason(json!({"status": "stopped"})), "the task ended as `stopped`");
    }
}
