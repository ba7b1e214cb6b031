//! Why an exchange failed, told apart by what the caller can do next.

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

/// A failed exchange. `host` is a host name with its port, never a whole address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address cannot be requested at all.
    #[error("the address on `{host}` cannot be requested")]
    Address {
        /// Which host.
        host: String,
    },
    /// The name has no address. Nothing was sent.
    #[error("the host name `{host}` was not found")]
    NotFound {
        /// Which host.
        host: String,
    },
    /// Nobody answered on that port, or the proxy refused. Nothing was sent.
    #[error("no connection to `{host}`: {cause}")]
    Connect {
        /// Which host.
        host: String,
        /// The system's reason.
        cause: String,
    },
    /// The certificate was not accepted. Nothing was sent.
    #[error("no trusted connection to `{host}`: {cause}")]
    Tls {
        /// Which host.
        host: String,
        /// What was wrong with the certificate.
        cause: String,
    },
    /// The time was up; the request may have arrived.
    #[error("no answer from `{host}` within {} s", after.as_secs())]
    TimedOut {
        /// Which host.
        host: String,
        /// The limit.
        after: Duration,
    },
    /// The answer is larger than allowed.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// Which host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection broke; the request may have arrived.
    #[error("the connection to `{host}` broke: {cause}")]
    Broken {
        /// Which host.
        host: String,
        /// The system's reason.
        cause: String,
    },
    /// The file of extra certificates is unusable. Nothing was sent.
    #[error("`{}` holds no usable certificate", path.display())]
    Certificates {
        /// The file named by `SSL_CERT_FILE` or the folder named by `SSL_CERT_DIR`.
        path: PathBuf,
    },
    /// A proxy variable cannot be used. Nothing was sent.
    #[error("`{variable}` is not the address of a proxy")]
    Proxy {
        /// Which variable.
        variable: String,
    },
}

impl Error {
    /// Whether it is certain that no byte of the request left this machine, so that sending it again is safe.
    pub fn nothing_was_sent(&self) -> bool {
        !matches!(self, Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Broken { .. })
    }

    pub(super) fn host_of(uri: &http::Uri) -> String {
        match (uri.host(), uri.port_u16()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => "?".to_owned(),
        }
    }

    pub(super) fn of(host: &str, error: &reqwest::Error) -> Self {
        let host = host.to_owned();
        let cause = innermost(error);
        if !error.is_connect() {
            return Self::Broken { host, cause };
        }
        let chain = chain(error);
        if chain.contains("dns error") {
            Self::NotFound { host }
        } else if chain.contains("certificate") || chain.contains("tls") || chain.contains("TLS") {
            Self::Tls { host, cause }
        } else {
            Self::Connect { host, cause }
        }
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut text = None;
    let mut source = error.source();
    while let Some(inner) = source {
        text = Some(inner.to_string());
        source = inner.source();
    }
    // reqwest's own text quotes the address with its query; only its causes are safe to show.
    text.unwrap_or_else(|| "no reason given".to_owned())
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&inner.to_string());
        text.push('\n');
        source = inner.source();
    }
    text
}
