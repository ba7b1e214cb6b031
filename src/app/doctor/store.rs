//! The stores: whether something can be kept and read back, and what earlier trouble left behind.

use super::Check;
use crate::app::{App, Error};
use crate::config;
use crate::config::store::Kind;
use crate::store::Key;

const NAME: &str = "store";

pub(super) async fn look(app: &App, connections: &[config::Connection]) -> Vec<Check> {
    let mut checks = Vec::new();
    for kind in Kind::ALL {
        let is_used = |connection: &&config::Connection| app.config.store_of(connection).0 == kind;
        // The first connection that uses it stands for all.
        if let Some(connection) = connections.iter().find(is_used) {
            checks.push(proven(app, connection).await.about(kind.name()));
        }
    }
    for connection in connections {
        checks.extend(set_aside(app, connection).await);
    }
    checks.extend(copies(app));
    checks
}

async fn proven(app: &App, connection: &config::Connection) -> Check {
    match app.store_of(connection).prove().await {
        Ok(()) => Check::ok(NAME, "an item was kept, read back and taken away again"),
        Err(error) => Check::failed(NAME, Error::Store { connection: connection.name.clone(), error }),
    }
}

/// A login that was damaged and has been put aside.
async fn set_aside(app: &App, connection: &config::Connection) -> Option<Check> {
    let name = &connection.name;
    let found = app.store_of(connection).load(&Key::grant(name).damaged()).await;
    found.ok().flatten()?;
    let check = Check::warn("leftovers", "a login that was damaged is kept aside").about(name);
    Some(check.hint(format!("`keyward logout {name}` forgets it")))
}

/// Copies of renewed tokens that the store has not taken yet. They are encrypted, and their key is in the store.
fn copies(app: &App) -> Option<Check> {
    let folder = app.parts.shared.as_ref()?.join("spills");
    let count = std::fs::read_dir(folder).ok()?.flatten().count();
    let what = format!("renewed logins that wait for a store that takes them: {count}");
    (count > 0).then(|| Check::warn("leftovers", what).hint("`keyward status` shows which; the next use moves them"))
}
