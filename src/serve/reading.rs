//! Reading a prompt or a resource, completing their arguments, and watching resources.

use serde_json::Map;

use super::catalog::Catalog;
use super::relay::{Request, Wanted, Went};
use super::{Shared, resources};
use crate::backends::{self, Boxed, Host};
use crate::mcp::{BoxFuture, Completion, Found, Partial, ReadError, ReadRequest, Reading, Reference};

type Readings = super::Relay<Result<Found, ReadError>>;

/// Reads what the request names.
pub(super) fn run(shared: &Shared, request: ReadRequest) -> BoxFuture<'static, Result<Found, ReadError>> {
    let catalog = shared.current().1;
    let readings = shared.readings.clone();
    let ReadRequest { reading, progress, log, client, answers, request_state } = request;
    let request = Request { progress, log, client, answers, state: request_state };
    match reading {
        Reading::Prompt { name, arguments } => match catalog.prompts().find(&name, arguments) {
            Err(why) => Box::pin(async { Err(ReadError::Parameters(why)) }),
            Ok((entry, filled)) if entry.passes => {
                let (connection, wanted) = (entry.connection.clone(), Wanted { what: name, arguments: filled });
                let start = |wanted: &Wanted, host, _| -> Boxed<'static, _> {
                    Box::pin(entry.write(wanted.arguments.clone(), host))
                };
                Box::pin(async move { relayed(&readings, &connection, wanted, request, start).await })
            }
            Ok((entry, filled)) => Box::pin(entry.write(filled, Host::default())),
        },
        Reading::Resource { uri } => match catalog.resources().find(uri.clone()) {
            Err(error) => Box::pin(async { Err(error) }),
            Ok(found) if found.passes => {
                let (connection, wanted) = (found.connection.clone(), Wanted { what: uri, arguments: Map::new() });
                let start = |_: &Wanted, host, _| -> Boxed<'static, _> { Box::pin(found.read(host)) };
                Box::pin(async move { relayed(&readings, &connection, wanted, request, start).await })
            }
            Ok(found) => Box::pin(found.read(Host::default())),
        },
    }
}

async fn relayed(
    readings: &Readings,
    connection: &str,
    wanted: Wanted,
    request: Request,
    start: impl FnOnce(&Wanted, Host, backends::Progress) -> Boxed<'static, Result<Found, ReadError>>,
) -> Result<Found, ReadError> {
    match readings.run(connection, wanted, request, start).await {
        Went::Done(found) => found,
        Went::Asks { questions, state } => Ok(Found::InputRequired { questions, state: Some(state) }),
        Went::Gone => Err(ReadError::Failed("the answers are for a reading that does not wait any more".to_owned())),
        Went::Broken => Err(ReadError::Failed("internal error".to_owned())),
    }
}

/// Completes what the request names.
pub(super) fn complete(catalog: &Catalog, partial: Partial) -> BoxFuture<'static, Result<Completion, ReadError>> {
    let Partial { of, argument, value, others } = partial;
    let partial = backends::Partial { name: argument, value, others };
    let completion: Boxed<'static, Result<backends::Completion, ReadError>> = match of {
        Reference::Prompt(name) => match catalog.prompts().with(&name, &partial.name) {
            Ok(entry) => Box::pin(entry.complete(partial)),
            Err(why) => Box::pin(async { Err(ReadError::Parameters(why)) }),
        },
        Reference::Resource(template) => catalog.resources().complete(&template, partial),
    };
    Box::pin(async move {
        let backends::Completion { values, total, has_more } = completion.await?;
        Ok(Completion { values, total, has_more })
    })
}

/// Begins or ends to watch the resource at an address.
pub(super) fn subscribe(catalog: &Catalog, uri: String, wanted: bool) -> BoxFuture<'static, Result<(), ReadError>> {
    let Some((connection, feed)) = catalog.resources().feed(&uri) else {
        let why = "no server tells when it changes".to_owned();
        return Box::pin(async { Err(ReadError::NotFound { uri, why }) });
    };
    let connection = connection.to_owned();
    Box::pin(async move {
        let done = match wanted {
            true => feed.subscribe(uri.clone()).await,
            false => feed.unsubscribe(uri.clone()).await,
        };
        done.map_err(|error| match error {
            backends::Error::Arguments(why) => ReadError::NotFound { uri, why },
            error => resources::failed(connection, error),
        })
    })
}
