//! Lists of objects of any type, and one object of any type.

use serde_json::Value;

use super::answer::{Answer, ROOM, weight};
use super::catalog::Type;
use super::client::Ask;
use super::lean::{self, LONG};
use super::listing::{self, Wish};
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::{filters, relation};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output};

/// The most rows of one page.
const MOST: i64 = 250;
const USUAL: u64 = 25;
/// Bytes of an object whose fields the caller chose.
const CHOSEN: usize = 512 << 10;

pub(super) const TYPE: (Field, &str) = (
    Field::required("type", Form::Text(120)),
    "The type, as `dcim.device` or `device`; `types` lists all, also those of plugins.",
);
pub(super) const FILTERS: (Field, &str) = (
    Field::new("filters", Form::Object),
    "Filters by name, all of which must match: `{\"status\":\"active\",\"site\":\"HQ\",\"name__ic\":\"sw\"}`. A list of \
     values matches any of them, null matches objects without one. Suffixes: `__n` not, `__ic` contains, `__isw` starts \
     with, `__ie` equals in any case, `__gte`, `__lte`, `__empty` and others. A relation takes a name, a slug or an id. \
     Custom fields are `cf_NAME`. `describe` lists all.",
);
pub(super) const FIELDS: (Field, &str) = (
    Field::new("fields", Form::Texts(60)),
    "The fields to show; without it those that matter most, with `all` every one.",
);
pub(super) const LIMIT: (Field, &str) =
    (Field::new("limit", Form::Whole(0, MOST)), "How many at most; 25 unless given, 0 to count only.");
pub(super) const AFTER: (Field, &str) = (
    Field::new("after", Form::Text(60)),
    "Goes on: the `next` of the page before, with the other arguments as they were.",
);

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "objects",
        title: "List objects",
        description: "Lists objects of one type in NetBox, with filters: devices, interfaces, cables, addresses, prefixes, VLANs, \
                      circuits, tenants, journal entries and all others. A misspelt filter is refused, not ignored.",
        toolset: Some("objects"),
        effect: LOOKS,
        takes: arguments!(&[
            TYPE,
            FILTERS,
            (
                Field::new("query", Form::Text(200)),
                "Text that a name, a description or the like must contain, as a whole and in any case.",
            ),
            FIELDS,
            (
                Field::new("ordering", Form::Texts(10)),
                "Fields to sort by, with a minus in front from high to low; without it by id.",
            ),
            LIMIT,
            AFTER,
        ]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            ("count", Shape::Whole, false, "How many there are in all."),
            ("returned", Shape::Whole, true, "How many are here."),
            ("next", Shape::Text, false, "There are more: call again with this as `after`."),
            ("objects", Shape::Objects, true, "A relation is its id and its display; what is empty is left out."),
        ]),
        run: |request| Box::pin(list(request)),
    },
    Spec {
        name: "object",
        title: "Get one object",
        description: "Gets one object of any type in NetBox with all its fields, by its id or by its name.",
        toolset: Some("objects"),
        effect: LOOKS,
        takes: arguments!(&[
            TYPE,
            (Field::new("id", Form::Whole(1, i64::MAX)), "Its id in NetBox."),
            (
                Field::new("name", Form::Text(200)),
                "Or its name, slug, address, prefix, circuit id or the like. Several of one name are listed with their ids.",
            ),
            (Field::new("filters", Form::Object), "With `name`: filters that say which one is meant, as in `objects`."),
            FIELDS,
        ]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            ("object", Shape::Object, true, "A relation is its id and its display; what is empty is left out."),
            ("left_out", Shape::Texts, false, "Fields that are too large: ask for them with `fields`."),
        ]),
        run: |request| Box::pin(get(request)),
    },
];

