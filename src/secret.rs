//! Values that must not be seen: tokens, codes, verifiers, keys.
//!
//! A [`Secret`] has no `Display`, no `Serialize` and no `==`; its `Debug` says that there is one. The single way out
//! is [`Secret::expose`], and the tidy test lists the files that may call it.

use std::fmt;

use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A text that is wiped when dropped and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Each call site is a place where a secret can leave: the tidy test counts them.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares without telling, by the time it takes, where two secrets of one length differ.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// A stranger's text without this secret, which it may repeat or, having been cut, end in the middle of; `None` if it
    /// does neither. What is shorter than a word says nothing about anybody.
    pub fn hidden_in(&self, text: &str) -> Option<String> {
        const SHORTEST: usize = 8;
        if self.0.len() < SHORTEST {
            return None;
        }
        let is_in = memchr::memmem::find(text.as_bytes(), self.0.as_bytes()).is_some();
        let whole = is_in.then(|| text.replace(self.0.as_str(), HIDDEN));
        let rest = whole.as_deref().unwrap_or(text);
        let rest = rest.strip_suffix('…').unwrap_or(rest);
        let kept = (SHORTEST..self.0.len()).rev().find_map(|end| rest.strip_suffix(self.0.get(..end)?));
        kept.map(|kept| kept.to_owned() + HIDDEN).or(whole)
    }

    /// As [`Secret::matches`], for two secrets.
    pub fn equals(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

/// What stands where a secret was.
const HIDDEN: &str = "[secret]";

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Bytes on their way to or from a store or a connection; wiped when dropped.
pub fn wipe(mut bytes: Vec<u8>) {
    bytes.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        let secret = Secret::new("tvly-canary");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[secret] Some([secret])");
    }

    #[test]
    fn a_strangers_text_loses_the_secret_and_its_beginning_at_the_end() {
        let secret = Secret::new("tvly-canary");
        for (text, expected) in [
            ("tvly-canary", Some("[secret]")),
            ("key tvly-canary, and tvly-canary again", Some("key [secret], and [secret] again")),
            ("cut in tvly-can", Some("cut in [secret]")),
            ("cut in tvly-can…", Some("cut in [secret]")),
            ("tvly-canary tvly-canar", Some("[secret] [secret]")),
            ("tvly-can is not the end", None),
            ("cut in tvly-ca", None),
            ("", None),
        ] {
            assert_eq!(secret.hidden_in(text).as_deref(), expected, "{text}");
        }
        assert_eq!(Secret::new("").hidden_in("text"), None);
        assert_eq!(Secret::new("ada").hidden_in("ada"), None);
    }

    #[test]
    fn matching_needs_the_whole_text() {
        let secret = Secret::new("abc");
        assert!(secret.matches("abc"));
        for other in ["", "ab", "abcd", "ABC", "abc "] {
            assert!(!secret.matches(other), "{other:?}");
        }
    }
}
