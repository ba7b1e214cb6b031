//! The methods: what each needs, and its answer.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::client::{Method, Takes};
use super::era::{self, Era, Keep, Meta, VERSIONS};
use super::listen::Wish;
use super::log::Threshold;
use super::message::{Failure, INTERNAL, Id, Params, UNKNOWN_METHOD, string};
use super::read::{self, Found, Reading};
use super::writer::{Part, Parts};
use super::{Completion, Features, Identity, Kind, Level, Outcome, Partial};
use super::{Question, Server, ToolResult, UrlRequest, ask, complete, listen};

/// The kinds that are declared.
const LISTED: [Kind; 3] = [Kind::Tools, Kind::Prompts, Kind::Resources];
/// The parts of an ordinary result.
const PARTS: usize = 8;
/// From which level on a legacy client gets log messages before it says otherwise.
const USUAL: Level = Level::Info;

/// What a request leads to.
pub(super) enum Step {
    /// An answer at once.
    Answer(Parts),
    /// The answer to a new handshake.
    Hello(Parts),
    /// Something that can take long.
    Start(Invocation),
    /// To listen.
    Listen(Wish),
    /// To hear of this address, or to hear of it no more.
    Subscribe(String),
    Unsubscribe(String),
}

/// What can take long.
pub(super) enum Work {
    /// A call of the tool of this name.
    Call(String, Map<String, Value>),
    /// A reading.
    Read(Reading),
    /// A completion.
    Complete(Partial),
}

/// A request for it whose parameters were understood.
pub(super) struct Invocation {
    pub(super) work: Work,
    pub(super) progress_token: Option<Box<RawValue>>,
    pub(super) answers: Map<String, Value>,
    pub(super) request_state: Option<String>,
    pub(super) era: Era,
    /// Modern: from which level on log messages are wanted.
    pub(super) level: Option<Level>,
}

/// What is known of the legacy client from its latest `initialize`, and what it was told there.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    pub(super) takes: Takes,
    /// The lists that tell of their changes: of tools, prompts and resources.
    pub(super) changes: [bool; 3],
    /// From which level on it wants log messages.
    pub(super) level: Threshold,
}

impl Handshake {
    fn want(&self, server: &dyn Server, level: Option<Level>) {
        if self.level.level() != level {
            self.level.set(level);
            if let Some(level) = level {
                server.level(level);
            }
        }
    }
}

/// Answers methods; knows who we are as JSON.
pub(super) struct Dispatch {
    identity: Identity,
    server_info: String,
}

impl Dispatch {
    pub(super) fn new(identity: Identity) -> Self {
        let server_info = era::server_info(&identity);
        Self { identity, server_info }
    }

