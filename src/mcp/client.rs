//! What a client can be asked, and how: by its handshake or by this request.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ask::Asker;
use super::era::{FORMS_LEGACY, NEWEST_LEGACY};
use super::message::{Failure, INTERNAL};

/// What a client declared that it takes. A host may take one and not the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// Forms for the person to fill in; a yes or no is one.
    pub form: bool,
    /// Addresses for the person to open.
    pub url: bool,
    /// Prompts for its model.
    pub sampling: bool,
    /// Prompts with tools for its model to call.
    pub sampling_tools: bool,
    /// Prompts that want what the model knows from elsewhere.
    pub sampling_context: bool,
}

/// Who sent a request, as far as it can be asked something meanwhile. The default cannot.
#[derive(Clone, Debug, Default)]
pub struct Client {
    takes: Takes,
    asking: Asking,
}

/// Whether and how something can be asked.
#[derive(Clone, Debug, Default)]
pub enum Asking {
    /// The client did not declare it.
    #[default]
    Cannot,
    /// Legacy: the client is asked in the middle of the request.
    Now(Asker),
    /// Modern: the request ends with the questions and comes again with the answers.
    ByResult,
}

static CANNOT: Asking = Asking::Cannot;

/// What a client is sent to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Something for the person: `elicitation/create`.
    Elicit,
    /// Something for the model: `sampling/createMessage`.
    Sample,
}

impl Method {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elicit => "elicitation/create",
            Self::Sample => "sampling/createMessage",
        }
    }
}

impl Client {
    pub(super) fn new(takes: Takes, asking: Asking) -> Self {
        Self { takes, asking }
    }

    /// What can be asked.
    pub fn takes(&self) -> Takes {
        self.takes
    }

    /// How anything of it can be asked; [`Asking::Cannot`] if nothing can.
    pub fn asking(&self) -> &Asking {
        &self.asking
    }

    /// How the person can be asked to open an address.
    pub fn open(&self) -> &Asking {
        if self.takes.url { &self.asking } else { &CANNOT }
    }

    /// How the person can be asked to say yes or no.
    pub fn confirm(&self) -> &Asking {
        if self.takes.form { &self.asking } else { &CANNOT }
    }

    /// Whether the person can be asked anything.
    pub fn can_be_asked(&self) -> bool {
        self.takes.form || self.takes.url
    }
}

/// The part of a client's capabilities that matters here.
#[derive(Default, Deserialize)]
struct Capabilities<'a> {
    #[serde(borrow)]
    elicitation: Option<&'a RawValue>,
    #[serde(borrow)]
    sampling: Option<&'a RawValue>,
}

/// The modes of one of them; an empty object each.
#[derive(Deserialize)]
struct Modes {
    form: Option<Map<String, Value>>,
    url: Option<Map<String, Value>>,
    tools: Option<Map<String, Value>>,
    context: Option<Map<String, Value>>,
}

/// The part of a question that says what the client must take.
#[derive(Deserialize)]
struct Wants<'a> {
    mode: Option<&'a str>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow, rename = "toolChoice")]
    tool_choice: Option<&'a RawValue>,
}

impl Takes {
    /// What these capabilities say.
    pub(super) fn of(capabilities: Option<&RawValue>) -> Self {
        let read = |raw: &RawValue| -> Option<Modes> {
            raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok()).flatten()
        };
        let all = capabilities.and_then(|raw| serde_json::from_str::<Capabilities<'_>>(raw.get()).ok());
        let Capabilities { elicitation, sampling } = all.unwrap_or_default();
        let mut takes = Self::default();
        if let Some(modes) = elicitation.and_then(read) {
            takes.url = modes.url.is_some();
            // Forms are older than modes: whoever names no mode means them.
            takes.form = modes.form.is_some() || !takes.url;
        }
        if let Some(modes) = sampling.and_then(read) {
            takes.sampling = true;
            takes.sampling_tools = modes.tools.is_some();
            takes.sampling_context = modes.context.is_some();
        }
        takes
    }

    /// The same for a client with a handshake: forms came with 2025-06-18, addresses and the modes of sampling with
    /// 2025-11-25.
    pub(super) fn under(version: &str, capabilities: Option<&RawValue>) -> Self {
        let takes = Self::of(capabilities);
        let is_newest = version == NEWEST_LEGACY;
        Self {
            form: takes.form && (is_newest || version == FORMS_LEGACY),
            url: takes.url && is_newest,
            sampling: takes.sampling,
            sampling_tools: takes.sampling_tools && is_newest,
            sampling_context: takes.sampling_context && is_newest,
        }
    }

    pub(super) fn anything(self) -> bool {
        self != Self::default()
    }

    /// Whether the client takes this question. A client must not be asked what it did not declare, whoever wrote it.
    pub(super) fn check(self, method: Method, params: &RawValue) -> Result<(), Failure> {
        let object = Some(params.get()).filter(|text| text.trim_start().starts_with('{'));
        let Some(wants) = object.and_then(|text| serde_json::from_str::<Wants<'_>>(text).ok()) else {
            return Err(INTERNAL);
        };
        let has_tools = wants.tools.is_some() || wants.tool_choice.is_some();
        let (takes, capability) = match (method, wants.mode) {
            (Method::Elicit, Some("url")) => (self.url, r#"{"elicitation":{"url":{}}}"#),
            (Method::Elicit, None | Some("form")) => (self.form, r#"{"elicitation":{"form":{}}}"#),
            (Method::Elicit, Some(_)) => return Err(INTERNAL),
            (Method::Sample, _) if has_tools => (self.sampling_tools, r#"{"sampling":{"tools":{}}}"#),
            (Method::Sample, _) => (self.sampling, r#"{"sampling":{}}"#),
        };
        if takes {
            return Ok(());
        }
        let data = format!("{{\"requiredCapabilities\":{capability}}}");
        Err(Failure { data: Some(data), ..Failure::new(-32021, "the client does not take what this needs to ask") })
    }
}
