//! `WWW-Authenticate` (RFC 9110 §11.6.1): several headers, several challenges in each, commas inside quotes.

use http::{HeaderMap, header};

/// One challenge: a scheme and its parameters as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether a token of ours could answer it.
    pub(super) fn wants_token(&self) -> bool {
        ["bearer", "dpop"].iter().any(|scheme| self.scheme.eq_ignore_ascii_case(scheme))
    }

    /// The parameter; `None` if it is missing, empty, or written twice, because then nobody knows which one counts.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}

/// All challenges of an answer, in order. What cannot be read ends its header, not the others.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
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
