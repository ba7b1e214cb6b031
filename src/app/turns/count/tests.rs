//! Counting turns: no window has more than its rate allows, whatever was asked for when, and nobody waits for nothing.

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000_000;
const SECOND: Rate = Rate { name: "all", most: 4, within: Duration::from_secs(1) };
const MINUTE: Rate = Rate { name: "advisories", most: 30, within: Duration::from_secs(60) };
const DAY: Rate = Rate { name: "advisories-day", most: 5000, within: Duration::from_secs(86_400) };
const HOUR: u64 = 3_600_000;

fn patient(counts: &mut Counts, rates: &[Rate], now: u64) -> u64 {
    counts.take(rates, now, u64::MAX).expect("a turn")
}

/// The most turns of one window of this rate.
fn most_in_a_window(turns: &[u64], within: u64) -> usize {
    let mut turns = turns.to_vec();
    turns.sort_unstable();
    let in_window = |start: &u64| turns.iter().filter(|turn| (*start..*start + within).contains(turn)).count();
    turns.iter().map(in_window).max().unwrap_or_default()
}

#[test]
fn the_first_turns_are_now_and_the_next_ones_when_the_window_has_passed() {
    let mut counts = Counts::default();
    let after: Vec<u64> = (0..9).map(|_| patient(&mut counts, &[SECOND], NOW) - NOW).collect();
    let (second, third) = (1051, 2102);
    assert_eq!(after, [0, 0, 0, 0, second, second, second, second, third]);
}

#[test]
fn a_turn_that_is_too_far_uses_up_nothing_and_names_the_rate_that_is_used_up() {
    let mut counts = Counts::default();
    for turn in 0..30 {
        counts.take(&[SECOND, MINUTE], NOW + turn * 300, NOW + turn * 300).expect("it is free");
    }
    let before = counts.clone();
    let now = NOW + 30 * 300;
    let wait = Duration::from_millis(61_001 - 9_000);
    assert_eq!(counts.take(&[SECOND, MINUTE], now, now + 20_000), Err(TooFar { rate: MINUTE, wait }));
    assert_eq!(counts, before);
    assert_eq!(counts.take(&[SECOND], now, now), Ok(now), "other requests go on");
}

#[test]
fn a_turn_between_others_keeps_clear_of_those_behind_it() {
    let mut counts = Counts::default();
    counts.add(&[SECOND; 1], NOW + 1500);
    (0..3).for_each(|_| counts.add(&[SECOND], NOW + 1600));
    assert_eq!(patient(&mut counts, &[SECOND], NOW), NOW, "long before them");
    assert_eq!(patient(&mut counts, &[SECOND], NOW + 600), NOW + 1600 + 1051 - 100, "it would be the fifth");
}

#[test]
fn five_thousand_a_day_are_kept_in_few_numbers_and_never_exceeded() {
    let mut counts = Counts::default();
    let turns: Vec<u64> = (0..12_000).map(|turn| patient(&mut counts, &[DAY], NOW + turn * 2000)).collect();
    let mut sorted = turns;
    sorted.sort_unstable();
    let day = millis(DAY.within);
    assert!(sorted.windows(5001).all(|turns| turns[5000] - turns[0] >= day));
    let last = sorted.last().expect("turns");
    assert!(last - sorted[0] < 2 * day + 12 * HOUR, "and it is not much slower than it may be");
    counts.forget(*last);
    let text = serde_json::to_string(&counts).expect("JSON");
    assert!(text.len() < 700, "{text}");
}

#[test]
fn what_lies_behind_every_window_is_forgotten() {
    let mut counts = Counts::default();
    patient(&mut counts, &[SECOND, MINUTE], NOW);
    counts.forget(NOW + 1051);
    assert_eq!(counts.0.keys().collect::<Vec<_>>(), ["advisories"]);
    counts.forget(NOW + 61_001);
    assert_eq!(counts, Counts::default());
}

#[test]
fn a_rate_that_has_changed_is_counted_anew_and_one_that_allows_more_goes_on() {
    let mut counts = Counts::default();
    (0..4).for_each(|_| counts.add(&[SECOND], NOW));
    let more = Rate { most: 5, ..SECOND };
    assert_eq!(patient(&mut counts, &[more], NOW), NOW);
    assert_eq!(patient(&mut counts, &[more], NOW), NOW + 1051);
    let other = Rate { within: Duration::from_secs(2), ..SECOND };
    assert_eq!(patient(&mut counts, &[other], NOW), NOW);
}

