//! One page of a list: which fields, in which order, and the one word with which a caller goes on.
//!
//! Where the release can, a list is read on from an id: what is added or removed meanwhile moves no row from one page to
//! another. An order of the caller's own needs offsets.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::answer::{self, ROOM};
use super::catalog::Type;
use super::client::{Ask, Client, Query};
use super::lean::{self, SHORT, Wanted};
use super::release::Release;
use super::{filters, vocabulary};
use crate::backends::{Boxed, Error, arguments, outside};

/// Fields and orders of one call.
const NAMES: usize = 60;

/// Which rows of a list are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// Checked parameters.
    pub(super) query: Query,
    pub(super) limit: u64,
    /// The word that an earlier page ended with.
    pub(super) after: Option<String>,
    /// Names of fields, a minus in front of those that fall.
    pub(super) ordering: Vec<String>,
    /// The fields to show, as the caller names them; without any those of the type.
    pub(super) fields: Vec<String>,
    /// The list has an order of its own that is to stay.
    pub(super) keeps_order: bool,
}

/// One page.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Map<String, Value>>,
    /// How many there are in all.
    pub(super) count: Option<u64>,
    /// The word that goes on, if there are more.
    pub(super) next: Option<String>,
    /// The order of the fields.
    pub(super) order: Vec<String>,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind so many rows.
    Offset(u64),
    /// At this id.
    Start(u64),
}

impl Place {
    /// Reads the word that a page ended with.
    fn read(word: &str) -> Result<Self, Error> {
        let read = word.trim().split_once('-').and_then(|(form, number)| {
            let number: u64 = number.parse().ok()?;
            match form {
                "offset" => Some(Self::Offset(number)),
                "start" => Some(Self::Start(number)),
                _ => None,
            }
        });
        read.ok_or_else(|| {
            let word = outside::line(word, 40);
            Error::Arguments(format!("`after` is `{word}`, and must be the `next` of an earlier page, as it was"))
        })
    }

    fn word(self) -> String {
        match self {
            Self::Offset(number) => format!("offset-{number}"),
            Self::Start(number) => format!("start-{number}"),
        }
    }

    fn parameter(self) -> (String, String) {
        match self {
            Self::Offset(number) => ("offset".to_owned(), number.to_string()),
            Self::Start(number) => ("start".to_owned(), number.to_string()),
        }
    }
}

/// Reads one page.
pub(super) fn page<'a>(client: &'a Client, kind: &'a Type, wish: &'a Wish) -> Boxed<'a, Result<Page, Error>> {
    Box::pin(read(client, kind, wish))
}

async fn read(client: &Client, kind: &Type, wish: &Wish) -> Result<Page, Error> {
    let release = client.release().await?;
    let wanted = wanted(kind, &wish.fields)?;
    ordered(client, kind, &wish.ordering).await?;
    let can_start = release >= Release::CURSOR && wish.ordering.is_empty() && !wish.keeps_order;
    let place = match wish.after.as_deref().map(Place::read).transpose()? {
        Some(Place::Start(_)) if !can_start => {
            let why = "`after` belongs to a page without `ordering`, and to a release that reads on from an id";
            return Err(Error::Arguments(why.to_owned()));
        }
        Some(place) => place,
        // Of nothing but the number of rows there is no page.
        None if can_start && wish.limit > 0 => Place::Start(0),
        None => Place::Offset(0),
    };
    let limit = wish.limit.max(1);
    let mut ask = Ask::get(&kind.path).with_all(wish.query.iter().cloned()).with("limit", limit.to_string());
    ask = ask.with_all([place.parameter()]).with_all(shaped(&wanted));
    if !wish.ordering.is_empty() {
        ask = ask.with("ordering", wish.ordering.join(","));
    }
    let body = client.ask(ask).await?.body;
    let all = answer::results(&body);
    if !body.is_object() || body.get("results").is_none() {
        return Err(Error::Protocol { host: client.host(), cause: format!("`{}` is no list", kind.path) });
    }
    let mut page = Page { count: answer::count(&body), ..Page::default() };
    if wish.limit > 0 {
        shows(client, kind, &wish.fields, all.first()).await?;
        page.rows = all.iter().map(|row| lean::chosen(&kind.name, row, &wanted, SHORT)).collect();
        let is_cut = answer::cut(&mut page.rows, ROOM);
        let has_more = is_cut || body.get("next").is_some_and(|next| !next.is_null());
        page.next = has_more.then(|| next(place, &page, all)).flatten().map(Place::word);
    }
    if page.count.is_none() {
        page.count = counted(client, kind, wish, (place, &page)).await;
    }
    page.order = wanted.into_iter().map(|(name, _)| name).collect();
    Ok(page)
}

/// Where the next page begins: computed from what was shown, not read from an address that the answer names.
fn next(place: Place, page: &Page, all: &[Value]) -> Option<Place> {
    let kept = page.rows.len();
    let last = || all.get(kept.checked_sub(1)?)?.get("id")?.as_u64()?.checked_add(1);
    match place {
        // An instance that counts has not read from an id.
        Place::Start(0) if page.count.is_some() => Some(Place::Offset(u64::try_from(kept).ok()?)),
        Place::Start(_) => last().map(Place::Start),
        Place::Offset(offset) => Some(Place::Offset(offset.saturating_add(u64::try_from(kept).ok()?))),
    }
}