    /// Decides what a request leads to.
    pub(super) fn request(
        &self,
        server: &dyn Server,
        handshake: &mut Handshake,
        method: &str,
        params: &Params<'_>,
    ) -> Result<Step, Failure> {
        let meta = Meta::of(params)?;
        let era = meta.era(method)?;
        let answer = |parts| Ok(Step::Answer(parts));
        let start = |work| invocation(work, params, &meta, era).map(Step::Start);
        match (method, era) {
            ("tools/call", _) => start(Work::Call(name(params)?, arguments(params)?)),
            ("prompts/get", _) if server.offers(Kind::Prompts) => start(Work::Read(read::prompt(params)?)),
            ("resources/read", _) if server.offers(Kind::Resources) => start(Work::Read(read::resource(params)?)),
            ("completion/complete", _) if server.features().completions => {
                start(Work::Complete(complete::partial(params)?))
            }
            ("initialize", Era::Legacy) => {
                let features = server.features();
                let (version, text) = self.initialize(server, features, params)?;
                handshake.takes = Takes::under(version, params.capabilities);
                handshake.changes = changing(server, features);
                handshake.want(server, features.logging.then_some(USUAL));
                Ok(Step::Hello(vec![Part::Text(text)]))
            }
            ("subscriptions/listen", Era::Modern(_)) => listening(server, params).map(Step::Listen),
            ("resources/subscribe" | "resources/unsubscribe", Era::Legacy) if can_watch(server, server.features()) => {
                let uri = read::uri(params)?;
                listen::sized(&uri)?;
                Ok(if method == "resources/subscribe" { Step::Subscribe(uri) } else { Step::Unsubscribe(uri) })
            }
            ("logging/setLevel", Era::Legacy) if server.features().logging => {
                let level = params.level.and_then(string).and_then(|word| Level::of(&word));
                handshake.want(server, Some(level.ok_or_else(|| Failure::parameters("`level` is not a level"))?));
                answer(vec![Part::Static("{}")])
            }
            ("ping", Era::Legacy) => answer(vec![Part::Static("{}")]),
            ("server/discover", Era::Modern(_)) => {
                answer(self.result(era, Keep::Offer, [Part::Text(self.discovery(server))]))
            }
            _ => {
                let kind = Kind::of(method).filter(|kind| server.offers(*kind)).ok_or(UNKNOWN_METHOD)?;
                first_page(params)?;
                let list = std::iter::once(Part::Static(kind.member())).chain(server.list(kind).parts());
                answer(self.result(era, Keep::Offer, list))
            }
        }
    }

    fn initialize(
        &self,
        server: &dyn Server,
        features: Features,
        params: &Params<'_>,
    ) -> Result<(&'static str, String), Failure> {
        let requested = match params.protocol_version {
            None => "".into(),
            Some(raw) => string(raw).ok_or_else(|| Failure::parameters("`protocolVersion` is not a text"))?,
        };
        let version = era::negotiate(&requested);
        let mut text = format!(
            "{{\"protocolVersion\":\"{version}\",\"capabilities\":{},\"serverInfo\":{}",
            capabilities(server, features),
            self.server_info
        );
        self.instructions(&mut text);
        text.push('}');
        Ok((version, text))
    }

    fn discovery(&self, server: &dyn Server) -> String {
        let mut text = format!(
            "\"supportedVersions\":{},\"capabilities\":{}",
            json!(VERSIONS),
            capabilities(server, server.features())
        );
        self.instructions(&mut text);
        text
    }

    fn instructions(&self, text: &mut String) {
        if let Some(instructions) = &self.identity.instructions {
            let _ = write!(text, ",\"instructions\":{}", json!(instructions));
        }
    }

    /// A result with these members, framed as its era wants it.
    fn result(&self, era: Era, keep: Keep, members: impl IntoIterator<Item = Part>) -> Parts {
        framed(era::frame(era, true, keep, &self.server_info, ""), members)
    }

    /// The result of a reading.
    pub(super) fn found(&self, era: Era, found: Found) -> Result<Parts, Failure> {
        match found {
            Found::Prompt { description, messages } => {
                Ok(self.result(era, Keep::Not, read::messages(description.as_deref(), messages)))
            }
            Found::Resource { contents } => {
                Ok(self.result(era, Keep::Reading, [Part::Static("\"contents\":"), Part::Raw(contents)]))
            }
            Found::InputRequired { questions, state } => self.input_required(era, &questions, state.as_deref()),
        }
    }

    /// The result of the listening request of this id.
    pub(super) fn listened(&self, id: &Id) -> Parts {
        let serving = format!(",\"io.modelcontextprotocol/serverInfo\":{}", self.server_info);
        vec![Part::Text(format!("{{\"resultType\":\"complete\",\"_meta\":{{{}{serving}}}}}", listen::mark(id)))]
    }

    /// The result of a completion.
    pub(super) fn completed(&self, era: Era, completion: Completion) -> Parts {
        self.result(era, Keep::Not, [Part::Static("\"completion\":"), Part::Text(complete::member(completion))])
    }