#[test]
fn what_cannot_have_been_counted_is_told_apart() {
    let counts = |text: &str| serde_json::from_str::<Counts>(text).expect("counts");
    assert!(counts("{}").is_plausible(NOW));
    let mut ours = Counts::default();
    patient(&mut ours, &[SECOND, MINUTE, DAY], NOW);
    assert!(ours.is_plausible(NOW) && !ours.is_plausible(NOW - 1));
    for (window, width, slots) in [
        ("1050", "0", "[[1,1]]"),
        ("1050", "1051", "[[1,1]]"),
        ("0", "1", "[[1,1]]"),
        ("18446744073709551615", "1", "[[1,1]]"),
        ("1050", "1", "[[2,1],[1,1]]"),
        ("1050", "1", "[[1,1],[1,1]]"),
        ("1050", "1", "[[1,0]]"),
        ("1050", "1", "[[18446744073709551615,1]]"),
        ("1050", "1000", "[[18446744073709551615,1]]"),
    ] {
        let text = format!("{{\"a\":{{\"window\":{window},\"width\":{width},\"slots\":{slots}}}}}");
        assert!(!counts(&text).is_plausible(NOW), "{text}");
    }
}

/// One request: how long after the one before, in which rates, and how patient.
#[derive(Clone, Debug)]
struct Asked {
    pause: u64,
    rates: Vec<Rate>,
    patience: u64,
}

fn rates() -> impl Strategy<Value = Vec<Rate>> {
    let one = (1_u32..8, 1_u64..3000, any::<bool>()).prop_map(|(most, within, is_many)| {
        // Both ways of counting.
        let most = if is_many { most + MOST_EXACT } else { most };
        (most, Duration::from_millis(within))
    });
    prop::collection::vec(one, 1..4).prop_map(|rates| {
        let names = ["one", "two", "three"];
        rates.into_iter().zip(names).map(|((most, within), name)| Rate { name, most, within }).collect()
    })
}

fn asked() -> impl Strategy<Value = (Vec<Rate>, Vec<Asked>)> {
    rates().prop_flat_map(|rates| {
        let some = prop::sample::subsequence(rates.clone(), 1..=rates.len());
        let pause = prop_oneof![8 => Just(0), 2 => 1_u64..100, 1 => 1_u64..10_000];
        let patience = prop_oneof![Just(0), 0_u64..2000, Just(600_000)];
        let one = (pause, some, patience).prop_map(|(pause, rates, patience)| Asked { pause, rates, patience });
        (Just(rates), prop::collection::vec(one, 1..700))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_is_exceeded_also_when_turns_are_used_as_late_as_they_may((rates, asked) in asked(), late in any::<u64>()) {
        let mut now = NOW;
        let mut counts = Counts::default();
        let mut used: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut late = late;
        for Asked { pause, rates, patience } in asked {
            now += pause;
            counts.forget(now);
            match counts.take(&rates, now, now + patience) {
                Ok(at) => {
                    prop_assert!((now..=now + patience).contains(&at));
                    // Everybody is late by another time, below what is allowed.
                    late = late.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let least = rates.iter().map(slack).min().expect("a rate");
                    let at = at + (late >> 33) % least;
                    rates.iter().for_each(|rate| used.entry(rate.name).or_default().push(at));
                }
                Err(TooFar { rate, wait }) => {
                    prop_assert!(rates.contains(&rate) && millis(wait) > patience);
                    // It is true: after that time there is a turn at once.
                    let then = now + millis(wait);
                    prop_assert_eq!(counts.clone().take(&rates, then, then), Ok(then));
                }
            }
        }
        for rate in rates {
            let turns = used.get(rate.name).map_or(&[][..], Vec::as_slice);
            prop_assert!(most_in_a_window(turns, millis(rate.within)) <= rate.most as usize, "{rate:?}");
        }
    }

    #[test]
    fn counts_that_anybody_may_have_written_neither_crash_nor_block_for_longer_than_a_window(
        slots in prop::collection::btree_map(NOW - 5000..NOW + 5000, 1_u32..1000, 0..200),
        width in 1_u64..2000,
    ) {
        let slots = slots.into_iter().collect::<Vec<_>>();
        let mut counts = Counts(BTreeMap::from([("all".to_owned(), Count { window: 1050, width, slots })]));
        let at = patient(&mut counts, &[SECOND], NOW);
        prop_assert!(at <= NOW + 5000 + 1051);
        counts.forget(NOW);
        let _ = counts.is_plausible(NOW);
    }
}
