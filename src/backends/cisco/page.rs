//! Pages read to the end, and long lists of identifiers asked for in batches: answers, not pages.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::client::{Answer, Ask, Client};
use super::record::{Column, Detail, Row, lean};
use super::{together, value};
use crate::backends::{Boxed, Error, Progress, Step};

/// The most pages of one question.
const MOST: u64 = 400;
/// Records of one page; the longest that was seen has a thousand.
const LONGEST_PAGE: usize = 5_000;
/// Bytes of records of one question that are kept: a service without measure must not fill the memory.
const ROOM: usize = 32 << 20;

/// A question whose answer comes in pages.
#[derive(Clone)]
pub(super) struct Paged {
    /// Makes the question for a page, counted from 1.
    pub(super) ask: Arc<dyn Fn(u64) -> Ask + Send + Sync>,
    /// Takes the records out of an answer.
    pub(super) records: fn(&mut Value) -> Vec<Value>,
    pub(super) columns: &'static [Column],
    pub(super) detail: Detail,
    /// Records on a page, where that is certain; saves reading the pages before an offset.
    pub(super) size: Option<u64>,
}

/// Which of the records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) offset: u64,
    pub(super) limit: u64,
}

impl Window {
    /// All of them.
    pub(super) const ALL: Self = Self { offset: 0, limit: u64::MAX };
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) rows: Vec<Row>,
    /// How many there are in all, as the service says.
    pub(super) total: Option<u64>,
    /// Whether there are more behind the window.
    pub(super) more: bool,
    /// The service's words for "there is nothing".
    pub(super) nothing: Option<String>,
    /// Pages that could not be read, after the first.
    pub(super) lost: Vec<(u64, Error)>,
    /// How else than asked it was found.
    pub(super) notes: Vec<String>,
}

impl Found {
    /// The same, if no page of it was lost: a part of a list must not be compared or counted as if it were all.
    pub(super) fn whole(mut self) -> Result<Self, Error> {
        if self.lost.is_empty() { Ok(self) } else { Err(self.lost.swap_remove(0).1) }
    }

    /// Cuts the rows to the window, for whoever gathered them from its beginning.
    pub(super) fn cut(&mut self, window: Window) {
        self.more |= window.cut(&mut self.rows);
    }
}

/// What a page says about all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extent {
    last: Option<u64>,
    total: Option<u64>,
    next: bool,
}

/// Reads the pages of the window: the first one alone, then those after it a few at a time.
///
/// Boxed, as what many callers wait for: each would hold its own copy of the code that drops it.
pub(super) fn read<'a>(
    client: &'a Client,
    paged: &'a Paged,
    window: Window,
    progress: &'a Progress,
) -> Boxed<'a, Result<Found, Error>> {
    Box::pin(pages(client, paged, window, progress))
}

async fn pages(client: &Client, paged: &Paged, window: Window, progress: &Progress) -> Result<Found, Error> {
    let skipped_pages = paged.size.map_or(0, |size| window.offset / size);
    let first = skipped_pages.saturating_add(1);
    let skip = window.offset.saturating_sub(skipped_pages.saturating_mul(paged.size.unwrap_or_default()));
    let (extent, rows) = match client.ask(&(paged.ask)(first)).await? {
        Answer::Nothing(said) => return Ok(Found { nothing: Some(said), ..Found::default() }),
        Answer::Found(value) => opened(paged, value),
    };
    let length = u64::try_from(rows.len()).unwrap_or(u64::MAX).max(1);
    let last = extent.last.or_else(|| Some(extent.total?.div_ceil(paged.size.unwrap_or(length)))).unwrap_or(first);
    // Pages of another length than documented would be skipped wrongly: then all of them are read.
    let is_documented = paged.size.is_none_or(|size| {
        (last <= first || size == length) && extent.total.is_none_or(|total| total.div_ceil(size) == last)
    });
    if skipped_pages > 0 && !is_documented {
        return Box::pin(pages(client, &Paged { size: None, ..paged.clone() }, window, progress)).await;
    }
    let needed = skip.saturating_add(window.limit).div_ceil(length).max(1);
    let end = last.min(first.saturating_add(needed.min(MOST)).saturating_sub(1)).max(first);
    let mut found = Found { rows, total: extent.total, more: last > end, ..Found::default() };
    follow(client, paged, (first, end), progress, &mut found).await;
    found.cut(Window { offset: skip, limit: window.limit });
    // A service that counts nothing still says whether something follows.
    found.more |= extent.total.is_none() && extent.last.is_none() && extent.next;
    let promised = extent.total.map(|total| total.saturating_sub(window.offset).min(window.limit));
    let given = u64::try_from(found.rows.len()).unwrap_or(u64::MAX);
    if let Some(promised) = promised.filter(|promised| given < *promised && found.lost.is_empty() && !found.more) {
        found.notes.push(format!("the service counts {promised} records here and gave {given}"));
    }
    Ok(found)
}

