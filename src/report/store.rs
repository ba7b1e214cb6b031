//! Words for what is wrong with the keychain.

use super::{Exit, Report};
use crate::store::Error;

pub(super) fn failed(connection: &str, error: &Error) -> Report {
    let report = |code, message: &str| {
        Report::new(Exit::Store, code, format!("the login of `{connection}` cannot be read or kept: {message}"))
    };
    match error {
        Error::Absent { cause } => report("store_absent", "there is no keychain that can be used")
            .cause(cause.clone())
            .hint("GNOME Keyring, KWallet or KeePassXC provide one: start it, and let it make its default keyring")
            .hint(format!("without one, `{}` supplies a token for this connection", variable(connection))),
        Error::Locked => report("store_locked", "the keychain is locked")
            .cause("nobody unlocked it when asked")
            .hint("unlock it (log in to the desktop, or open its password manager), then run the command again"),
        Error::Denied { cause } => report("store_denied", "the keychain refused")
            .cause(cause.clone())
            .hint("allow `keyward` to use the keychain, then run the command again"),
        Error::TimedOut { after } => report("store_timed_out", "the keychain did not answer")
            .cause(format!("no answer within {} s", after.as_secs()))
            .hint("look for a dialog that waits for an answer; otherwise restart the keychain service")
            .retryable(),
        Error::Busy => report("store_busy", "the keychain is still busy with an earlier call")
            .hint("look for a dialog that waits for an answer, then run the command again")
            .retryable(),
        Error::TooLarge { size, limit } => report("store_too_large", "it is too large for the keychain")
            .cause(format!("{size} bytes, where {limit} fit"))
            .hint("ask the provider for a smaller token, for example with fewer `scopes`"),
        Error::Damaged { .. } => report("store_damaged", "what the keychain holds is damaged")
            .hint(format!("`keyward login {connection}` replaces it")),
        Error::Ambiguous { .. } => report("store_ambiguous", "the keychain holds it more than once")
            .cause("another program stored an item with the same service and name")
            .hint("delete the items of the service `keyward` in the keychain's password manager, then log in again"),
        other => report("store_failed", "the keychain failed")
            .cause(other.to_string())
            .hint("`keyward status` shows whether it works again"),
    }
}

pub(super) fn variable(connection: &str) -> String {
    let word: String = connection.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("KEYWARD_TOKEN_{}", word.to_ascii_uppercase())
}
