//! Answers, in either notation.

use http::StatusCode;
use serde_json::Value;

use super::super::wire::Node;
use crate::backends::fake::{Reply, empty, whole};

/// An answer before it has a notation.
pub(super) enum Said {
    /// A value.
    Value(Value),
    /// Success, in no words.
    Nothing,
    /// Anything else.
    Raw(Box<Reply>),
}

/// What a handler says, or how it refuses.
pub(super) type Result = std::result::Result<Said, Box<Reply>>;

impl Said {
    /// As a reply: JSON if asked for, otherwise XML; without nulls if the Portal is one that leaves them out.
    pub(super) fn reply(self, json: bool, leaves_nulls_out: bool) -> Reply {
        let mut value = match self {
            Self::Raw(reply) => return *reply,
            Self::Nothing | Self::Value(Value::Null) => return empty(StatusCode::OK),
            Self::Value(value) => value,
        };
        if leaves_nulls_out {
            prune(&mut value);
        }
        if !json {
            return whole(StatusCode::OK, "text/xml;charset=UTF-8", Node::from(&value).xml());
        }
        if let Value::Number(number) = value {
            value = number.to_string().into();
        }
        // Slashes stand in texts only, and the Portal escapes them.
        whole(StatusCode::OK, "application/json;charset=UTF-8", value.to_string().replace('/', "\\/"))
    }
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(prune);
        }
        Value::Array(all) => all.iter_mut().for_each(prune),
        _ => {}
    }
}

/// The Portal's error object, which is XML whatever was asked for.
pub(super) fn error(status: u16, message: &str) -> Box<Reply> {
    let object = Node::object([("rc", 1_u64.into()), ("msg", message.into())]);
    Box::new(whole(code(status), "text/xml;charset=UTF-8", object.xml()))
}

/// A text.
pub(super) fn text(status: u16, text: &str) -> Box<Reply> {
    Box::new(whole(code(status), "text/plain;charset=UTF-8", text))
}

/// The look of every page: no more than a browser needs to show it well in light, in dark and on a telephone.
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;padding:8vh 1rem 2rem;font:1.0625rem/1.6 system-ui,sans-serif}\
main{max-width:28rem;margin:auto;overflow-wrap:anywhere}\
h1{font-size:1.6rem;line-height:1.2}\
label{display:block;margin:1rem 0}\
input,button{font:inherit;min-height:2.75rem;padding:.4rem .9rem;border:1px solid GrayText;border-radius:.4rem}\
input{display:block;width:100%;box-sizing:border-box}\
button{margin:.4rem .4rem 0 0}\
:focus-visible{outline:3px solid Highlight;outline-offset:2px}";

/// A web page.
pub(super) fn page(status: u16, content: &str) -> Box<Reply> {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>CTERA Portal</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><main>{content}</main></body></html>"
    );
    Box::new(whole(code(status), "text/html;charset=UTF-8", page))
}

/// A text for a page or an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The status; 500 for what is none.
pub(super) fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A member as text, whatever its kind; empty if it is not there.
pub(super) fn member(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// A member that is a list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
