//! Identity providers as data: one file each, one line in [`ALL`].
//!
//! A provider is recognised by its issuer, or named by the `provider` of a connection where its issuer is a company's own.
//! What a value here changes is said where it is declared; whatever a provider publishes in its metadata needs no value.

use std::time::Duration;

use url::Url;

use crate::http::Loopback;

mod auth0;
mod cisco;
mod entra;
mod github;
mod google;
mod keycloak;
mod okta;
mod scalekit;
mod tavily;

/// Every provider with a particularity.
pub const ALL: &[&Provider] = &[
    &tavily::PROVIDER,
    &cisco::PROVIDER,
    &okta::PROVIDER,
    &entra::PROVIDER,
    &scalekit::PROVIDER,
    &auth0::PROVIDER,
    &keycloak::PROVIDER,
    &google::PROVIDER,
    &github::PROVIDER,
];

/// Who issues tokens, as far as it differs from the standards.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its word in the configuration.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Its issuers.
    pub issuers: &'static [Issuers],
    /// Resources name its issuer with a slash at the end that the issuer does not have.
    pub named_with_slash: bool,
    /// Where its endpoints are, if it publishes no metadata.
    pub endpoints: Option<Endpoints>,
    /// It knows PKCE with S256 and does not say so.
    pub s256_unsaid: bool,
    /// Scopes to ask for when neither the service nor the configuration names any.
    pub scopes: &'static [&'static str],
    /// How a login asks for a refresh token.
    pub offline: Offline,
    /// How a request says what the tokens are for.
    pub target: Target,
    /// The registration endpoint that it publishes is for its administrators.
    pub registers_nobody: bool,
    /// Whether it wants the client's secret from a native program, too, whose secret is none.
    pub secret: Secret,
    /// What the redirect address must be like where somebody registered it by hand.
    pub redirect: Redirect<'static>,
    /// How it names the scopes that it grants.
    pub granted: Granted,
    /// Which issuer its identity tokens name.
    pub token_issuer: TokenIssuer,
    /// How it wants to be asked for a renewal.
    pub renewal: Renewal,
    /// After which time a client that asks for itself tries a second time, because a refusal of it may pass.
    pub second_try: Option<Duration>,
    /// What it ends when it is told to end a token.
    pub revocation: Revocation,
    /// Where the person ends a login that cannot be ended from here.
    pub sessions: Option<&'static str>,
    /// What its error codes mean for the person, by the word in the description.
    pub advice: &'static [(&'static str, &'static str)],
}

/// How an issuer of a provider looks. All are `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuers {
    /// To the letter.
    Exactly(&'static str),
    /// Any path on this host.
    Host(&'static str),
    /// Any path on any host below this one.
    Below(&'static str),
    /// A path that begins like this, on any host.
    Path(&'static str),
}

/// The places of endpoints on the issuer's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The end of the issuer's path that is not part of the places below.
    pub after: &'static str,
    /// Where the browser goes.
    pub authorization: &'static str,
    /// Where codes and refresh tokens are exchanged.
    pub token: &'static str,
    /// Where a device login starts.
    pub device_authorization: &'static str,
}

/// How a login asks for a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// By the scope `offline_access`, where the provider lists it, with a consent (OpenID Connect Core §11).
    Listed,
    /// By the scope `offline_access`, listed or not. To ask for a consent besides would stop those who may give none.
    Scope,
    /// By these parameters; the scope is not understood.
    Parameters(&'static [(&'static str, &'static str)]),
    /// Not at all; the scope is not understood.
    Unasked,
}

/// How a request says what the tokens are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// By `resource` (RFC 8707).
    Resource,
    /// By `audience`.
    Audience,
    /// By its scopes, of which `RESOURCE/.default` is the one for a whole resource.
    Scope,
    /// Not at all.
    Nothing,
}

/// What the redirect address must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// Its host.
    pub host: Loopback,
    /// The ports to register, because every other one is refused; empty where any will do.
    pub ports: &'a [u16],
}

/// How granted scopes are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Separated by commas, too.
    pub commas: bool,
    /// Under another name: what is asked for, and what is granted.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Granted without being named.
    pub silent: &'static [&'static str],
}

