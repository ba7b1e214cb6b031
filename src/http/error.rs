//! Why an exchange failed, told apart by what the caller can do next.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use super::Range;
use super::pin::Presented;
use super::resolve::OutOfReach;
use super::trust::{TlsFault, fault, presented};

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
    #[error("no trusted connection to `{host}`: {fault}")]
    Tls {
        /// Which host.
        host: String,
        /// What was wrong.
        fault: TlsFault,
        /// The certificate, if one was shown.
        presented: Option<Box<Presented>>,
    },
    /// A stranger's document named a host inside a network that it may not lead to. Nothing was sent.
    #[error("`{host}` is in a network that only an address of that network may lead to")]
    OutOfReach {
        /// Which host.
        host: String,
        /// In which network it is.
        range: Range,
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
    /// What was to be sent could not be read to its end. The server may have got a part of it.
    #[error("what was to be sent to `{host}` could not be read: {cause}")]
    Unread {
        /// Which host.
        host: String,
        /// The reason.
        cause: String,
    },
    /// A file or folder of certificates is unusable. Nothing was sent.
    #[error("`{}`: {why}", path.display())]
    Certificates {
        /// The variable or flag that names it.
        from: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system's own certificates cannot be used. Nothing was sent.
    #[error("the system's certificates cannot be used: {cause}")]
    NoTrust {
        /// The system's reason.
        cause: String,
    },
    /// A proxy variable cannot be used. Nothing was sent.
    #[error("`{variable}` is not the address of a proxy")]
    Proxy {
        /// Which variable.
        variable: String,
    },
    /// The proxy wants a user name and a password, or others than it got. Nothing was sent.
    #[error("the proxy `{proxy}` wants credentials")]
    ProxyCredentials {
        /// Its host and port.
        proxy: String,
    },
    /// The proxy cannot be reached. Nothing was sent.
    #[error("no connection to the proxy `{proxy}`: {cause}")]
    ProxyConnect {
        /// Its host and port.
        proxy: String,
        /// The system's reason.
        cause: String,
    },
    /// The proxy does not connect to that host. Nothing was sent.
    #[error("the proxy `{proxy}` does not connect to `{host}`")]
    ProxyRefused {
        /// Its host and port.
        proxy: String,
        /// Which host.
        host: String,
    },
}

impl Error {
    /// Whether it is certain that no byte of the request left this machine, so that sending it again is safe.
    pub fn nothing_was_sent(&self) -> bool {
        !matches!(self, Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Broken { .. } | Self::Unread { .. })
    }

    pub(super) fn host_of(uri: &http::Uri) -> String {
        match (uri.host(), uri.port_u16()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => "?".to_owned(),
        }
    }

    /// Why a request did not come to its answer, or an answer to its end.
    pub(super) fn broken(host: &str, error: &(dyn StdError + 'static)) -> Self {
        Self::Broken { host: host.to_owned(), cause: innermost(error) }
    }

    /// Why there is no connection: to the host, or to the `proxy` on the way to it.
    pub(super) fn unconnected(host: &str, proxy: Option<&str>, error: &(dyn StdError + 'static)) -> Self {
        let (host, cause) = (host.to_owned(), innermost(error));
        if let Some(OutOfReach(range)) = find(error) {
            return Self::OutOfReach { host, range: *range };
        }
        let texts = texts(error);
        let says = |text: &str| texts.iter().any(|one| one.contains(text));
        let tls = find(error).map(|error| (fault(error), presented(error).map(Box::new)));
        match (proxy.map(str::to_owned), tls) {
            // The tunnel's own error has no public type.
            (Some(proxy), None) if says("proxy authorization required") => Self::ProxyCredentials { proxy },
            (Some(proxy), None) if says("tunnel error: unsuccessful") => Self::ProxyRefused { proxy, host },
            (Some(proxy), None) => Self::ProxyConnect { proxy, cause },
            // The proxy's own certificate: nobody should keep that for the host.
            (Some(proxy), Some((fault, _))) => Self::Tls { host: proxy, fault, presented: None },
            (None, Some((fault, presented))) => Self::Tls { host, fault, presented },
            (None, None) if says("dns error") => Self::NotFound { host },
            (None, None) => Self::Connect { host, cause },
        }
    }
}

/// The error and every one below it, outermost first. What an input/output error wraps counts, too: its `source` skips it.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut found = Vec::new();
    let mut next = Some(error);
    while let Some(inner) = next {
        found.push(inner);
        next = match inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => inner.source(),
        };
    }
    found
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).into_iter().find_map(|cause| cause.downcast_ref())
}

fn texts(error: &(dyn StdError + 'static)) -> Vec<String> {
    causes(error).into_iter().map(ToString::to_string).collect()
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    texts(error).pop().unwrap_or_else(|| "no reason given".to_owned())
}
