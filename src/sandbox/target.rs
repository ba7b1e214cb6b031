//! What a token is for: resource indicators (RFC 8707), and what providers have instead of them.

use super::answer::{Refusal, bad};
use super::params::Params;
use super::providers::{Dialect, Target};
use super::state::{State, split};

/// The scopes of identity, which are for no resource.
const IDENTITY: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The resources that a request asks for; none if it names none.
pub(super) fn asked(state: &State, params: &Params, scope: &[String]) -> Result<Vec<String>, Refusal> {
    let named = |name: &str| -> Vec<String> { params.all(name).map(str::to_owned).collect() };
    let unknown = bad("invalid_target", "resource is not one of the sandbox");
    let known = |all: &[String]| all.iter().all(|one| state.knows_resource(one));
    match state.profile.target {
        Target::Resource => Some(named("resource")).filter(|all| known(all)).ok_or(unknown),
        Target::Unnamed => Ok(Vec::new()),
        Target::Audience => {
            let refused = Refusal { error: "access_denied", why: "Service not found", ..unknown };
            Some(named("audience")).filter(|all| known(all)).ok_or(refused)
        }
        Target::Scope => {
            let mut meant: Vec<String> = scope.iter().filter_map(|one| resource_of(state, one)).collect();
            let (count, whatever) = (meant.len(), scope.iter().any(|one| one.ends_with(WHATEVER)));
            meant.dedup();
            if whatever && count > 1 && meant.len() == 1 {
                return Err(bad("invalid_scope", "AADSTS70011"));
            }
            match (meant.as_slice(), params.all("resource").all(|sent| meant.iter().any(|one| one == sent))) {
                (_, false) => Err(bad("invalid_target", "AADSTS9010010")),
                ([] | [_], true) => Ok(meant),
                (_, true) => Err(bad("invalid_request", "AADSTS28000")),
            }
        }
    }
}

/// The scopes in a parameter; at GitHub a comma separates them, too, and unknown ones are left out.
pub(super) fn scopes(state: &State, sent: &str) -> Vec<String> {
    match state.profile.dialect {
        Dialect::GitHub => {
            let mut all = split(&sent.replace(',', " "));
            all.retain(|one| state.knows_scope(one));
            all
        }
        _ => split(sent),
    }
}

/// The scope for whatever the client may have at a resource.
const WHATEVER: &str = "/.default";

/// What a scope stands for: at Entra ID, `RESOURCE/.default` for the names of what was granted.
pub(super) fn named(state: &State, scope: &str) -> String {
    match (state.profile.target, scope.strip_suffix(WHATEVER)) {
        (Target::Scope, Some(resource)) => format!("{resource}/everything"),
        _ => scope.to_owned(),
    }
}

/// Whether there is this scope.
pub(super) fn knows_scope(state: &State, scope: &str) -> bool {
    state.knows_scope(scope) || (state.profile.target == Target::Scope && resource_of(state, scope).is_some())
}

/// The resource in front of a scope: `RESOURCE/.default`, `RESOURCE/NAME`, or the application's own identifier.
fn resource_of(state: &State, scope: &str) -> Option<String> {
    if IDENTITY.contains(&scope) {
        return None;
    }
    if scope.starts_with("api://") {
        return state.knows_scope(scope).then(|| state.root.clone());
    }
    let (resource, _) = scope.rsplit_once('/')?;
    state.knows_resource(resource).then(|| resource.to_owned())
}

/// Who an access token is for: what was granted, or the part of it that this request names (RFC 8707 §2.2).
pub(super) fn audience(state: &State, granted: &[String], params: &Params) -> Result<Vec<String>, Refusal> {
    let asked: Vec<String> = match state.profile.target {
        Target::Resource | Target::Scope => params.all("resource").map(str::to_owned).collect(),
        Target::Unnamed | Target::Audience => Vec::new(),
    };
    let allowed = |one: &String| if granted.is_empty() { state.knows_resource(one) } else { granted.contains(one) };
    if !asked.iter().all(allowed) {
        return Err(match state.profile.target {
            Target::Scope => bad("invalid_target", "AADSTS9010010"),
            _ => bad("invalid_target", "resource was not granted"),
        });
    }
    Ok(match (asked.is_empty(), granted.is_empty()) {
        (false, _) => asked,
        (true, false) => granted.to_vec(),
        (true, true) => vec![state.root.clone()],
    })
}