/// Which issuer identity tokens name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenIssuer {
    /// The one in the metadata.
    Exact,
    /// The one in the metadata, or the same without its scheme.
    Bare,
    /// The one in the metadata, with the token's tenant in the place of `{tenantid}`.
    Tenant,
    /// The one in the metadata, or what stands before this part of its path.
    Before(&'static str),
}

/// When a native client must send its secret, which is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Never.
    Unasked,
    /// With the code of a browser and with a renewal; a device needs none.
    ForCodes,
    /// Always.
    Always,
}

/// How a renewal is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// With the scopes of the login.
    pub repeats_scopes: bool,
    /// It may refuse a renewal for the resource that it took at the login, and then takes one that names none.
    pub without_resource: bool,
}

/// What ends when a token is revoked (RFC 7009).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token, and with a refresh token usually the others of the login.
    Standard,
    /// Refresh tokens only; access tokens live until they run out.
    RefreshOnly,
    /// The whole login, with either token; it knows the other one no more.
    Login,
}

/// Any provider that behaves as the standards say.
pub const STANDARD: Provider = Provider {
    name: "standard",
    title: "the provider",
    issuers: &[],
    named_with_slash: false,
    endpoints: None,
    s256_unsaid: false,
    scopes: &[],
    offline: Offline::Listed,
    target: Target::Resource,
    registers_nobody: false,
    secret: Secret::Unasked,
    redirect: Redirect { host: Loopback::V4, ports: &[] },
    granted: Granted { commas: false, renamed: &[], silent: &[] },
    token_issuer: TokenIssuer::Exact,
    renewal: Renewal { repeats_scopes: false, without_resource: false },
    second_try: None,
    revocation: Revocation::Standard,
    sessions: None,
    advice: &[],
};

/// The ports that people are told to register where a provider compares them.
const PORTS: &[u16] = &[8400, 8401, 8402];

/// The provider with that issuer.
pub fn of_issuer(issuer: &str) -> &'static Provider {
    let url = Url::parse(issuer).ok().filter(|url| url.scheme() == "https");
    let is_its = |known: &Issuers| match (known, &url) {
        (Issuers::Exactly(text), _) => *text == issuer,
        (Issuers::Host(host), Some(url)) => url.host_str() == Some(host),
        (Issuers::Below(host), Some(url)) => {
            let above = url.host_str().and_then(|name| name.strip_suffix(host));
            above.is_some_and(|above| above.len() > 1 && above.ends_with('.'))
        }
        (Issuers::Path(start), Some(url)) => url.path().starts_with(start),
        (_, None) => false,
    };
    ALL.iter().find(|provider| provider.issuers.iter().any(is_its)).copied().unwrap_or(&STANDARD)
}

/// The provider of that name in the configuration. `standard` is one: it turns every particularity off.
pub fn named(word: &str) -> Option<&'static Provider> {
    names().find(|(name, _)| *name == word).map(|(_, provider)| provider)
}

/// Every provider that a configuration can name.
pub fn names() -> impl Iterator<Item = (&'static str, &'static Provider)> {
    ALL.iter().copied().chain([&STANDARD]).map(|provider| (provider.name, provider))
}

/// What a provider's own word in this text means for the person.
pub fn advice(text: &str) -> Option<&'static str> {
    let is_in = |code: &str| {
        text.match_indices(code).any(|(at, _)| {
            let after = text.get(at + code.len()..).and_then(|rest| rest.chars().next());
            // 70008 is another error than 700082.
            !after.is_some_and(|c| c.is_ascii_alphanumeric())
        })
    };
    let known = ALL.iter().flat_map(|provider| provider.advice);
    known.filter(|(code, _)| is_in(code)).map(|(_, advice)| *advice).next()
}

impl Redirect<'_> {
    /// The address to register, for people.
    pub fn text(&self) -> String {
        let host = self.host.text();
        match self.ports.split_first() {
            None => format!("`http://{host}/callback`, any port"),
            Some((first, [])) => format!("`http://{host}:{first}/callback`"),
            Some((first, others)) => {
                let others: Vec<String> = others.iter().map(u16::to_string).collect();
                format!("`http://{host}:{first}/callback`, also with the ports {}", others.join(" and "))
            }
        }
    }
}

