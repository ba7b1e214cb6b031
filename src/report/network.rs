//! Words for what is wrong with the network.

use super::{Exit, Report};
use crate::http::Error;

pub(super) fn failed(message: &str, error: &Error) -> Report {
    let report = |code| Report::new(Exit::Network, code, message);
    match error {
        Error::Address { host } => Report::new(Exit::Configuration, "address", message)
            .cause(format!("the address on `{host}` cannot be requested"))
            .hint("`keyward config show` prints the addresses that are used"),
        Error::NotFound { host } => report("host_not_found")
            .cause(format!("the host name `{host}` was not found"))
            .hint("check the spelling and the network; inside a company, the VPN")
            .retryable(),
        Error::Connect { host, cause } => report("no_connection")
            .cause(format!("no connection to `{host}`: {cause}"))
            .hint("check that the service runs there, and `HTTPS_PROXY` if this network needs a proxy")
            .retryable(),
        Error::Tls { host, cause } => report("tls")
            .cause(format!("no trusted connection to `{host}`: {cause}"))
            .hint("if this network has its own certificates, `SSL_CERT_FILE` names the file that holds them"),
        Error::TimedOut { host, after } => report("timed_out")
            .cause(format!("no answer from `{host}` within {} s", after.as_secs()))
            .hint("try again later; `HTTPS_PROXY` names the proxy if this network needs one")
            .retryable(),
        Error::TooLarge { host, limit } => Report::new(Exit::Server, "too_large", message)
            .cause(format!("the answer of `{host}` is larger than {limit} bytes"))
            .hint("ask for less"),
        Error::Broken { host, cause } => report("connection_broken")
            .cause(format!("the connection to `{host}` broke: {cause}"))
            .hint("try again")
            .retryable(),
        Error::Certificates { path } => Report::new(Exit::Configuration, "certificates", message)
            .cause(format!("`{}` holds no usable certificate", path.display()))
            .hint("`SSL_CERT_FILE` must name a file of PEM certificates; unset it to use the system's"),
        Error::Proxy { variable } => Report::new(Exit::Configuration, "proxy", message)
            .cause(format!("`{variable}` is not the address of a proxy"))
            .hint(format!("set `{variable}` to an address such as `http://proxy.example.com:8080`, or unset it")),
    }
}