/// How many rows there are: a page that was read from an id does not say.
async fn counted(client: &Client, kind: &Type, wish: &Wish, (place, page): (Place, &Page)) -> Option<u64> {
    match (place, &page.next) {
        (Place::Start(0), None) => u64::try_from(page.rows.len()).ok(),
        (Place::Start(0), Some(_)) => {
            let ask = Ask::get(&kind.path).with_all(wish.query.iter().cloned());
            let answer = client.ask(ask.with("limit", "1").with("fields", "id")).await.ok()?;
            answer::count(&answer.body)
        }
        _ => None,
    }
}

/// The parameter that asks for these fields.
fn shaped(wanted: &[Wanted]) -> Option<(String, String)> {
    if wanted.is_empty() {
        return None;
    }
    let mut names = vec!["id"];
    for (name, older) in wanted {
        names.push(name);
        names.extend(*older);
    }
    Some(("fields".to_owned(), names.join(",")))
}

/// The fields that are to be shown.
pub(super) fn wanted(kind: &Type, given: &[String]) -> Result<Vec<Wanted>, Error> {
    let shown = vocabulary::shown(&kind.name);
    if given.is_empty() {
        return Ok(shown.into_iter().map(|(name, older)| (name.to_owned(), older)).collect());
    }
    if given.iter().any(|name| name == "all") {
        return Ok(Vec::new());
    }
    names(given)?;
    let older = |name: &String| shown.iter().find(|(new, _)| new == name).and_then(|(_, older)| *older);
    Ok(given.iter().filter(|name| *name != "id").map(|name| (name.clone(), older(name))).collect())
}

fn names(given: &[String]) -> Result<(), Error> {
    if given.len() > NAMES {
        return Err(Error::Arguments(format!("{} fields are too many; {NAMES} are allowed", given.len())));
    }
    let is_name = |name: &&String| !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match given.iter().find(is_name) {
        Some(other) => Err(Error::Arguments(format!("`{}` cannot be a field", outside::line(other, 60)))),
        None => Ok(()),
    }
}

/// Refuses fields that the objects do not have: NetBox leaves them out without a word. What an object shows is the
/// instance's own word; a schema is needed only to say what was meant.
pub(super) async fn shows(client: &Client, kind: &Type, given: &[String], first: Option<&Value>) -> Result<(), Error> {
    let Some(object) = first.and_then(Value::as_object) else { return Ok(()) };
    let older = vocabulary::shown(&kind.name);
    let is_there = |name: &str| {
        let older = older.iter().find(|(new, _)| *new == name).and_then(|(_, older)| *older);
        name == "all" || object.contains_key(name) || older.is_some_and(|older| object.contains_key(older))
    };
    match given.iter().find(|name| !is_there(name)) {
        Some(name) => Err(absent(kind, name, &fields(client, kind).await?)),
        None => Ok(()),
    }
}

fn absent(kind: &Type, name: &str, fields: &BTreeSet<String>) -> Error {
    let said = match vocabulary::moved(&kind.name, name) {
        Some(moved) => format!(": {moved}"),
        None => arguments::hint(name, &fields.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    Error::Arguments(format!("{} has no field `{}`{said}", kind.name, outside::line(name, 60)))
}

/// The fields of the type: of its schema if that was read, or of an object.
pub(super) async fn fields(client: &Client, kind: &Type) -> Result<BTreeSet<String>, Error> {
    if let Some(digest) = client.known.schema()
        && let Some(list) = digest.list(&kind.path)
    {
        return Ok(list.fields().map(str::to_owned).collect());
    }
    filters::shown(client, kind).await
}

/// Refuses an order by what is no field: NetBox would ignore it.
async fn ordered(client: &Client, kind: &Type, ordering: &[String]) -> Result<(), Error> {
    let bare: Vec<String> = ordering.iter().map(|name| name.strip_prefix('-').unwrap_or(name).to_owned()).collect();
    names(&bare)?;
    let shown = vocabulary::shown(&kind.name);
    let is_usual = |name: &String| name == "id" || shown.iter().any(|(new, _)| new == name);
    if bare.iter().all(is_usual) {
        return Ok(());
    }
    let fields = fields(client, kind).await?;
    match bare.iter().find(|name| !fields.is_empty() && !fields.contains(*name)) {
        Some(name) => Err(absent(kind, name, &fields)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_goes_on_is_read_as_it_was_written() {
        for place in [Place::Offset(50), Place::Start(1_234)] {
            assert_eq!(Place::read(&place.word()).expect("a word of ours"), place);
        }
        for word in ["", "50", "offset-", "offset--1", "https://evil.example/?start=1", "start-1&limit=0", "page-2"] {
            assert!(Place::read(word).is_err(), "{word}");
        }
    }
}
