//! Proxies and certificates: what is set, whether it can be used, and whose word counts.

use super::Check;
use crate::app::{App, Error};

pub(super) fn look(app: &App) -> Vec<Check> {
    vec![proxy(app), certificates(app)]
}

fn proxy(app: &App) -> Check {
    let proxies = app.parts.http.proxies();
    if let Err(error) = proxies.check() {
        return Check::failed("proxy", Error::Network(error));
    }
    let environment = &app.machine.environment;
    let shown: Vec<String> = proxies
        .list()
        .into_iter()
        .map(|(variable, proxy, has_credentials)| {
            let with = if has_credentials { ", with credentials" } else { "" };
            format!("`{variable}` is `{}`{with}", proxy.unwrap_or_default())
        })
        .collect();
    // Programs do not agree on which of two spellings wins.
    let differing = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].into_iter().find(|upper| {
        let lower = environment.text(&upper.to_ascii_lowercase());
        environment.text(upper).is_some_and(|value| lower.is_some_and(|lower| lower != value))
    });
    match differing {
        Some(upper) => {
            let lower = upper.to_ascii_lowercase();
            Check::warn("proxy", format!("`{upper}` and `{lower}` differ; `{lower}` is used"))
                .hint(format!("`unset {upper}`"))
        }
        None if shown.is_empty() => Check::ok("proxy", "no variable names one"),
        None => Check::ok("proxy", shown.join("; ")),
    }
}

fn certificates(app: &App) -> Check {
    let trust = app.parts.http.trusted();
    match trust.count() {
        Err(error) => Check::failed("certificates", Error::Network(error)),
        Ok(counted) => {
            let base = match counted.instead {
                Some(count) => format!("`SSL_CERT_FILE` or `SSL_CERT_DIR` replaces the system's: {count}"),
                None => "the system's".to_owned(),
            };
            let extra = trust.extra.map(|path| format!(", and {} from `{}`", counted.extra, path.display()));
            Check::ok("certificates", base + &extra.unwrap_or_default())
        }
    }
}
