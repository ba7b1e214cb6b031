//! What an access token says about itself, where it is a JSON Web Token (RFC 7519).
//!
//! The token is meant for the service and not for us, so what stands in it is shown and decides nothing.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::token::Token;
use super::{App, Error, provider};
use crate::config;
use crate::machine::Timestamp;
use crate::oauth;
use crate::secret::Secret;

/// The longest token that is taken apart.
const LONGEST: usize = 64 << 10;
/// Claims and header members that are moments (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1).
const MOMENTS: [&str; 5] = ["exp", "nbf", "iat", "auth_time", "updated_at"];

/// The two readable parts of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// How it is signed.
    pub header: Map<String, Value>,
    /// What it says.
    pub claims: Map<String, Value>,
}

/// Why nothing can be read in a token. That is not a fault: only the service must understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Opaque {
    /// It is not a JSON Web Token.
    #[error("it is not a JSON Web Token: only the service can read it")]
    NoJwt,
    /// It is an encrypted one (RFC 7516).
    #[error("it is encrypted: only the service can read it")]
    Encrypted,
}

impl Claims {
    /// Takes the token apart; nothing is checked.
    pub fn read(token: &Secret) -> Result<Self, Opaque> {
        let text = token.expose();
        let parts: Vec<&str> = text.split('.').take(6).collect();
        let [header, claims, _] = parts.as_slice() else {
            let is_encrypted = parts.len() == 5 && parts.first().is_some_and(|header| object(header).is_some());
            return Err(if is_encrypted { Opaque::Encrypted } else { Opaque::NoJwt });
        };
        let read = (text.len() <= LONGEST).then(|| Some((object(header)?, object(claims)?))).flatten();
        let (header, claims) = read.ok_or(Opaque::NoJwt)?;
        Ok(Self { header, claims })
    }

    /// Those claims that are moments, written for people.
    pub fn moments(&self) -> Map<String, Value> {
        MOMENTS
            .iter()
            .filter_map(|name| {
                let value = self.claims.get(*name)?;
                #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is dropped on purpose")]
                let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
                Some(((*name).to_owned(), Value::from(Timestamp(seconds).rfc3339())))
            })
            .collect()
    }
}

/// Checks that the token's issuer, as the login or the configuration names it, has signed it. A name in the token alone
/// proves nothing: whoever makes a token can also publish keys for it.
pub async fn verify(app: &App, connection: &config::Connection, token: &Token) -> Result<(), Error> {
    let name = || connection.name.clone();
    let (Some(issuer), Some(url)) = (&token.issuer, connection.endpoint(app.way(connection))) else {
        return Err(Error::UnknownIssuer { connection: name() });
    };
    let keys = |error| Error::Keys { connection: name(), error: Arc::new(error) };
    let server = provider::server(app, connection, issuer, provider::reach(connection, &url)).await.map_err(keys)?;
    let checked = oauth::check_signature(&app.parts.http, &server, &token.token).await.map_err(keys)?;
    checked.map_err(|why| Error::Forged { connection: name(), why })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn token(parts: &[&str]) -> Secret {
        let encoded: Vec<String> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        Secret::new(encoded.join("."))
    }

    #[test]
    fn a_token_is_taken_apart_and_its_moments_are_readable() {
        let read = Claims::read(&token(&[
            r#"{"alg":"ES256"}"#,
            r#"{"sub":"alice","exp":1800000000,"iat":1799999700.9,"nbf":"soon"}"#,
            "signature",
        ]));
        let read = read.expect("a readable token");
        assert_eq!(read.header.get("alg"), Some(&json!("ES256")));
        assert_eq!(read.claims.get("sub"), Some(&json!("alice")));
        let moments = json!({"exp": "2027-01-15T08:00:00Z", "iat": "2027-01-15T07:55:00Z"});
        assert_eq!(Value::Object(read.moments()), moments);
    }

    #[test]
    fn a_token_that_cannot_be_read_says_why() {
        for (text, why) in [
            (token(&["opaque"]), Opaque::NoJwt),
            (Secret::new(""), Opaque::NoJwt),
            (Secret::new("a.b.c"), Opaque::NoJwt),
            (token(&["{}", "[]", ""]), Opaque::NoJwt),
            (token(&["{}", "{}"]), Opaque::NoJwt),
            (token(&[r#"{"enc":"A256GCM"}"#, "", "", "", ""]), Opaque::Encrypted),
            (Secret::new("a.b.c.d.e"), Opaque::NoJwt),
            (token(&["{}", "{}", "", "", "", ""]), Opaque::NoJwt),
            (token(&["{}", &format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST)), ""]), Opaque::NoJwt),
        ] {
            assert_eq!(Claims::read(&text), Err(why), "{:?}", text.expose().get(..20));
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_it(text in ".{0,200}") {
            let _ = Claims::read(&Secret::new(text));
        }

        #[test]
        fn no_payload_upsets_it(payload in ".{0,200}") {
            if let Ok(claims) = Claims::read(&token(&["{}", &payload, ""])) {
                claims.moments();
            }
        }
    }
}
