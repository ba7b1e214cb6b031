//! What a server offers: asked for page by page, kept as one document for the next start, and asked for again when the
//! server says that something changed.
//!
//! The document has the lists as the server wrote them (`tools`, `prompts`, `resources`, `templates`), and what it said
//! about itself (`capabilities`, `instructions`). One that is only an array holds tools.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::peer::Peer;
use super::wire::{self, Answer};
use crate::backends::passage::News;
use crate::backends::{Error, outside};

/// The longest list.
const PAGES: usize = 100;
const ENTRIES: usize = 2_000;
const LIST: usize = 4 << 20;
/// The most characters of instructions.
const INSTRUCTIONS: usize = 8_000;

/// The kinds of what a server lists: in the document, the method, the capability, and a page in an answer.
pub(super) static KINDS: [Kind; 4] = [
    Kind { word: "tools", of: "tools", method: "tools/list", page: |answer| answer.tools.take() },
    Kind { word: "prompts", of: "prompts", method: "prompts/list", page: |answer| answer.prompts.take() },
    Kind { word: "resources", of: "resources", method: "resources/list", page: |answer| answer.resources.take() },
    Kind {
        word: "templates",
        of: "resources",
        method: "resources/templates/list",
        page: |answer| answer.resource_templates.take(),
    },
];

/// All of it, by the words of the capabilities.
pub(super) const ALL: [&str; 3] = ["tools", "prompts", "resources"];

/// A kind of what is listed.
pub(super) struct Kind {
    pub(super) word: &'static str,
    /// What it is called among the capabilities and in `notifications/…/list_changed`.
    pub(super) of: &'static str,
    method: &'static str,
    page: fn(&mut Answer) -> Option<Box<RawValue>>,
}

/// What a server can do, as far as that matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) tools: bool,
    pub(super) prompts: bool,
    pub(super) resources: bool,
    pub(super) tools_change: bool,
    pub(super) prompts_change: bool,
    pub(super) resources_change: bool,
    pub(super) subscribe: bool,
    pub(super) completions: bool,
    pub(super) logging: bool,
}

impl Capabilities {
    fn of(raw: Option<&RawValue>) -> Self {
        let all: Map<String, Value> = wire::member(raw).unwrap_or_default();
        let has = |name: &str| all.get(name).is_some_and(|value| !value.is_null() && *value != Value::Bool(false));
        let says = |name: &str, what: &str| all.get(name).and_then(|one| one.get(what)) == Some(&Value::Bool(true));
        let (prompts, resources) = (has("prompts"), has("resources"));
        Self {
            // Who names nothing that is listed at all offers tools.
            tools: has("tools") || !(prompts || resources),
            prompts,
            resources,
            tools_change: says("tools", "listChanged"),
            prompts_change: says("prompts", "listChanged"),
            resources_change: says("resources", "listChanged"),
            subscribe: says("resources", "subscribe"),
            completions: has("completions"),
            logging: has("logging"),
        }
    }

    fn document(self) -> Value {
        let mut all = Map::new();
        for (is_there, name, value) in [
            (self.tools, "tools", json!({ "listChanged": self.tools_change })),
            (self.prompts, "prompts", json!({ "listChanged": self.prompts_change })),
            (self.resources, "resources", json!({ "listChanged": self.resources_change, "subscribe": self.subscribe })),
            (self.completions, "completions", json!({})),
            (self.logging, "logging", json!({})),
        ] {
            if is_there {
                all.insert(name.to_owned(), value);
            }
        }
        Value::Object(all)
    }

    pub(super) fn has(self, kind: &str) -> bool {
        match kind {
            "tools" => self.tools,
            "prompts" => self.prompts,
            _ => self.resources,
        }
    }
}

/// What a server says about itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub(super) capabilities: Capabilities,
    pub(super) instructions: Arc<str>,
    /// Whether it said so, or nothing was heard of it yet.
    pub(super) is_known: bool,
}

impl Described {
    pub(super) fn of(answer: &Answer) -> Self {
        Self::read(answer.capabilities.as_deref(), answer.instructions.as_deref())
    }

