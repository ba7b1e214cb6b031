//! What the environment says about proxies and trust, and the client built from it.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{NoProxy, Proxy};

use super::Error;
use crate::machine::Environment;

/// Never proxied: a login's callback and the sandbox live here, and a proxy would look at its own loopback.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
const CONNECT: Duration = Duration::from_secs(10);

pub(super) struct Settings {
    proxies: Vec<(&'static str, String)>,
    direct: String,
    trust: Vec<PathBuf>,
}

impl Settings {
    pub(super) fn of(environment: &Environment) -> Self {
        let either = |upper: &'static str, lower: &'static str| {
            let value = environment.text(lower).or_else(|| environment.text(upper))?;
            Some((upper, value.to_owned()))
        };
        let proxies = [("HTTP_PROXY", "http_proxy"), ("HTTPS_PROXY", "https_proxy"), ("ALL_PROXY", "all_proxy")];
        let excepted = either("NO_PROXY", "no_proxy").map(|(_, hosts)| format!("{hosts},")).unwrap_or_default();
        Self {
            proxies: proxies.into_iter().filter_map(|(upper, lower)| either(upper, lower)).collect(),
            direct: excepted + LOOPBACK,
            trust: ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(|name| environment.path(name)).collect(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that builds an HTTP client")]
    pub(super) fn build(&self) -> Result<reqwest::Client, Error> {
        // The system verifier silently trusts nobody when these point nowhere; say so instead.
        if let Some(path) = self.trust.iter().find(|path| !path.exists()) {
            return Err(Error::Certificates { path: path.clone() });
        }
        // A second installation answers with an error that means "already done".
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(Duration::from_secs(60));
        let direct = NoProxy::from_string(&self.direct);
        for (variable, address) in &self.proxies {
            let proxy = match *variable {
                "HTTP_PROXY" => Proxy::http(address),
                "HTTPS_PROXY" => Proxy::https(address),
                _ => Proxy::all(address),
            };
            let proxy = proxy.map_err(|_| Error::Proxy { variable: (*variable).to_owned() })?;
            client = client.proxy(proxy.no_proxy(direct.clone()));
        }
        // The order matters: a client without one of our proxies must not look for others on loopback calls.
        if self.proxies.is_empty() && cfg!(not(any(target_os = "macos", windows))) {
            client = client.no_proxy();
        }
        client.build().map_err(|_| Error::Certificates { path: self.trust.first().cloned().unwrap_or_default() })
    }
}
