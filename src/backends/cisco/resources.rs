//! Reports with an address: bugs, products, advisories, devices, and the newest of each kind.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::tool::Spec;
use super::{advisories, bugs, coverage, lifecycle, products, report};
use crate::backends::resource::{Contents, Form, Reader};
use crate::backends::{Boxed, Connection, Error, Host, Json, Output, Progress, Resource, outside};

/// A resource, as a value: a call of a tool, in which `{}` stands for the variable.
struct Kind {
    path: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    spec: &'static Spec,
    /// The argument that the variable goes into.
    variable: &'static str,
    call: fn() -> Value,
}

static ALL: &[Kind] = &[
    Kind {
        path: "security/advisories/recent",
        name: "recent-advisories",
        title: "Newest security advisories",
        description: "The twenty newest security advisories.",
        spec: &advisories::SPEC,
        variable: "",
        call: || json!({"latest": 20}),
    },
    Kind {
        path: "security/advisories/critical",
        name: "critical-advisories",
        title: "Critical security advisories",
        description: "Security advisories of critical impact.",
        spec: &advisories::SPEC,
        variable: "",
        call: || json!({"severity": "critical", "limit": 50}),
    },
    Kind {
        path: "bugs/recent/critical",
        name: "recent-critical-bugs",
        title: "Critical bugs of this week",
        description: "Bugs of severity 1 about a crash that were changed within a week.",
        spec: &bugs::SPEC,
        variable: "",
        call: || json!({"keyword": "crash", "severities": [1], "modified": "week"}),
    },
    Kind {
        path: "bugs/recent/high",
        name: "recent-high-bugs",
        title: "Severe bugs of this week",
        description: "Bugs of severity 2 about a crash that were changed within a week.",
        spec: &bugs::SPEC,
        variable: "",
        call: || json!({"keyword": "crash", "severities": [2], "modified": "week"}),
    },
    Kind {
        path: "bugs/{bug_id}",
        name: "bug",
        title: "A bug",
        description: "A bug by its id, with symptom, conditions and workaround.",
        spec: &bugs::SPEC,
        variable: "bug_ids",
        call: || json!({"detail": "full"}),
    },
    Kind {
        path: "products/{product_id}",
        name: "product",
        title: "A product",
        description: "What a product id is.",
        spec: &products::SPEC,
        variable: "product_ids",
        call: || json!({}),
    },
    Kind {
        path: "products/end-of-life/{product_id}",
        name: "end-of-life",
        title: "End of life of a product",
        description: "All end-of-life dates of a product.",
        spec: &lifecycle::SPEC,
        variable: "product_ids",
        call: || json!({}),
    },
    Kind {
        path: "security/advisories/{advisory_id}",
        name: "advisory",
        title: "A security advisory",
        description: "A security advisory by its id, with its summary.",
        spec: &advisories::SPEC,
        variable: "advisory_ids",
        call: || json!({"detail": "full"}),
    },
    Kind {
        path: "security/cve/{cve_id}",
        name: "cve",
        title: "Advisories about a CVE",
        description: "Security advisories about a CVE.",
        spec: &advisories::SPEC,
        variable: "cve_ids",
        call: || json!({"detail": "full"}),
    },
    Kind {
        path: "devices/{serial_number}",
        name: "device",
        title: "Report on a device",
        description: "Product, coverage, end of life, suggested release, severe bugs and advisories of a device.",
        spec: &report::SPEC,
        variable: "serial_numbers",
        call: || json!({}),
    },
    Kind {
        path: "devices/coverage/{serial_number}",
        name: "coverage",
        title: "Coverage of a device",
        description: "Contract and warranty of a device.",
        spec: &coverage::SPEC,
        variable: "serial_numbers",
        call: || json!({"about": "summary"}),
    },
];

/// The resources of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Resource> {
    let client = Arc::new(Client::new(connection));
    let resource = |kind: &'static Kind| Resource {
        uri: format!("keyward://{}/{}", connection.name, kind.path),
        name: kind.name.into(),
        title: kind.title.into(),
        description: kind.description.into(),
        form: if kind.variable.is_empty() { Form::Single } else { Form::Family },
        media_type: "application/json".into(),
        more: Map::new(),
        toolset: Some(kind.spec.toolset),
        reader: Arc::new(Called { client: client.clone(), kind }),
    };
    ALL.iter().map(resource).collect()
}

/// The most characters of a name that an error repeats.
const LONGEST: usize = 60;

/// Whether the answer is that there is nothing of that name: one was asked for.
fn is_nothing(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        not_found: Vec<IgnoredAny>,
    }
    serde_json::from_str(json).is_ok_and(|Answer { not_found }| !not_found.is_empty())
}

struct Called {
    client: Arc<Client>,
    kind: &'static Kind,
}

impl Reader for Called {
    fn read(&self, which: String, _: Host) -> Boxed<'static, Result<Contents, Error>> {
        let (client, kind) = (Arc::clone(&self.client), self.kind);
        Box::pin(async move {
            let mut given = match (kind.call)() {
                Value::Object(given) => given,
                _ => Map::new(),
            };
            if !kind.variable.is_empty() {
                given.insert(kind.variable.to_owned(), json!([which.as_str()]));
            }
            // A comma would make a list of what is one name.
            if which.contains(',') {
                return Err(Error::Arguments(format!("Cisco knows nothing of `{}`", outside::line(&which, LONGEST))));
            }
            let Output { structured, .. } = kind.spec.call(client, given, Progress::default())?.await?;
            let text = structured.map_or_else(|| "{}".to_owned(), Json::into_text);
            if !kind.variable.is_empty() && is_nothing(&text) {
                let which = outside::line(&which, LONGEST);
                return Err(Error::Arguments(format!("Cisco knows nothing of `{which}`")));
            }
            Ok(Contents::Text(text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::Way;
    use crate::backends::cisco::fake::Server;
    use crate::backends::tests::{Host as Place, Tokens, connection, text_of};

    #[tokio::test]
    async fn what_cisco_knows_nothing_of_is_no_resource() {
        let host = Place::of(Arc::new(Server::default()));
        let all = all(&connection(host.at(""), Way::ClientCredentials, Tokens::new(Some("good"), None)));
        let read = |name: &str, which: &str| {
            let resource = all.iter().find(|resource| resource.name == name).expect("a resource of that name");
            text_of(resource, which)
        };
        let bug = read("bug", "CSCwa00007").await.expect("a bug");
        assert!(bug.contains("\"bug_id\":\"CSCwa00007\""), "{bug}");
        for (name, which) in [
            ("bug", "CSCxx00001"),
            ("product", "NO-SUCH"),
            ("advisory", "cisco-sa-none"),
            ("bug", "CSCwa00001,CSCwa00007"),
        ] {
            let error = read(name, which).await.expect_err("there is none");
            assert_eq!(error.to_string(), format!("Cisco knows nothing of `{which}`"), "{name}: {error:?}");
        }
    }
}
