//! Who signed in: the identity token and what it must agree with (OpenID Connect Core §3.1.3.7, §12.2).
//!
//! Where the server publishes its keys, the signature is checked, and a token that does not hold ends the login: it is
//! the one sign that an answer was forged or swapped. Where it publishes none, the claims are taken only from a token
//! that came straight from the token endpoint over TLS; they are marked, and may decide nothing but what the person reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::digest;
use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::discovery::Server;
use super::error::Error;
use super::foreign::clean;
use super::habits::Habits;
use super::json;
use super::jwks::{Jws, KeySet, Refusal};
use super::token::Tokens;
use crate::http::{Http, is_safe};
use crate::secret::Secret;

/// Clocks differ.
const TOLERANCE: i64 = 120;

/// The person behind a login.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// The issuer's own name for the person; the same at every login.
    pub subject: String,
    /// A name to show.
    pub name: Option<String>,
    /// An address to show.
    pub email: Option<String>,
    /// Whether the token's signature was checked with the server's keys.
    #[serde(default)]
    pub verified: bool,
}

impl Account {
    /// The most telling of the three.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.subject)
    }
}

/// What an identity token must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The nonce that was sent; `None` if none was.
    pub nonce: Option<&'a Secret>,
    /// How long ago the person may have proved who they are, in seconds, if that was asked for.
    pub max_age: Option<i64>,
    /// Seconds since 1970.
    pub now: i64,
}

/// Who signed in, from the identity token among the tokens; `None` if there is none, or none that can be read from a
/// server without keys. A token that is there and does not hold is an error: the login must end.
pub async fn identify(
    http: &Http,
    server: &Server,
    tokens: &Tokens,
    expected: &Expected<'_>,
) -> Result<Option<Account>, Error> {
    let Some(token) = &tokens.id_token else { return Ok(None) };
    let refused = |what| Error::IdToken { issuer: clean(&server.issuer), what };
    let Some(jws) = Jws::read(token.expose()) else {
        // Nobody could check an encrypted or home-made token of such a server, and nobody has to believe it.
        return if server.jwks_uri.is_some() { Err(refused("it cannot be read")) } else { Ok(None) };
    };
    if jws.is_unsigned() {
        return Err(refused("it is not signed"));
    }
    let claims = Claims { members: jws.unverified(), strict: server.jwks_uri.is_some() };
    claims.agree(server, expected).map_err(refused)?;
    claims.covers(&jws, &tokens.access_token).map_err(refused)?;
    let verified = match &server.jwks_uri {
        Some(_) => check(http, server, &jws).await?,
        // Read from a line that others can write to, the claims would be anybody's.
        None if is_safe(&server.token_endpoint) => false,
        None => return Ok(None),
    };
    claims.account(verified).map(Some).ok_or_else(|| refused("it names nobody"))
}

/// Checks the signature with the server's keys. A key that is not in the set may be a day old, so the set is fetched
/// once more, and only once: a stranger's token must not make us call the server again and again.
async fn check(http: &Http, server: &Server, jws: &Jws<'_>) -> Result<bool, Error> {
    let refused = |what| Error::IdToken { issuer: clean(&server.issuer), what };
    let Some(url) = &server.jwks_uri else { return Ok(false) };
    let listed = Some(server.id_token_algorithms.as_slice()).filter(|listed| !listed.is_empty());
    let mut verdict = jws.check(&KeySet::fetch(http, url).await?, listed);
    if verdict == Err(Refusal::UnknownKey) {
        verdict = jws.check(&KeySet::fetch(http, url).await?, listed);
    }
    match verdict {
        Ok(()) => Ok(true),
        Err(Refusal::Algorithm) => Err(refused("it is signed with an algorithm that is not accepted")),
        Err(Refusal::UnknownKey) => Err(refused("it is signed with a key that the server does not publish")),
        Err(Refusal::Signature) => Err(refused("its signature is not the server's")),
    }
}

/// What was known of the person before a renewal.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client id.
    pub client_id: &'a str,
    /// The account's subject.
    pub subject: &'a str,
    /// What the issuer is known to do differently.
    pub habits: Habits,
}

/// Whether an identity token that came with a renewal still means the same person (OpenID Connect Core §12.2): the same
/// issuer, subject and client. The tokens of another account must not take the place of the old ones unnoticed.
///
/// A token that cannot be read says nothing, as if there were none; the signature is not checked, because a renewal
/// must not fail for want of keys, and the token came straight from the token endpoint.
pub fn same_subject(id_token: &Secret, known: &Known<'_>) -> Result<(), Error> {
    let Some(jws) = Jws::read(id_token.expose()) else { return Ok(()) };
    let refused = |what| Error::IdToken { issuer: clean(known.issuer), what };
    let claims = Claims { members: jws.unverified(), strict: true };
    claims.issuer_and_client((known.issuer, &known.habits), known.client_id).map_err(refused)?;
    match claims.account(false) {
        Some(account) if account.subject == known.subject => Ok(()),
        Some(_) => Err(Error::AnotherAccount { issuer: clean(known.issuer) }),
        None => Err(refused("it names nobody")),
    }
}

