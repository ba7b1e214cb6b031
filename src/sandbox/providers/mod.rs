//! What distinguishes one authorization server from another, as data.
//!
//! [`STRICT`] is the sandbox's own server. The others imitate what well-known providers do differently from it; the
//! header of each file says how it is reached and what it refuses. What is not said there is as strict as the sandbox.
//!
//! Each is at `http://127.0.0.1:PORT/p/NAME`, with clients, keys, faults and a record of its own
//! ([`super::Sandbox::provider`], or `/p/NAME/control`), and has one resource, `/p/NAME/mcp`, which takes its tokens only
//! and names it in `/.well-known/oauth-protected-resource/p/NAME/mcp`. Nothing is shared with the other providers.
//! Another client than those that are there is registered with [`super::Control::register`], which nobody refuses.
//! The words of errors are in [`super::dialect`].

pub(super) mod auth0;
pub(super) mod entra;
pub(super) mod github;
pub(super) mod google;
pub(super) mod keycloak;
pub(super) mod okta;
mod scalekit;
mod tavily;

/// The providers that are imitated.
pub(super) const ALL: [&Profile; 8] = [
    &okta::PROFILE,
    &entra::PROFILE,
    &scalekit::PROFILE,
    &auth0::PROFILE,
    &keycloak::PROFILE,
    &google::PROFILE,
    &github::PROFILE,
    &tavily::PROFILE,
];

/// The pattern of one authorization server.
pub(super) struct Profile {
    /// Its name in `/p/NAME`; empty for the sandbox's own.
    pub(super) name: &'static str,
    /// First path segments that all mean the same authority; the last one is its real name.
    pub(super) tenants: &'static [&'static str],
    /// What follows its address in the issuer.
    pub(super) issuer: &'static str,
    /// What follows its address in the `iss` of tokens, where that is not the issuer.
    pub(super) token_issuer: Option<&'static str>,
    /// Where its metadata is.
    pub(super) documents: &'static [Document],
    /// Its endpoints, by their names in the record, and where each is below its address.
    pub(super) paths: &'static [(&'static str, &'static str)],
    /// Members that its metadata does not have.
    pub(super) hides: &'static [&'static str],
    /// The scopes there are.
    pub(super) scopes: &'static [&'static str],
    /// What its resources ask for, and what is granted to a client that asks for nothing.
    pub(super) needs: &'static str,
    /// Clients that are there from the start.
    pub(super) clients: &'static [Preset],
    pub(super) registration: Registration,
    /// Whether a client may be the address of a document about it.
    pub(super) documented: bool,
    pub(super) redirects: Redirects,
    pub(super) renewal: Renewal,
    pub(super) rotation: Rotation,
    pub(super) target: Target,
    /// Whether a request without PKCE is refused.
    pub(super) pkce: bool,
    /// Whether `iss` comes with the authorization response (RFC 9207).
    pub(super) response_iss: bool,
    /// How it words errors and answers.
    pub(super) dialect: Dialect,
    /// How long its access tokens live; 0 leaves it to the options.
    pub(super) lifetime: u64,
    /// How long its logins live; 0 leaves it to the options.
    pub(super) absolute: u64,
    /// How long a spent refresh token is still good.
    pub(super) grace: u64,
    /// What access tokens begin with that are not JWTs.
    pub(super) opaque: Option<&'static str>,
    /// The audience of every access token, where it is not the resource.
    pub(super) audience: Option<&'static str>,
    /// More grants than this for one person and client end the oldest.
    pub(super) most_grants: usize,
    /// The backend whose fake its resource is.
    pub(super) backend: &'static str,
}

/// A place of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    /// `/.well-known/oauth-authorization-server` before the issuer's path (RFC 8414 §3).
    Inserted,
    /// `/.well-known/openid-configuration` after the issuer (OIDC Discovery §4).
    Appended,
    /// `/.well-known/oauth-authorization-server` after the issuer, which no standard says.
    Misplaced,
}

/// A client that somebody registered by hand.
pub(super) struct Preset {
    pub(super) id: &'static str,
    /// What must be sent, though the program carries it around and it is no secret.
    pub(super) secret: Option<&'static str>,
    pub(super) redirects: &'static [&'static str],
    pub(super) grants: &'static [&'static str],
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registration {
    /// Everybody.
    Open,
    /// Nobody but an administrator with a token of the management interface.
    Administrators,
    /// Programs on trusted hosts, or with an initial access token. Unknown members and scopes are refused.
    TrustedHosts,
    /// There is no endpoint.
    Absent,
}

/// Which redirect addresses a request may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    /// The registered ones, with any port on a loopback literal (RFC 8252 §7.3).
    Loopback,
    /// The registered ones to the letter.
    Exact,
    /// The registered ones, with any port on `localhost` only.
    Localhost,
    /// Everything on this machine, whatever was registered.
    Anything,
    /// The registered ones and what is below them, with any port on a loopback literal.
    Below,
}

/// When a login gets a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// When the client registered the grant.
    Registered,
    /// When it also asked for `offline_access`.
    OfflineScope,
    /// When it asked with `access_type=offline`, the first time or with `prompt=consent`.
    AccessType,
}

/// What a refresh does with the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// A new one comes, and the old one ends the family when it comes back after the grace.
    Strict,
    /// A new one comes, and the old one stays good.
    Lenient,
    /// None comes, and the old one stays good.
    Absent,
}

/// How a request says what the token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// With `resource` (RFC 8707).
    Resource,
    /// Not at all; `resource` means nothing.
    Unnamed,
    /// With scopes that begin with the resource; a `resource` that they do not is refused.
    Scope,
    /// With `audience`; without it the token is for the userinfo endpoint only.
    Audience,
}

/// How errors and answers are worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As the RFCs have it.
    Plain,
    Okta,
    Entra,
    Auth0,
    Keycloak,
    Google,
    GitHub,
    Tavily,
}

/// The sandbox's own server.
pub(super) const STRICT: Profile = Profile {
    name: "",
    tenants: &[],
    issuer: "",
    token_issuer: None,
    documents: &[Document::Inserted, Document::Appended],
    paths: &[
        ("authorize", "/authorize"),
        ("token", "/token"),
        ("register", "/register"),
        ("revoke", "/revoke"),
        ("introspect", "/introspect"),
        ("jwks", "/jwks"),
        ("par", "/par"),
        ("device_authorization", "/device_authorization"),
        ("device", "/device"),
        ("userinfo", "/userinfo"),
        ("end_session", "/end_session"),
    ],
    hides: &[],
    scopes: &["openid", "profile", "email", "offline_access", "sandbox:read", "sandbox:write"],
    needs: "sandbox:read",
    clients: &[],
    registration: Registration::Open,
    documented: true,
    redirects: Redirects::Loopback,
    renewal: Renewal::Registered,
    rotation: Rotation::Strict,
    target: Target::Resource,
    pkce: true,
    response_iss: true,
    dialect: Dialect::Plain,
    lifetime: 0,
    absolute: 0,
    grace: 0,
    opaque: None,
    audience: None,
    most_grants: usize::MAX,
    backend: "remote",
};
