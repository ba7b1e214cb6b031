//! What a provider does differently, in the words of the protocol.

use url::Url;

use super::App;
use crate::config;
use crate::oauth::{self, Endpoints, Habits, Policy, Reach, Server, TokenIssuer};
use crate::providers::{self, Provider, Target};

/// Who issues the tokens of a connection: the provider that the configuration names, or the one that has this issuer.
pub(super) fn of(connection: &config::Connection, issuer: &str) -> &'static Provider {
    connection.provider.unwrap_or_else(|| providers::of_issuer(issuer))
}

/// How far its metadata may lead: from the configured issuer if that is in a network of its own, and otherwise from the
/// service, whose address the person has configured, too.
pub(super) fn reach(connection: &config::Connection, url: &Url) -> Reach {
    let issuer = connection.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    issuer.map(|issuer| Reach::of(&issuer)).filter(|reach| reach.is_narrow()).unwrap_or_else(|| Reach::of(url))
}

/// How its documents and answers are read.
pub(super) fn habits(provider: &'static Provider) -> Habits {
    Habits {
        token_issuer: match provider.token_issuer {
            providers::TokenIssuer::Exact => TokenIssuer::Exact,
            providers::TokenIssuer::Bare => TokenIssuer::Bare,
            providers::TokenIssuer::Tenant => TokenIssuer::Tenant,
            providers::TokenIssuer::Before(part) => TokenIssuer::Before(part),
        },
        commas: provider.granted.commas,
        renamed: provider.granted.renamed,
        silent: provider.granted.silent,
        whatever: (provider.target == Target::Scope).then_some(WHATEVER),
        second_try: provider.second_try,
    }
}

/// Whether the issuer that the metadata names is the one that a person or a resource names.
pub(super) fn is_issuer(provider: &'static Provider, named: &str, known: &str) -> bool {
    habits(provider).announces(canonical(provider, named), known)
}

/// The issuer without what is only a habit of those who name it.
pub(super) fn canonical<'a>(provider: &Provider, issuer: &'a str) -> &'a str {
    if provider.named_with_slash { issuer.strip_suffix('/').unwrap_or(issuer) } else { issuer }
}

/// The metadata of the issuer of a login that exists: it must promise nothing that a new login would need.
pub(super) async fn server(
    app: &App,
    connection: &config::Connection,
    issuer: &str,
    reach: Reach,
) -> Result<Server, oauth::Error> {
    let provider = of(connection, issuer);
    let policy = Policy { require_s256: false, reach, habits: habits(provider) };
    // An issuer for any tenant has its metadata where no particular one is asked for.
    let place = match provider.token_issuer {
        providers::TokenIssuer::Tenant => issuer.replace("{tenantid}", "common"),
        _ => issuer.to_owned(),
    };
    oauth::discover_issuer(&app.parts.http, &place, policy).await
}

/// What is known of a provider that publishes nothing.
pub(super) fn without_metadata(provider: &Provider, issuer: &str, policy: Policy) -> Option<Server> {
    let [authorization, token, device] = provider.endpoints?.at(issuer)?;
    let endpoints = Endpoints { authorization, token, device_authorization: Some(device) };
    Server::known(issuer, endpoints, policy).ok()
}

/// The scopes as this provider takes them: where one stands for a whole resource, it may not stand beside others of it. A
/// person is asked for what is named; a client for itself asks for the whole.
pub(super) fn coherent(provider: &Provider, alone: bool, mut scopes: Vec<String>) -> Vec<String> {
    const IDENTITY: [&str; 4] = ["openid", "profile", "email", "offline_access"];
    if provider.target != Target::Scope {
        return scopes;
    }
    let is_whole = |scope: &str| scope.ends_with(WHATEVER);
    let is_named = |scope: &str| !is_whole(scope) && !IDENTITY.contains(&scope);
    if alone && scopes.iter().any(|scope| is_whole(scope)) {
        scopes.retain(|scope| is_whole(scope));
    } else if scopes.iter().any(|scope| is_named(scope)) {
        scopes.retain(|scope| !is_whole(scope));
    }
    scopes
}

/// The scope for everything that a client may do at a resource, where the target is in the scopes.
const WHATEVER: &str = "/.default";

/// The scope for this whole resource.
pub(super) fn whole(resource: &str) -> String {
    format!("{}{WHATEVER}", resource.trim_end_matches('/'))
}

/// What a request says of the resource, in the way that this provider understands: `resource` and `audience`.
pub(super) fn target<'a>(provider: &Provider, resource: Option<&'a str>) -> (Option<&'a str>, Option<&'a str>) {
    match provider.target {
        Target::Resource => (resource, None),
        Target::Audience => (None, resource),
        Target::Scope | Target::Nothing => (None, None),
    }
}
