//! The three keychains: how each is opened and whether it can hide what it holds. Their habits, as far as these can be
//! told without the platform, are in `habits`.

use keyring_core::Result;

use super::SERVICE;
use super::errors::Meaning;

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

#[cfg(any(windows, target_os = "macos"))]
pub use through_keyring_core::Connection;

// Both have an item for each pair of names, which the library finds by itself.
#[cfg(any(windows, target_os = "macos"))]
mod through_keyring_core {
    use std::collections::HashMap;
    use std::sync::Arc;

    use keyring_core::{CredentialStore, Entry, Result};

    use super::{Lock, MODIFIERS, SERVICE};

    /// A connection to the keychain.
    pub struct Connection(Arc<CredentialStore>);

    impl Connection {
        /// Touches nothing.
        pub fn open() -> Result<Self> {
            Ok(Self(super::store()?))
        }

        /// What the item of this name holds.
        pub fn get(&self, name: &str) -> Result<Vec<u8>> {
            self.item(name)?.get_secret()
        }

        /// Makes or replaces the item of this name.
        pub fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
            self.item(name)?.set_secret(secret)
        }

        /// Removes the item of this name.
        pub fn delete(&self, name: &str) -> Result<()> {
            self.item(name)?.delete_credential()
        }

        /// A locked keychain of macOS still knows which items it holds; that of Windows has no lock of its own and is open
        /// while the person is logged on.
        pub fn ensure_unlocked(&self) -> Result<Lock> {
            Ok(Lock::WasOpen)
        }

        fn item(&self, name: &str) -> Result<Entry> {
            self.0.build(SERVICE, name, Some(&HashMap::from(MODIFIERS)))
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
pub use secret_service_of_freedesktop::*;

#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service_of_freedesktop {
    use std::collections::HashMap;
    use std::error::Error as Source;

    use keyring_core::Error;
    use secret_service::blocking::{Item, SecretService};
    use secret_service::{EncryptionType, Error as Reason};
    use zbus::blocking::Connection as Bus;

    use super::super::habits::freedesktop;
    use super::{Lock, Meaning, Result, SERVICE};

    /// The largest item. The service takes megabytes; a larger message could break the bus connection.
    pub const ITEM: usize = 1 << 20;
    const CONTENT: &str = "application/octet-stream";

    /// A connection to the keychain.
    pub struct Connection(SecretService<'static>);

    impl Connection {
        /// Finds the session bus and the service on it, and agrees on a key, so that no secret crosses the bus readable.
        pub fn open() -> Result<Self> {
            connected().map(Self).map_err(sorted)
        }

        /// What the item of this name holds.
        pub fn get(&self, name: &str) -> Result<Vec<u8>> {
            self.item(name)?.ok_or(Error::NoEntry)?.get_secret().map_err(sorted)
        }

        /// Makes or replaces the item of this name.
        pub fn set(&self, name: &str, secret: &[u8]) -> Result<()> {
            if let Some(item) = self.item(name)? {
                return item.set_secret(secret, CONTENT).map_err(sorted);
            }
            let create = || {
                let collection = self.0.get_default_collection()?;
                if collection.is_locked()? {
                    collection.unlock()?;
                }
                let label = format!("keyring:{name}@{SERVICE}");
                collection.create_item(&label, attributes(name), secret, true, CONTENT).map(drop)
            };
            create().map_err(sorted)
        }

        /// Removes the item of this name.
        pub fn delete(&self, name: &str) -> Result<()> {
            self.item(name)?.ok_or(Error::NoEntry)?.delete().map_err(sorted)
        }

        // An item that is found locked is unlocked, which may show a dialog.
        fn item(&self, name: &str) -> Result<Option<Item<'_>>> {
            let mut found = self.0.search_items(attributes(name)).map_err(sorted)?;
            if !found.locked.is_empty() {
                self.0.unlock_all(&found.locked.iter().collect::<Vec<_>>()).map_err(sorted)?;
                found.unlocked.append(&mut found.locked);
            }
            match found.unlocked.len() {
                0 | 1 => Ok(found.unlocked.pop()),
                _ => Err(Error::Ambiguous(Vec::new())),
            }
        }

        /// Unlocks the default collection if it is locked, which may show a dialog.
        ///
        /// The Secret Service says what a search found, not whether it could look: KeePassXC and KWallet find nothing
        /// in what is locked.
        pub fn ensure_unlocked(&self) -> Result<Lock> {
            let unlock = || {
                let collection = self.0.get_default_collection()?;
                if !collection.is_locked()? {
                    return Ok(Lock::WasOpen);
                }
                collection.unlock()?;
                Ok(Lock::OpenedNow)
            };
            unlock().map_err(sorted)
        }
    }

    // GNOME Keyring (seen with 42, reported of 50) notes who a program is at its first message, in a step of its own, and if it
    // is about to turn to messages just then, it may come to this one before the step. A session for a program that it
    // has not noted ends the whole keyring, and the next one comes up locked. So the first message asks for something
    // that needs no note, as libsecret's does.
    fn connected() -> std::result::Result<SecretService<'static>, Reason> {
        let bus = Bus::session().map_err(|error| match error {
            zbus::Error::Address(_) => Reason::Unavailable,
            other => Reason::Zbus(other),
        })?;
        let answer = match greet(&bus) {
            // It ended before it answered: whoever comes in its place has noted nobody either.
            Err(zbus::Error::MethodError(name, ..)) if name.as_str() == freedesktop::NO_REPLY => greet(&bus),
            other => other,
        };
        match answer {
            // Whoever refuses this is there all the same.
            Err(zbus::Error::MethodError(name, ..)) if !freedesktop::is_of_the_bus(&name) => {}
            other => drop(other?),
        }
        SecretService::connect_with_existing(EncryptionType::Dh, bus)
    }