    fn read(capabilities: Option<&RawValue>, instructions: Option<&RawValue>) -> Self {
        let words = outside::clean(wire::member(instructions).unwrap_or_default());
        let instructions: String = words.trim().chars().take(INSTRUCTIONS).collect();
        Self { capabilities: Capabilities::of(capabilities), instructions: instructions.into(), is_known: true }
    }
}

/// What is known of the offer of a server.
pub(super) struct Offers {
    state: Mutex<State>,
    is_refreshed: AtomicBool,
}

struct State {
    document: Option<Arc<RawValue>>,
    /// What was read from the disk last.
    seen: Option<Arc<RawValue>>,
    described: Described,
    /// What is to be asked for again, by the word of the capability.
    changed: Vec<&'static str>,
    is_asking: bool,
}

/// The parts of a document by their words.
pub(super) type Parts<'a> = BTreeMap<&'a str, &'a RawValue>;

/// Reads a document. One that cannot be read has no parts.
pub(super) fn parts(document: &RawValue) -> Parts<'_> {
    if document.get().starts_with('[') {
        return BTreeMap::from([("tools", document)]);
    }
    serde_json::from_str(document.get()).unwrap_or_default()
}

impl Offers {
    pub(super) fn new(document: Option<Arc<RawValue>>) -> Self {
        let described = document
            .as_deref()
            .map(parts)
            .filter(|parts| parts.contains_key("capabilities"))
            .map(|parts| Described::read(parts.get("capabilities").copied(), parts.get("instructions").copied()));
        let described = described.unwrap_or_default();
        let seen = document.clone();
        let state = State { document, seen, described, changed: Vec::new(), is_asking: false };
        Self { state: Mutex::new(state), is_refreshed: AtomicBool::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what another process, or another login of this one, has learnt meanwhile.
    pub(super) fn take_over(&self, remembered: Option<&Arc<RawValue>>) {
        let Some(remembered) = remembered else { return };
        let mut state = self.state();
        if state.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, remembered)) {
            return;
        }
        state.seen = Some(Arc::clone(remembered));
        if state.document.as_deref().map(RawValue::get) != Some(remembered.get()) {
            let Self { state: newer, .. } = Self::new(Some(Arc::clone(remembered)));
            let State { document, described, .. } = newer.into_inner().unwrap_or_else(PoisonError::into_inner);
            (state.document, state.described) = (document, described);
        }
    }

    /// The newest document.
    pub(super) fn document(&self) -> Option<Arc<RawValue>> {
        self.state().document.clone()
    }

    pub(super) fn described(&self) -> Described {
        self.state().described.clone()
    }

    pub(super) fn describe(&self, described: Described) {
        self.state().described = described;
    }
}

impl Peer {
    /// Asks the server for what it offers of these. What cannot be had stays what it was.
    pub(super) async fn learn(self: &Arc<Self>, wanted: &[&str]) -> Result<Arc<RawValue>, Error> {
        self.era(None).await?;
        let capabilities = self.offers.described().capabilities;
        let known = self.offers.document();
        let mut lists: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
        if let Some(known) = &known {
            lists = parts(known).into_iter().map(|(word, list)| (word, list.to_owned())).collect();
        }
        let (mut first, mut is_new) = (None, false);
        for kind in &KINDS {
            if !capabilities.has(kind.of) {
                lists.remove(kind.word);
                continue;
            }
            if !wanted.contains(&kind.of) {
                continue;
            }
            match self.list(kind).await {
                Ok(list) => {
                    is_new = true;
                    lists.insert(kind.word, list);
                }
                Err(error) => {
                    // Where nobody answers, the next list is not had either, and each would be waited for.
                    let error = self.connection.sent.out_of(error);
                    let is_over = matches!(error, Error::Network(_) | Error::Credential(_) | Error::Rejected { .. });
                    log::warn!("`{}` of `{}` could not be listed: {error}", kind.word, self.connection.name);
                    first = first.or(Some(error));
                    if is_over {
                        break;
                    }
                }
            }
        }
        match first {
            Some(error) if !is_new => Err(error),
            _ => self.document(&lists),
        }
    }

