//! What one server does differently in its documents and answers, as far as it changes what they mean.
//!
//! The standards are the default. Which server has which habit is the caller's knowledge; here is what it means.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::json;

/// Where a tenant stands in the issuer of a server for several tenants (Microsoft Entra ID).
const TENANT: &str = "{tenantid}";

/// The habits of one server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Which issuer its identity tokens name.
    pub token_issuer: TokenIssuer,
    /// Granted scopes are separated by commas, too.
    pub commas: bool,
    /// Scopes that are granted under another name: what is asked for, and what is granted.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Scopes that are granted without being named in the answer.
    pub silent: &'static [&'static str],
    /// A scope that ends like this asks for whatever the client may have; the answer names the scopes that it stands for.
    pub whatever: Option<&'static str>,
    /// It refuses a client in passing now and then: one that asks for itself is worth a second try after this time.
    pub second_try: Option<Duration>,
}

/// Which issuer identity tokens name, where it is not the server's own to the letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenIssuer {
    /// The server's own (OpenID Connect Core §3.1.3.7).
    #[default]
    Exact,
    /// The server's own, or the same without its scheme.
    Bare,
    /// The server's own, in which `{tenantid}` stands for the token's tenant (`tid`). Its metadata has such an issuer
    /// where it was asked for no particular tenant.
    Tenant,
    /// The server's own, or what stands before this part of its path.
    Before(&'static str),
}

impl Habits {
    /// Whether a document may name `received` where `expected` was asked: the same issuer, by whatever name.
    pub fn announces(&self, expected: &str, received: &str) -> bool {
        // One whole segment of the path may be any tenant; the host and the rest are as they were asked for.
        let is_the_tenant = || {
            let (before, after) = received.split_once(TENANT)?;
            let tenant = expected.strip_prefix(before)?.strip_suffix(after)?;
            let is_segment = before.matches('/').count() > 2 && before.ends_with('/') && after.starts_with('/');
            // Who names one tenant means it.
            Some(is_segment && ["common", "organizations"].contains(&tenant))
        };
        let is_any = self.token_issuer == TokenIssuer::Tenant && is_the_tenant().unwrap_or(false);
        is_any || is_same(expected, received)
    }

    /// Whether an answer to the browser may name `received` where the server's issuer is `issuer`.
    pub(super) fn answers(&self, issuer: &str, received: &str) -> bool {
        match self.is_any_tenant(issuer) {
            true => tenant(issuer, received).is_some(),
            false => issuer == received,
        }
    }

    /// Whether these are claims of a token of that issuer.
    pub(super) fn signs(&self, issuer: &str, claims: &Map<String, Value>) -> bool {
        let Some(named) = json::text(claims, "iss") else { return false };
        if self.is_any_tenant(issuer) {
            return tenant(issuer, named).is_some_and(|id| json::text(claims, "tid") == Some(id));
        }
        let other = match self.token_issuer {
            TokenIssuer::Exact | TokenIssuer::Tenant => None,
            TokenIssuer::Bare => issuer.split_once("://").map(|(_, bare)| bare),
            TokenIssuer::Before(part) => issuer.split_once(part).map(|(before, _)| before),
        };
        named == issuer || other == Some(named)
    }

    fn is_any_tenant(&self, issuer: &str) -> bool {
        self.token_issuer == TokenIssuer::Tenant && issuer.contains(TENANT)
    }

    /// The granted scopes, under the names by which they were asked for.
    pub fn granted(&self, granted: &[String], asked: &[String]) -> Vec<String> {
        let words = granted.iter().flat_map(|scope| scope.split(|c| self.commas && c == ','));
        let as_asked = |granted: &str| {
            let alias = self.renamed.iter().find(|(name, other)| *other == granted && contains(asked, name));
            alias.map_or(granted, |(name, _)| *name).to_owned()
        };
        let mut found: Vec<String> = Vec::new();
        let named = words.filter(|word| !word.is_empty()).map(as_asked);
        // What stands for others is granted with them.
        let stands_for_others = |scope: &&String| self.whatever.is_some_and(|ending| scope.ends_with(ending));
        let silent = self.silent.iter().filter(|scope| contains(asked, scope)).map(ToString::to_string);
        let silent = silent.chain(asked.iter().filter(stands_for_others).cloned());
        for scope in named.chain(silent) {
            if !found.contains(&scope) {
                found.push(scope);
            }
        }
        found
    }

    /// The scopes that were asked for and not granted.
    pub fn missing(&self, granted: &[String], asked: &[String]) -> Vec<String> {
        let stands_for_others = |scope: &str| self.whatever.is_some_and(|ending| scope.ends_with(ending));
        asked.iter().filter(|scope| !granted.contains(scope) && !stands_for_others(scope)).cloned().collect()
    }
}

/// Identical, character by character. The one tolerated difference is the slash of an empty path (RFC 3986 §6.2.3).
pub(super) fn is_same(expected: &str, received: &str) -> bool {
    let bare = |issuer: &str| issuer.strip_suffix('/').unwrap_or(issuer).to_owned();
    let is_root = || Url::parse(received).is_ok_and(|url| url.path() == "/");
    expected == received || (is_root() && bare(expected) == bare(received))
}

fn contains(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| scope == wanted)
}