    fn greet(bus: &Bus) -> zbus::Result<zbus::Message> {
        let (service, path) = (Some("org.freedesktop.secrets"), "/org/freedesktop/secrets");
        let properties = Some("org.freedesktop.DBus.Properties");
        bus.call_method(service, path, properties, "GetAll", &("org.freedesktop.Secret.Service",))
    }

    fn attributes(name: &str) -> HashMap<&str, &str> {
        HashMap::from([("service", SERVICE), ("username", name)])
    }

    fn sorted(error: Reason) -> Error {
        match error {
            Reason::Locked | Reason::NoResult | Reason::Prompt => Error::NoStorageAccess(Box::new(error)),
            error => Error::PlatformFailure(Box::new(error)),
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
    use std::sync::Arc;

    use keyring_core::CredentialStore;

    use super::super::habits::macos;
    use super::{Meaning, Result};

    /// The largest item; the keychain has no limit of its own.
    pub const ITEM: usize = 1 << 20;
    /// What else an item is made with.
    pub const MODIFIERS: [(&str, &str); 0] = [];

    /// The keychain, untouched.
    pub fn store() -> Result<Arc<CredentialStore>> {
        Ok(apple_native_keyring_store::keychain::Store::new()?)
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
    use std::sync::Arc;

    use keyring_core::CredentialStore;

    use super::super::habits::windows;
    use super::{Meaning, Result};

    pub use windows::ITEM;
    /// An item stays on this computer; by default it would travel with the person's roaming profile.
    pub const MODIFIERS: [(&str, &str); 1] = [("persistence", "Local")];

    /// The Credential Manager, untouched.
    pub fn store() -> Result<Arc<CredentialStore>> {
        Ok(windows_native_keyring_store::Store::new()?)
    }

    /// What the name of the error says.
    pub fn meaning(source: &(dyn Source + Send + Sync + 'static)) -> Meaning {
        windows::meaning(&source.to_string())
    }
}