    fn document(&self, lists: &BTreeMap<&str, Box<RawValue>>) -> Result<Arc<RawValue>, Error> {
        let Described { capabilities, instructions, .. } = self.offers.described();
        let mut text = String::from("{");
        for kind in &KINDS {
            if let Some(list) = lists.get(kind.word) {
                text.push_str(&format!(r#""{}":{},"#, kind.word, list.get()));
            }
        }
        let words = Value::String(instructions.to_string());
        text.push_str(&format!(r#""capabilities":{},"instructions":{words}}}"#, capabilities.document()));
        let document = RawValue::from_string(text).map_err(|_| self.wrong("its lists are not JSON"))?;
        Ok(Arc::from(self.connection.sent.out_of_json(document)))
    }

    /// A list as the server wrote it, in one array.
    async fn list(self: &Arc<Self>, kind: &Kind) -> Result<Box<RawValue>, Error> {
        let wrong = |what: &str| self.wrong(format!("its list of {} {what}", kind.word));
        let mut list = String::from("[");
        let mut count = 0_usize;
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let mut page = self.ask(Ask { cursor: cursor.as_deref(), ..Ask::short(kind.method) }).await?;
            let entries: Option<Vec<Box<RawValue>>> = wire::member((kind.page)(&mut page).as_deref());
            for entry in entries.ok_or_else(|| wrong("is none"))? {
                if count > 0 {
                    list.push(',');
                }
                list.push_str(entry.get());
                count = count.saturating_add(1);
            }
            if count > ENTRIES || list.len() > LIST {
                return Err(wrong("is too long"));
            }
            match wire::member::<String>(page.next_cursor.as_deref()) {
                None => {
                    list.push(']');
                    return RawValue::from_string(list).map_err(|_| wrong("is not JSON"));
                }
                same if same == cursor => break,
                next => cursor = next,
            }
        }
        Err(wrong("never ends"))
    }

    /// Asks in the background, once, for what the server offers, now that it is known to answer.
    pub fn refresh(self: &Arc<Self>) {
        if !self.offers.is_refreshed.swap(true, Ordering::Relaxed) {
            ALL.into_iter().for_each(|of| self.changed(of));
        }
    }

    /// Something else may be on offer now: asks for it in the background, once for all who say so meanwhile.
    pub(super) fn changed(self: &Arc<Self>, of: &'static str) {
        let mut state = self.offers.state();
        if !state.changed.contains(&of) {
            state.changed.push(of);
        }
        if !std::mem::replace(&mut state.is_asking, true) {
            let peer = Arc::clone(self);
            tokio::spawn(async move { peer.ask_again().await });
        }
    }

    async fn ask_again(self: Arc<Self>) {
        let mut pause = super::standing::SHORTEST;
        loop {
            let wanted = {
                let mut state = self.offers.state();
                state.is_asking = !state.changed.is_empty();
                std::mem::take(&mut state.changed)
            };
            if wanted.is_empty() {
                return;
            }
            // Nobody waits for these lists: without them the known ones stay.
            if let Ok(learnt) = self.learn(&wanted).await {
                self.settle(learnt);
            }
            // A server that says it again and again must keep neither the network nor the disk and the host busy.
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(super::standing::LONGEST);
        }
    }

    /// Keeps what is new, and tells of it.
    fn settle(&self, learnt: Arc<RawValue>) {
        let before = self.offers.state().document.replace(Arc::clone(&learnt));
        if before.as_deref().map(RawValue::get) == Some(learnt.get()) {
            return;
        }
        self.connection.memory.keep(&learnt);
        let (old, new) = (before.as_deref().map(parts).unwrap_or_default(), parts(&learnt));
        let differs = |word: &str| old.get(word).map(|raw| raw.get()) != new.get(word).map(|raw| raw.get());
        for (is_other, news) in [
            (differs("tools"), News::Tools),
            (differs("prompts"), News::Prompts),
            (differs("resources") || differs("templates"), News::Resources),
        ] {
            if is_other {
                self.connection.listener.tell(news);
            }
        }
    }
}
