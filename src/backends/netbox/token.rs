//! Tokens of NetBox (reference: "Tokens"): which version one is of is told by its shape, and so is the word before it in
//! the header. What cannot be one is refused in words before it is sent anywhere.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// What a token of version 2 begins with.
const MARK: &str = "nbt_";
/// Characters of the key of one, which is no secret.
const KEY: usize = 12;
/// Characters of a token of version 1, and of what follows the key in one of version 2.
const LENGTH: usize = 40;

/// Characters of its end that a list of NetBox shows of a token of version 1.
const SHOWN: usize = 6;

/// A token that can be one.
#[derive(Clone, Debug)]
pub(super) struct Token {
    text: Secret,
    is_v2: bool,
}

/// What the store keeps.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    token: T,
    /// Its number at NetBox, where keyward had it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

/// A token that was kept, and its number where keyward had it made.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) token: Token,
    pub(super) id: Option<u64>,
}

impl Token {
    /// Reads what somebody pasted; the error says what is wrong with it.
    pub(super) fn read(pasted: &Secret) -> Result<Self, &'static str> {
        let text = pasted.expose().trim();
        let lower = text.get(..14).unwrap_or(text).to_ascii_lowercase();
        if ["authorization", "token ", "bearer "].iter().any(|head| lower.starts_with(head)) {
            return Err("it is a header: paste the token alone, without the words before it");
        }
        if text.is_empty() {
            return Err("it is empty");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`<>".contains(&byte)) {
            return Err("it has blanks, quotes or other characters that no token has");
        }
        let is_v2 = match text.strip_prefix(MARK) {
            Some(rest) => {
                second(rest)?;
                true
            }
            None if text.split('.').count() == 3 => {
                return Err("it looks like a token of an identity provider, and NetBox takes its own only");
            }
            None if second(text).is_ok() => return Err("the `nbt_` at its beginning is missing"),
            None if text.len() != LENGTH => {
                return Err("it has neither the 40 characters of a token of version 1 nor the `nbt_` of version 2");
            }
            None => false,
        };
        Ok(Self { text: Secret::new(text), is_v2 })
    }

    /// The word before it in the header.
    pub(super) fn keyword(&self) -> &'static str {
        if self.is_v2 { "Bearer" } else { "Token" }
    }

    /// The token itself.
    pub(super) fn text(&self) -> Secret {
        self.text.clone()
    }

    /// The header's whole value.
    pub(super) fn header(&self) -> Secret {
        Secret::new(format!("{} {}", self.keyword(), self.text.expose()))
    }

    /// Whether this is how NetBox shows the token: whole, or its end behind stars.
    pub(super) fn ends_as(&self, shown: &str) -> bool {
        let end = shown.trim_start_matches('*');
        end.len() >= SHOWN && self.text.expose().ends_with(end)
    }

    /// The key of a token of version 2, by which NetBox lists it.
    pub(super) fn key(&self) -> Option<&str> {
        self.text.expose().strip_prefix(MARK)?.split('.').next()
    }
}

/// Whether this is what follows the mark in a token of version 2.
fn second(rest: &str) -> Result<(), &'static str> {
    let Some((key, token)) = rest.split_once('.') else {
        return Err(
            "a token that begins with `nbt_` has a dot in it, and behind the dot the part that is shown once only",
        );
    };
    let is_plain =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain(key, KEY) && is_plain(token, LENGTH) {
        true => Ok(()),
        false => Err("a token of version 2 is `nbt_`, 12 characters, a dot and 40 characters, and this one is not"),
    }
}

impl Kept {
    /// For the store.
    pub(super) fn encode(&self) -> Secret {
        Self::written(&self.token.text, self.id)
    }

    /// The same for a text that may be no token.
    pub(super) fn written(token: &Secret, id: Option<u64>) -> Secret {
        let written = Written { token: token.expose(), id };
        Secret::new(serde_json::to_string(&written).unwrap_or_default())
    }

    /// From the store; the error says why it is none.
    pub(super) fn decode(stored: &Secret) -> Result<Self, &'static str> {
        let Written { token, id } = serde_json::from_str::<Written<Secret>>(stored.expose())
            .map_err(|_| "what is kept was not written by this program")?;
        Ok(Self { token: Token::read(&token)?, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "0123456789abcdef0123456789abcdef01234567";
    const V2: &str = "nbt_Canary123456.0123456789abcdefABCDEF0123456789abcdefAB";

    fn read(text: &str) -> Result<String, &'static str> {
        Token::read(&Secret::new(text)).map(|token| token.header().expose().to_owned())
    }

    #[test]
    fn the_shape_decides_the_word_before_the_token() {
        assert_eq!(read(V1), Ok(format!("Token {V1}")));
        assert_eq!(read(&format!(" {V2}\r\n")), Ok(format!("Bearer {V2}")));
        let token = |text: &str| Token::read(&Secret::new(text)).expect("a token");
        assert_eq!((token(V1).key(), token(V2).key()), (None, Some("Canary123456")));
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_with_what_is_wrong() {
        let rest = V2.trim_start_matches(MARK);
        for (text, why) in [
            (String::new(), "empty"),
            (" \n".to_owned(), "empty"),
            (format!("Authorization: Token {V1}"), "header"),
            (format!("Token {V1}"), "header"),
            (format!("bearer {V2}"), "header"),
            ("nbt_Canary123456".to_owned(), "dot"),
            (format!("{V2}0"), "12 characters"),
            (V2.trim_end_matches('B').to_owned(), "12 characters"),
            (format!("nbt_short.{V1}"), "12 characters"),
            (V2.replace('C', "-"), "12 characters"),
            (rest.to_owned(), "missing"),
            (format!("{V1}0"), "neither"),
            ("abc".to_owned(), "neither"),
            (format!("\"{V1}\""), "quotes"),
            (V1.replace('4', " "), "blanks"),
            (V1.replace('4', "é"), "blanks"),
            (format!("{V1}\nX-Evil: 1"), "blanks"),
            ("eyJh.eyJz.c2ln".to_owned(), "identity provider"),
        ] {
            let said = read(&text).expect_err(&text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_kept_is_read_back_and_shown_to_nobody() {
        for id in [None, Some(7)] {
            let kept = Kept { token: Token::read(&Secret::new(V2)).expect("a token"), id };
            let again = Kept::decode(&kept.encode()).expect("as it was");
            assert_eq!((again.token.header().expose(), again.id), (kept.token.header().expose(), id));
            assert!(!format!("{again:?}").contains("Canary"), "{again:?}");
        }
        for stored in ["", V1, "{}", r#"{"token":"short"}"#] {
            assert!(Kept::decode(&Secret::new(stored)).is_err(), "{stored}");
        }
    }
}
