//! `WWW-Authenticate` (RFC 9110 §11.6.1): several headers, several challenges in each, commas inside quotes; and what a
//! challenge to a good token asks for (RFC 6750 §3.1, RFC 9470 §3).

use http::{HeaderMap, header};

/// One challenge: a scheme and its parameters as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether only a token that is bound to a key could answer it.
    pub fn wants_proof(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("dpop")
    }

    /// Whether a token of ours could answer it.
    pub fn wants_token(&self) -> bool {
        ["bearer", "dpop"].iter().any(|scheme| self.scheme.eq_ignore_ascii_case(scheme))
    }

    /// The parameter; `None` if it is missing, empty, or written twice, because then nobody knows which one counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}

/// What a service wants of the login besides a good token: only the person can give it, in another login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepUp {
    /// The token may do too little (RFC 6750 §3.1, `insufficient_scope`).
    Scopes {
        /// What it must be allowed, as far as the service says so.
        scopes: Vec<String>,
    },
    /// The person must prove who they are more strongly, or again (RFC 9470, `insufficient_user_authentication`).
    Person {
        /// In one of these ways.
        acr_values: Vec<String>,
        /// At most that many seconds ago.
        max_age: Option<u64>,
    },
}

/// The most scopes or ways that one challenge may ask for; more of them is no request but noise.
const MOST: usize = 50;

impl StepUp {
    /// What the challenges of an answer ask for besides a good token, if they do.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let all = challenges(headers);
        all.iter().filter(|challenge| challenge.wants_token()).find_map(|challenge| match challenge.get("error")? {
            "insufficient_scope" => Some(Self::Scopes { scopes: words(challenge.get("scope")) }),
            "insufficient_user_authentication" => Some(Self::Person {
                acr_values: words(challenge.get("acr_values")),
                max_age: challenge.get("max_age").and_then(|age| age.parse().ok()),
            }),
            _ => None,
        })
    }
}

/// Each word once, in order. What could not be sent in a request is left out.
fn words(text: Option<&str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.unwrap_or_default().split_ascii_whitespace() {
        if found.len() < MOST && word.bytes().all(is_scope) && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

/// Those of these words that can be scopes, each once: whoever writes them is a stranger, and people read them.
pub fn scopes<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    all.flat_map(|text| words(Some(text))).fold(Vec::new(), |mut found, scope| {
        if found.len() < MOST && !found.contains(&scope) {
            found.push(scope);
        }
        found
    })
}

/// A character of a scope (RFC 6749 §3.3).
fn is_scope(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

/// All challenges of an answer, in order. What cannot be read ends its header, not the others.
pub fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.flat_map(|value| Reader(value.as_bytes()).read()).collect()
}

/// The rest of a header.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn read(mut self) -> Vec<Challenge> {
        let mut found: Vec<Challenge> = Vec::new();
        loop {
            self.skip(|byte| is_space(byte) || byte == b',');
            let Some(word) = self.token() else { return found };
            match (self.value(), found.last_mut()) {
                (Value::Is(value), Some(challenge)) => challenge.parameters.push((word, value)),
                (Value::None, _) => {
                    self.token68();
                    found.push(Challenge { scheme: word, parameters: Vec::new() });
                }
                (Value::Is(_), None) | (Value::Broken, _) => return found,
            }
        }
    }

    fn skip(&mut self, unwanted: impl Fn(u8) -> bool) {
        while let Some((byte, rest)) = self.0.split_first()
            && unwanted(*byte)
        {
            self.0 = rest;
        }
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| !wanted(*byte)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    fn token(&mut self) -> Option<String> {
        self.take(is_token).map(|word| String::from_utf8_lossy(word).into_owned())
    }

    /// What follows a word: `= value` makes it a parameter.
    fn value(&mut self) -> Value {
        let before = self.0;
        self.skip(is_space);
        let Some((b'=', rest)) = self.0.split_first() else {
            self.0 = before;
            return Value::None;
        };
        self.0 = rest;
        self.skip(is_space);
        match self.0.split_first() {
            Some((b'"', rest)) => {
                self.0 = rest;
                self.quoted().map_or(Value::Broken, Value::Is)
            }
            // An empty value is wrong and harmless.
            _ => Value::Is(self.token().unwrap_or_default()),
        }
    }

    fn quoted(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    text.push(*escaped);
                }
                other => text.push(*other),
            }
        }
    }

    /// Credentials-like data of other schemes, such as `Negotiate YII=`: read past, so that it is not a scheme itself.
    fn token68(&mut self) {
        let before = self.0;
        self.skip(is_space);
        let word = self.take(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        self.skip(|byte| byte == b'=');
        let end = self.0;
        self.skip(is_space);
        if word.is_none() || !matches!(self.0.first(), None | Some(b',')) {
            self.0 = before;
        } else {
            self.0 = end;
        }
    }
}

