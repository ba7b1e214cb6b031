//! What is known of the three keychains without having one: how large an item may be and what their errors mean.
//!
//! Nothing here calls a platform, so it is tested wherever the tests run.

use super::errors::Meaning;

/// The Secret Service of GNOME Keyring, KWallet and KeePassXC.
#[cfg(any(test, all(unix, not(target_os = "macos"))))]
pub(super) mod freedesktop {
    use super::Meaning;

    /// Errors travel over D-Bus as names, and their text begins with the name.
    pub fn meaning(text: &str) -> Meaning {
        let name = text.split(": ").next().unwrap_or_default();
        match name.rsplit('.').next().unwrap_or_default() {
            "IsLocked" => Meaning::Locked,
            "AccessDenied" | "AuthFailed" => Meaning::Denied,
            "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "Disconnected" => Meaning::Absent,
            _ => Meaning::Unknown,
        }
    }

    /// Whom the bus had passed the message on to has ended without an answer.
    pub const NO_REPLY: &str = "org.freedesktop.DBus.Error.NoReply";

    /// Whether the bus says this in the place of a service that it has not, cannot start or has no answer from.
    pub fn is_of_the_bus(name: &str) -> bool {
        name.strip_prefix("org.freedesktop.DBus.Error.").is_some_and(|name| {
            name.starts_with("Spawn.")
                || matches!(
                    name,
                    "NoReply" | "ServiceUnknown" | "NameHasNoOwner" | "Timeout" | "TimedOut" | "Disconnected"
                )
        })
    }
}

/// The login keychain of macOS.
#[cfg(any(test, target_os = "macos"))]
pub(super) mod macos {
    use super::Meaning;

    /// The status codes of `SecBase.h` and `MacErrors.h`.
    pub fn meaning(code: i32) -> Meaning {
        match code {
            // errSecInteractionNotAllowed: locked or not yet trusted, and no screen to ask on, as in a remote shell.
            -25308 => Meaning::Locked,
            // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain.
            -25291 | -25294 | -25295 | -25307 => Meaning::Absent,
            // userCanceledErr, wrPermErr, errSecReadOnly, errSecAuthFailed, errSecInvalidOwnerEdit.
            -128 | -61 | -25292 | -25293 | -25244 => Meaning::Denied,
            _ => Meaning::Unknown,
        }
    }
}

/// The Credential Manager of Windows.
pub mod windows {
    #[cfg(any(test, windows))]
    use super::Meaning;

    /// `CRED_MAX_CREDENTIAL_BLOB_SIZE`, in bytes.
    pub const BLOB: usize = 2560;
    /// The largest item. Windows counts the bytes that it is given, and some programs give it UTF-16, which takes two
    /// bytes for each byte of UTF-8 at the most. Half of the limit fits either way.
    pub const ITEM: usize = BLOB / 2;

    /// A service or a remote shell may run without a logon session, and then there is nothing to store in.
    #[cfg(any(test, windows))]
    pub(in super::super) fn meaning(text: &str) -> Meaning {
        match text.trim_start_matches("Windows ") {
            // The second one: the service behind the Credential Manager is switched off.
            "ERROR_NO_SUCH_LOGON_SESSION" | "error code 1058" => Meaning::Absent,
            // ERROR_ACCESS_DENIED
            "error code 5" => Meaning::Denied,
            _ => Meaning::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn half_of_what_windows_takes_fits_in_utf_16_whatever_the_text(text in "\\PC{0,1280}") {
            let cut = (0..=windows::ITEM.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            let (item, _) = text.split_at(cut);
            prop_assert!(item.encode_utf16().count() * 2 <= windows::BLOB);
        }
    }

    #[test]
    fn an_item_of_plain_letters_fills_what_windows_takes() {
        assert_eq!("x".repeat(windows::ITEM).encode_utf16().count() * 2, windows::BLOB);
    }

    #[test]
    fn a_status_code_of_macos_says_what_to_do() {
        for (code, expected) in [
            (-25308, Meaning::Locked),
            (-25291, Meaning::Absent),
            (-25294, Meaning::Absent),
            (-25295, Meaning::Absent),
            (-25307, Meaning::Absent),
            (-128, Meaning::Denied),
            (-61, Meaning::Denied),
            (-25292, Meaning::Denied),
            (-25293, Meaning::Denied),
            (-25244, Meaning::Denied),
            (-25299, Meaning::Unknown),
            (0, Meaning::Unknown),
        ] {
            assert_eq!(macos::meaning(code), expected, "{code}");
        }
    }

    #[test]
    fn an_error_of_windows_is_told_by_its_name_or_number() {
        for (text, expected) in [
            ("Windows ERROR_NO_SUCH_LOGON_SESSION", Meaning::Absent),
            ("Windows error code 1058", Meaning::Absent),
            ("Windows error code 5", Meaning::Denied),
            ("Windows error code 58", Meaning::Unknown),
            ("Windows ERROR_INVALID_FLAGS", Meaning::Unknown),
        ] {
            assert_eq!(windows::meaning(text), expected, "{text}");
        }
    }

    #[test]
    fn an_error_of_the_secret_service_is_told_by_its_name() {
        for (text, expected) in [
            ("org.freedesktop.Secret.Error.IsLocked: Cannot create an item", Meaning::Locked),
            ("org.freedesktop.DBus.Error.AccessDenied: no", Meaning::Denied),
            ("org.freedesktop.DBus.Error.ServiceUnknown: The name is not activatable", Meaning::Absent),
            ("org.freedesktop.DBus.Error.NameHasNoOwner", Meaning::Absent),
            ("org.freedesktop.DBus.Error.Failed: IsLocked", Meaning::Unknown),
            ("", Meaning::Unknown),
        ] {
            assert_eq!(freedesktop::meaning(text), expected, "{text}");
        }
    }

    #[test]
    fn what_the_bus_says_for_a_service_that_is_not_there_is_no_answer_of_it() {
        let of_the_bus = |name: &str| freedesktop::is_of_the_bus(&format!("org.freedesktop.DBus.Error.{name}"));
        for name in ["NoReply", "ServiceUnknown", "NameHasNoOwner", "TimedOut", "Spawn.ChildExited", "Spawn.Failed"] {
            assert!(of_the_bus(name), "{name}");
        }
        assert!(freedesktop::is_of_the_bus(freedesktop::NO_REPLY));
        for name in ["UnknownMethod", "UnknownInterface", "AccessDenied", "Failed"] {
            assert!(!of_the_bus(name), "{name}");
        }
        assert!(!freedesktop::is_of_the_bus("org.freedesktop.Secret.Error.NoReply"));
    }
}
