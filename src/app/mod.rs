//! The use cases: login, session (renewal), status, token, logout. The one place where oauth, store and backends meet.
//!
//! The command line and the stdio server are two faces of this module. It prints nothing and asks nothing: what a
//! person should see or decide goes through values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use url::Url;

use crate::backends::{self, CredentialSource, Way};
use crate::config::edit::Change;
use crate::config::{self, Config};
use crate::http::{Http, Pin};
use crate::machine::{Clock, Machine};
use crate::store::{self, Store};

pub mod audit;
pub mod claims;
pub mod client;
pub(crate) mod copies;
pub mod doctor;
pub mod error;
pub mod grant;
pub mod headers;
pub mod key;
pub mod login;
pub mod logout;
mod memory;
mod own_key;
mod owned;
mod plain;
mod provider;
mod refused;
pub mod secret_of_client;
pub mod session;
pub mod sign_in;
pub mod status;
pub mod stores;
mod supplier;
pub mod token;
mod turns;
pub mod verify;

pub use audit::Audit;
pub use error::Error;
pub use owned::Owned;
pub use session::Session;

/// What every use case works with. Clones share it.
#[derive(Clone)]
pub struct Parts {
    /// Sends requests to whoever a service names: to the public network, and to what [`Parts::near`] says.
    pub http: Http,
    /// Keeps grants: the store of the connection at hand, see [`App::parts_of`].
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The state folder; absent where the platform names no home.
    pub state: Option<PathBuf>,
    /// The folder that all programs of the person share; absent where the platform names no home.
    pub shared: Option<PathBuf>,
    /// Runs what must not be aborted half-way.
    pub owned: Owned,
    /// Writes down what was done.
    pub audit: Audit,
}

impl Parts {
    /// The folder for locks.
    pub fn locks(&self) -> Result<PathBuf, Error> {
        locks(self.shared.as_deref())
    }

    /// The parts for talking to whoever the connection's service names as its provider: requests reach the public
    /// network and, of private ones, only the kind in which the configured addresses are.
    #[must_use]
    pub fn near(&self, connection: &config::Connection) -> Self {
        let issuer = connection.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
        let configured = [connection.endpoint(connection.way.0), connection.endpoint(Way::OAuth), issuer];
        let http = self.http.near(configured.iter().flatten());
        let own = connection.url.as_ref().map(|(url, _)| http.pinned(url, connection.certificate));
        Self { http: own.unwrap_or(http), ..self.clone() }
    }
}

/// Makes a folder that only the user can enter, with its parents.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// The name of the lock over a connection's grant: renewal, the end of a login and logout hold it.
pub(crate) fn grant_lock(connection: &str) -> String {
    format!("grant-{connection}")
}

/// The program, configured.
pub struct App {
    /// The machine it runs on.
    pub machine: Machine,
    /// What it was told to do.
    pub config: Config,
    /// What it works with.
    pub parts: Parts,
    stores: stores::Stores,
    sessions: Arc<Mutex<BTreeMap<Whose, Session>>>,
    turns: turns::AllTurns,
    config_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

/// A connection's name, what it pointed at and where its login was kept: a session does not outlive a change of these.
type Whose =
    (String, &'static str, (Option<Url>, Option<Pin>), (Option<String>, Option<&'static str>), config::store::Kind);

/// Tells whether the files that decide which tools there are have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    config: Option<(SystemTime, u64)>,
    tools: Option<SystemTime>,
}

impl Signature {
    /// Whether nothing but the cached lists has changed.
    pub fn is_of_the_same_configuration(&self, other: &Self) -> bool {
        self.config == other.config
    }
}

impl App {
    /// Reads the configuration and nothing else: no keychain, no network, no lock.
    pub fn open(machine: Machine, keychain: Arc<dyn Store>, config_file: Option<&Path>) -> Result<Self, Error> {
        let config = Config::load(config_file, &machine.environment, machine.folders.as_ref())?;
        Ok(Self::with(machine, keychain, config_file, config))
    }

    /// As [`App::open`]; with a file that cannot be used, as if there were none, and with the reason.
    pub fn open_anyway(machine: Machine, keychain: Arc<dyn Store>, file: Option<&Path>) -> (Self, Option<Error>) {
        let (config, broken) = match Config::load(file, &machine.environment, machine.folders.as_ref()) {
            Ok(config) => (config, None),
            Err(error) => {
                (Config::preset(Config::path(file, &machine.environment, machine.folders.as_ref())), Some(error))
            }
        };
        (Self::with(machine, keychain, file, config), broken.map(Error::Config))
    }