/// The tenant in `named`, if it is what `issuer` becomes with one.
fn tenant<'a>(issuer: &str, named: &'a str) -> Option<&'a str> {
    let (before, after) = issuer.split_once(TENANT)?;
    let id = named.strip_prefix(before)?.strip_suffix(after)?;
    // A tenant is a GUID: anything else could continue the path.
    let is_guid = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_guid.then_some(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";
    const TENANTS: Habits = habits(TokenIssuer::Tenant);

    const fn habits(token_issuer: TokenIssuer) -> Habits {
        Habits { token_issuer, commas: false, renamed: &[], silent: &[], whatever: None, second_try: None }
    }

    fn claims(iss: &str, tid: &str) -> Map<String, Value> {
        json!({ "iss": iss, "tid": tid }).as_object().cloned().expect("an object")
    }

    fn scopes(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_document_may_be_about_any_tenant_only_where_that_is_a_habit() {
        let any = "https://login.example/{tenantid}/v2.0";
        assert!(TENANTS.announces("https://login.example/common/v2.0", any));
        assert!(TENANTS.announces("https://login.example/organizations/v2.0", any));
        assert!(!TENANTS.announces(&format!("https://login.example/{ID}/v2.0"), any), "one tenant is not any");
        for (expected, received) in [
            ("https://login.example/common/v2.0", "https://login.example/other/v2.0"),
            ("https://login.example/common/v2.0", "https://evil.example/{tenantid}/v2.0"),
            ("https://login.example/common/v2.0", "https://login.example/{tenantid}/v1.0"),
            ("https://login.example/common/v2.0", "https://login.example/common/{tenantid}"),
            ("https://login.example/common", "https://login.example/{tenantid}"),
            ("https://login.example", "https://{tenantid}"),
            ("https://evil.example/v2.0", "https://{tenantid}/v2.0"),
            ("https://login.example/a/b/v2.0", "https://login.example/{tenantid}/v2.0"),
            ("https://login.example//v2.0", "https://login.example/{tenantid}/v2.0"),
            ("https://login.example/common/v2.0", "https://login.example/com{tenantid}/v2.0"),
        ] {
            assert!(!TENANTS.announces(expected, received), "{expected} {received}");
        }
        assert!(!Habits::default().announces("https://login.example/common/v2.0", any));
    }

    #[test]
    fn the_tenant_of_a_token_is_the_one_that_its_issuer_names() {
        let issuer = "https://login.example/{tenantid}/v2.0";
        let named = format!("https://login.example/{ID}/v2.0");
        assert!(TENANTS.signs(issuer, &claims(&named, ID)));
        assert!(TENANTS.answers(issuer, &named));
        let other = ID.replace('1', "9");
        for (named, tid) in [
            (named.as_str(), other.as_str()),
            (&named, ""),
            (issuer, "{tenantid}"),
            ("https://evil.example/11111111-2222-3333-4444-555555555555/v2.0", ID),
            ("https://login.example/common/v2.0", "common"),
            ("https://login.example/a/../../../../../../../../../../evil/v2.0", "a/../../../../../../../../../../evil"),
        ] {
            assert!(!TENANTS.signs(issuer, &claims(named, tid)), "{named} {tid}");
        }
        for named in [issuer, "https://login.example/common/v2.0", "https://evil.example/v2.0", ""] {
            assert!(!TENANTS.answers(issuer, named), "{named}");
        }
        assert!(!Habits::default().signs(issuer, &claims(&named, ID)));
        assert!(!Habits::default().answers(issuer, &named));
    }

    #[test]
    fn other_spellings_of_the_issuer_count_only_where_they_are_a_habit() {
        let issuer = "https://accounts.example";
        let bare = habits(TokenIssuer::Bare);
        assert!(bare.signs(issuer, &claims("accounts.example", "")) && bare.signs(issuer, &claims(issuer, "")));
        assert!(!bare.signs(issuer, &claims("accounts.example.evil", "")) && !bare.signs(issuer, &claims("", "")));
        let env = "https://env.example/resources/res_1";
        let before = habits(TokenIssuer::Before("/resources/"));
        assert!(before.signs(env, &claims("https://env.example", "")) && before.signs(env, &claims(env, "")));
        for named in ["https://env.example/", "https://env.example/resources/", "https://env", "env.example"] {
            assert!(!before.signs(env, &claims(named, "")), "{named}");
        }
        assert!(!Habits::default().signs(env, &claims("https://env.example", "")));
        assert!(!Habits::default().signs(issuer, &claims("accounts.example", "")));
        assert!(!Habits::default().signs(issuer, &Map::new()));
    }

    #[test]
    fn granted_scopes_are_told_by_the_names_they_were_asked_by() {
        let long = "https://www.example/auth/email";
        let habits = Habits {
            commas: true,
            renamed: &[("email", "https://www.example/auth/email")],
            silent: &["offline_access"],
            whatever: Some("/.default"),
            ..Habits::default()
        };
        let asked = scopes(&["email", "repo", "offline_access"]);
        assert_eq!(
            habits.granted(&scopes(&[&format!("repo,{long},,repo")]), &asked),
            scopes(&["repo", "email", "offline_access"])
        );
        // Who asks by the long name is told the long name, and what nobody asked for is not granted in silence.
        assert_eq!(habits.granted(&scopes(&[long]), &scopes(&[long])), scopes(&[long]));
        assert_eq!(
            habits.missing(&scopes(&["email"]), &scopes(&["email", "repo", "api://a/.default"])),
            scopes(&["repo"])
        );
        // A comma belongs to the scope everywhere else (RFC 6749 §3.3).
        assert_eq!(Habits::default().granted(&scopes(&["a,b"]), &[]), scopes(&["a,b"]));
        assert_eq!(Habits::default().missing(&[], &scopes(&["a/.default"])), scopes(&["a/.default"]));
    }
}
