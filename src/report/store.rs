//! Words for what is wrong with the keychain or the encrypted file.

use super::{Exit, Report};
use crate::store::{Error, file};

pub(super) fn failed(connection: &str, error: &Error) -> Report {
    let report = |code, message: &str| report(connection, code, message);
    match error {
        Error::Absent { cause } => report("store_absent", "there is no keychain that can be used")
            .cause(cause.clone())
            .hint("start and unlock one (GNOME Keyring, KWallet, KeePassXC), and let it make its default keyring")
            .hint(format!("`keyward login {connection} --store file` keeps it in a file encrypted with a passphrase")),
        Error::Locked => report("store_locked", "the keychain is locked")
            .cause("nobody unlocked it when asked")
            .hint("unlock it (log in to the desktop, or open its password manager), then run the command again"),
        Error::Denied { cause } => report("store_denied", "the keychain refused")
            .cause(cause.clone())
            .hint("allow `keyward` to use the keychain, then run the command again"),
        Error::TimedOut { after } => report("store_timed_out", "the store did not answer")
            .cause(format!("no answer within {} s", after.as_secs()))
            .hint("look for a dialog that waits for an answer; otherwise restart the keychain service")
            .retryable(),
        Error::Busy => report("store_busy", "the store is still busy with an earlier call")
            .hint("look for a dialog that waits for an answer, then run the command again")
            .retryable(),
        Error::TooLarge { size, limit } => report("store_too_large", "it is too large for the store")
            .cause(format!("{size} bytes, where {limit} fit"))
            .hint("ask the provider for a smaller token, for example with fewer `scopes`"),
        Error::Damaged { .. } => report("store_damaged", "what the keychain holds is damaged")
            .hint(format!("`keyward login {connection}` replaces it, and sets aside what is damaged")),
        Error::Newer { .. } => report("store_newer", "a newer version of keyward wrote it")
            .cause("this version does not know its format, and changes nothing of it")
            .hint("run the newer version; to use this one, log out with the newer one first"),
        Error::Ambiguous { .. } => report("store_ambiguous", "the keychain holds it more than once")
            .cause("another program stored an item with the same service and name")
            .hint("delete the items of the service `keyward` in the keychain's password manager, then log in again"),
        Error::File(error) => in_the_file(connection, error),
        Error::Failed { .. } => report("store_failed", "the store failed")
            .cause(error.to_string())
            .hint("`keyward status` shows whether it works again"),
    }
}

fn in_the_file(connection: &str, error: &file::Error) -> Report {
    use file::Error as E;
    let report = |code, message: &str| report(connection, code, message);
    let space = "make room, then run the command again; what was kept before is still kept";
    match error {
        E::NoFolder => report("store_absent", "there is no place for the encrypted file")
            .cause("the platform names no home folder for this user")
            .hint("`HOME` names it"),
        E::NoPassphrase { why } => report("store_no_passphrase", "the encrypted file needs its passphrase")
            .cause((*why).to_owned())
            .hint("`KEYWARD_STORE_PASSPHRASE` or the systemd credential `keyward-passphrase` supplies it")
            .hint(format!("`keyward login {connection}` at a terminal asks for it")),
        E::WrongPassphrase { path } => report("store_wrong_passphrase", "the passphrase is not that of the file")
            .cause(format!("it does not open `{}`", path.display()))
            .hint("give the one that the file was made with; `KEYWARD_STORE_PASSPHRASE` comes before the terminal")
            .hint("if it is lost, so are the logins in the file: remove the file and log in again"),
        E::Unsafe { path, why } => report("store_unsafe", "the file cannot be trusted")
            .cause(format!("`{}` {why}", path.display()))
            .hint("find out who did that; then make it a plain file or folder of this user, without rights for others")
            .hint("`chmod go= PATH` takes the rights of others away"),
        E::Damaged { path } => report("store_damaged", "the encrypted file is damaged")
            .cause(format!("`{}` is not what was written", path.display()))
            .hint("restore it from a backup, or log in again")
            .hint(format!("`keyward login {connection}` sets it aside and starts a new one")),
        E::Full { path } => report("store_full", "no space is left")
            .cause(format!("`{}` could not be written", path.display()))
            .hint(space),
        E::ReadOnly { path } => report("store_read_only", "its place may not be written")
            .cause(format!("`{}` is read-only for this user", path.display()))
            .hint("make the folder writable for this user, then run the command again; what was kept before is still kept"),
        E::Held { waited } => report("store_held", "another process holds the encrypted file")
            .cause(format!("it was not free within {} s", waited.as_secs()))
            .hint("run the command again; if it stays busy, end the other process")
            .retryable(),
        E::Io { path, kind } => report("store_failed", "the encrypted file could not be used")
            .cause(format!("`{}`: {kind}", path.display()))
            .hint("`keyward status` shows whether it works again"),
    }
}

fn report(connection: &str, code: &'static str, message: &str) -> Report {
    Report::new(Exit::Store, code, format!("the login of `{connection}` cannot be read or kept: {message}"))
}
