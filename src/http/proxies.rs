//! Which requests go through a proxy: the variables that curl and browsers know, in both cases.
//!
//! `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` name proxies, with user name and password if the proxy wants them;
//! `NO_PROXY` names what is reached without one. Loopback is never proxied: a login's callback and the sandbox live
//! there, and a proxy would look at its own loopback.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::Error;
use crate::machine::Environment;

/// The proxies that the environment names.
#[derive(Clone, Default)]
pub struct Proxies {
    named: Vec<Named>,
    excepted: Vec<Excepted>,
}

/// One variable that names a proxy.
#[derive(Clone)]
struct Named {
    variable: &'static str,
    scheme: Option<&'static str>,
    url: Result<Url, ()>,
}

/// One word of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Excepted {
    Everything,
    Network(IpAddr, u8),
    /// A domain and what is below it, or an address; on one port only, if one is written.
    Host(String, Option<u16>),
}

// The addresses hold credentials.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.named.iter().map(|named| named.variable)).finish()
    }
}

impl Proxies {
    /// Reads the variables; the lower case wins, as everywhere.
    pub fn of(environment: &Environment) -> Self {
        let either = |upper, lower| environment.text(lower).or_else(|| environment.text(upper));
        let schemes = [
            ("HTTP_PROXY", "http_proxy", Some("http")),
            ("HTTPS_PROXY", "https_proxy", Some("https")),
            ("ALL_PROXY", "all_proxy", None),
        ];
        let named = schemes.into_iter().filter_map(|(variable, lower, scheme)| {
            Some(Named { variable, scheme, url: address(either(variable, lower)?.trim()).ok_or(()) })
        });
        let excepted = either("NO_PROXY", "no_proxy").unwrap_or_default().split([',', ' ']).filter_map(Excepted::of);
        Self { named: named.collect(), excepted: excepted.collect() }
    }

    /// Whether no variable names a proxy.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Refuses a variable that is no address: going without a proxy that somebody asked for may go around a guard.
    pub fn check(&self) -> Result<(), Error> {
        match self.named.iter().find(|named| named.url.is_err()) {
            Some(named) => Err(Error::Proxy { variable: named.variable.to_owned() }),
            None => Ok(()),
        }
    }

    /// Each variable that names a proxy, with the proxy's host and port and whether credentials are written there.
    pub fn list(&self) -> Vec<(&'static str, Option<String>, bool)> {
        let has_credentials = |url: &Url| !url.username().is_empty() || url.password().is_some();
        let shown = |named: &Named| {
            (named.variable, named.url.as_ref().ok().map(host), named.url.as_ref().is_ok_and(has_credentials))
        };
        self.named.iter().map(shown).collect()
    }

    /// The proxy for this address, as `host:port`.
    pub fn for_address(&self, url: &Url) -> Option<String> {
        self.choose(url).map(|(_, proxy)| host(proxy))
    }

    /// Whether `name` is the host of a proxy.
    pub(super) fn names_host(&self, name: &str) -> bool {
        let same = |url: &Url| url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(name));
        self.named.iter().any(|named| named.url.as_ref().is_ok_and(same))
    }

    /// The proxy for this address, with its credentials, and the variable that names it. The variable for the scheme wins
    /// over `ALL_PROXY`.
    pub(super) fn choose(&self, url: &Url) -> Option<(&'static str, &Url)> {
        let fits = |named: &&Named| named.scheme.is_none_or(|scheme| scheme == url.scheme());
        let named = self.named.iter().find(fits)?;
        let proxy = named.url.as_ref().ok()?;
        let is_direct = super::is_loopback(url) || self.excepted.iter().any(|one| one.covers(url));
        (!is_direct).then_some((named.variable, proxy))
    }
}

/// Host and port, without credentials.
fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or("?"), url.port_or_known_default().unwrap_or(80))
}

/// An address without a scheme is meant to be `http`, as for curl. Proxies of other kinds (SOCKS) are not spoken here.
fn address(text: &str) -> Option<Url> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host().is_some()).then_some(url)
}

impl Excepted {
    fn of(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        if word == "*" {
            return Some(Self::Everything);
        }
        if let Some((ip, bits)) = word.split_once('/') {
            let ip: IpAddr = ip.parse().ok()?;
            let bits: u8 = bits.parse().ok()?;
            return (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Self::Network(ip, bits));
        }
        let (host, port) = match word.rsplit_once(':') {
            // An IPv6 address has colons of its own; only in brackets can a port follow it.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (word.as_str(), None),
        };
        let host = host.trim_start_matches("*.").trim_matches(['[', ']', '.']);
        (!host.is_empty()).then(|| Self::Host(host.to_owned(), port))
    }

    fn covers(&self, url: &Url) -> bool {
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            _ => None,
        };
        match self {
            Self::Everything => true,
            Self::Network(network, bits) => ip.is_some_and(|ip| is_within(ip, *network, *bits)),
            Self::Host(_, Some(port)) if url.port_or_known_default() != Some(*port) => false,
            Self::Host(host, _) => match ip {
                Some(ip) => host.parse() == Ok(ip),
                None => url.host_str().is_some_and(|name| is_below(name.trim_end_matches('.'), host)),
            },
        }
    }
}