enum Value {
    Is(String),
    None,
    Broken,
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Vec<(String, Vec<(String, String)>)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().expect("a header value"));
        }
        challenges(&headers).into_iter().map(|challenge| (challenge.scheme, challenge.parameters)).collect()
    }

    fn of(scheme: &str, parameters: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
        (scheme.to_owned(), parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn one_header_may_hold_several_challenges() {
        assert_eq!(
            read(&["Basic realm=\"a, b\", Bearer error=invalid_token , scope=\"r:1 r:2\" ,, DPoP algs=\"ES256\""]),
            [
                of("Basic", &[("realm", "a, b")]),
                of("Bearer", &[("error", "invalid_token"), ("scope", "r:1 r:2")]),
                of("DPoP", &[("algs", "ES256")]),
            ]
        );
    }

    #[test]
    fn several_headers_are_read_in_order() {
        assert_eq!(
            read(&["Negotiate", "Negotiate YIIab+/==, Bearer", "bearer resource_metadata=\"https://r.example/m\""]),
            [
                of("Negotiate", &[]),
                of("Negotiate", &[]),
                of("Bearer", &[]),
                of("bearer", &[("resource_metadata", "https://r.example/m")]),
            ]
        );
    }

    #[test]
    fn quotes_and_escapes_are_undone() {
        assert_eq!(
            read(&[r#"Bearer realm="say \"hi\", Bearer x=\"y\"", scope = "a\\b""#]),
            [of("Bearer", &[("realm", r#"say "hi", Bearer x="y""#), ("scope", "a\\b")])]
        );
    }

    #[test]
    fn what_cannot_be_read_ends_its_header_only() {
        assert_eq!(
            read(
                &["Bearer realm=\"unfinished", "=x", "a=\"b\"", "Bearer scope=x \u{7f}"]
                    .map(|v| v.trim_end_matches('\u{7f}'))
            ),
            [of("Bearer", &[]), of("Bearer", &[("scope", "x")])]
        );
    }

    #[test]
    fn a_repeated_parameter_counts_as_missing() {
        let mut headers = HeaderMap::new();
        headers
            .append(header::WWW_AUTHENTICATE, "Bearer scope=a, SCOPE=b, error=\"\"".parse().expect("a header value"));
        let found = challenges(&headers);
        assert_eq!(found.iter().map(|c| (c.get("scope"), c.get("error"))).collect::<Vec<_>>(), [(None, None)]);
    }

    fn asked(values: &[&str]) -> Option<StepUp> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().expect("a header value"));
        }
        StepUp::of(&headers)
    }

    fn scopes(scopes: &[&str]) -> Option<StepUp> {
        Some(StepUp::Scopes { scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect() })
    }

    #[test]
    fn a_challenge_tells_which_scopes_are_missing() {
        for (values, expected) in [
            (&["Bearer error=\"insufficient_scope\", scope=\"a b a  c\""][..], scopes(&["a", "b", "c"])),
            (&["DPoP algs=\"ES256\", error=insufficient_scope, scope=a"], scopes(&["a"])),
            (&["Bearer error=\"insufficient_scope\""], scopes(&[])),
            (&["Bearer realm=\"x\"", "Bearer error=\"insufficient_scope\", scope=\"a\""], scopes(&["a"])),
            (&["Bearer error=\"insufficient_scope\", scope=\"a \\\"b é c\""], scopes(&["a", "c"])),
            (&["Bearer error=\"invalid_token\", scope=\"a\""], None),
            (&["Bearer scope=\"a\""], None),
            (&["Bearer realm=\"error=insufficient_scope, scope=a\""], None),
            (&["Basic error=\"insufficient_scope\", scope=\"a\""], None),
            (&["Bearer error=insufficient_scope, error=invalid_token, scope=a"], None),
            (&[], None),
        ] {
            assert_eq!(asked(values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_challenge_tells_how_the_person_must_prove_themselves() {
        let person = |acr: &[&str], max_age| {
            Some(StepUp::Person { acr_values: acr.iter().map(|way| (*way).to_owned()).collect(), max_age })
        };
        for (rest, expected) in [
            (", acr_values=\"urn:strong phr\", max_age=\"5\"", person(&["urn:strong", "phr"], Some(5))),
            (", max_age=0", person(&[], Some(0))),
            (", max_age=-1", person(&[], None)),
            ("", person(&[], None)),
        ] {
            assert_eq!(
                asked(&[&format!("Bearer error=\"insufficient_user_authentication\"{rest}")]),
                expected,
                "{rest}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_without_harm(value in proptest::collection::vec(32_u8..=255, 0..200)) {
            proptest::prop_assume!(!value.contains(&127));
            let mut headers = HeaderMap::new();
            headers.insert(header::WWW_AUTHENTICATE, http::HeaderValue::from_bytes(&value).expect("a header value"));
            let found = challenges(&headers);
            proptest::prop_assert!(found.iter().all(|challenge| !challenge.scheme.is_empty()));
        }

        #[test]
        fn what_is_quoted_comes_back(values in proptest::collection::vec("[ -~]{1,30}", 1..4)) {
            let quote = |text: &String| text.replace('\\', "\\\\").replace('"', "\\\"");
            let parameters: Vec<String> =
                values.iter().enumerate().map(|(n, value)| format!("p{n}=\"{}\"", quote(value))).collect();
            let mut headers = HeaderMap::new();
            let text = format!("Basic realm=\"x\", Bearer {}", parameters.join(", "));
            headers.insert(header::WWW_AUTHENTICATE, text.parse().expect("a header value"));
            let found = challenges(&headers);
            proptest::prop_assert_eq!(found.len(), 2);
            for (n, value) in values.iter().enumerate() {
                proptest::prop_assert_eq!(found[1].get(&format!("P{n}")), Some(value.as_str()));
            }
        }
    }
}
