//! Which store keeps which connection's login, and what happens when a login chooses another.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{App, Error, Parts};
use crate::config::store::Kind;
use crate::config::{self, edit::Change};
use crate::machine::{self, Machine, Prompt, Terminal};
use crate::secret::Secret;
use crate::store::file::{Ask, Cost, EncryptedFile, Passphrase};
use crate::store::{self, Key, Store};

/// The variable with the passphrase of the encrypted file.
pub const PASSPHRASE: &str = "KEYWARD_STORE_PASSPHRASE";
/// The name under which systemd hands the passphrase to a service (`LoadCredential=keyward-passphrase:…`).
pub const CREDENTIAL: &str = "keyward-passphrase";

/// The stores there are. Nothing is opened before it is used.
#[derive(Clone)]
pub(super) struct Stores {
    keychain: Arc<dyn Store>,
    file: Arc<dyn Store>,
}

impl Stores {
    pub(super) fn new(machine: &Machine, keychain: Arc<dyn Store>) -> Self {
        // Beside the locks: hosts with state folders of their own must find the logins of the terminal.
        let folder = machine.folders.as_ref().map(|folders| folders.shared.as_path());
        let file = EncryptedFile::new(folder, passphrase(machine), Cost::STANDARD);
        Self { keychain, file: Arc::new(file) }
    }

    pub(super) fn of(&self, kind: Kind) -> &Arc<dyn Store> {
        match kind {
            Kind::Keychain => &self.keychain,
            Kind::File => &self.file,
        }
    }
}

fn passphrase(machine: &Machine) -> Passphrase {
    let environment = &machine.environment;
    let person = machine.facts.input.then(|| {
        let (prompt, terminal) = (Arc::clone(&machine.prompt), Arc::clone(&machine.terminal));
        Arc::new(Person { prompt, terminal }) as Arc<dyn Ask>
    });
    Passphrase {
        given: environment.text(PASSPHRASE).map(Secret::new),
        credential: environment.path("CREDENTIALS_DIRECTORY").map(|folder| folder.join(CREDENTIAL)),
        person,
    }
}

/// The person at the terminal.
struct Person {
    prompt: Arc<dyn Prompt>,
    terminal: Arc<dyn Terminal>,
}

impl Ask for Person {
    fn ask<'a>(&'a self, prompt: &'a str) -> Pin<Box<dyn Future<Output = std::io::Result<Secret>> + Send + 'a>> {
        Box::pin(machine::ask_secret(self.prompt.as_ref(), self.terminal.as_ref(), prompt))
    }
}

impl App {
    /// The store that keeps this connection's login.
    pub fn store_of(&self, connection: &config::Connection) -> Arc<dyn Store> {
        Arc::clone(self.stores.of(self.config.store_of(connection).0))
    }

    /// What a use case works with when it is about this connection.
    pub fn parts_of(&self, connection: &config::Connection) -> Parts {
        Parts { store: self.store_of(connection), ..self.parts.near(connection) }
    }

    /// The same program, whose parts are those of this connection.
    pub(super) fn at(&self, connection: &config::Connection) -> Self {
        Self {
            machine: self.machine.clone(),
            config: self.config.clone(),
            parts: self.parts_of(connection),
            stores: self.stores.clone(),
            sessions: Arc::clone(&self.sessions),
            turns: self.turns.clone(),
            config_file: self.config_file.clone(),
            ca_file: self.ca_file.clone(),
        }
    }
}

/// Writes down where the login of this connection is kept now, and takes the older one out of the store it was in before.
///
/// Only a login that is there counts: a login that failed must not cost the person the one they had.
pub(super) async fn settle(app: &App, connection: &config::Connection) -> Result<(), Error> {
    let (name, kind) = (&connection.name, app.config.store_of(connection).0);
    let recorded = app.config.connection(name).and_then(|known| known.store);
    let before = recorded.unwrap_or(app.config.recorded_store);
    // The keychain is what everybody expects, so it is not mentioned.
    if recorded == Some(kind) || (recorded.is_none() && before == kind && kind == Kind::Keychain) {
        return Ok(());
    }
    let (grant, headers) = (Key::grant(name), Key::headers(name));
    let store = app.store_of(connection);
    let has = async |key: &Key| Ok::<_, Error>(store.load(key).await.map_err(Error::store(name))?.is_some());
    if !has(&grant).await? && !has(&headers).await? {
        return Ok(());
    }
    if before != kind && !connection.headers.secret.is_empty() {
        carry(app, connection, std::slice::from_ref(&headers)).await?;
    }
    app.edit_config(&[Change::connection(name, "store", kind.word())]).await?;
    if before == kind {
        return Ok(());
    }
    // What the client proves itself with moves, too, if this login has brought its own.
    for (key, what) in [(grant, "login"), (Key::secret(name), "client secret"), (headers, "secret headers")] {
        if !has(&key).await.unwrap_or(false) {
            continue;
        }
        match app.stores.of(before).delete(&key).await {
            // Nothing is kept in a keychain that is not there.
            Ok(_) | Err(store::Error::Absent { .. }) => {}
            Err(error) => log::error!("the older {what} of `{name}` is still in the {}: {error}", before.name()),
        }
    }
    Ok(())
}

/// Copies what the connection's store of before keeps under these keys into its store of now, where that has nothing yet.
pub(super) async fn carry(app: &App, connection: &config::Connection, keys: &[Key]) -> Result<(), Error> {
    let (name, kind) = (&connection.name, app.config.store_of(connection).0);
    let recorded = app.config.connection(name).and_then(|known| known.store);
    let before = recorded.unwrap_or(app.config.recorded_store);
    if before == kind {
        return Ok(());
    }
    let (old, new) = (app.stores.of(before), app.store_of(connection));
    for key in keys {
        // A keychain that is not there keeps nothing.
        let Ok(Some(kept)) = old.load(key).await else { continue };
        if new.load(key).await.map_err(Error::store(name))?.is_none() {
            new.save(key, &kept).await.map_err(Error::store(name))?;
        }
    }
    Ok(())
}

/// The store that keeps a login under this name, which no configuration mentions any more; `None` if none does.
pub(super) async fn keeper(app: &App, name: &str) -> Option<Arc<dyn Store>> {
    for kind in Kind::ALL {
        let store = app.stores.of(kind);
        for key in [Key::grant(name), Key::headers(name)] {
            match store.load(&key).await {
                Ok(None) | Err(store::Error::Absent { .. }) => {}
                // What cannot be read is kept all the same.
                Ok(Some(_)) | Err(_) => return Some(Arc::clone(store)),
            }
        }
    }
    None
}