    /// The result of a call.
    pub(super) fn outcome(&self, era: Era, outcome: Outcome) -> Result<Parts, Failure> {
        match outcome {
            Outcome::Done(result) => {
                let meta = result.meta.as_deref().map(era::foreign).unwrap_or_default();
                Ok(framed(era::frame(era, true, Keep::Not, &self.server_info, &meta), members(result)))
            }
            Outcome::InputRequired { questions, state } => self.input_required(era, &questions, state.as_deref()),
        }
    }

    /// A legacy client cannot read this, and a modern one must find in it something to do.
    fn input_required(
        &self,
        era: Era,
        questions: &[(String, Question)],
        state: Option<&str>,
    ) -> Result<Parts, Failure> {
        let Era::Modern(takes) = era else { return Err(INTERNAL) };
        let mut members = Vec::new();
        if !questions.is_empty() {
            members.push(requests(takes, questions)?);
        }
        if let Some(state) = state {
            members.push(format!("\"requestState\":{}", json!(state)));
        }
        if members.is_empty() {
            return Err(INTERNAL);
        }
        let frame = era::frame(era, false, Keep::Not, &self.server_info, "");
        Ok(framed(frame, [Part::Text(members.join(","))]))
    }
}

fn framed(frame: era::Frame, members: impl IntoIterator<Item = Part>) -> Parts {
    let mut parts = Vec::with_capacity(PARTS);
    parts.push(Part::Static(frame.head));
    parts.extend(members);
    parts.push(match frame.tail {
        Cow::Borrowed(tail) => Part::Static(tail),
        Cow::Owned(tail) => Part::Text(tail),
    });
    parts
}

impl Kind {
    /// What the method lists.
    fn of(method: &str) -> Option<Self> {
        match method {
            "tools/list" => Some(Self::Tools),
            "prompts/list" => Some(Self::Prompts),
            "resources/list" => Some(Self::Resources),
            "resources/templates/list" => Some(Self::Templates),
            _ => None,
        }
    }

    /// The member of the result that holds the list.
    const fn member(self) -> &'static str {
        match self {
            Self::Tools => "\"tools\":",
            Self::Prompts => "\"prompts\":",
            Self::Resources => "\"resources\":",
            Self::Templates => "\"resourceTemplates\":",
        }
    }
}

/// The lists that tell of their changes: of tools, prompts and resources.
fn changing(server: &dyn Server, features: Features) -> [bool; 3] {
    LISTED.map(|kind| features.list_changed && server.offers(kind))
}

fn can_watch(server: &dyn Server, features: Features) -> bool {
    features.subscribe && server.offers(Kind::Resources)
}

fn listening(server: &dyn Server, params: &Params<'_>) -> Result<Wish, Failure> {
    let features = server.features();
    let (lists, has_addresses) = (changing(server, features), can_watch(server, features));
    if !has_addresses && !lists.contains(&true) {
        return Err(UNKNOWN_METHOD);
    }
    Wish::of(params, lists, has_addresses)
}

/// What the server can do, as JSON.
fn capabilities(server: &dyn Server, features: Features) -> String {
    let of = |kind| match (features.list_changed, features.subscribe && kind == Kind::Resources) {
        (true, true) => "{\"subscribe\":true,\"listChanged\":true}",
        (true, false) => "{\"listChanged\":true}",
        (false, true) => "{\"subscribe\":true}",
        (false, false) => "{}",
    };
    let kinds = LISTED.into_iter().filter(|kind| server.offers(*kind));
    let mut declared: Vec<String> = kinds.map(|kind| format!("{}{}", kind.member(), of(kind))).collect();
    let others = [(features.completions, "\"completions\":{}"), (features.logging, "\"logging\":{}")];
    declared.extend(others.into_iter().filter(|(is_offered, _)| *is_offered).map(|(_, member)| member.to_owned()));
    format!("{{{}}}", declared.join(","))
}

