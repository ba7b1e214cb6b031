//! What goes with every request of a connection to its service: headers as `Name: value`, and the names of those whose
//! values are secret and in the store.
//!
//! The file never holds a secret, so a header that seems to be one is refused here. What is kept in the store instead
//! works the same, so it does little harm to take something for a secret that is none.

use http::{HeaderName, HeaderValue};

use super::{Error, written};
use crate::backends::Backend;

/// The headers of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Those that stand in the file.
    pub plain: Vec<(HeaderName, HeaderValue)>,
    /// The names of those whose values are in the store.
    pub secret: Vec<HeaderName>,
}

/// The most headers in the file, and the bytes of all together.
const MOST: usize = 32;
const LARGEST: usize = 8 << 10;
/// The most secret ones.
pub const MOST_SECRET: usize = 8;

/// What HTTP itself says between two neighbours, or about the length and form of a message (RFC 9110 §7.6.1, RFC 9112 §6).
const FRAMING: [&str; 9] =
    ["connection", "expect", "host", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];
/// What says who asks, for what, and in which form: that of each request is for the program to say.
const OWN: [&str; 10] = [
    "accept",
    "accept-encoding",
    "authorization",
    "cookie",
    "cookie2",
    "dpop",
    "last-event-id",
    "origin",
    "range",
    "set-cookie",
];
/// Words that stand in the names of secrets, wherever they stand.
const SECRET: [&str; 11] = [
    "apikey",
    "bearer",
    "cookie",
    "credential",
    "jwt",
    "passphrase",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
];
/// The same for words that mean something else as a part of another word.
const SECRET_WORDS: [&str; 11] =
    ["auth", "authentication", "authn", "authorization", "authz", "key", "keys", "oauth", "otp", "pat", "pwd"];
/// How the tokens and keys begin that people have.
const FORMS: [&str; 24] = [
    "akia",
    "asia",
    "aiza",
    "dop_v1_",
    "eyj",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "nbt_",
    "npm_",
    "pk_",
    "pypi-",
    "rk_",
    "sk-",
    "sk_",
    "tvly-",
    "xapp-",
    "xox",
    "ya29.",
];
/// Ways to show a secret in a header (RFC 9110 §11).
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "dpop", "negotiate", "token"];

/// What is written, checked.
pub(super) fn resolve(
    backend: &Backend,
    connection: &str,
    written: &written::Connection,
    key: &dyn Fn(&str) -> String,
) -> Result<Headers, Error> {
    let mut headers = Headers::default();
    for (last, entries) in [("headers", &written.headers), ("secret_headers", &written.secret_headers)] {
        let wrong = |expected: String| Error::Value { key: key(last), expected };
        // A backend that opens its own sessions does so before there is anything that a header could be attached to.
        if backend.sign_in.is_some() && !entries.is_empty() {
            let name = backend.name;
            return Err(wrong(format!("left out: a login to `{name}` is made of requests that no header is added to")));
        }
        let most = if last == "headers" { MOST } else { MOST_SECRET };
        if entries.len() > most || entries.iter().map(String::len).sum::<usize>() > LARGEST {
            return Err(wrong(format!("a list of at most {most} headers with {LARGEST} bytes together")));
        }
        for entry in entries {
            let known =
                |new: &HeaderName| headers.secret.contains(new) || headers.plain.iter().any(|(known, _)| known == new);
            if last == "secret_headers" {
                let new = name(entry).map_err(|why| wrong(format!("a list of names of headers, and {why}")))?;
                if known(&new) {
                    return Err(wrong(format!("a list in which `{new}` comes once, and not in `headers`, too")));
                }
                headers.secret.push(new);
                continue;
            }
            let (new, value) = entry.split_once(':').ok_or_else(|| wrong(FORM.to_owned()))?;
            let new = name(new).map_err(|why| wrong(format!("a list of `Name: value`, and {why}")))?;
            if sounds_secret(new.as_str()) || looks_secret(value) {
                return Err(Error::SecretHeader { connection: connection.to_owned(), header: new.to_string() });
            }
            if known(&new) {
                return Err(wrong(format!("a list in which `{new}` comes once")));
            }
            let value = value.trim();
            match HeaderValue::from_str(value) {
                Ok(sent) if !value.is_empty() && value.is_ascii() => headers.plain.push((new, sent)),
                _ => return Err(wrong(format!("{FORM}, and `{new}` has no value that a header can carry"))),
            }
        }
    }
    Ok(headers)
}

