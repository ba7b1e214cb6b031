//! The page on which the person ends their own session at the provider (OpenID Connect RP-Initiated Logout 1.0 §2).
//!
//! It is for the browser, and only where the person asks for it: it ends more than this program's login, and revokes
//! nothing.

use url::Url;

use crate::secret::Secret;

/// The address for the browser.
///
/// `logout_hint` names the account where the browser knows several. With `back`, a registered redirect URI and a state,
/// the browser returns; without it, the provider's own page is the last.
pub fn end_session(endpoint: &Url, client_id: &str, logout_hint: Option<&str>, back: Option<(&str, &Secret)>) -> Url {
    let mut url = endpoint.clone();
    let mut query = url.query_pairs_mut();
    query.append_pair("client_id", client_id);
    if let Some(hint) = logout_hint {
        query.append_pair("logout_hint", hint);
    }
    if let Some((address, state)) = back {
        query.append_pair("post_logout_redirect_uri", address).append_pair("state", state.expose());
    }
    drop(query);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_whose_session_ends_and_where_the_browser_goes() {
        let endpoint = Url::parse("https://as.example/logout?tenant=t").expect("an address");
        let of = |hint, back| end_session(&endpoint, "a b&c", hint, back).to_string();
        assert_eq!(of(None, None), "https://as.example/logout?tenant=t&client_id=a+b%26c");
        let state = Secret::new("s");
        assert_eq!(
            of(Some("ada@example.com"), Some(("http://127.0.0.1:1/bye", &state))),
            "https://as.example/logout?tenant=t&client_id=a+b%26c&logout_hint=ada%40example.com\
             &post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fbye&state=s"
        );
    }

    #[test]
    fn an_endpoint_without_a_query_gets_one() {
        let endpoint = Url::parse("https://as.example/logout").expect("an address");
        assert_eq!(end_session(&endpoint, "c", None, None).as_str(), "https://as.example/logout?client_id=c");
    }
}