/// Whether the name is the domain or below it; never because it merely ends in the same letters.
fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (ip, network, width) = match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => (u128::from(ip.to_bits()), u128::from(network.to_bits()), 32),
        (IpAddr::V6(ip), IpAddr::V6(network)) => (ip.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let shift = u32::from(width - bits.min(width));
    ip.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(variables: &[(&str, &str)], target: &str) -> Option<String> {
        let proxies = Proxies::of(&Environment::of(variables.iter().copied()));
        proxies.for_address(&Url::parse(target).expect("an address"))
    }

    #[test]
    fn each_variable_is_read_in_both_cases_and_the_scheme_comes_before_all() {
        for (variables, target, expected) in [
            (&[][..], "https://a.example/", None),
            (&[("HTTPS_PROXY", "http://p.example:3128")], "https://a.example/", Some("p.example:3128")),
            (&[("https_proxy", "http://p.example:3128")], "https://a.example/", Some("p.example:3128")),
            (&[("https_proxy", "http://low:1"), ("HTTPS_PROXY", "http://up:2")], "https://a.example/", Some("low:1")),
            (&[("HTTPS_PROXY", "http://p.example:3128")], "http://a.example/", None),
            (&[("HTTP_PROXY", "p.example:3128")], "http://a.example/", Some("p.example:3128")),
            (&[("ALL_PROXY", "http://all:1"), ("HTTPS_PROXY", "http://one:2")], "https://a.example/", Some("one:2")),
            (&[("all_proxy", "https://all.example")], "https://a.example/", Some("all.example:443")),
            (&[("HTTPS_PROXY", "http://user:p%40ss@p.example")], "https://a.example/", Some("p.example:80")),
        ] {
            assert_eq!(proxy(variables, target).as_deref(), expected, "{variables:?} {target}");
        }
    }

    #[test]
    fn loopback_is_never_proxied() {
        for target in ["http://127.0.0.1:8080/", "https://127.9.9.9/", "http://localhost/", "http://[::1]:1/"] {
            assert_eq!(proxy(&[("ALL_PROXY", "http://p.example:3128")], target), None, "{target}");
        }
    }

    #[test]
    fn no_proxy_takes_names_suffixes_addresses_networks_and_ports() {
        for (excepted, target, direct) in [
            ("a.example", "https://a.example/", true),
            ("a.example", "https://b.a.example/", true),
            (".a.example", "https://a.example/", true),
            ("*.a.example", "https://b.a.example/", true),
            ("A.Example", "https://a.example/", true),
            ("a.example", "https://nota.example/", false),
            ("a.example", "https://a.example.evil.example/", false),
            ("a.example:8443", "https://a.example:8443/", true),
            ("a.example:8443", "https://a.example/", false),
            ("a.example:443", "https://a.example/", true),
            ("x, a.example ,y", "https://a.example/", true),
            ("x a.example", "https://a.example/", true),
            ("10.0.0.0/8", "https://10.200.3.4/", true),
            ("10.0.0.0/8", "https://11.0.0.1/", false),
            ("10.0.0.0/8", "https://a.example/", false),
            ("192.168.4.0/22", "https://192.168.7.9/", true),
            ("192.168.4.0/22", "https://192.168.8.1/", false),
            ("0.0.0.0/0", "https://8.8.8.8/", true),
            ("fd00::/8", "https://[fd12::1]/", true),
            ("10.1.1.1", "https://10.1.1.1:444/", true),
            ("[fd12::1]:444", "https://[fd12::1]:444/", true),
            ("fd12::1", "https://[fd12::1]/", true),
            ("*", "https://a.example/", true),
            ("10.0.0.0/99", "https://10.0.0.1/", false),
            ("", "https://a.example/", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://p.example:3128"), ("no_proxy", excepted)];
            assert_eq!(proxy(&variables, target).is_none(), direct, "{excepted} {target}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_by_its_variable_and_without_its_text() {
        for text in ["socks5://canary:1080", "http://", "ftp://canary/", "http://canary:pass@:x"] {
            let proxies = Proxies::of(&Environment::of([("all_proxy", text)]));
            assert_eq!(proxies.check(), Err(Error::Proxy { variable: "ALL_PROXY".to_owned() }), "{text}");
            assert!(!format!("{proxies:?} {:?}", proxies.list()).contains("canary"), "{text}");
        }
    }

    #[test]
    fn credentials_are_told_of_and_never_shown() {
        let proxies = Proxies::of(&Environment::of([("HTTPS_PROXY", "http://ada:canary@p.example:3128")]));
        assert_eq!(proxies.list(), [("HTTPS_PROXY", Some("p.example:3128".to_owned()), true)]);
        assert!(!format!("{proxies:?}").contains("canary"));
    }
}