impl Endpoints {
    /// Where these are for that issuer: authorization, token, device authorization.
    pub fn at(&self, issuer: &str) -> Option<[Url; 3]> {
        let base = issuer.trim_end_matches('/');
        let base = base.strip_suffix(self.after).unwrap_or(base);
        let url = |path: &str| Url::parse(&format!("{base}{path}")).ok();
        Some([url(self.authorization)?, url(self.token)?, url(self.device_authorization)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(issuer: &str) -> &'static str {
        of_issuer(issuer).title
    }

    #[test]
    fn an_issuer_belongs_to_one_provider_and_strangers_are_standard() {
        for (issuer, expected) in [
            ("https://mcp.tavily.com/", "Tavily"),
            ("https://mcp.tavily.com", "the provider"),
            ("https://id.cisco.com/oauth2/default", "Cisco"),
            ("https://int-id.cisco.com/oauth2/default", "Cisco"),
            ("https://id.cisco.com.evil.example/oauth2/default", "the provider"),
            ("https://company.okta.com/oauth2/default", "Okta"),
            ("https://company.oktapreview.com", "Okta"),
            ("https://okta.com", "the provider"),
            ("https://.okta.com", "the provider"),
            ("https://evilokta.com/", "the provider"),
            ("https://okta.com.evil.example/", "the provider"),
            ("http://company.okta.com/oauth2/default", "the provider"),
            ("https://login.microsoftonline.com/common/v2.0", "Microsoft Entra ID"),
            ("https://login.microsoftonline.us/t/v2.0", "Microsoft Entra ID"),
            ("https://login.microsoftonline.com.evil.example/common/v2.0", "the provider"),
            ("https://evil.example/login.microsoftonline.com/common/v2.0", "the provider"),
            ("https://env.scalekit.com/resources/res_1", "Scalekit"),
            ("https://tenant.eu.auth0.com/", "Auth0"),
            ("https://sso.example/realms/staff", "Keycloak"),
            ("https://sso.example/auth/realms/staff", "Keycloak"),
            ("https://accounts.google.com", "Google"),
            ("https://accounts.google.com/", "Google"),
            ("https://github.com/login/oauth", "GitHub"),
            ("https://github.com", "GitHub"),
            ("https://sso.example/", "the provider"),
            ("", "the provider"),
        ] {
            assert_eq!(title(issuer), expected, "{issuer}");
        }
    }

    #[test]
    fn only_cisco_is_known_to_refuse_a_client_in_passing() {
        let pauses = names().filter_map(|(name, provider)| Some((name, provider.second_try?)));
        assert_eq!(pauses.collect::<Vec<_>>(), [("cisco", Duration::from_secs(1))]);
    }

    #[test]
    fn every_provider_has_a_word_of_its_own() {
        let mut words: Vec<&str> = names().map(|(name, _)| name).collect();
        for word in &words {
            assert_eq!(named(word).map(|provider| provider.name), Some(*word));
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{word}");
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ALL.len() + 1);
        assert_eq!(named("Google"), None);
    }

    #[test]
    fn an_error_code_is_the_whole_code() {
        let of = |text: &str| advice(text).unwrap_or_default();
        assert!(of("AADSTS700082: The refresh token has expired").contains("log in again"));
        assert!(of("what it said (AADSTS50011)").contains("http://localhost"));
        assert_eq!(of("AADSTS5001"), "");
        assert_eq!(of("AADSTS500111"), "");
        assert_eq!(of(""), "");
    }

    #[test]
    fn endpoints_are_below_the_place_of_the_issuer() {
        let endpoints = github::PROVIDER.endpoints.expect("known places");
        for issuer in ["https://github.com/login/oauth", "https://github.com", "https://github.com/"] {
            let [authorization, token, device] = endpoints.at(issuer).expect("addresses");
            assert_eq!(authorization.as_str(), "https://github.com/login/oauth/authorize");
            assert_eq!(token.as_str(), "https://github.com/login/oauth/access_token");
            assert_eq!(device.as_str(), "https://github.com/login/device/code");
        }
        assert_eq!(endpoints.at("no address"), None);
    }
}
