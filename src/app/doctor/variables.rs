//! Environment variables: misspelt ones, and those that a host would not pass on. Only names are told, never values.

use super::Check;
use crate::app::App;
use crate::config::nearest;
use crate::machine::{Environment, HOST_VARIABLES};

const NAME: &str = "variables";
/// What keyward itself reads.
const KNOWN: [&str; 4] = ["KEYWARD_CONFIG", "KEYWARD_NO_BROWSER", "KEYWARD_STORE", "KEYWARD_STORE_PASSPHRASE"];
const TOKEN: &str = "KEYWARD_TOKEN_";
/// What else changes what keyward does.
const OTHERS: [&str; 14] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "BROWSER",
    "DBUS_SESSION_BUS_ADDRESS",
];

pub(super) fn look(app: &App) -> Vec<Check> {
    let names = app.machine.environment.names().filter(|name| name.starts_with("KEYWARD_"));
    let tokens: Vec<String> = app.config.connections.iter().map(|connection| connection.token_variable()).collect();
    let mut checks = Vec::new();
    for name in names.filter(|name| !KNOWN.contains(name) && tokens.iter().all(|token| token != name)) {
        let check = if name.starts_with(TOKEN) {
            Check::warn(NAME, format!("`{name}` is set, and no connection has that name"))
                .hint("`keyward status` lists the connections")
        } else {
            let check = Check::warn(NAME, format!("`{name}` is set, and nobody reads it"));
            match nearest::of(name, KNOWN.into_iter().chain(tokens.iter().map(String::as_str))) {
                Some(nearest) => check.hint(format!("the nearest known variable is `{nearest}`")),
                None => check,
            }
        };
        checks.push(check);
    }
    checks
}

/// What is set here, matters, and is not passed on by a host that was started from the desktop.
pub fn lost_in_a_host(environment: &Environment) -> Check {
    let matters = |name: &&str| name.starts_with("KEYWARD_") || OTHERS.contains(name);
    let is_usual = |name: &str| {
        // Without the variable the bus of the user's session is found in its usual place.
        let address = environment.text("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
        name == "DBUS_SESSION_BUS_ADDRESS" && address.starts_with("unix:path=/run/user/")
    };
    let lost: Vec<String> = environment
        .names()
        .filter(matters)
        .filter(|name| !HOST_VARIABLES.contains(name) && !is_usual(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if lost.is_empty() {
        return Check::ok("host-variables", "nothing that matters is set here and missing in a host");
    }
    Check::warn("host-variables", format!("set here, and not passed on by a host: {}", lost.join(", ")))
        .hint("write them into `env` of the host's entry, authorities into `network.ca_file`, and tokens into the keychain: `keyward login`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::doctor::Verdict;

    #[test]
    fn what_a_host_does_not_pass_on_is_told_by_name_only() {
        let environment = Environment::of([
            ("HOME", "/home/ada"),
            ("PATH", "/bin"),
            ("https_proxy", "http://ada:canary@proxy"),
            ("KEYWARD_TOKEN_BOX", "canary"),
            ("EDITOR", "vi"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus"),
        ]);
        let check = lost_in_a_host(&environment);
        assert_eq!(check.verdict, Verdict::Warn);
        assert_eq!(check.detail, "set here, and not passed on by a host: `KEYWARD_TOKEN_BOX`, `https_proxy`");
        assert_eq!(lost_in_a_host(&Environment::of([("HOME", "/home/ada")])).verdict, Verdict::Ok);
    }
}