fn members(result: ToolResult) -> Parts {
    let mut members = Vec::with_capacity(PARTS);
    members.extend([Part::Static("\"content\":"), Part::Text(result.content)]);
    if let Some(structured) = result.structured {
        members.extend([Part::Static(",\"structuredContent\":"), Part::Text(structured)]);
    }
    members.push(Part::Static(if result.failed { ",\"isError\":true" } else { ",\"isError\":false" }));
    members
}

/// The questions by their keys, none of which asks for what the client does not take.
fn requests(takes: Takes, questions: &[(String, Question)]) -> Result<String, Failure> {
    let mut text = String::from("\"inputRequests\":{");
    for (index, (key, question)) in questions.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let (method, params) = match question {
            Question::Open(UrlRequest { message, url }) => {
                (Method::Elicit, json!({ "mode": "url", "message": message, "url": url }).to_string())
            }
            Question::Confirm(question) => (Method::Elicit, ask::form(question).to_string()),
            Question::Relay { method, params } => {
                takes.check(*method, params)?;
                (*method, params.get().to_owned())
            }
        };
        let _ = write!(text, "{comma}{}:{{\"method\":\"{}\",\"params\":{params}}}", json!(key), method.name());
    }
    text.push('}');
    Ok(text)
}

/// There is one page. An empty cursor is taken for the first page, any other was never given out.
fn first_page(params: &Params<'_>) -> Result<(), Failure> {
    match params.cursor.map(RawValue::get) {
        None | Some("\"\"") => Ok(()),
        Some(_) => Err(Failure::parameters("unknown cursor")),
    }
}

fn invocation(work: Work, params: &Params<'_>, meta: &Meta<'_>, era: Era) -> Result<Invocation, Failure> {
    let request_state = match params.request_state {
        None => None,
        Some(raw) => Some(string(raw).ok_or_else(|| Failure::parameters("`requestState` is not a text"))?.into_owned()),
    };
    Ok(Invocation {
        work,
        progress_token: meta.progress_token.map(ToOwned::to_owned),
        answers: object(params.input_responses, "`inputResponses` is not an object")?,
        request_state,
        era,
        level: meta.level(),
    })
}

/// The name of a tool or a prompt.
pub(super) fn name(params: &Params<'_>) -> Result<String, Failure> {
    let name = params.name.ok_or_else(|| Failure::parameters("`name` is missing"))?;
    Ok(string(name).ok_or_else(|| Failure::parameters("`name` is not a text"))?.into_owned())
}

/// Its arguments.
pub(super) fn arguments(params: &Params<'_>) -> Result<Map<String, Value>, Failure> {
    object(params.arguments, "`arguments` is not an object")
}

/// An object; an empty one if it is absent.
pub(super) fn object(raw: Option<&RawValue>, wrong: &'static str) -> Result<Map<String, Value>, Failure> {
    raw.map_or_else(|| Ok(Map::new()), |raw| serde_json::from_str(raw.get()).map_err(|_| Failure::parameters(wrong)))
}

/// The whole message around a result.
pub(super) fn answer(id: &Id, result: Parts) -> Parts {
    let mut parts = Vec::with_capacity(result.len().saturating_add(2));
    parts.push(Part::Text(["{\"jsonrpc\":\"2.0\",\"id\":", id.raw.get(), ",\"result\":"].concat()));
    parts.extend(result);
    parts.push(Part::Static("}"));
    parts
}

/// The whole message around an error; without a readable id it is `null`.
pub(super) fn refusal(id: Option<&Id>, failure: &Failure) -> Parts {
    let id = id.map_or("null", |id| id.raw.get());
    let message = json!(failure.message);
    let data = failure.data.as_ref().map(|data| format!(",\"data\":{data}")).unwrap_or_default();
    let code = failure.code;
    vec![Part::Text(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}{data}}}}}"
    ))]
}
