//! What the stand-in server offers: tools that show each kind of answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

/// The tools of a stand-in server.
pub(in crate::backends) trait Tools: Send + Sync {
    /// Their definitions.
    fn list(&self) -> Vec<Value>;
    /// What a call answers; `None` if there is no such tool.
    fn call(&self, name: &str, arguments: &Value, subject: &str) -> Option<Answer>;
    /// The scope that a call of this tool needs; empty if it needs none.
    fn scope(&self, _: &str) -> &'static str {
        ""
    }
    /// Whether the server has prompts and resources, too.
    fn has_library(&self) -> bool {
        false
    }
}

/// Tools can be shared by several servers.
impl<T: Tools + ?Sized> Tools for Arc<T> {
    fn list(&self) -> Vec<Value> {
        (**self).list()
    }

    fn call(&self, name: &str, arguments: &Value, subject: &str) -> Option<Answer> {
        (**self).call(name, arguments, subject)
    }

    fn scope(&self, name: &str) -> &'static str {
        (**self).scope(name)
    }

    fn has_library(&self) -> bool {
        (**self).has_library()
    }
}

/// How a result is sent.
pub(in crate::backends) enum Answer {
    /// As one JSON body.
    Plain(Value),
    /// As a stream of one event.
    Streamed(Value),
    /// As a stream with progress before it.
    Slow {
        /// How many steps of progress.
        steps: u64,
        /// The time before each.
        delay: Duration,
        /// The result.
        result: Value,
    },
    /// As a stream that breaks off and can be taken up again.
    Interrupted(Value),
}

/// One tool for each kind of answer.
pub(in crate::backends) struct Samples;

const LARGEST: u64 = 8 << 20;

impl Tools for Samples {
    fn list(&self) -> Vec<Value> {
        let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
            json!({
                "name": name, "description": description,
                "inputSchema": {
                    "type": "object", "properties": properties, "required": required, "additionalProperties": false,
                },
                "annotations": {"readOnlyHint": true, "openWorldHint": false},
            })
        };
        let text = json!({"text": {"type": "string", "description": "Any text."}});
        let number = json!({"type": "number", "description": "A number."});
        let mut echo = tool("echo", "Returns the text.", text.clone(), &["text"]);
        if let Some(members) = echo.as_object_mut() {
            let schema =
                json!({"type": "object", "properties": text, "required": ["text"], "additionalProperties": false});
            members.insert("outputSchema".to_owned(), schema);
        }
        let slow = json!({
            "steps": {"type": "integer", "description": "How many steps."},
            "delay_ms": {"type": "integer", "description": "Milliseconds before each step."},
            "interrupted": {"type": "boolean", "description": "Break off the stream once."},
        });
        vec![
            echo,
            tool("add", "Adds two numbers.", json!({"a": number, "b": number}), &["a", "b"]),
            tool("slow", "Takes its time and reports progress.", slow, &[]),
            tool("fail", "Always fails.", json!({}), &[]),
            tool("whoami", "Says whose login it sees.", json!({}), &[]),
            tool(
                "big",
                "Returns a large text.",
                json!({"size": {"type": "integer", "description": "Bytes."}}),
                &["size"],
            ),
            tool("needs_more", "Needs a scope that a login does not ask for by itself.", json!({}), &[]),
        ]
    }

    fn call(&self, name: &str, arguments: &Value, subject: &str) -> Option<Answer> {
        let text = |text: &str| json!([{"type": "text", "text": text}]);
        let number = |name: &str| arguments.get(name).and_then(Value::as_f64).unwrap_or_default();
        let count = |name: &str| arguments.get(name).and_then(Value::as_u64);
        Some(match name {
            "echo" => {
                let said = arguments.get("text").and_then(Value::as_str).unwrap_or_default();
                Answer::Plain(json!({"content": text(said), "structuredContent": {"text": said}}))
            }
            "add" => Answer::Streamed(json!({"content": text(&(number("a") + number("b")).to_string())})),
            "slow" if arguments.get("interrupted") == Some(&json!(true)) => {
                Answer::Interrupted(json!({"content": text("taken up again")}))
            }
            "slow" => Answer::Slow {
                steps: count("steps").unwrap_or(3).min(1_000),
                delay: Duration::from_millis(count("delay_ms").unwrap_or(50).min(10_000)),
                result: json!({"content": text("done")}),
            },
            "fail" => Answer::Plain(json!({"content": text("this tool always fails"), "isError": true})),
            "whoami" => Answer::Plain(json!({"content": text(subject), "structuredContent": {"subject": subject}})),
            "big" => {
                let size = usize::try_from(count("size").unwrap_or(1).min(LARGEST)).unwrap_or_default();
                Answer::Plain(json!({"content": text(&"x".repeat(size))}))
            }
            "needs_more" => Answer::Plain(json!({"content": text("allowed")})),
            _ => return None,
        })
    }

    fn scope(&self, name: &str) -> &'static str {
        if name == "needs_more" { "sandbox:write" } else { "" }
    }

    fn has_library(&self) -> bool {
        true
    }
}
