//! The methods: what each needs, and its answer.

use std::fmt::Write as _;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::ask;
use super::era::{self, Can, Era, Keep, Meta, VERSIONS};
use super::message::{Failure, Id, Params, UNKNOWN_METHOD, string};
use super::read::{self, Found, Reading};
use super::writer::{Part, Parts};
use super::{Identity, Kind, Outcome, Question, Server, ToolResult, UrlRequest};

/// What a request leads to.
pub(super) enum Step {
    /// An answer at once.
    Answer(Parts),
    /// A call.
    Call(Invocation),
    /// A reading.
    Read(Reading, Era),
}

/// A tool call whose parameters were understood.
pub(super) struct Invocation {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) progress_token: Option<Box<RawValue>>,
    pub(super) answers: Map<String, Value>,
    pub(super) request_state: Option<String>,
    pub(super) era: Era,
}

/// What is known of the client from its latest `initialize`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Handshake {
    pub(super) can: Can,
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
        let read = |reading: Result<_, _>| reading.map(|reading| Step::Read(reading, era));
        match (method, era) {
            ("tools/call", _) => invocation(params, &meta, era).map(Step::Call),
            ("prompts/get", _) if server.offers(Kind::Prompts) => read(read::prompt(params)),
            ("resources/read", _) if server.offers(Kind::Resources) => read(read::resource(params)),
            ("initialize", Era::Legacy) => {
                let (version, text) = self.initialize(server, params)?;
                handshake.can = Can::under(version, params.capabilities);
                answer(vec![Part::Text(text)])
            }
            ("ping", Era::Legacy) => answer(vec![Part::Static("{}")]),
            ("server/discover", Era::Modern(_)) => {
                answer(self.result(era, Keep::Offer, [Part::Text(self.discovery(server))]))
            }
            _ => {
                let kind = Kind::of(method).filter(|kind| server.offers(*kind)).ok_or(UNKNOWN_METHOD)?;
                first_page(params)?;
                answer(self.result(era, Keep::Offer, [Part::Static(kind.member()), Part::Shared(server.list(kind))]))
            }
        }
    }

    fn initialize(&self, server: &dyn Server, params: &Params<'_>) -> Result<(&'static str, String), Failure> {
        let requested = match params.protocol_version {
            None => "".into(),
            Some(raw) => string(raw).ok_or_else(|| Failure::parameters("`protocolVersion` is not a text"))?,
        };
        let version = era::negotiate(&requested);
        let mut text = format!(
            "{{\"protocolVersion\":\"{version}\",\"capabilities\":{},\"serverInfo\":{}",
            capabilities(server),
            self.server_info
        );
        self.instructions(&mut text);
        text.push('}');
        Ok((version, text))
    }

    fn discovery(&self, server: &dyn Server) -> String {
        let mut text = format!("\"supportedVersions\":{},\"capabilities\":{}", json!(VERSIONS), capabilities(server));
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
        let frame = era::frame(era, true, keep, &self.server_info);
        let mut parts = vec![Part::Static(frame.head)];
        parts.extend(members);
        parts.push(Part::Text(frame.tail.into_owned()));
        parts
    }

    /// The result of a reading.
    pub(super) fn found(&self, era: Era, found: &Found) -> Parts {
        let keep = match found {
            Found::Prompt { .. } => Keep::Not,
            Found::Resource { .. } => Keep::Reading,
        };
        self.result(era, keep, read::members(found))
    }

    /// The result of a call.
    pub(super) fn outcome(&self, era: Era, outcome: Outcome) -> Parts {
        match outcome {
            Outcome::Done(result) => self.result(era, Keep::Not, members(result)),
            Outcome::InputRequired(requests) => {
                let frame = era::frame(era, false, Keep::Not, &self.server_info);
                vec![
                    Part::Static(frame.head),
                    Part::Text(format!("\"inputRequests\":{}", questions(&requests))),
                    Part::Text(frame.tail.into_owned()),
                ]
            }
        }
    }
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

/// What the server can do, as JSON. None of its lists tells of changes.
fn capabilities(server: &dyn Server) -> String {
    let kinds = [Kind::Tools, Kind::Prompts, Kind::Resources].into_iter().filter(|kind| server.offers(*kind));
    let declared: Vec<String> = kinds.map(|kind| format!("{}{{}}", kind.member())).collect();
    format!("{{{}}}", declared.join(","))
}

fn members(result: ToolResult) -> Parts {
    let mut members = vec![Part::Static("\"content\":"), Part::Raw(result.content)];
    if let Some(structured) = result.structured {
        members.extend([Part::Static(",\"structuredContent\":"), Part::Raw(structured)]);
    }
    members.push(Part::Static(if result.failed { ",\"isError\":true" } else { ",\"isError\":false" }));
    members
}

fn questions(questions: &[(String, Question)]) -> Value {
    let request = |question: &Question| {
        let params = match question {
            Question::Open(UrlRequest { message, url }) => json!({ "mode": "url", "message": message, "url": url }),
            Question::Confirm(question) => ask::form(question),
        };
        json!({ "method": "elicitation/create", "params": params })
    };
    questions.iter().map(|(key, question)| (key.clone(), request(question))).collect::<Map<_, _>>().into()
}

/// There is one page. An empty cursor is taken for the first page, any other was never given out.
fn first_page(params: &Params<'_>) -> Result<(), Failure> {
    match params.cursor.map(RawValue::get) {
        None | Some("\"\"") => Ok(()),
        Some(_) => Err(Failure::parameters("unknown cursor")),
    }
}

fn invocation(params: &Params<'_>, meta: &Meta<'_>, era: Era) -> Result<Invocation, Failure> {
    let name = name(params)?;
    let request_state = match params.request_state {
        None => None,
        Some(raw) => Some(string(raw).ok_or_else(|| Failure::parameters("`requestState` is not a text"))?.into_owned()),
    };
    Ok(Invocation {
        name,
        arguments: arguments(params)?,
        progress_token: meta.progress_token.map(ToOwned::to_owned),
        answers: object(params.input_responses, "`inputResponses` is not an object")?,
        request_state,
        era,
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

fn object(raw: Option<&RawValue>, wrong: &'static str) -> Result<Map<String, Value>, Failure> {
    raw.map_or_else(|| Ok(Map::new()), |raw| serde_json::from_str(raw.get()).map_err(|_| Failure::parameters(wrong)))
}

/// The whole message around a result.
pub(super) fn answer(id: &Id, result: Parts) -> Parts {
    let mut parts = vec![Part::Text(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":", id.raw.get()))];
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
