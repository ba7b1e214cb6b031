//! What a login writes down besides the grant.

use crate::app::{App, Error, stores};
use crate::backends::{self, Way};
use crate::config::edit::Change;
use crate::config::{self, Source};

/// Asks a remote server once after its login for what it offers, so that `serve` knows it without a network. Other
/// backends know theirs anyway.
pub async fn learn_tools(app: &App, connection: &config::Connection, way: Way) -> Result<(), Error> {
    if connection.backend.name != backends::remote::BACKEND.name {
        return Ok(());
    }
    let connection = config::Connection { way: (way, Source::File), ..connection.clone() };
    let listed = backends::remote::learn(&app.service(&connection)?).await;
    listed.map(drop).map_err(|error| Error::Service { connection: connection.name.clone(), error })
}

/// Asks a service of which it is not known whether it takes tokens whether it takes that of this login. The login stays: it
/// is the service that decides, and it may be told to take them.
pub async fn proved(app: &App, connection: &config::Connection) -> Result<(), Error> {
    if connection.backend.sign_in.is_none() {
        return Ok(());
    }
    let connection = config::Connection { way: (Way::OAuth, Source::File), ..connection.clone() };
    let service = app.at(&connection).service(&connection)?;
    let taken = connection.backend.check(service).await;
    taken.map_err(|error| Error::Service { connection: connection.name.clone(), error })
}

/// Writes what the login learned and is not secret, so that the next command needs no flags.
pub async fn record(app: &App, connection: &config::Connection, way: Way) -> Result<(), Error> {
    let mut changes = changes(connection, way);
    let known = app.config.connection(&connection.name).and_then(|known| known.certificate);
    if let Some(pin) = connection.certificate.filter(|pin| known != Some(*pin)) {
        changes.push(Change::connection(&connection.name, "certificate", pin.to_string()));
    }
    if !changes.is_empty() {
        app.edit_config(&changes).await?;
    }
    stores::settle(app, connection).await
}

/// What the configuration does not say yet.
fn changes(connection: &config::Connection, way: Way) -> Vec<Change> {
    let name = &connection.name;
    let mut changes = Vec::new();
    // A preset that needs a login is offered once there is an entry for it.
    let is_offered = connection.backend.ways.first() == Some(&Way::None);
    if !connection.configured && (connection.backend.name != name || !is_offered) {
        changes.push(Change::connection(name, "backend", connection.backend.name));
    }
    if let Some((url, Source::File)) = &connection.url
        && !connection.configured
    {
        changes.push(Change::connection(name, "url", url.as_str()));
    }
    if connection.way.0 != way {
        changes.push(Change::connection(name, "way", way.word()));
    }
    changes
}
