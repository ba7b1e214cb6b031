//! Access tokens as the resources see them (RFC 6750, 9068 §4, 9449 §7, 9470, 9728 §5.1).

use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::Value;

use super::answer::Refusal;
use super::jose::ALGORITHMS;
use super::jwt::fingerprint;
use super::providers::Target;
use super::state::State;
use super::{dialect, dpop};
use crate::backends::fake::{Asked, Denied, Guard, Received};

/// What is wrong with a token, for the challenge.
enum Fault {
    /// There is none.
    Absent,
    /// It is expired, revoked, for something else, or not with the key it is bound to.
    Token,
    /// The proof is wrong.
    Proof(Refusal),
    /// The person must log in again, more strongly or more recently.
    Login,
    /// It does not allow this.
    Scope,
}

impl State {
    /// The claims of an access token that is valid at this moment, whatever it is for.
    pub(super) fn valid_access(&self, token: &str) -> Option<Value> {
        let signed = self.keys.verify("at+jwt", token);
        let key = match &signed {
            Some(claims) => claims.get("jti")?.as_str()?.to_owned(),
            None => fingerprint(token),
        };
        let ledger = self.ledger();
        // The ledger has the expiry too, and it can be moved there. The key is this run's: nobody else is the issuer.
        ledger.alive(&key, self.now())?;
        signed.or_else(|| ledger.meaning(&key))
    }

    /// The claims of a token that came in the right way, whatever it is for.
    pub(super) fn holder(&self, request: &Received, url: &str) -> Result<Value, Denied> {
        self.held(request, url).map_err(|fault| self.denied(&fault, None))
    }

    fn held(&self, request: &Received, url: &str) -> Result<Value, Fault> {
        let mut headers = request.headers().get_all(AUTHORIZATION).iter();
        let header = headers.next().and_then(|value| value.to_str().ok()).ok_or(Fault::Absent)?;
        let (scheme, token) = header.split_once(' ').filter(|_| headers.next().is_none()).ok_or(Fault::Token)?;
        let claims = self.valid_access(token.trim()).ok_or(Fault::Token)?;
        let bound = claims.pointer("/cnf/jkt").and_then(Value::as_str);
        if !scheme.eq_ignore_ascii_case("dpop") {
            // A bound token that anybody may carry would be bound to nothing (RFC 9449 §7.2).
            let plain = scheme.eq_ignore_ascii_case("bearer") || dialect::is_scheme(self, scheme);
            return if plain && bound.is_none() { Ok(claims) } else { Err(Fault::Token) };
        }
        let key = dpop::proof(self, request, url, Some(token.trim())).map_err(Fault::Proof)?;
        if bound.is_some() && bound == key.as_deref() { Ok(claims) } else { Err(Fault::Token) }
    }

    /// Whether the claims are for this resource.
    fn is_for(&self, claims: &Value, resource: &str) -> bool {
        // A token without a resource of its own is for the whole sandbox, but still not for what is elsewhere.
        let general =
            |one: &Value| one == self.root.as_str() || self.profile.audience.is_some_and(|fixed| one == fixed);
        let meant = |one: &Value| one == resource || (general(one) && self.knows_resource(resource));
        // A token that names nobody is for the userinfo endpoint.
        let named =
            self.profile.target != Target::Audience || claims.get("aud") != Some(&Value::from(self.root.as_str()));
        match claims.get("aud") {
            Some(Value::Array(all)) => named && all.iter().any(meant),
            Some(one) => named && meant(one),
            None => false,
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<String, Fault> {
        let claims = self.held(asked.request, &asked.url)?;
        let faults = self.desk.faults().clone();
        if !self.is_for(&claims, asked.resource) || (faults.require_dpop && claims.get("cnf").is_none()) {
            return Err(Fault::Token);
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let strong = faults.acr.as_deref().is_none_or(|acr| text("acr") == Some(acr));
        let since = claims.get("auth_time").and_then(Value::as_i64).unwrap_or_default();
        let age = u64::try_from(self.now().0.saturating_sub(since)).unwrap_or_default();
        if !strong || faults.max_age.is_some_and(|most| age > most) {
            return Err(Fault::Login);
        }
        if !asked.scope.is_empty() && !text("scope").unwrap_or_default().split(' ').any(|one| one == asked.scope) {
            return Err(Fault::Scope);
        }
        text("sub").map(str::to_owned).ok_or(Fault::Token)
    }

    fn denied(&self, fault: &Fault, asked: Option<&Asked<'_>>) -> Denied {
        let status = if matches!(fault, Fault::Scope) { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        let rest = self.said(fault, asked);
        let bearer = format!("Bearer {rest}");
        let dpop = || match rest.is_empty() {
            true => format!("DPoP algs=\"{}\"", ALGORITHMS.join(" ")),
            false => format!("DPoP {rest}, algs=\"{}\"", ALGORITHMS.join(" ")),
        };
        let proves = asked.is_some_and(|asked| asked.request.headers().contains_key("dpop"));
        let challenges = match (self.desk.faults().require_dpop, proves || matches!(fault, Fault::Proof(_))) {
            (true, _) => vec![dpop()],
            (false, true) => vec![dpop(), bearer],
            (false, false) => vec![bearer],
        };
        Denied { status, challenges }
    }

    /// The parameters of a challenge.
    fn said(&self, fault: &Fault, asked: Option<&Asked<'_>>) -> String {
        let pair = |name: &str, value: &str| format!("{name}=\"{value}\"");
        let mut said = Vec::new();
        let mut error = |error: &str, why: &str| said.extend([pair("error", error), pair("error_description", why)]);
        match fault {
            Fault::Absent => {}
            Fault::Token => error("invalid_token", "expired, revoked or not for this resource"),
            Fault::Proof(refusal) => error(refusal.error, refusal.why),
            Fault::Login => error("insufficient_user_authentication", "another login is needed"),
            Fault::Scope => error("insufficient_scope", "the token does not allow this"),
        }
        if matches!(fault, Fault::Login) {
            let faults = self.desk.faults();
            said.extend(faults.acr.as_ref().map(|acr| pair("acr_values", acr)));
            said.extend(faults.max_age.map(|age| pair("max_age", &age.to_string())));
        }
        if let Some(asked) = asked {
            let path = asked.resource.strip_prefix(&self.url).filter(|_| self.knows_resource(asked.resource));
            let document = |path| format!("{}/.well-known/oauth-protected-resource{path}", self.url);
            said.extend(path.map(|path| pair("resource_metadata", &document(path))));
            let needed =
                if matches!(fault, Fault::Scope) { asked.scope.to_owned() } else { self.profile.needs.to_owned() };
            said.push(pair("scope", &needed));
        }
        said.join(", ")
    }
}

impl Guard for State {
    fn admit(&self, asked: &Asked<'_>) -> Result<String, Denied> {
        self.check(asked).map_err(|fault| self.denied(&fault, Some(asked)))
    }

    fn subject(&self, token: &str, resource: &str) -> Option<String> {
        let claims = self.valid_access(token).filter(|claims| claims.get("cnf").is_none())?;
        self.is_for(&claims, resource).then(|| claims.get("sub")?.as_str().map(str::to_owned))?
    }

    fn challenge(&self, resource: &str, token_was_sent: bool) -> String {
        let asked = Asked { request: &Received::default(), url: String::new(), resource, scope: "" };
        let fault = if token_was_sent { Fault::Token } else { Fault::Absent };
        self.denied(&fault, Some(&asked)).challenges.join(", ")
    }
}
