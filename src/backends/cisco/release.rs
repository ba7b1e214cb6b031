//! Releases of Cisco's operating systems, compared part by part: `15.6(03)M00a` is the same as `15.6(3)M0a`.

use std::cmp::Ordering;

/// A release, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Number(u64),
    Letters(String),
}

impl Release {
    /// Reads digits and letters in turn; everything between them only separates. `None` if there is no digit.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            let alike = |c: char| c.is_ascii_digit() == first.is_ascii_digit() && c.is_ascii_alphanumeric();
            let end = rest.find(|c: char| !alike(c)).unwrap_or(rest.len());
            let (part, behind) = rest.split_at(end.max(first.len_utf8()));
            rest = behind;
            if first.is_ascii_digit() {
                parts.push(Part::Number(part.parse().unwrap_or(u64::MAX)));
            } else if first.is_ascii_alphabetic() {
                parts.push(Part::Letters(part.to_ascii_lowercase()));
            }
        }
        parts.iter().any(|part| matches!(part, Part::Number(_))).then_some(Self(parts))
    }

    /// The order of two releases of one train. `None` if letters stand where the other has a number: releases of
    /// different trains (`15.2(7)E3` and `15.2(4)S`) have no order that could be trusted.
    pub(super) fn compared(&self, other: &Self) -> Option<Ordering> {
        // Letters in front of a number name a train or a kind of hardware.
        if self.letters() != other.letters() {
            return self.majors(other);
        }
        let mut ours = self.0.iter();
        let mut theirs = other.0.iter();
        // A difference before the train decides only if the trains are the same or there is none.
        let mut decided = Ordering::Equal;
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Some(decided),
                (Some(Part::Number(a)), Some(Part::Number(b))) => decided = decided.then(a.cmp(b)),
                (Some(Part::Letters(a)), Some(Part::Letters(b))) => match (a == b, is_rebuild(a) && is_rebuild(b)) {
                    (true, _) => {}
                    // `17.9.4a` and `17.9.4b`: rebuilds of one release.
                    (false, true) => decided = decided.then(a.cmp(b)),
                    (false, false) if decided == Ordering::Equal => return None,
                    // Another train of another major release: the number in front decides.
                    (false, false) => return self.majors(other),
                },
                // `17.9.4` and `17.9.4a`, `17.9` and `17.9.4`: what has more is newer.
                (None, Some(_)) => return Some(decided.then(Ordering::Less)),
                (Some(_), None) => return Some(decided.then(Ordering::Greater)),
                // `17.9a` and `17.9.4`
                (Some(Part::Letters(_)), Some(Part::Number(_))) if decided == Ordering::Equal => return None,
                (Some(Part::Number(_)), Some(Part::Letters(_))) if decided == Ordering::Equal => return None,
                _ => return self.majors(other),
            }
        }
    }

    /// The order by the first two numbers alone, where they differ.
    fn majors(&self, other: &Self) -> Option<Ordering> {
        Some(self.head().cmp(&other.head())).filter(|order| order.is_ne())
    }

    /// Whether both have the same first two numbers and the same letters in front of a number: `7.3(0)D1(1)` and
    /// `7.3(0)N1(1)` are for different hardware.
    pub(super) fn is_of_train(&self, other: &Self) -> bool {
        self.head() == other.head() && self.letters() == other.letters()
    }

    fn letters(&self) -> Vec<&str> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        let trains = pairs.filter_map(|pair| match pair {
            (Part::Letters(letters), Part::Number(_)) => Some(letters.as_str()),
            _ => None,
        });
        trains.collect()
    }

    fn head(&self) -> Vec<u64> {
        let numbers = self.0.iter().filter_map(|part| match part {
            Part::Number(number) => Some(*number),
            Part::Letters(_) => None,
        });
        numbers.take(2).collect()
    }
}

/// One or two letters at the end of a release name its rebuild; a train has upper-case letters in other places, which
/// are not told apart here from a rebuild of one letter: those are compared by their numbers alone.
fn is_rebuild(letters: &str) -> bool {
    letters.len() == 1 && letters.chars().all(|c| c.is_ascii_lowercase()) && !TRAINS.contains(&letters)
}

/// Trains of one letter (IOS): early deployment, maintenance and service provider trains.
const TRAINS: &[&str] = &["e", "m", "s", "t", "y", "x"];

/// Whether two texts name the same release.
pub(super) fn same(one: &str, other: &str) -> bool {
    match (Release::of(one), Release::of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim().eq_ignore_ascii_case(other.trim()),
    }
}

/// Whether a release is free of what these releases fixed, as far as its own train says: a fix in another train says
/// nothing, since fixes are carried over to older trains, too. `None` if its own train has no fix.
pub(super) fn is_fixed_at(fixes: &[String], version: &Release) -> Option<bool> {
    let fixes = fixes.iter().filter_map(|fix| Release::of(fix));
    let own: Vec<bool> =
        fixes.filter(|fix| fix.is_of_train(version)).filter_map(|fix| Some(fix.compared(version)?.is_le())).collect();
    (!own.is_empty()).then(|| own.contains(&true))
}

