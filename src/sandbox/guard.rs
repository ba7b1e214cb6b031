//! Access tokens as the resources see them (RFC 6750, RFC 9068 §4, RFC 9728 §5.1).

use serde_json::Value;

use super::state::{DEFAULT_SCOPE, State};
use crate::backends::fake::Guard;

impl State {
    /// The claims of an access token that is valid at this moment, whatever it is for.
    pub(super) fn valid_access(&self, token: &str) -> Option<Value> {
        let claims = self.keys.verify("at+jwt", token)?;
        let jti = claims.get("jti")?.as_str()?;
        // The ledger has the expiry too, and it can be moved there. The key is this run's: nobody else is the issuer.
        self.ledger().alive(jti, self.now()).is_some().then_some(claims)
    }
}

impl Guard for State {
    fn subject(&self, token: &str, resource: &str) -> Option<String> {
        let claims = self.valid_access(token)?;
        // A token without a resource of its own is for the whole sandbox, but still not for what is elsewhere.
        let meant = |one: &Value| one == resource || (one == self.url.as_str() && self.knows_resource(resource));
        let audience = match claims.get("aud")? {
            Value::Array(all) => all.iter().any(meant),
            one => meant(one),
        };
        if audience { claims.get("sub")?.as_str().map(str::to_owned) } else { None }
    }

    fn challenge(&self, resource: &str, token_was_sent: bool) -> String {
        let mut challenge = String::from("Bearer ");
        if token_was_sent {
            challenge += r#"error="invalid_token", error_description="expired, revoked or not for this resource", "#;
        }
        if let Some(path) = resource.strip_prefix(&self.url).filter(|_| self.knows_resource(resource)) {
            challenge += &format!(r#"resource_metadata="{}/.well-known/oauth-protected-resource{path}", "#, self.url);
        }
        challenge + &format!(r#"scope="{DEFAULT_SCOPE}""#)
    }
}