    fn with(machine: Machine, keychain: Arc<dyn Store>, config_file: Option<&Path>, config: Config) -> Self {
        let stores = stores::Stores::new(&machine, keychain);
        let parts = Parts {
            // Who forgets to say which connection a request is about does not reach into anybody's network.
            http: Http::new(&machine.environment).near([]),
            store: Arc::clone(stores.of(config.store.0)),
            clock: Arc::clone(&machine.clock),
            state: machine.folders.as_ref().map(|folders| folders.state.clone()),
            shared: machine.folders.as_ref().map(|folders| folders.shared.clone()),
            owned: Owned::default(),
            audit: Audit::new(
                machine.folders.as_ref().map(|folders| folders.state.as_path()),
                Arc::clone(&machine.clock),
            ),
        };
        let config_file = config_file.map(Path::to_path_buf);
        let (sessions, turns) = (Arc::default(), turns::AllTurns::default());
        Self { machine, config, parts, stores, sessions, turns, config_file, ca_file: None }.heeding()
    }

    /// As this one, trusting the authorities in `ca_file` instead of those in the file that the configuration names.
    #[must_use]
    pub fn trusting(mut self, ca_file: Option<PathBuf>) -> Self {
        self.ca_file = ca_file;
        self.heeding()
    }

    /// Lets the parts that outlive a change of the configuration heed it.
    fn heeding(self) -> Self {
        self.parts.audit.enable(self.config.audit.is_enabled());
        self.parts.http.trust(self.ca_file.as_deref().or(self.config.network.ca_file.as_deref()));
        self
    }

    /// Reads the configuration again. Sessions, connections to servers and work under way are shared with this one.
    pub fn reload(&self) -> Result<Self, Error> {
        let (environment, folders) = (&self.machine.environment, self.machine.folders.as_ref());
        let app = Self {
            machine: self.machine.clone(),
            config: Config::load(self.config_file.as_deref(), environment, folders)?,
            parts: self.parts.clone(),
            stores: self.stores.clone(),
            sessions: Arc::clone(&self.sessions),
            turns: self.turns.clone(),
            config_file: self.config_file.clone(),
            ca_file: self.ca_file.clone(),
        };
        Ok(app.heeding())
    }

    /// What the configuration file looks like now, and the folder of cached tool lists if a connection has one.
    pub fn signature(&self) -> Signature {
        let look = |path: &Path| std::fs::metadata(path).ok();
        let config = self.config.path.as_deref().and_then(look);
        // Nobody else has lists that are cached.
        let is_cached = self.config.connections.iter().any(|connection| connection.backend.passes());
        let tools = self.parts.state.as_ref().filter(|_| is_cached).and_then(|folder| look(&memory::folder(folder)));
        Signature {
            config: config.and_then(|file| Some((file.modified().ok()?, file.len()))),
            tools: tools.and_then(|folder| folder.modified().ok()),
        }
    }

    /// The connection of that name.
    pub fn connection(&self, name: &str) -> Result<&config::Connection, Error> {
        self.config.connection(name).ok_or_else(|| match backends::named(name) {
            Some(_) => Error::NoAddress { connection: name.to_owned() },
            None => Error::UnknownConnection { name: name.to_owned(), nearest: self.config.nearest(name) },
        })
    }

    /// The session of a connection; one per process, so that one renewal serves all its callers.
    pub fn session(&self, connection: &config::Connection) -> Session {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let way = connection.way.0;
        let store = self.config.store_of(connection).0;
        let issuer = (connection.issuer.clone(), connection.provider.map(|provider| provider.name));
        let place = (connection.endpoint(way), connection.certificate);
        let whose = (connection.name.clone(), way.word(), place, issuer, store);
        sessions.entry(whose).or_insert_with(|| Session::new(connection, &self.parts_of(connection))).clone()
    }

    /// The token that the environment supplies for this connection, with the variable's name.
    pub fn environment_token(&self, connection: &config::Connection) -> Option<(String, crate::secret::Secret)> {
        let variable = connection.token_variable();
        let token = self.machine.environment.text(&variable)?;
        Some((variable.clone(), crate::secret::Secret::new(token.trim())))
    }