const FORM: &str = "a list of `Name: value`, where a value with a comma is given as in `[\"Name: one, two\"]`";

/// The name of a header that a person may add. What is wrong with it comes back as a sentence.
pub fn name(text: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(text.trim_start().as_bytes())
        .map_err(|_| "a name has letters, digits and `-` only".to_owned())?;
    let text = name.as_str();
    if FRAMING.contains(&text) || text.starts_with("proxy-") {
        return Err(format!("`{name}` is what HTTP itself sets"));
    }
    let is_own = OWN.contains(&text) || ["content-", "if-", "mcp-"].iter().any(|own| text.starts_with(own));
    match is_own {
        true => Err(format!("`{name}` is what the program itself sets where it is needed")),
        false => Ok(name),
    }
}

/// Whether a header of this name holds a secret as a rule.
fn sounds_secret(name: &str) -> bool {
    let whole: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    SECRET.iter().any(|word| whole.contains(word))
        || name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SECRET_WORDS.contains(&word))
}

/// Whether this is a secret by its form: with a scheme, as one of the keys that people have, or random.
fn looks_secret(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    let mut words = lower.split_whitespace();
    let scheme = words.next().filter(|word| SCHEMES.contains(word));
    if scheme.zip(words.next()).is_some_and(|(scheme, shown)| scheme == "bearer" || shown.len() >= 8) {
        return true;
    }
    let has_form = |word: &str| FORMS.iter().any(|form| word.strip_prefix(form).is_some_and(|rest| rest.len() >= 8));
    let is_random = |run: &str| {
        run.len() >= 24 && run.bytes().any(|c| c.is_ascii_digit()) && run.bytes().any(|c| c.is_ascii_alphabetic())
    };
    // `https://name:password@host`
    let has_password = |word: &str| {
        word.split_once("://").and_then(|(_, rest)| rest.split_once('@')).is_some_and(|(user, _)| user.contains(':'))
    };
    lower.split([' ', ',', ';', '=', '"', '\t', ':']).any(has_form)
        || lower.split_whitespace().any(has_password)
        || lower.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends;

    fn resolved(backend: &str, plain: &[&str], secret: &[&str]) -> Result<Headers, String> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let written =
            written::Connection { headers: owned(plain), secret_headers: owned(secret), ..Default::default() };
        let backend = backends::named(backend).expect("a backend");
        resolve(backend, "box", &written, &|last: &str| last.to_owned()).map_err(|error| error.to_string())
    }

    fn shown(headers: &Headers) -> Vec<String> {
        headers.plain.iter().map(|(name, value)| format!("{name}={}", value.to_str().expect("text"))).collect()
    }

    #[test]
    fn headers_are_read_as_people_write_them() {
        let plain =
            ["X-Team: search", "Accept-Language:de, en;q=0.5", " X-Url:  https://host:8/a=b  ", "X-Plan: Basic"];
        let headers = resolved("remote", &plain, &["X-Api-Key", "x-tenant"]).expect("headers");
        let expected = ["x-team=search", "accept-language=de, en;q=0.5", "x-url=https://host:8/a=b", "x-plan=Basic"];
        assert_eq!(shown(&headers), expected);
        assert_eq!(headers.secret, ["x-api-key", "x-tenant"]);
        assert_eq!(resolved("tavily", &[], &[]), Ok(Headers::default()));
    }

    #[test]
    fn what_is_no_header_comes_twice_or_is_too_much_is_refused() {
        let many: Vec<String> = (0..=MOST).map(|number| format!("X-{number}: v")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let large = format!("X-Large: {}", "a ".repeat(LARGEST / 2));
        for plain in [
            &["no colon"][..],
            &[": v"],
            &["X Team: v"],
            &["X-Team : v"],
            &["X-T\u{e9}am: v"],
            &["X-Team:"],
            &["X-Team: a\r\nX-Evil: 1"],
            &["X-Team: a\nb"],
            &["X-Team: a\0b"],
            &["X-Team: b\u{e9}"],
            &["X-Team: a", "x-team: b"],
            &many,
            &[&large],
        ] {
            let error = resolved("remote", plain, &[]).expect_err("a refusal");
            assert!(error.starts_with("`headers` must be a list"), "{plain:?}: {error}");
        }
        let many: Vec<&str> = many.iter().take(MOST_SECRET + 1).filter_map(|entry| entry.strip_suffix(": v")).collect();
        assert!(resolved("remote", &[], &many[1..]).is_ok());
        for secret in [&["x y"][..], &["x-key: v"], &[""], &["x-key", "X-Key"], &many] {
            let error = resolved("remote", &[], secret).expect_err("a refusal");
            assert!(error.starts_with("`secret_headers` must be a list"), "{secret:?}: {error}");
        }
        let error = resolved("remote", &["X-Team: a"], &["x-team"]).expect_err("a refusal");
        assert_eq!(error, "`secret_headers` must be a list in which `x-team` comes once, and not in `headers`, too");
        let error = resolved("ctera", &["X-Team: a"], &[]).expect_err("a refusal");
        assert!(error.starts_with("`headers` must be left out: a login to `ctera`"), "{error}");
    }

    #[test]
    fn what_http_or_the_program_sets_is_nobody_elses() {
        for own in [
            "Host",
            "Connection",
            "Content-Length",
            "Transfer-Encoding",
            "TE",
            "Trailer",
            "Upgrade",
            "Keep-Alive",
            "Proxy-Authorization",
            "Proxy-Connection",
            "Authorization",
            "Cookie",
            "Set-Cookie",
            "DPoP",
            "Content-Type",
            "Content-Encoding",
            "Accept",
            "Accept-Encoding",
            "Origin",
            "Mcp-Session-Id",
            "MCP-Protocol-Version",
            "Mcp-Param-Team",
            "Last-Event-ID",
            "Range",
            "If-None-Match",
            "Expect",
        ] {
            for name in [own.to_owned(), own.to_ascii_lowercase(), own.to_ascii_uppercase()] {
                let error = resolved("remote", &[&format!("{name}: v")], &[]).expect_err("a refusal");
                assert!(error.contains(&format!("and `{}` is what", own.to_ascii_lowercase())), "{name}: {error}");
                assert!(resolved("remote", &[], &[&name]).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn a_name_or_a_value_that_seems_to_be_a_secret_is_not_for_the_file_and_not_repeated() {
        let random = "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA";
        for entry in [
            "X-Api-Key: v",
            "X-ApiKey: v",
            "api_key: v",
            "X-Key: v",
            "X-Auth: v",
            "X-Auth-Email: v",
            "X-Access-Token: v",
            "X-Client-Secret: v",
            "X-Password: v",
            "X-Credentials: v",
            "X-Session-Id: v",
            "X-Passphrase: v",
            "Ocp-Apim-Subscription-Key: v",
            "PRIVATE-TOKEN: v",
            "X-A: Bearer canary",
            "X-A: bearer canary",
            "X-A: Basic Y2FuYXJ5OmNhbmFyeQ==",
            "X-A: token canary-1",
            "X-A: sk-canary12",
            "X-A: nbt_canary.12",
            "X-A: tvly-dev-canary",
            "X-A: ghp_canary12",
            "X-A: a=xoxb-canary-1",
            "X-A: eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.x",
            "X-A: https://ada:canary@host/",
            &format!("X-A: {random}"),
            &format!("X-A: id={random}"),
            "X-A: 0123456789abcdef0123456789abcdef",
        ] {
            let error = resolved("remote", &[entry], &[]).expect_err(entry);
            assert!(error.contains("seems to be a secret"), "{entry}: {error}");
            assert!(!error.contains("canary") && !error.contains(random), "{error}");
        }
        for entry in [
            "X-Author: ada",
            "X-Keyboard: de",
            "X-Path: /a/b",
            "X-Tenant: 6a0c9d7e-3b1f-4f60-9a57-0d3f6b1c2e4d",
            "X-Version: 2024-10-21",
            "X-Plan: Basic plan",
            "X-Team: the-search-and-research-team-of-2024",
            "X-Url: https://host:8443/a?b=c",
            "X-Mail: ada@example.com",
            "X-Skill: sk-1",
            "X-Order: 12345678901234567890123456",
        ] {
            assert!(resolved("remote", &[entry], &[]).is_ok(), "{entry}");
        }
    }
}