/// Reads the pages after the first, a few at a time, in their order.
async fn follow(client: &Client, paged: &Paged, (first, end): (u64, u64), progress: &Progress, found: &mut Found) {
    let rest: Vec<u64> = (first.saturating_add(1)..=end).collect();
    let steps = end.saturating_sub(first).saturating_add(1);
    step(progress, 1, steps);
    let done = |count: usize| step(progress, u64::try_from(count).unwrap_or_default().saturating_add(1), steps);
    let first: usize = found.rows.iter().map(Row::weight).sum();
    let room = Arc::new(AtomicUsize::new(ROOM.saturating_sub(first)));
    let jobs = rest.iter().map(|page| one(client, paged, *page, &room)).collect();
    for (page, answer) in rest.iter().zip(together::all(jobs, done).await) {
        match answer {
            Some(Ok(rows)) => found.rows.extend(rows),
            Some(Err(error)) => found.lost.push((*page, error)),
            None => found.lost.push((*page, Error::Protocol { host: client.host(), cause: "no answer".to_owned() })),
        }
    }
}

fn step(progress: &Progress, done: u64, all: u64) {
    if all > 1 {
        #[expect(clippy::cast_precision_loss, reason = "pages are few")]
        let (done, all) = (done as f64, all as f64);
        progress.report(Step { done, total: Some(all), message: Some(format!("page {done} of {all}")) });
    }
}

fn one(client: &Client, paged: &Paged, page: u64, room: &Arc<AtomicUsize>) -> Boxed<'static, Result<Vec<Row>, Error>> {
    let (client, paged, room) = (client.clone(), paged.clone(), Arc::clone(room));
    let full = move |host| Error::Protocol { host, cause: format!("the records take more than {} MiB", ROOM >> 20) };
    Box::pin(async move {
        if room.load(Ordering::Relaxed) == 0 {
            return Err(full(client.host()));
        }
        let rows = match client.ask(&(paged.ask)(page)).await? {
            Answer::Found(value) => opened(&paged, value).1,
            Answer::Nothing(_) => Vec::new(),
        };
        let size: usize = rows.iter().map(Row::weight).sum();
        let left = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| Some(room.saturating_sub(size)));
        if left.is_ok_and(|room| room < size) { Err(full(client.host())) } else { Ok(rows) }
    })
}

/// The extent and the lean records of a page; its JSON is gone afterwards.
fn opened(paged: &Paged, mut value: Value) -> (Extent, Vec<Row>) {
    let extent = extent(&value);
    let mut records = (paged.records)(&mut value);
    drop(value);
    // A page is never so long; each of its rows takes more room than its text.
    records.truncate(LONGEST_PAGE);
    (extent, records.iter().map(|record| lean(record, paged.columns, paged.detail)).collect())
}

/// Every family spells it in its own way.
fn extent(value: &Value) -> Extent {
    const NAMES: [&str; 6] = [
        "pagination_response_record",
        "PaginationResponseRecord",
        "paginationResponseRecord",
        "APIPagination",
        "pagination",
        "paging",
    ];
    let within =
        |value: &Value| NAMES.iter().find_map(|name| value.get(*name).filter(|inner| inner.is_object()).cloned());
    let Some(inner) = within(value).or_else(|| within(value.get("OrderList")?)) else { return Extent::default() };
    let number = |names: [&str; 3]| {
        let number = names.iter().find_map(|name| value::whole(inner.get(*name)?));
        number.and_then(|number| u64::try_from(number).ok())
    };
    Extent {
        last: number(["last_index", "LastIndex", "lastIndex"]),
        total: number(["total_records", "TotalRecords", "totalRecords"]).or_else(|| number(["count"; 3])),
        next: inner.get("next").and_then(value::given).is_some(),
    }
}

/// What became of a list of identifiers.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// In the order of the identifiers; those that belong to none come last.
    pub(super) rows: Vec<Row>,
    /// Identifiers without a record.
    pub(super) missing: Vec<String>,
    /// Identifiers that could not be asked for, and why.
    pub(super) failed: Vec<(Vec<String>, Error)>,
}

