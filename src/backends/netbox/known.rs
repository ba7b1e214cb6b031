//! What is known of an instance, learned once for as long as it stays of the same release: which release it is, what its
//! schema says, and which types it has beyond our list.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::catalog::{self, Type};
use super::client::{Ask, Client};
use super::openapi::Digest;
use super::release::Release;
use crate::backends::{Boxed, Error, outside};
use crate::http::Limits;

/// A schema has about five megabytes, and making one takes the server up to a minute.
const SCHEMA: Limits = Limits { time: Duration::from_secs(50), body: 32 << 20 };
/// How long a schema that could not be read is not asked for again.
const PATIENCE: Duration = Duration::from_secs(600);
/// Types that an instance names.
const TYPES: usize = 1_000;
/// Filters that are remembered beyond the newest.
const HEARD: usize = 200;
/// Plugins whose lists are looked for where no list of types names them.
const PLUGINS: usize = 20;

/// What is known of an instance, and how many requests to it are under way.
pub(super) struct Known {
    pub(super) width: Semaphore,
    facts: Mutex<Facts>,
    /// Held by the one who reads the schema.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Facts {
    release: Option<Release>,
    schema: Option<Arc<Digest>>,
    /// Why the schema could not be read, and when.
    failed: Option<(Instant, String)>,
    types: Option<Arc<[Type]>>,
    /// Filters that were tried and are heeded: a list and a name.
    heard: Vec<String>,
}

impl Known {
    /// Nothing yet; at most so many requests at once.
    pub(super) fn new(width: usize) -> Self {
        Self { width: Semaphore::new(width), facts: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Facts) -> T) -> T {
        look(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the release that an answer names. With another one than before, nothing else is known any more.
    pub(super) fn seen(&self, version: &str) {
        let Some(release) = Release::parse(version) else { return };
        self.with(|facts| {
            if facts.release.is_some_and(|known| known != release) {
                *facts = Facts::default();
            }
            facts.release = Some(release);
        });
    }

    /// What the schema says, if it was read.
    pub(super) fn schema(&self) -> Option<Arc<Digest>> {
        self.with(|facts| facts.schema.clone())
    }

    /// Whether a filter was tried before, and is heeded.
    pub(super) fn was_heard(&self, filter: &str) -> bool {
        self.with(|facts| facts.heard.iter().any(|one| one == filter))
    }

    /// Notes that a filter is heeded.
    pub(super) fn hears(&self, filter: String) {
        self.with(|facts| {
            facts.heard.truncate(HEARD);
            facts.heard.insert(0, filter);
        });
    }

    fn failed(&self) -> Option<String> {
        self.with(|facts| facts.failed.clone()).filter(|(when, _)| when.elapsed() < PATIENCE).map(|(_, why)| why)
    }
}

impl Client {
    /// The release. Every answer names it; before the first one, NetBox is asked.
    pub(super) async fn release(&self) -> Result<Release, Error> {
        if let Some(release) = self.known.with(|facts| facts.release) {
            return Ok(release);
        }
        match self.ask(Ask::get("status")).await {
            Ok(answer) => {
                if let Some(version) = answer.body.get("netbox-version").and_then(Value::as_str) {
                    self.known.seen(version);
                }
            }
            // Whatever it says, the header of its answer may have told.
            Err(Error::Forbidden { .. } | Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(self.known.with(|facts| facts.release).unwrap_or(Release::NEWEST))
    }

    /// What the instance's own schema says; `Err` with the reason in words where it cannot be had. Read once.
    pub(super) fn schema(&self) -> Boxed<'_, Result<Arc<Digest>, String>> {
        Box::pin(async move {
            let _reading = self.known.reading.lock().await;
            if let Some(schema) = self.known.schema() {
                return Ok(schema);
            }
            if let Some(why) = self.known.failed() {
                return Err(why);
            }
            let ask = Ask::get("schema").with("format", "json").within(SCHEMA);
            let read = match self.text(ask).await {
                Ok(text) => Digest::read(&text).map(Arc::new),
                Err(error) => Err(outside::line(&error.to_string(), outside::LONGEST)),
            };
            self.known.with(|facts| match &read {
                Ok(digest) => facts.schema = Some(Arc::clone(digest)),
                Err(why) => facts.failed = Some((Instant::now(), why.clone())),
            });
            read
        })
    }

    /// The type that a caller's word means.
    pub(super) async fn kind(&self, word: &str) -> Result<Type, Error> {
        let release = self.release().await?;
        if let Some(found) = catalog::find(word, release, None)? {
            return Ok(found);
        }
        let others = self.others().await?;
        catalog::find(word, release, Some(&others))?
            .ok_or_else(|| Error::Arguments(format!("there is no type `{}`", outside::line(word, 60))))
    }

    /// The types that the instance names beyond our list: those of its plugins, and newer ones.
    pub(super) fn others(&self) -> Boxed<'_, Result<Arc<[Type]>, Error>> {
        Box::pin(async move {
            if let Some(types) = self.known.with(|facts| facts.types.clone()) {
                return Ok(types);
            }
            let release = self.release().await?;
            let found = match self.listed(release).await? {
                Some(listed) => listed,
                None => self.plugins().await?,
            };
            let ours: Vec<Type> = catalog::bundled(release).collect();
            let new = found.into_iter().filter(|one| ours.iter().all(|ours| ours.path != one.path));
            let types: Arc<[Type]> = new.take(TYPES).collect();
            self.known.with(|facts| facts.types = Some(Arc::clone(&types)));
            Ok(types)
        })
    }

    /// The types with an endpoint that the list of types names; `None` where it names none.
    async fn listed(&self, release: Release) -> Result<Option<Vec<Type>>, Error> {
        if release < Release::MESSAGE {
            return Ok(None);
        }
        let Some(list) = Type::named("core.objecttype", release) else { return Ok(None) };
        let ask = Ask::get(&list.path).with("limit", "1000").with("fields", "app_label,model,rest_api_endpoint");
        let body = match self.ask(ask).await {
            Ok(answer) => answer.body,
            Err(Error::Refused { code: 404, .. } | Error::Forbidden { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let rows = body.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let one = |row: &Value| {
            let name = format!("{}.{}", text(row, "app_label")?, text(row, "model")?);
            Type::at(&name, &text(row, "rest_api_endpoint")?)
        };
        Ok(Some(rows.iter().filter_map(one).collect()))
    }

    /// The lists of the plugins, each as its own root shows them, by their paths.
    async fn plugins(&self) -> Result<Vec<Type>, Error> {
        let roots = match self.ask(Ask::get("plugins")).await {
            Ok(answer) => answer.body,
            Err(Error::Refused { .. } | Error::Forbidden { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = |body: &Value| -> Vec<String> {
            body.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
        };
        let plugins: Vec<Type> = names(&roots)
            .iter()
            .filter(|name| *name != "installed-plugins")
            .filter_map(|name| Type::at(name, &format!("plugins/{name}")))
            .take(PLUGINS)
            .collect();
        let asks = plugins.iter().map(|plugin| Ask::get(&plugin.path)).collect();
        let mut types = Vec::new();
        for (plugin, answer) in plugins.iter().zip(self.all(asks).await) {
            let lists = answer.map(|answer| names(&answer.body)).unwrap_or_default();
            // What NetBox calls the type of a list it says nowhere here; the path is a name that claims nothing.
            let one = |list: &String| {
                let path = format!("{}/{list}", plugin.path);
                Type::at(&path, &path)
            };
            types.extend(lists.iter().filter_map(one));
        }
        Ok(types)
    }
}