/// The claims of a token. `strict` insists on those that the standard requires; without keys to check them by, a server
/// that leaves some out is merely sloppy.
struct Claims<'a> {
    members: &'a Map<String, Value>,
    strict: bool,
}

impl Claims<'_> {
    fn agree(&self, server: &Server, expected: &Expected<'_>) -> Result<(), &'static str> {
        self.issuer_and_client((&server.issuer, &server.habits), expected.client_id)?;
        self.time("exp", "it does not say when it ends", |end| end.saturating_add(TOLERANCE) > expected.now)
            .map_err(|missing| missing.unwrap_or("it has expired"))?;
        self.time("iat", "it does not say when it was made", |made| {
            made.saturating_sub(expected.now).saturating_abs() <= TOLERANCE
        })
        .map_err(|missing| {
            missing.unwrap_or("it was made at another time, or the clocks of the server and of this machine differ")
        })?;
        let is_ours = |sent: &Secret| json::text(self.members, "nonce").is_some_and(|nonce| sent.matches(nonce));
        if !expected.nonce.is_none_or(is_ours) {
            return Err("it belongs to another login");
        }
        let Some(age) = expected.max_age else { return Ok(()) };
        let is_recent = |at: i64| at.saturating_add(age).saturating_add(TOLERANCE) >= expected.now;
        match self.seconds("auth_time").is_some_and(is_recent) {
            true => Ok(()),
            false => Err("it does not say that the person proved recently enough who they are"),
        }
    }

    fn issuer_and_client(&self, (issuer, habits): (&str, &Habits), client_id: &str) -> Result<(), &'static str> {
        let is_nameless = !self.strict && !self.members.contains_key("iss");
        if !is_nameless && !habits.signs(issuer, self.members) {
            return Err("it is of another issuer");
        }
        let party = self.members.get("azp");
        let several = match self.members.get("aud") {
            None if !self.strict => false,
            Some(Value::String(audience)) if audience == client_id => false,
            Some(Value::Array(named)) if named.iter().any(|audience| audience == client_id) => named.len() > 1,
            _ => return Err("it is for another client"),
        };
        // Among several receivers, the one it was issued to must be us: the others may have handed it on.
        match party {
            Some(party) if party == client_id => Ok(()),
            None if !several => Ok(()),
            _ => Err("it was issued to another client"),
        }
    }

    /// `Err(None)` if the moment does not suit, `Err(Some(missing))` if there is none although there must be.
    fn time(&self, name: &str, missing: &'static str, suits: impl Fn(i64) -> bool) -> Result<(), Option<&'static str>> {
        match self.members.get(name) {
            None if self.strict => Err(Some(missing)),
            None => Ok(()),
            Some(_) if self.seconds(name).is_some_and(suits) => Ok(()),
            Some(_) => Err(None),
        }
    }

    /// A moment in seconds since 1970; some servers write fractions.
    fn seconds(&self, name: &str) -> Option<i64> {
        let value = self.members.get(name)?;
        // A cast from a float saturates, and a moment that far away suits nothing.
        value.as_i64().or_else(|| value.as_f64().filter(|at| at.is_finite()).map(|at| at as i64))
    }

    /// `at_hash` ties the token to the access token that came with it (§3.1.3.6): half of its digest.
    fn covers(&self, jws: &Jws<'_>, access_token: &Secret) -> Result<(), &'static str> {
        let (Some(hash), Some(algorithm)) = (self.members.get("at_hash"), jws.algorithm) else { return Ok(()) };
        let whole = digest(algorithm.digest(), access_token.expose().as_bytes());
        let half = whole.as_ref().get(..whole.as_ref().len() / 2).unwrap_or_default();
        if *hash == URL_SAFE_NO_PAD.encode(half) { Ok(()) } else { Err("it belongs to another access token") }
    }

    fn is_unverified(&self, name: &str) -> bool {
        matches!(self.members.get(name), Some(Value::Bool(false)))
            || self.members.get(name).and_then(Value::as_str) == Some("false")
    }

    fn account(&self, verified: bool) -> Option<Account> {
        let shown = |names: &[&str]| {
            let texts = names.iter().filter_map(|name| json::text(self.members, name));
            texts.map(clean).find(|text| !text.is_empty())
        };
        Some(Account {
            subject: shown(&["sub"])?,
            name: shown(&["name", "preferred_username", "upn"]),
            // One that the issuer itself does not vouch for is no address of the person.
            email: shown(&["email"]).filter(|_| !self.is_unverified("email_verified")),
            verified,
        })
    }
}

impl Attempt {
    /// The account that signed in by this attempt, at `now` (seconds since 1970); see [`identify`].
    pub async fn identify(
        &self,
        http: &Http,
        server: &Server,
        tokens: &Tokens,
        now: i64,
    ) -> Result<Option<Account>, Error> {
        let expected = Expected { client_id: &self.client.id, nonce: self.nonce.as_ref(), max_age: self.max_age, now };
        identify(http, server, tokens, &expected).await
    }
}

#[cfg(test)]
mod tests;
