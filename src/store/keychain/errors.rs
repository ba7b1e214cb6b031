//! What the platform's errors mean for the caller.
//!
//! Some errors of the keychain library carry the secret, and their `Debug` prints it. Only `Display` is used here, which
//! does not, and only of the errors behind them.

use super::super::{Error, Key};
use super::platform;

/// What a platform's own error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// There is nothing to talk to, or nowhere to write.
    Absent,
    /// Locked, and nobody unlocked it.
    #[cfg_attr(all(windows, not(test)), expect(dead_code, reason = "the Credential Manager has no lock of its own"))]
    Locked,
    /// The keychain or the person said no.
    Denied,
    /// Something else.
    Unknown,
}

// A daemon's text is data: it may be long and may try to move the cursor.
const LONGEST: usize = 300;

/// An error of a call.
pub fn sort(error: keyring_core::Error, key: &Key) -> Error {
    use keyring_core::Error as E;
    match error {
        E::PlatformFailure(source) | E::NoStorageAccess(source) => {
            let cause = tame(&source.to_string());
            match platform::meaning(source.as_ref()) {
                Meaning::Absent => Error::Absent { cause },
                Meaning::Locked => Error::Locked,
                Meaning::Denied => Error::Denied { cause },
                Meaning::Unknown => Error::Failed { cause },
            }
        }
        E::TooLong(_, limit) => Error::TooLarge { size: 0, limit: usize::try_from(limit).unwrap_or(usize::MAX) },
        E::Ambiguous(_) => Error::Ambiguous { key: key.clone() },
        E::BadEncoding(bytes) | E::BadDataFormat(bytes, _) => {
            crate::secret::wipe(bytes);
            Error::Damaged { key: key.clone() }
        }
        other => Error::Failed { cause: tame(&other.to_string()) },
    }
}

/// An error of opening: whatever it is, there is no keychain to talk to, unless it says that it refused.
pub fn unopened(error: keyring_core::Error, key: &Key) -> Error {
    match sort(error, key) {
        Error::Failed { cause } => Error::Absent { cause },
        other => other,
    }
}

fn tame(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyring_core::Error as E;

    fn platform(text: &str) -> Box<dyn std::error::Error + Send + Sync> {
        text.to_owned().into()
    }

    #[test]
    fn an_error_never_carries_the_secret_on() {
        let key = Key::grant("a");
        for error in [E::BadEncoding(b"canary".to_vec()), E::BadDataFormat(b"canary".to_vec(), platform("odd"))] {
            let sorted = sort(error, &key);
            assert_eq!(sorted, Error::Damaged { key: key.clone() });
            assert!(!format!("{sorted} {sorted:?}").contains("99, 97"));
        }
    }

    #[test]
    fn each_kind_is_told_apart() {
        let key = Key::grant("a");
        assert_eq!(sort(E::TooLong("secret".into(), 2560), &key), Error::TooLarge { size: 0, limit: 2560 });
        assert_eq!(sort(E::Ambiguous(Vec::new()), &key), Error::Ambiguous { key: key.clone() });
        assert_eq!(sort(E::PlatformFailure(platform("odd")), &key), Error::Failed { cause: "odd".into() });
        assert_eq!(unopened(E::PlatformFailure(platform("odd")), &key), Error::Absent { cause: "odd".into() });
    }

    #[test]
    fn a_daemons_text_is_cut_and_cannot_steer_the_terminal() {
        let text = format!("\u{1b}[2J{}", "x".repeat(1000));
        let Error::Failed { cause } = sort(E::PlatformFailure(platform(&text)), &Key::grant("a")) else { panic!() };
        assert_eq!(cause, format!("[2J{}", "x".repeat(296)));
    }
}
