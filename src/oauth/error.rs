//! Why a step of OAuth did not succeed, told apart by what the person or the caller can do next.

use std::net::IpAddr;
use std::time::Duration;

use crate::http;
use crate::secret::Secret;

/// A failed step. Texts from servers are at most 300 characters without control characters; none of them is a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The exchange itself failed.
    #[error(transparent)]
    Network(#[from] http::Error),
    /// The server is in trouble or wants us to slow down (408, 425, 429, 5xx); later may work.
    #[error("`{host}` answered {status}")]
    Server {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait, at most ten minutes.
        retry_after: Option<Duration>,
    },
    /// A status that this step cannot go on from.
    #[error("`{host}` answered {status}")]
    Status {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer pointed elsewhere; it was not followed.
    #[error("`{host}` answered {status} and pointed elsewhere")]
    Redirected {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// A page or a text came where JSON was expected: a captive portal, a proxy, or the wrong address.
    #[error("`{host}` answered {status} with something that is not JSON")]
    NotJson {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// JSON, but not what the RFC asks for.
    #[error("the answer of `{host}` cannot be used: {what}")]
    Malformed {
        /// Which host.
        host: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The resource metadata describes another resource (RFC 9728 §3.3).
    #[error("the metadata of `{called}` describes another resource: `{published}`")]
    ResourceMismatch {
        /// The address that was called.
        called: String,
        /// What the document says.
        published: String,
    },
    /// The resource metadata names no authorization server.
    #[error("`{host}` names no authorization server")]
    NoIssuer {
        /// Which host.
        host: String,
    },
    /// None of the well-known addresses of the issuer has metadata (RFC 8414 §3.1).
    #[error("the issuer `{issuer}` publishes no metadata")]
    NoMetadata {
        /// The issuer.
        issuer: String,
    },
    /// The metadata belongs to another issuer (RFC 8414 §3.3).
    #[error("expected metadata of the issuer `{expected}`, received that of `{received}`")]
    IssuerMismatch {
        /// The issuer that was asked for.
        expected: String,
        /// The issuer that the document names.
        received: String,
    },
    /// The server does not promise PKCE with S256.
    #[error("the issuer `{issuer}` does not list `S256`")]
    NoS256 {
        /// The issuer.
        issuer: String,
    },
    /// The server insists on something that is not spoken here.
    #[error("`{host}` insists on {what}")]
    Insists {
        /// The issuer or the host.
        host: String,
        /// On what.
        what: &'static str,
    },
    /// An address in metadata must not be used.
    #[error("`{which}` is not usable: {why} (`{url}`)")]
    BadEndpoint {
        /// The member that holds the address.
        which: &'static str,
        /// The address.
        url: String,
        /// What is wrong with it.
        why: Why,
    },
    /// The server has no registration endpoint, so a client id must be configured.
    #[error("the issuer `{issuer}` does not register clients")]
    NoRegistration {
        /// The issuer.
        issuer: String,
    },
    /// The server accepts no way to identify a client that is spoken here.
    #[error("the issuer `{issuer}` accepts none of `none`, `client_secret_basic`, `client_secret_post`")]
    NoAuthMethod {
        /// The issuer.
        issuer: String,
    },
    /// The client has neither a secret nor a key, and what it asks for is for clients that prove who they are.
    #[error("the client that `{issuer}` is to be asked by has neither a secret nor a key")]
    PublicClient {
        /// The issuer.
        issuer: String,
    },
    /// The registration was refused (RFC 7591 §3.2.2).
    #[error("`{host}` refused the registration with {status}{}", suffix(.code.as_deref(), .description.as_deref()))]
    Registration {
        /// Which host.
        host: String,
        /// The HTTP status; 401 and 403 mean that registration needs an administrator.
        status: u16,
        /// The server's `error`.
        code: Option<String>,
        /// The server's `error_description`.
        description: Option<String>,
        /// The members that were sent.
        sent: Vec<&'static str>,
    },
    /// The registration succeeded with values that cannot be used.
    #[error("`{host}` registered the client with another `{field}` than asked for")]
    RegistrationAltered {
        /// Which host.
        host: String,
        /// The member.
        field: &'static str,
    },
    /// All the ports are taken.
    #[error("no free port among {ports:?}")]
    PortsBusy {
        /// The ports that were tried.
        ports: Vec<u16>,
    },
    /// The port was bound, but a connection to it reaches somebody else.
    #[error("connections to port {port} of this machine do not arrive here")]
    Shadowed {
        /// The port.
        port: u16,
    },
    /// The name `localhost` leads somewhere else, and the browser with the code would follow it.
    #[error("`localhost` leads to {address} here, which is not this program")]
    LocalhostElsewhere {
        /// Where it leads.
        address: IpAddr,
    },
    /// The system allows no listener on loopback at all.
    #[error("no port can be opened on {host}: {cause}")]
    NoLoopback {
        /// The host of the redirect.
        host: &'static str,
        /// The system's reason.
        cause: String,
    },
    /// Nobody came back from the browser in time.
    #[error("nobody came back from the browser within {} s", after.as_secs())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The answer to the authorization request names another issuer, or none although one is promised (RFC 9207).
    #[error("expected an answer of the issuer `{expected}`, received {}", quoted(.received.as_deref()))]
    ResponseIssuer {
        /// The attempt's issuer.
        expected: String,
        /// The `iss` of the answer.
        received: Option<String>,
    },
    /// The answer to the authorization request is neither a code nor an error, or both.
    #[error("the answer of the authorization server cannot be used: {what}")]
    MalformedResponse {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The person or an administrator refused.
    #[error("the access was refused{}", suffix(None, .description.as_deref()))]
    Denied {
        /// The server's `error_description`.
        description: Option<String>,
    },
    /// The authorization server answered the browser with an error (RFC 6749 §4.1.2.1).
    #[error("the authorization server answered `{code}`{}", suffix(None, .description.as_deref()))]
    AuthorizationError {
        /// What kind of trouble it is.
        class: Class,
        /// The server's `error`.
        code: String,
        /// The server's `error_description`.
        description: Option<String>,
    },
    /// The token or revocation endpoint answered with an error (RFC 6749 §5.2).
    #[error("`{host}` answered {status}{}", suffix(.code.as_deref(), .description.as_deref()))]
    TokenEndpoint {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The server's `error`; `None` for a 401 without JSON.
        code: Option<String>,
        /// The server's `error_description`.
        description: Option<String>,
    },
    /// The token endpoint wants to see the person first, in a login that carries these claims (OpenID Connect Core §5.5).
    #[error("`{host}` wants another login{}", suffix(Some(.code), .description.as_deref()))]
    Interaction {
        /// Which host.
        host: String,
        /// The server's `error`.
        code: String,
        /// The server's `error_description`.
        description: Option<String>,
        /// The JSON that the next authorization request must carry in `claims`.
        claims: String,
    },
    /// The identity token is not one that this login may believe (OpenID Connect Core §3.1.3.7).
    #[error("the identity token of `{issuer}` is refused: {what}")]
    IdToken {
        /// The issuer.
        issuer: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A renewal gave tokens of another person.
    #[error("`{issuer}` answered with the tokens of another account")]
    AnotherAccount {
        /// The issuer.
        issuer: String,
    },
    /// A token came that anybody could use, although the service wants it bound to a key.
    #[error("`{host}` gave a token that is not bound to a key")]
    NotBound {
        /// Which host.
        host: String,
    },
    /// The server has no device login.
    #[error("the issuer `{issuer}` offers no login by a code on another device")]
    NoDeviceLogin {
        /// The issuer.
        issuer: String,
    },
    /// The code of a device login was not entered in time.
    #[error("the code was not entered within {} s", after.as_secs())]
    DeviceExpired {
        /// How long it was good.
        after: Duration,
    },
    /// The system gives no random numbers; a guessable state or verifier would be worse than no login.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// A value that was to be sent is not what its RFC allows.
    #[error("`{what}` cannot be used in a request")]
    Unusable {
        /// Which value.
        what: &'static str,
    },
}

impl Error {
    /// The same without these secrets: some servers repeat in a refusal what they were sent.
    #[must_use]
    pub(super) fn without(mut self, sent: &[Secret]) -> Self {
        let (code, description) = match &mut self {
            Self::TokenEndpoint { code, description, .. } | Self::Registration { code, description, .. } => {
                (code.as_mut(), description.as_mut())
            }
            Self::AuthorizationError { code, description, .. } => (Some(code), description.as_mut()),
            Self::Denied { description } => (None, description.as_mut()),
            _ => (None, None),
        };
        for text in code.into_iter().chain(description) {
            for secret in sent {
                *text = secret.hidden_in(text).unwrap_or_else(|| std::mem::take(text));
            }
        }
        self
    }

    /// Whether the server does not know the client, or not by what it identified itself with.
    pub fn refuses_client(&self) -> bool {
        match self {
            Self::TokenEndpoint { code: Some(code), .. } => code == "invalid_client",
            Self::TokenEndpoint { status, code: None, .. } => *status == 401,
            _ => false,
        }
    }

    /// The `error` that the server gave, if it gave one.
    pub fn oauth_code(&self) -> Option<&str> {
        match self {
            Self::Denied { .. } => Some("access_denied"),
            Self::AuthorizationError { code, .. } | Self::Interaction { code, .. } => Some(code),
            Self::TokenEndpoint { code, .. } | Self::Registration { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// The server's own words, if there are any.
    pub fn description(&self) -> Option<&str> {
        match self {
            Self::Denied { description }
            | Self::AuthorizationError { description, .. }
            | Self::TokenEndpoint { description, .. }
            | Self::Interaction { description, .. } => description.as_deref(),
            _ => None,
        }
    }
}

/// What kind of trouble an authorization error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Stronger sign-in was asked for and not done.
    Denied,
    /// Something must be set up differently, here or at the server.
    Configuration,
    /// The server is in trouble; later may work.
    Server,
    /// The server wants an interactive login.
    LoginRequired,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is not an absolute address.
    #[error("it is not an address")]
    NotAnAddress,
    /// Neither `https` nor `http` within this machine.
    #[error("it is not https")]
    NotHttps,
    /// It carries a user name or a password.
    #[error("it holds a user name")]
    UserInfo,
    /// It carries a fragment.
    #[error("it holds a fragment")]
    Fragment,
    /// An issuer must not carry a query.
    #[error("it holds a query")]
    Query,
    /// It names a private, link-local or loopback address although what the person configured is elsewhere.
    #[error("it leads into a private network")]
    Private,
    /// The authorization endpoint already holds one of our parameters.
    #[error("it already holds a parameter of the request")]
    Parameter,
}

fn suffix(code: Option<&str>, description: Option<&str>) -> String {
    match (code, description) {
        (Some(code), Some(description)) => format!(": `{code}`, \"{description}\""),
        (Some(code), None) => format!(": `{code}`"),
        (None, Some(description)) => format!(": \"{description}\""),
        (None, None) => String::new(),
    }
}

fn quoted(issuer: Option<&str>) -> String {
    issuer.map_or_else(|| "none".to_owned(), |issuer| format!("that of `{issuer}`"))
}