    /// How this connection's calls are signed in right now.
    pub fn way(&self, connection: &config::Connection) -> Way {
        match self.environment_token(connection) {
            None => connection.way.0,
            Some((_, token)) => supplier::way_of_token(connection, &token),
        }
    }

    /// The connection as its backend sees it. Touches neither the store nor the network.
    pub fn service(&self, connection: &config::Connection) -> Result<backends::Connection, Error> {
        let way = self.way(connection);
        let url = connection.endpoint(way).or_else(|| connection.nowhere(way));
        let url = url.ok_or_else(|| Error::NoAddress { connection: connection.name.clone() })?;
        let memory = memory::Kept::new(self.parts.state.as_deref(), &connection.name, &url);
        let http = self.parts.http.anywhere();
        let own = connection.url.as_ref().map_or(&url, |(own, _)| own);
        let http = http.pinned(own, connection.certificate);
        let turns = self.turns.of(&connection.name, &url, self.parts.shared.as_deref(), &self.parts.clock);
        Ok(backends::Connection {
            name: connection.name.clone(),
            headers: headers::of(self, connection, &url),
            url,
            way,
            http,
            credentials: self.supplier(connection, way),
            sent: backends::Sent::default(),
            remembered: if connection.backend.passes() { memory.recall() } else { None },
            memory: Arc::new(memory),
            listener: backends::Listener::default(),
            copies: copies::of(self.parts.state.as_deref(), &connection.name, &self.parts.clock),
            slot: backends::Slot::default(),
            toolsets: connection.toolsets.0.clone(),
            folders: connection.folders.clone(),
            defaults: connection.defaults.clone(),
            turns,
        })
    }

    fn supplier(&self, connection: &config::Connection, way: Way) -> Arc<dyn CredentialSource> {
        match (self.environment_token(connection), way) {
            (Some((variable, token)), way) => {
                let kept = connection.backend.sign_in.and_then(|procedure| procedure.kept_of(way, &token));
                Arc::new(match kept {
                    Some(kept) => supplier::Fixed::exchanged(variable, kept),
                    None => supplier::Fixed::new(variable, &token),
                })
            }
            (None, Way::None) => Arc::new(supplier::Nothing),
            (None, _) => Arc::new(self.session(connection)),
        }
    }

    /// Changes the configuration file under its lock; whether anything is different now.
    pub async fn edit_config(&self, changes: &[Change]) -> Result<bool, Error> {
        let path = self.config.path.as_deref().ok_or(config::Error::NoFolder)?;
        edit_config(path, &self.machine, changes).await
    }
}

/// Changes a configuration file under its lock; whether anything is different now.
pub async fn edit_config(path: &Path, machine: &Machine, changes: &[Change]) -> Result<bool, Error> {
    let shared = machine.folders.as_ref().map(|folders| folders.shared.as_path());
    let _lock =
        store::lock::acquire(&locks(shared)?, "config", session::LOCK_WAIT).await.map_err(Error::lock("config"))?;
    config::folders::Private::of(&machine.environment, machine.folders.as_ref(), Some(path)).check_changes(changes)?;
    Ok(config::edit::apply(path, changes)?)
}

fn locks(shared: Option<&Path>) -> Result<PathBuf, Error> {
    shared.map(|folder| folder.join("locks")).ok_or_else(|| Error::StateFolder {
        path: PathBuf::from("~"),
        why: "the platform names no home folder".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Environment;
    use crate::store::memory::Memory;

    #[test]
    fn s41_only_a_configured_address_is_reached_wherever_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let text = "[connections.box]\nbackend = \"remote\"\nurl = \"https://mcp.corp.example/mcp\"\nissuer = \"https://sso.example\"\n";
        std::fs::write(&file, text).expect("written");
        let machine = Machine { environment: Environment::default(), ..Machine::real() };
        let app = App::open(machine, Arc::new(Memory::new()), Some(&file)).expect("a configuration");
        let connection = app.connection("box").expect("a connection");
        let shown = |http: &Http| format!("{http:?}");
        assert_eq!(shown(&app.parts.http), "Http near []");
        let near = "Http near [\"mcp.corp.example\", \"sso.example\"]";
        assert_eq!(shown(&app.parts_of(connection).http), near);
        assert_eq!(shown(&app.at(connection).parts.http), near);
        let service = app.at(connection).service(connection).expect("a service");
        assert_eq!(shown(&service.http), "Http anywhere");
    }
}
