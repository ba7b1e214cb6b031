//! The three keychains: how each is opened and whether it can hide what it holds. Their habits, as far as these can be
//! told without the platform, are in `habits`.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Result};

use super::SERVICE;
use super::errors::Meaning;

/// A connection to the keychain.
pub struct Connection {
    store: Arc<CredentialStore>,
    #[cfg(all(unix, not(target_os = "macos")))]
    service: Option<secret_service::blocking::SecretService<'static>>,
}

/// How the keychain was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// What it did not show it does not hold.
    WasOpen,
    /// It was locked and has been unlocked now.
    #[cfg_attr(
        any(windows, target_os = "macos"),
        expect(dead_code, reason = "only the Secret Service hides what it holds")
    )]
    OpenedNow,
}

impl Connection {
    /// The item of this name, which need not exist.
    pub fn entry(&self, name: &str) -> Result<Entry> {
        self.store.build(SERVICE, name, Some(&HashMap::from(MODIFIERS)))
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
pub use secret_service_of_freedesktop::*;

#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service_of_freedesktop {
    use std::error::Error as Source;

    use keyring_core::{Error, Result};
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error as Reason};

    use super::super::habits::freedesktop;
    use super::{Connection, Lock, Meaning};

    /// The largest item. The service takes megabytes; a larger message could break the bus connection.
    pub const ITEM: usize = 1 << 20;
    /// What else an item is made with.
    pub const MODIFIERS: [(&str, &str); 0] = [];

    impl Connection {
        /// Finds the session bus and the service on it.
        pub fn open() -> Result<Self> {
            Ok(Self { store: zbus_secret_service_keyring_store::Store::new()?, service: None })
        }

        /// Unlocks the default collection if it is locked, which may show a dialog.
        ///
        /// The Secret Service says what a search found, not whether it could look: KeePassXC and KWallet find nothing
        /// in what is locked.
        pub fn ensure_unlocked(&mut self) -> Result<Lock> {
            self.try_to_unlock().map_err(|error| Error::PlatformFailure(Box::new(error)))
        }

        fn try_to_unlock(&mut self) -> std::result::Result<Lock, Reason> {
            let service = match &mut self.service {
                Some(service) => service,
                // No secret crosses this session, so it needs no key exchange.
                none => none.insert(SecretService::connect(EncryptionType::Plain)?),
            };
            let collection = service.get_default_collection()?;
            if !collection.is_locked()? {
                return Ok(Lock::WasOpen);
            }
            collection.unlock()?;
            Ok(Lock::OpenedNow)
        }
    }

    /// What the service's error says.
    pub fn meaning(source: &(dyn Source + Send + Sync + 'static)) -> Meaning {
        match source.downcast_ref::<Reason>() {
            Some(Reason::Locked | Reason::Prompt) => Meaning::Locked,
            // Without a result: there is no default collection.
            Some(Reason::Unavailable | Reason::NoResult) => Meaning::Absent,
            Some(Reason::Zbus(error)) => freedesktop::meaning(&error.to_string()),
            Some(Reason::ZbusFdo(error)) => freedesktop::meaning(&error.to_string()),
            _ => Meaning::Unknown,
        }
    }
}

#[cfg(target_os = "macos")]
pub use login_keychain_of_macos::*;

#[cfg(target_os = "macos")]
mod login_keychain_of_macos {
    use std::error::Error as Source;

    use keyring_core::Result;

    use super::super::habits::macos;
    use super::{Connection, Lock, Meaning};

    /// The largest item; the keychain has no limit of its own.
    pub const ITEM: usize = 1 << 20;
    /// What else an item is made with.
    pub const MODIFIERS: [(&str, &str); 0] = [];

    impl Connection {
        /// Touches nothing.
        pub fn open() -> Result<Self> {
            Ok(Self { store: apple_native_keyring_store::keychain::Store::new()? })
        }

        /// A locked keychain still knows which items it holds.
        pub fn ensure_unlocked(&mut self) -> Result<Lock> {
            Ok(Lock::WasOpen)
        }
    }

    /// What the status code says.
    pub fn meaning(source: &(dyn Source + Send + Sync + 'static)) -> Meaning {
        let code = source.downcast_ref::<security_framework::base::Error>().map(|error| error.code());
        code.map_or(Meaning::Unknown, macos::meaning)
    }
}

#[cfg(windows)]
pub use credential_manager_of_windows::*;

#[cfg(windows)]
mod credential_manager_of_windows {
    use std::error::Error as Source;

    use keyring_core::Result;

    use super::super::habits::windows;
    use super::{Connection, Lock, Meaning};

    pub use windows::ITEM;
    /// An item stays on this computer; by default it would travel with the person's roaming profile.
    pub const MODIFIERS: [(&str, &str); 1] = [("persistence", "Local")];

    impl Connection {
        /// Touches nothing.
        pub fn open() -> Result<Self> {
            Ok(Self { store: windows_native_keyring_store::Store::new()? })
        }

        /// There is no lock of its own: it is open while the person is logged on.
        pub fn ensure_unlocked(&mut self) -> Result<Lock> {
            Ok(Lock::WasOpen)
        }
    }

    /// What the name of the error says.
    pub fn meaning(source: &(dyn Source + Send + Sync + 'static)) -> Meaning {
        windows::meaning(&source.to_string())
    }
}
