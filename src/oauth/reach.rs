//! Which addresses a stranger's metadata may send us to.
//!
//! A metadata document is written by somebody else. Without these checks it could point at services inside the person's
//! network (server-side request forgery) or make us send a code over an unprotected line. Literal addresses and
//! `localhost` are judged here, before anything is asked; what a name resolves to is judged by [`crate::http::Http::near`]
//! when the connection is made.

use url::Url;

use super::error::{Error, Why};
use super::foreign::clean;
use crate::http::{Range, is_safe};

/// How far metadata may reach, given what the person configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reach(Range);

impl Reach {
    /// The reach that follows from the address the person configured: the public network, and the kind of private
    /// network that this address itself is in. Plain `http` is allowed within this machine only, and only if the
    /// configured address is on this machine.
    pub fn of(configured: &Url) -> Self {
        Self(Range::of(configured))
    }

    /// Whether it is the reach of an address outside the public network.
    pub fn is_narrow(self) -> bool {
        self.0 != Range::Public
    }

    /// Checks an address that was read from `which`: absolute, `https`, without user name and fragment, in reach.
    pub(super) fn check(self, which: &'static str, text: &str) -> Result<Url, Error> {
        let bad = |why| Error::BadEndpoint { which, url: clean(text), why };
        // The parser drops tabs and line breaks silently, and encodes what could turn the direction of a sentence of ours; an
        // address that needs this is not one.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !is_plain {
            return Err(bad(Why::NotAnAddress));
        }
        let url = Url::parse(text).map_err(|_| bad(Why::NotAnAddress))?;
        self.judge(&url).map_err(bad)?;
        Ok(url)
    }

    /// As [`Reach::check`], for an address that is parsed already.
    pub(super) fn judge(self, url: &Url) -> Result<(), Why> {
        let target = Range::of(url);
        // A name below `localhost` may be anywhere, and a request to it would go through a proxy.
        let safe = url.scheme() == "https" || (is_safe(url) && target == Range::Loopback && self.0 == Range::Loopback);
        if !safe || url.host().is_none() {
            Err(Why::NotHttps)
        } else if !url.username().is_empty() || url.password().is_some() {
            Err(Why::UserInfo)
        } else if url.fragment().is_some() {
            Err(Why::Fragment)
        } else if target != Range::Public && target != self.0 {
            Err(Why::Private)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(configured: &str, target: &str) -> Option<Why> {
        let reach = Reach::of(&Url::parse(configured).expect("an address"));
        match reach.check("token_endpoint", target) {
            Ok(_) => None,
            Err(Error::BadEndpoint { why, .. }) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn endpoints_of_a_public_issuer_are_https_and_public() {
        for (target, expected) in [
            ("https://as.example/token", None),
            ("https://as.example:8443/token?a=b", None),
            ("http://as.example/token", Some(Why::NotHttps)),
            ("http://127.0.0.1/token", Some(Why::NotHttps)),
            ("ftp://as.example/token", Some(Why::NotHttps)),
            ("file:///etc/passwd", Some(Why::NotHttps)),
            ("javascript:alert(1)", Some(Why::NotHttps)),
            ("data:text/html,x", Some(Why::NotHttps)),
            ("/token", Some(Why::NotAnAddress)),
            ("\\\\host\\share", Some(Why::NotAnAddress)),
            ("https://as.example\\@evil.example/", Some(Why::NotAnAddress)),
            ("https://as.example/\ntoken", Some(Why::NotAnAddress)),
            ("-https://as.example/", Some(Why::NotAnAddress)),
            ("", Some(Why::NotAnAddress)),
            ("https://user@as.example/", Some(Why::UserInfo)),
            ("https://:pass@as.example/", Some(Why::UserInfo)),
            ("https://as.example/#x", Some(Why::Fragment)),
            ("https://127.0.0.1/", Some(Why::Private)),
            ("https://2130706433/", Some(Why::Private)),
            ("https://0x7f.1/", Some(Why::Private)),
            ("https://0.0.0.0/", Some(Why::Private)),
            ("https://10.1.2.3/", Some(Why::Private)),
            ("https://172.16.0.1/", Some(Why::Private)),
            ("https://172.32.0.1/", None),
            ("https://192.168.1.1/", Some(Why::Private)),
            ("https://100.64.0.1/", Some(Why::Private)),
            ("https://169.254.169.254/latest", Some(Why::Private)),
            ("https://[::1]/", Some(Why::Private)),
            ("https://[::ffff:10.0.0.1]/", Some(Why::Private)),
            ("https://[64:ff9b::a00:1]/", Some(Why::Private)),
            ("https://[fe80::1]/", Some(Why::Private)),
            ("https://[fd00::1]/", Some(Why::Private)),
            ("https://[2606:4700::1]/", None),
            ("https://localhost/", Some(Why::Private)),
            ("https://localhost./", Some(Why::Private)),
            ("https://app.localhost/", Some(Why::Private)),
        ] {
            assert_eq!(verdict("https://as.example/", target), expected, "{target}");
        }
    }

    #[test]
    fn a_private_issuer_reaches_its_own_kind_of_network_only() {
        assert_eq!(verdict("https://10.0.0.1/", "https://192.168.0.1/"), None);
        assert_eq!(verdict("https://10.0.0.1/", "https://169.254.169.254/"), Some(Why::Private));
        assert_eq!(verdict("https://10.0.0.1/", "https://127.0.0.1/"), Some(Why::Private));
        assert_eq!(verdict("https://10.0.0.1/", "http://10.0.0.2/"), Some(Why::NotHttps));
    }

    #[test]
    fn plain_http_stays_within_this_machine() {
        assert_eq!(verdict("http://127.0.0.1:8080/", "http://localhost:9090/token"), None);
        assert_eq!(verdict("http://localhost:8080/", "http://[::1]:9090/token"), None);
        assert_eq!(verdict("http://127.0.0.1:8080/", "http://as.example/token"), Some(Why::NotHttps));
        assert_eq!(verdict("http://127.0.0.1:8080/", "https://169.254.169.254/"), Some(Why::Private));
    }
}
