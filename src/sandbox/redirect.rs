//! Which redirect addresses a client may have and which of them a request means (RFC 8252 §7.3, RFC 9700 §4.1.3).

use url::{Host, Url};

use super::providers::Redirects;

/// Longer ones are refused at registration.
const LONGEST: usize = 512;

/// Whether a client may register this address: https, or http on this machine; nothing that could be read two ways.
pub(super) fn may_be_registered(uri: &str) -> bool {
    let plain =
        uri.len() <= LONGEST && uri.bytes().all(|byte| byte.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&byte));
    let Some(url) = Url::parse(uri).ok().filter(|_| plain) else { return false };
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && local);
    // A wildcard is never a pattern here, and registering one shows a client that believes otherwise.
    scheme && !uri.contains(['#', '*', '@']) && url.username().is_empty() && url.password().is_none()
}

/// Whether a request may name `asked` where `registered` was registered, by the rule of this provider.
pub(super) fn fits(rule: Redirects, registered: &str, asked: &str) -> bool {
    const HERE: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
    match rule {
        Redirects::Loopback => matches(registered, asked),
        Redirects::Exact => registered == asked,
        Redirects::Localhost => {
            let bare = |uri| after(uri, HERE.get(2..)?).map(|(_, rest)| rest.strip_prefix('/').unwrap_or(rest));
            registered == asked || bare(registered).is_some_and(|rest| bare(asked) == Some(rest))
        }
        Redirects::Anything => after(asked, &HERE).is_some(),
        Redirects::Below => {
            let rest = |uri| without_port(uri).map(|(origin, rest)| (origin, rest.trim_end_matches('/')));
            let (Some((origin, path)), Some((named, below))) = (rest(registered), rest(asked)) else {
                return registered == asked;
            };
            let inside = below.strip_prefix(path).is_some_and(|more| more.is_empty() || more.starts_with('/'));
            origin == named && inside && !below.contains("..")
        }
    }
}

/// Whether `asked` is the registered address: the same string, or the same but for the port on a loopback IP literal.
/// `localhost` has no such exemption, because it is a name that a resolver may send elsewhere.
pub(super) fn matches(registered: &str, asked: &str) -> bool {
    registered == asked || without_port(registered).is_some_and(|bare| without_port(asked) == Some(bare))
}

fn without_port(uri: &str) -> Option<(&'static str, &str)> {
    after(uri, &["http://127.0.0.1", "http://[::1]"])
}

/// Which of these origins the address has, and what follows its port.
fn after<'a>(uri: &'a str, origins: &[&'static str]) -> Option<(&'static str, &'a str)> {
    origins.iter().find_map(|origin| {
        let rest = uri.strip_prefix(origin)?;
        let rest = match rest.strip_prefix(':') {
            Some(after) => {
                let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
                let (port, rest) = after.split_at_checked(end)?;
                port.parse::<u16>().ok().filter(|port| *port != 0)?;
                rest
            }
            None => rest,
        };
        // What follows must be a path: `http://127.0.0.1:1@evil.example/` continues the authority instead.
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((*origin, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_literal_may_differ() {
        for (registered, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb"),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"),
            ("http://127.0.0.1:1/cb?x=1", "http://127.0.0.1/cb?x=1"),
            ("http://[::1]/cb", "http://[::1]:5000/cb"),
            ("https://app.example/cb", "https://app.example/cb"),
            ("http://localhost:1/cb", "http://localhost:1/cb"),
        ] {
            assert!(matches(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn near_misses_are_other_addresses() {
        for asked in [
            "http://127.0.0.1:5000/cb/",
            "http://127.0.0.1:5000/CB",
            "http://127.0.0.1:5000/cb?",
            "http://127.0.0.1:5000/cb?x=1",
            "http://127.0.0.1:5000/cb#",
            "http://127.0.0.1:5000/",
            "http://127.0.0.1:5000/cb/../cb",
            "http://127.0.0.1:5000/%63b",
            "http://127.0.0.1:5000//cb",
            "http://127.0.0.1:5000@evil.example/cb",
            "http://127.0.0.1:@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.2:5000/cb",
            "http://127.1:5000/cb",
            "http://2130706433/cb",
            "http://localhost:5000/cb",
            "http://[::1]:5000/cb",
            "http://[0:0:0:0:0:0:0:1]/cb",
            "HTTP://127.0.0.1/cb",
            "https://127.0.0.1/cb",
            "http://127.0.0.1\\cb",
            " http://127.0.0.1/cb",
            "",
        ] {
            assert!(!matches("http://127.0.0.1/cb", asked), "{asked}");
        }
        for (registered, asked) in [
            ("http://localhost:1/cb", "http://localhost:2/cb"),
            ("http://localhost/cb", "http://127.0.0.1/cb"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
            ("https://app.example/cb", "https://app.example/cb2"),
            ("https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb"),
            ("http://127.0.0.1@evil.example/cb", "http://127.0.0.1:1@evil.example/cb"),
            ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1:1.evil.example/cb"),
        ] {
            assert!(!matches(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn only_addresses_that_can_be_read_one_way_are_registered() {
        for uri in ["http://127.0.0.1/cb", "http://[::1]:1/cb", "http://localhost:1/cb", "https://app.example/cb?x=1"] {
            assert!(may_be_registered(uri), "{uri}");
        }
        for uri in [
            "http://app.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "https://app.example/cb#f",
            "https://app.example/cb#",
            "https://*.example/cb",
            "https://user@app.example/cb",
            "https://app.example/a b",
            "https://app.example/\u{202e}",
            "https://app.example/\"><script>",
            "javascript:alert(1)",
            "data:text/html,x",
            "com.example.app:/cb",
            "/cb",
            "",
        ] {
            assert!(!may_be_registered(uri), "{uri}");
        }
        assert!(!may_be_registered(&format!("https://app.example/{}", "a".repeat(500))));
    }
}
