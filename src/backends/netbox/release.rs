//! Which release of NetBox answers, and what came or moved with which (reference: "Version moves").

/// A release, as far as it decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release(pub(super) u16, pub(super) u16);

impl Release {
    /// The newest that is described here: what is taken where nobody says which it is.
    pub(super) const NEWEST: Self = Self(4, 6);
    /// Rows can be read on from an id.
    pub(super) const CURSOR: Self = Self(4, 6);
    /// Tags can be added and taken away without naming the others.
    pub(super) const FEWER_TAGS: Self = Self(4, 6);
    /// A change can be bound to the state of the object that it is of.
    pub(super) const STATES: Self = Self(4, 6);
    /// It says who the person is.
    pub(super) const WHO: Self = Self(4, 5);
    /// A change can carry a message, and the list of types names endpoints.
    pub(super) const MESSAGE: Self = Self(4, 4);
    /// The change log belongs to the core.
    pub(super) const CORE_CHANGES: Self = Self(4, 1);
    /// There is a list of types.
    pub(super) const TYPES: Self = Self(4, 0);

    /// Reads `4.6.8`, `4.6`, `v4.1.3-Docker-3.0`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_however_it_is_written() {
        for (text, release) in [
            ("4.6.8", Some(Release(4, 6))),
            ("v3.7", Some(Release(3, 7))),
            ("4.10.1-Docker-3.2", Some(Release(4, 10))),
            ("four", None),
            ("4", None),
            ("", None),
            ("99999999.1", None),
        ] {
            assert_eq!(Release::parse(text), release, "{text}");
        }
        assert!(Release(4, 10) > Release::CURSOR && Release(3, 7) < Release::TYPES);
    }
}
