//! Words for what is wrong with the network.

use super::{Exit, Report, local};
use crate::http::{Error, Presented, TlsFault};

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
        Error::Tls { host, fault, presented } => tls(report("tls"), host, fault, presented.as_deref()),
        Error::OutOfReach { .. } => Report::new(Exit::Server, "out_of_reach", message)
            .cause(error.to_string())
            .cause("a document of the service or of its provider names this host; nothing was sent to it")
            .hint("if that is meant, configure the service by an address inside the same network"),
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
        Error::Unread { .. } => local::unread(message, error),
        Error::Certificates { from, path, why } => Report::new(Exit::Configuration, "certificates", message)
            .cause(format!("`{}`, which `{from}` names: {why}", path.display()))
            .hint(match *from {
                "SSL_CERT_FILE" => "`SSL_CERT_FILE` must name a file of PEM certificates; unset it to use the system's",
                "SSL_CERT_DIR" => "`SSL_CERT_DIR` must name a folder of PEM files; unset it to use the system's",
                _ => "`--ca-file FILE` or `keyward config set network.ca_file FILE` names a file of PEM certificates",
            }),
        Error::NoTrust { cause } => Report::new(Exit::Configuration, "no_trust", message)
            .cause(format!("the system's certificates cannot be used: {cause}"))
            .hint("install the system's certificates (on Debian the package `ca-certificates`)")
            .hint("`SSL_CERT_FILE` names a file to use instead"),
        Error::Proxy { variable } => Report::new(Exit::Configuration, "proxy", message)
            .cause(format!("`{variable}` is not the address of a proxy"))
            .hint(format!("set `{variable}` to an address such as `http://proxy.example.com:8080`, or unset it")),
        Error::ProxyCredentials { proxy } => report("proxy_credentials")
            .cause(format!("the proxy `{proxy}` wants credentials: it answered 407"))
            .hint("write them into the variable: `HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT`")
            .hint("a sign such as `@` in a password is written `%40`"),
        Error::ProxyConnect { proxy, cause } => report("no_proxy_connection")
            .cause(format!("no connection to the proxy `{proxy}`: {cause}"))
            .hint("check `HTTPS_PROXY`; `NO_PROXY` names hosts that are reached without the proxy")
            .retryable(),
        Error::ProxyRefused { proxy, host } => report("proxy_refused")
            .cause(format!("the proxy `{proxy}` does not connect to `{host}`"))
            .hint("ask who runs the proxy to allow the host")
            .hint("if the host is inside this network, add it to `NO_PROXY`"),
    }
}

fn tls(report: Report, host: &str, fault: &TlsFault, presented: Option<&Presented>) -> Report {
    let report = report.cause(format!("no trusted connection to `{host}`: {fault}"));
    presented.map(certificate).into_iter().fold(report, Report::cause).hint(tls_hint(fault))
}

/// A certificate in a sentence, for comparing it.
pub fn certificate(shown: &Presented) -> String {
    let part = |words: &str, value: &Option<String>| value.as_ref().map(|value| format!(", {words} {value}"));
    let named = |value: &Option<String>| value.as_ref().map(|name| format!("`{name}`"));
    format!(
        "it shows the certificate of {}{}{}: `{}`",
        named(&shown.subject).unwrap_or_else(|| "nobody it names".to_owned()),
        part("issued by", &named(&shown.issuer)).unwrap_or_default(),
        part("good until", &shown.until).unwrap_or_default(),
        shown.pin
    )
}

/// The same for a request of a connection, whose own certificate may be the expected one.
pub(super) fn failed_for(connection: &str, message: &str, error: &Error) -> Report {
    let report = failed(message, error);
    match error {
        Error::Tls { fault: TlsFault::Changed { .. }, .. } => report.hint(format!(
            "if it was renewed, `keyward config unset connections.{connection}.certificate` forgets the old one"
        )),
        _ => report,
    }
}

fn tls_hint(fault: &TlsFault) -> &'static str {
    match fault {
        TlsFault::UnknownIssuer { .. } | TlsFault::SelfSigned { .. } => {
            "if that is this network's own authority, `--ca-file FILE` or `keyward config set network.ca_file FILE` adds it"
        }
        TlsFault::Expired { .. } | TlsFault::NotYetValid => {
            "check this machine's date; if it is right, the server's administrator has to renew the certificate"
        }
        TlsFault::WrongHost { .. } => "check the spelling of the host; if it is right, tell the server's administrator",
        TlsFault::Changed { .. } => {
            "ask the server's administrator whether it was renewed; if not, somebody may be in between: do not go on"
        }
        TlsFault::Revoked => "do not go on; tell the server's administrator",
        TlsFault::TooOld => "the server's administrator has to enable TLS 1.2 or newer",
        TlsFault::NotTls => "check the port; `https` addresses need a server that speaks TLS",
        TlsFault::WantsCertificate => "keyward has no client certificates; ask for another way to reach the service",
        TlsFault::Other(_) => "`keyward doctor` looks at the network, the proxy and the certificates",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth;

    #[test]
    fn whoever_meets_another_certificate_learns_how_the_expected_one_is_forgotten_also_at_a_login() {
        let pin = |digit: &str| Box::new(format!("sha256:{}", digit.repeat(64)).parse().expect("a pin"));
        let fault = TlsFault::Changed { expected: pin("a"), found: pin("b") };
        let error = Error::Tls { host: "box.example".to_owned(), fault, presented: None };
        let command = "`keyward config unset connections.box.certificate`";
        let reports = [
            failed_for("box", "it failed", &error),
            super::super::authorization::failed("box", &oauth::Error::Network(error)),
        ];
        for report in reports {
            assert_eq!(report.exit, Exit::Network);
            assert!(report.hints.iter().any(|hint| hint.contains(command)), "{:?}", report.hints);
            assert!(report.hints.first().is_some_and(|hint| hint.contains("do not go on")), "{:?}", report.hints);
        }
    }
}
