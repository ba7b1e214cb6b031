//! Objects with an address of their own: families for the most used types, and one for all others.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalog::{self, Type};
use super::client::{Ask, Client};
use super::release::Release;
use super::{answer, objects, relation};
use crate::backends::resource::{Contents, Form, Reader};
use crate::backends::{Boxed, Completion, Connection, Error, Host, Partial, Resource, outside};

/// Types with a family of their own, and what one of them is called.
const KINDS: &[(&str, &str)] = &[
    ("dcim.device", "Device"),
    ("dcim.site", "Site"),
    ("dcim.location", "Location"),
    ("dcim.rack", "Rack"),
    ("dcim.interface", "Interface"),
    ("dcim.cable", "Cable"),
    ("dcim.devicetype", "Device type"),
    ("ipam.prefix", "Prefix"),
    ("ipam.ipaddress", "IP address"),
    ("ipam.vlan", "VLAN"),
    ("ipam.vrf", "VRF"),
    ("circuits.circuit", "Circuit"),
    ("circuits.provider", "Provider"),
    ("virtualization.virtualmachine", "Virtual machine"),
    ("virtualization.cluster", "Cluster"),
    ("tenancy.tenant", "Tenant"),
    ("tenancy.contact", "Contact"),
];
/// What is offered to somebody who writes an address.
const OFFERED: usize = 50;

/// The resources of a connection.
pub(super) fn all(connection: &Connection) -> Vec<Resource> {
    let client = Client::new(connection);
    let resource = |kind: Option<&'static str>, (path, title, description): (String, &'static str, String)| Resource {
        uri: format!("keyward://{}/{path}", connection.name),
        form: Form::Family,
        name: kind.unwrap_or("object").into(),
        title: title.into(),
        description: description.into(),
        media_type: "application/json".into(),
        more: Map::new(),
        toolset: Some("objects"),
        reader: Arc::new(Object { client: client.clone(), kind }),
    };
    let own = KINDS.iter().map(|(kind, title)| {
        let description = format!("One object of {kind} in NetBox with all its fields, by its id or its name.");
        resource(Some(kind), (format!("{kind}/{{id}}"), title, description))
    });
    let description = "One object of any type in NetBox, as `dcim.cable:7` or `vpn.tunnel:name`.".to_owned();
    let any = resource(None, ("objects/{reference}".to_owned(), "Object of any type", description));
    own.chain([any]).collect()
}

struct Object {
    client: Client,
    /// Without one, the type is part of the variable.
    kind: Option<&'static str>,
}

impl Reader for Object {
    fn read(&self, which: String, _: Host) -> Boxed<'static, Result<Contents, Error>> {
        let (client, kind) = (self.client.clone(), self.kind);
        Box::pin(async move {
            let (word, which) = match kind {
                Some(kind) => (kind, which.as_str()),
                None => which.split_once(':').ok_or_else(|| {
                    let which = outside::line(&which, 60);
                    Error::Arguments(format!("`{which}` is no type and id, as `dcim.cable:7`"))
                })?,
            };
            let kind = client.kind(word).await?;
            let id = match which.trim().parse::<u64>() {
                Ok(id) => id,
                Err(_) => relation::named(&client, &kind, which, &[]).await?.id,
            };
            let (object, _) = objects::read(&client, &kind, id, &[]).await.map_err(|error| match error {
                Error::Refused { code: 404, said, .. } => Error::Arguments(format!("{} {id}: {said}", kind.name)),
                error => error,
            })?;
            Ok(Contents::Text(object.to_string()))
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        let (client, kind) = (self.client.clone(), self.kind);
        Box::pin(async move {
            let Some((word, written)) =
                kind.map(|kind| (kind, partial.value.as_str())).or(partial.value.split_once(':'))
            else {
                return Ok(kinds(&partial.value));
            };
            let kind = client.kind(word).await?;
            let prefix =
                if partial.value.contains(':') && word != written { format!("{word}:") } else { String::new() };
            names(&client, &kind, written, &prefix).await
        })
    }
}

/// Types that begin as it is written.
fn kinds(written: &str) -> Completion {
    let written = written.trim().to_ascii_lowercase();
    let mut values: Vec<String> = catalog::bundled(Release::NEWEST)
        .filter(|one| one.name.contains(&written))
        .map(|one| format!("{}:", one.name))
        .collect();
    let total = u64::try_from(values.len()).ok();
    let has_more = values.len() > OFFERED;
    values.truncate(OFFERED);
    Completion { values, total, has_more }
}

/// Objects in whose names is what is written.
async fn names(client: &Client, kind: &Type, written: &str, prefix: &str) -> Result<Completion, Error> {
    let mut ask = Ask::get(&kind.path).with("limit", "20").with("fields", "id,display");
    if !written.trim().is_empty() {
        ask = ask.with("q", written.trim());
    }
    let body = client.ask(ask).await?.body;
    // A display need not be a name by which it would be found again: the id always is one.
    let one = |row: &Value| Some(format!("{prefix}{}", row.get("id")?.as_u64()?));
    let values: Vec<String> = answer::results(&body).iter().filter_map(one).collect();
    let total = answer::count(&body);
    let has_more = total.is_some_and(|total| usize::try_from(total).is_ok_and(|total| total > values.len()));
    Ok(Completion { values, total, has_more })
}
