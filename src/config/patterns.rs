//! Which tools and prompts of a connection are offered: patterns of their names.

/// What may be offered of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Only these; everything if there are none.
    pub allow: Option<Vec<String>>,
    /// Not these, also where they are allowed.
    pub deny: Vec<String>,
}

impl Patterns {
    /// Whether the tool or prompt that the service calls `own` may be offered under `name`.
    ///
    /// A pattern describes the service's own name, so that what its documentation calls `delete_page` is written so; the
    /// whole name as it is offered counts, too.
    pub fn offer(&self, own: &str, name: &str) -> bool {
        self.allow.as_deref().is_none_or(|allow| first(allow, own, name).is_some()) && self.denying(own, name).is_none()
    }

    /// Whether somebody has named it: without `allow` everything is offered, and nothing is named.
    pub fn name(&self, own: &str, name: &str) -> bool {
        self.allow.as_deref().is_some_and(|allow| first(allow, own, name).is_some())
    }

    /// The pattern that denies it.
    pub fn denying(&self, own: &str, name: &str) -> Option<&str> {
        first(&self.deny, own, name)
    }
}

fn first<'a>(patterns: &'a [String], own: &str, name: &str) -> Option<&'a str> {
    patterns.iter().map(String::as_str).find(|pattern| matches(pattern, own) || *pattern == name)
}

/// Whether `pattern`, in which `*` stands for any text, describes the whole name.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut is_open = false;
    for part in parts {
        is_open = true;
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    let last = pattern.rsplit('*').next().unwrap_or_default();
    if is_open { name.len() >= first.len() + last.len() && name.ends_with(last) } else { rest.is_empty() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*b", "abc", false),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("a*bb*b", "abb", false),
            ("a*b*", "ab", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn without_patterns_everything_is_offered_and_nothing_is_named() {
        let allow = |all: &[&str]| Patterns {
            allow: Some(all.iter().map(|&one| one.to_owned()).collect()),
            ..Patterns::default()
        };
        let open = Patterns::default();
        assert!(open.offer("read", "box_read") && !open.name("read", "box_read"));
        assert!(allow(&["re*"]).name("read", "box_read") && allow(&["box_read"]).name("read", "box_read"));
        assert!(!allow(&[]).name("read", "box_read") && !allow(&["write"]).name("read", "box_read"));
    }

    #[test]
    fn what_is_denied_is_not_allowed_and_both_names_count() {
        let patterns = |allow: Option<&[&str]>, deny: &[&str]| Patterns {
            allow: allow.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
            deny: deny.iter().map(|&one| one.to_owned()).collect(),
        };
        for (allow, deny, own, expected) in [
            (None, &[][..], "read", true),
            (Some(&[][..]), &[], "read", false),
            (Some(&["read*"]), &[], "read_page", true),
            (Some(&["read*"]), &[], "write", false),
            (Some(&["*"]), &["delete_*"], "delete_page", false),
            (Some(&["*"]), &["delete_*"], "read", true),
            (None, &["delete.page"], "delete.page", false),
            (None, &["box_read"], "read", false),
            // The connection's name is no part of what a star stands for.
            (Some(&["*box*"]), &[], "read", false),
            (None, &["b*"], "read", true),
        ] {
            let patterns = patterns(allow, deny);
            assert_eq!(patterns.offer(own, &format!("box_{own}")), expected, "{patterns:?} {own}");
        }
    }
}
