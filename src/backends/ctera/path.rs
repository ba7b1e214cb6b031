//! Paths of files: as a person writes them, and as the Portal's requests and answers hold them (reference: Portal API,
//! "File paths").
//!
//! A person writes `My Files/100% a#b.txt`; a request holds `/ServicesPortal/webdav/My%20Files/100%25%20a%23b.txt`.

use std::fmt;

use super::Scope;

/// The most characters of a path.
const LONGEST: usize = 4_096;
/// Characters that clients of the Portal do not put into names.
const REFUSED: &[char] = &['\\', '/', ':', '?', '<', '>', '"', '|', '*'];

/// A path below the root of the files, without slashes at its ends: names, none of them empty, `.` or `..`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// Reads what a person or a model wrote; an empty text is the root. The error is the rest of a sentence about it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("is longer than {LONGEST} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("has control characters".to_owned());
        }
        let relative = text.trim_start_matches('/');
        let is_address = text.contains("://") || text.starts_with("//");
        let mut first = relative.split('/');
        let is_prefixed = Scope::ALL.iter().any(|scope| scope.word() == first.clone().next().unwrap_or_default())
            && first.nth(1) == Some("webdav");
        if is_address || is_prefixed {
            return Err(
                "must begin with a folder such as `My Files`, as `list` shows it, not with an address".to_owned()
            );
        }
        let names: Vec<String> = relative.split('/').filter(|name| !name.is_empty()).map(String::from).collect();
        if names.iter().any(|name| name == "." || name == "..") {
            return Err("must not go through `.` or `..`".to_owned());
        }
        Ok(Self(names))
    }

    /// Reads the address of a file in an answer; `None` if it is not one of this part of the Portal.
    pub(super) fn of_href(href: &str, scope: Scope) -> Option<Self> {
        let rest = href.strip_prefix('/')?.strip_prefix(scope.word())?.strip_prefix("/webdav")?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let names: Option<Vec<String>> = rest.split('/').filter(|name| !name.is_empty()).map(decoded).collect();
        let names = names?;
        let is_name = |name: &String| !matches!(name.as_str(), "." | "..") && !name.contains('/');
        names.iter().all(is_name).then_some(Self(names))
    }

    /// As requests hold it; the root has no slash at its end.
    pub(super) fn href(&self, scope: Scope) -> String {
        let mut href = format!("/{}/webdav", scope.word());
        for name in &self.0 {
            href.push('/');
            encode(name, &mut href);
        }
        href
    }

    /// Whether it is the root.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last name; `None` for the root.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The folder it is in; `None` for the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// What `name` is called in this folder.
    pub(super) fn child(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// Itself and the folders it is in, from the top on, without the root.
    pub(super) fn ancestry(&self) -> impl DoubleEndedIterator<Item = Self> + '_ {
        (1..=self.0.len()).map(|count| Self(self.0.iter().take(count).cloned().collect()))
    }

    /// Whether it is `other` or lies within it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// The name for something new, or what is wrong with it as the rest of a sentence.
pub(super) fn new_name(name: &str) -> Result<&str, String> {
    if name.is_empty() || name.trim() != name || matches!(name, "." | "..") {
        return Err("must be a name, without blanks at its ends".to_owned());
    }
    match name.chars().find(|c| REFUSED.contains(c) || c.is_control()) {
        Some(c) if c.is_control() => Err("has control characters".to_owned()),
        Some(c) => Err(format!("holds `{c}`, which no name on the Portal may")),
        None => Ok(name),
    }
}

/// Percent-encodes everything but ASCII letters, digits and `_.-~`.
pub(super) fn encode(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            for half in [byte >> 4, byte & 15] {
                to.push(DIGITS.get(usize::from(half)).copied().map_or('0', char::from));
            }
        }
    }
}

/// Decodes once; `None` if an escape is broken or what it hides is no UTF-8 or a control character.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let half = |digit: Option<u8>| char::from(digit?).to_digit(16);
        plain.push(match byte {
            b'%' => u8::try_from(half(bytes.next())? * 16 + half(bytes.next())?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(plain).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_encoded_as_the_portal_wants_them() {
        let encoded = [
            ("My Files/100% a#b.txt", "/ServicesPortal/webdav/My%20Files/100%25%20a%23b.txt"),
            ("file_100%_done.txt", "/ServicesPortal/webdav/file_100%25_done.txt"),
            ("file_%25_encoded.txt", "/ServicesPortal/webdav/file_%2525_encoded.txt"),
            ("report #1.txt", "/ServicesPortal/webdav/report%20%231.txt"),
            ("file with spaces.txt", "/ServicesPortal/webdav/file%20with%20spaces.txt"),
            ("file_!@#$%^([{.txt", "/ServicesPortal/webdav/file_%21%40%23%24%25%5E%28%5B%7B.txt"),
            ("Übersicht/naïve é.txt", "/ServicesPortal/webdav/%C3%9Cbersicht/na%C3%AFve%20%C3%A9.txt"),
            ("a~b-c_d.e", "/ServicesPortal/webdav/a~b-c_d.e"),
            ("2024", "/ServicesPortal/webdav/2024"),
            ("", "/ServicesPortal/webdav"),
            ("/My Files/", "/ServicesPortal/webdav/My%20Files"),
        ];
        for (text, href) in encoded {
            let path = Path::parse(text).expect("a path");
            assert_eq!(path.href(Scope::User), href);
            assert_eq!(Path::of_href(href, Scope::User), Some(path), "{href}");
        }
        assert_eq!(
            Path::parse("Users/Alice Doe").expect("a path").href(Scope::Admin),
            "/admin/webdav/Users/Alice%20Doe"
        );
    }

    #[test]
    fn a_path_goes_nowhere_else() {
        for bad in [
            "..",
            "a/../b",
            "a/..",
            "./a",
            "a\0b",
            "a\nb",
            "https://evil.example/ServicesPortal/webdav/a",
            "//host/share",
            "/ServicesPortal/webdav/My%20Files",
            "ServicesPortal/webdav/a",
            "/admin/webdav/Users",
            &"a".repeat(5_000),
        ] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
        for bad in [
            "/ServicesPortal/webdav/%2E%2E/a",
            "/ServicesPortal/webdav/a%2Fb",
            "/admin/webdav/a",
            "/ServicesPortal/webdavs/a",
            "/ServicesPortal/webdav/%zz",
            "/ServicesPortal/webdav/%ff",
            "/ServicesPortal/webdav/a%0Ab",
            "https://x/ServicesPortal/webdav/a",
        ] {
            assert_eq!(Path::of_href(bad, Scope::User), None, "{bad}");
        }
    }

    #[test]
    fn a_new_name_is_one_that_the_portal_takes() {
        for good in ["a.txt", "file_!@#$%^([{.txt", "naïve é", "2024", ".hidden", "R&D"] {
            assert_eq!(new_name(good), Ok(good));
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a:b", "a?b", "a|b", "a*b", "a\tb", " a", "a "] {
            assert!(new_name(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(text in "[^\\p{Cc}]*") {
            let mut encoded = String::new();
            encode(&text, &mut encoded);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decoded(&encoded), Some(text));
        }
    }
}