async fn list(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = client.kind(request.text("type").unwrap_or_default()).await?;
    let given = request.object("filters");
    let mut checked = filters::checked(client, &kind, &given).await?;
    if let Some(query) = request.text("query") {
        checked.query.push(("q".to_owned(), query.to_owned()));
    }
    let texts = |name: &str| request.texts(name).into_iter().map(str::to_owned).collect();
    let wish = Wish {
        query: checked.query,
        limit: request.whole("limit").unwrap_or(USUAL),
        after: request.text("after").map(str::to_owned),
        ordering: texts("ordering"),
        fields: texts("fields"),
        keeps_order: false,
    };
    let page = listing::page(client, &kind, &wish).await?;
    let returned = page.rows.len();
    let title = match page.count {
        Some(count) => format!("{}: {returned} of {count}", kind.name),
        None => format!("{}: {returned}", kind.name),
    };
    let mut answer = Answer::new(title)
        .with("type", kind.name)
        .with("count", page.count)
        .with("returned", returned)
        .with("next", page.next.clone())
        .with("objects", page.rows.into_iter().map(Value::Object).collect::<Vec<_>>())
        .ordered(page.order)
        .noting(checked.notes);
    if let Some(next) = page.next {
        answer = answer.then(format!("There are more: the same call with `after` = `{next}` goes on."));
    }
    answer.output(client)
}

async fn get(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let kind = client.kind(request.text("type").unwrap_or_default()).await?;
    let (id, notes) = which(&request, &kind).await?;
    let fields: Vec<String> = request.texts("fields").into_iter().map(str::to_owned).collect();
    let (object, left_out) = read(&request.client, &kind, id, &fields).await?;
    let title = format!("{} {id}", kind.name);
    let mut answer = Answer::new(title).with("type", kind.name).with("object", object).noting(notes);
    if !left_out.is_empty() {
        answer = answer.then(format!("Too large to be shown here: {}; `fields` gets them.", left_out.join(", ")));
        answer.put("left_out", left_out);
    }
    answer.output(client)
}

/// The id that `id` or `name` means.
pub(super) async fn which(request: &Request, kind: &Type) -> Result<(u64, Vec<String>), Error> {
    match (request.whole("id"), request.text("name")) {
        // They would not be looked at, and whoever gives them means them.
        (Some(_), None) if !request.object("filters").is_empty() => {
            Err(Error::Arguments("`filters` narrow what a `name` means; an `id` needs none".to_owned()))
        }
        (Some(id), None) => Ok((id, Vec::new())),
        (None, Some(name)) => {
            let given = request.object("filters");
            let checked = filters::checked(&request.client, kind, &given).await?;
            let found = relation::named(&request.client, kind, name, &checked.query).await?;
            Ok((found.id, checked.notes))
        }
        _ => Err(Error::Arguments("one of `id` and `name` is needed".to_owned())),
    }
}

/// One object, and the fields of it for which there is no room.
pub(super) async fn read(
    client: &super::client::Client,
    kind: &Type,
    id: u64,
    fields: &[String],
) -> Result<(Value, Vec<String>), Error> {
    let is_chosen = !fields.is_empty() && !fields.iter().any(|name| name == "all");
    let wanted = if is_chosen { listing::wanted(kind, fields)? } else { Vec::new() };
    let mut ask = Ask::get(&format!("{}/{id}", kind.path));
    if is_chosen {
        let older = wanted.iter().filter_map(|(_, older)| *older);
        let names: Vec<&str> =
            ["id"].into_iter().chain(wanted.iter().map(|(name, _)| name.as_str())).chain(older).collect();
        ask = ask.with("fields", names.join(","));
    }
    let body = client.ask(ask).await?.body;
    if !body.is_object() {
        return Err(Error::Protocol { host: client.host(), cause: "no object where one was asked for".to_owned() });
    }
    listing::shows(client, kind, fields, Some(&body)).await?;
    let mut row = lean::chosen(&kind.name, &body, &wanted, if is_chosen { CHOSEN } else { LONG });
    let room = if is_chosen { CHOSEN } else { ROOM };
    let mut left_out = Vec::new();
    while weight(&row) > room && row.len() > 1 {
        let size = |value: &Value| value.to_string().len();
        let Some(largest) = row.iter().max_by_key(|(_, value)| size(value)).map(|(name, _)| name.clone()) else {
            break;
        };
        row.remove(&largest);
        left_out.push(largest);
    }
    Ok((Value::Object(row), left_out))
}