/// How a list of identifiers is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    /// Identifiers in one request.
    pub(super) size: usize,
    /// The member of a row that names its identifiers.
    pub(super) key: &'static str,
}

impl Window {
    /// Cuts rows to it, and says whether there are more behind it.
    pub(super) fn cut<T>(self, rows: &mut Vec<T>) -> bool {
        let skip = usize::try_from(self.offset).unwrap_or(usize::MAX).min(rows.len());
        rows.drain(..skip);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        more
    }

    /// The same end, from the beginning: for rows that are gathered from several places.
    pub(super) const fn widened(self) -> Self {
        Self { offset: 0, limit: self.offset.saturating_add(self.limit) }
    }
}

/// Makes the question for some of the identifiers.
pub(super) type Make<'a> = &'a (dyn Fn(&[String]) -> Result<Paged, Error> + Sync);

/// Asks for many identifiers, as many at once as the API takes.
pub(super) fn batched<'a>(
    client: &'a Client,
    identifiers: &'a [String],
    batch: Batch,
    make: Make<'a>,
    progress: &'a Progress,
) -> Boxed<'a, Result<Batches, Error>> {
    Box::pin(batches(client, identifiers, batch, make, progress))
}

async fn batches(
    client: &Client,
    identifiers: &[String],
    Batch { size, key }: Batch,
    make: Make<'_>,
    progress: &Progress,
) -> Result<Batches, Error> {
    let identifiers = distinct(identifiers);
    let batches: Vec<&[String]> = identifiers.chunks(size.max(1)).collect();
    let mut jobs: Vec<Boxed<'static, Result<Found, Error>>> = Vec::new();
    for batch in &batches {
        let (client, paged) = (client.clone(), make(batch)?);
        jobs.push(Box::pin(async move { read(&client, &paged, Window::ALL, &Progress::default()).await }));
    }
    let all = u64::try_from(batches.len()).unwrap_or_default();
    let done = |count: usize| step(progress, u64::try_from(count).unwrap_or_default(), all);
    let mut outcome = Batches::default();
    let mut rows = Vec::new();
    let mut unread = 0_usize;
    for (batch, answer) in batches.iter().zip(together::all(jobs, done).await) {
        match answer {
            Some(Ok(found)) => {
                rows.extend(found.rows);
                outcome.failed.extend(found.lost.into_iter().map(|(_, error)| (batch.to_vec(), error)));
            }
            Some(Err(error)) => {
                unread = unread.saturating_add(1);
                outcome.failed.push((batch.to_vec(), error));
            }
            None => {
                unread = unread.saturating_add(1);
                let error = Error::Protocol { host: client.host(), cause: "no answer".to_owned() };
                outcome.failed.push((batch.to_vec(), error));
            }
        }
    }
    if unread == batches.len()
        && let Some((_, error)) = outcome.failed.pop()
    {
        return Err(error);
    }
    ordered(&identifiers, rows, key, &mut outcome);
    Ok(outcome)
}

/// Without repetitions and blanks, in the order given.
pub(super) fn distinct(identifiers: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for identifier in identifiers.iter().map(|identifier| identifier.trim()).filter(|one| !one.is_empty()) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(identifier)) {
            all.push(identifier.to_owned());
        }
    }
    all
}

fn ordered(identifiers: &[String], rows: Vec<Row>, key: &str, outcome: &mut Batches) {
    let places: HashMap<String, usize> =
        identifiers.iter().enumerate().map(|(place, identifier)| (identifier.to_ascii_uppercase(), place)).collect();
    let mut met = vec![false; identifiers.len()];
    let mut placed: Vec<(usize, Row)> = Vec::with_capacity(rows.len());
    for row in rows {
        // Several identifiers that mean one product come back joined in one record.
        let named: Vec<usize> =
            row.text(key).split(',').filter_map(|one| places.get(&one.trim().to_ascii_uppercase()).copied()).collect();
        for place in &named {
            if let Some(met) = met.get_mut(*place) {
                *met = true;
            }
        }
        placed.push((named.into_iter().min().unwrap_or(usize::MAX), row));
    }
    crate::order::by_key(&mut placed, |(place, _)| *place);
    outcome.rows = placed.into_iter().map(|(_, row)| row).collect();
    let failed = |identifier: &String| outcome.failed.iter().any(|(batch, _)| batch.contains(identifier));
    let missing = identifiers.iter().zip(met).filter(|(identifier, met)| !met && !failed(identifier));
    outcome.missing = missing.map(|(identifier, _)| identifier.clone()).collect();
}