/// The other spelling that bug records use for a release: `17.9.4` for `17.09.04` and the other way round. `None` if it
/// has no other.
pub(super) fn other_spelling(release: &str) -> Option<String> {
    // `17.09.04`, but `15.6(03)M00a`: where there are parentheses, what stands before them is never padded.
    let first_padded = release.find('(').unwrap_or_default();
    let (mut padded, mut plain) = (String::new(), String::new());
    let mut rest = release;
    while let Some(first) = rest.chars().next() {
        let at = release.len().saturating_sub(rest.len());
        let end = if first.is_ascii_digit() {
            rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (part, behind) = rest.split_at(end);
        rest = behind;
        if first.is_ascii_digit() {
            let bare = part.trim_start_matches('0');
            let bare = if bare.is_empty() { "0" } else { bare };
            // The first number is never padded.
            let wide = if padded.is_empty() || at < first_padded { bare.to_owned() } else { format!("{bare:0>2}") };
            padded.push_str(&wide);
            plain.push_str(bare);
        } else {
            padded.push(first);
            plain.push(first);
        }
    }
    [plain, padded].into_iter().find(|spelling| spelling != release)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(one: &str, other: &str) -> Option<Ordering> {
        Release::of(one).expect("a release").compared(&Release::of(other).expect("a release"))
    }

    #[test]
    fn releases_compare_part_by_part() {
        use Ordering::{Equal, Greater, Less};
        for (one, other, expected) in [
            ("17.9.4", "17.9.4", Some(Equal)),
            ("17.09.04", "17.9.4", Some(Equal)),
            ("17.9.4", "17.12.1", Some(Less)),
            ("17.9.4a", "17.9.4", Some(Greater)),
            ("17.9.4a", "17.9.4b", Some(Less)),
            ("17.9.4a", "17.9.5", Some(Less)),
            ("9.3(7)", "9.3(10)", Some(Less)),
            ("7.0(3)F1(1)", "7.0(3)F2(1)", Some(Less)),
            ("15.6(03)M00a", "15.6(3)M0a", Some(Equal)),
            ("15.2(7)E3", "15.2(7)E4", Some(Less)),
            ("15.2(7)E3", "15.2(4)S", None),
            ("12.2(55)SE", "15.0(2)SE", Some(Less)),
            ("12.2(33)SXI", "15.1(1)T", Some(Less)),
            ("9.16(4)", "9.16(4)27", Some(Less)),
        ] {
            assert_eq!(order(one, other), expected, "{one} {other}");
            assert_eq!(order(other, one), expected.map(Ordering::reverse), "{other} {one}");
        }
        assert_eq!(Release::of("latest"), None);
    }

    #[test]
    fn only_a_fix_in_the_own_train_decides() {
        let fixed = |fixes: &[&str], version: &str| {
            let fixes: Vec<String> = fixes.iter().map(|fix| (*fix).to_owned()).collect();
            is_fixed_at(&fixes, &Release::of(version).expect("a release"))
        };
        assert_eq!(fixed(&["17.9.5", "17.12.1"], "17.9.4a"), Some(false));
        assert_eq!(fixed(&["17.9.5", "17.12.1"], "17.12.4"), Some(true));
        for (fixes, version) in [
            (["17.9.4", "17.12.1"], "17.10.1a"),
            (["17.3.8", "17.12.1"], "17.9.4a"),
            (["9.12(4)67", "9.16(4)57"], "9.14(4)24"),
            (["7.3(0)D1(1)", "x"], "7.3(0)N1(1)"),
            (["6.0(2)A8(11)", "x"], "6.0(2)U6(2)"),
            (["7.0(3)F3(4)", "x"], "7.0(3)I7(5)"),
        ] {
            assert_eq!(fixed(&fixes, version), None, "{fixes:?} {version}");
        }
        assert_eq!(fixed(&[], "17.9.4a"), None);
    }

    #[test]
    fn other_spellings_name_the_same_release() {
        for (given, expected) in [
            ("17.9.4", Some("17.09.04")),
            ("17.09.04a", Some("17.9.4a")),
            ("15.6(03)M00a", Some("15.6(3)M0a")),
            ("9.3(7)", Some("9.3(07)")),
            ("15.6(3)M0a", Some("15.6(03)M00a")),
            ("12.2(55)SE3", Some("12.2(55)SE03")),
            ("17.12.10", None),
        ] {
            assert_eq!(other_spelling(given).as_deref(), expected, "{given}");
        }
    }

    proptest! {
        #[test]
        fn the_order_turns_with_its_sides(one in "[0-9a-c.()]{1,10}", other in "[0-9a-c.()]{1,10}") {
            if let (Some(a), Some(b)) = (Release::of(&one), Release::of(&other)) {
                prop_assert_eq!(a.compared(&b), b.compared(&a).map(Ordering::reverse));
                prop_assert_eq!(a.compared(&a), Some(Ordering::Equal));
            }
        }

        #[test]
        fn another_spelling_is_the_same_release(text in "[0-9]{1,2}(\\.[0-9]{1,2}){0,3}[a-c]?") {
            if let Some(other) = other_spelling(&text) {
                prop_assert!(same(&text, &other), "{} {}", text, other);
            }
        }
    }
}
