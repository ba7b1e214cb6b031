//! Sorting that is compiled once. The library's is compiled for each kind of thing, three kilobytes every time, and what is
//! sorted here are lists for people: places are sorted, and the things moved afterwards.

use std::cmp::Ordering;

/// Sorts; what compares as equal keeps its order.
pub fn by<T>(all: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..all.len()).collect();
    sort(&mut places, &|one, other| match (all.get(one), all.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    let mut taken: Vec<Option<T>> = all.drain(..).map(Some).collect();
    all.extend(places.into_iter().filter_map(|place| taken.get_mut(place)?.take()));
}

/// The same by a key of each.
pub fn by_key<T, K: Ord>(all: &mut Vec<T>, key: impl Fn(&T) -> K) {
    by(all, |one, other| key(one).cmp(&key(other)));
}

fn sort(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_library_does(given in proptest::collection::vec((0..5_u8, any::<u16>()), 0..60)) {
            let (mut ours, mut theirs) = (given.clone(), given);
            by_key(&mut ours, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(&ours, &theirs);
            by(&mut ours, |(_, one), (_, other)| other.cmp(one));
            theirs.sort_by(|(_, one), (_, other)| other.cmp(one));
            prop_assert_eq!(ours, theirs);
        }
    }
}
