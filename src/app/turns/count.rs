//! Which turns were handed out when, and the earliest moment of the next one: counting alone, in milliseconds since 1970.
//!
//! Turns are counted in slots. Where few turns are allowed a slot is a millisecond, and the limit is used to the full;
//! where many are, it is a part of the window, so that what is kept stays small, and the limit is kept on the safe side.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::backends::turns::{Rate, TooFar};

/// Up to so many turns each has a slot of its own.
const MOST_EXACT: u32 = 240;
/// The slots of a window in which more are allowed.
const SLOTS: u64 = 24;
/// No window is longer than a year.
const LONGEST: u64 = 366 * 86_400_000;

/// The turns that were handed out, by the name of their rate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Counts(BTreeMap<String, Count>);

/// The turns of one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    /// Two turns that are so far apart have nothing to do with each other.
    window: u64,
    /// How long a slot is.
    width: u64,
    /// Slots in which turns lie, counted from 1970, and how many.
    slots: Vec<(u64, u32)>,
}

/// How late a turn may be used. The windows are longer by this much: turns that are used late, after one that was used
/// in time, are still no more than allowed.
pub(super) fn slack(rate: &Rate) -> u64 {
    (millis(rate.within) / 20).clamp(5, 1000)
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Counts {
    /// Takes the earliest turn in all of these rates that is not before `from`, and says when it is. [`TooFar`], with
    /// nothing taken, if that is after `until`.
    pub(super) fn take(&mut self, rates: &[Rate], from: u64, until: u64) -> Result<u64, TooFar> {
        let mut at = from;
        loop {
            let later = rates.iter().fold(at, |at, rate| self.earliest(rate, at));
            if later == at {
                break;
            }
            at = later;
        }
        let tightest = rates.iter().max_by_key(|rate| self.earliest(rate, from));
        match tightest {
            Some(rate) if at > until => {
                Err(TooFar { rate: *rate, wait: Duration::from_millis(at.saturating_sub(from)) })
            }
            _ => {
                self.add(rates, at);
                Ok(at)
            }
        }
    }

    /// Counts a turn at this moment in all of these rates.
    pub(super) fn add(&mut self, rates: &[Rate], at: u64) {
        for rate in rates {
            let fresh = Count::of(rate);
            let count = self.0.entry(rate.name.to_owned()).or_insert_with(|| fresh.clone());
            if !count.is_like(&fresh) {
                *count = fresh;
            }
            count.add(at / count.width, 1);
        }
    }

    /// Counts what the others have counted, too.
    pub(super) fn merge(&mut self, others: &Self) {
        for (name, other) in &others.0 {
            match self.0.get_mut(name) {
                Some(count) if count.is_like(other) => {
                    other.slots.iter().for_each(|(slot, turns)| count.add(*slot, *turns));
                }
                _ => drop(self.0.insert(name.clone(), other.clone())),
            }
        }
    }

    /// Forgets what no turn from now on has to do with.
    pub(super) fn forget(&mut self, now: u64) {
        for count in self.0.values_mut() {
            let (now, span) = (now / count.width, count.span());
            count.slots.retain(|(slot, _)| slot.saturating_add(span) > now);
        }
        self.0.retain(|_, count| !count.slots.is_empty());
    }

    /// Whether all this can have been counted by somebody who handed out no turn after `latest`.
    pub(super) fn is_plausible(&self, latest: u64) -> bool {
        self.0.values().all(|count| {
            let is_rising = count.slots.iter().zip(count.slots.iter().skip(1)).all(|(one, next)| one.0 < next.0);
            let is_past = |(slot, turns): &(u64, u32)| {
                *turns > 0 && slot.checked_mul(count.width).is_some_and(|start| start <= latest)
            };
            // One that never ends would never be forgotten.
            let is_window = (1..=count.window).contains(&count.width) && count.window <= LONGEST;
            is_window && is_rising && count.slots.iter().all(is_past)
        })
    }

    fn earliest(&self, rate: &Rate, from: u64) -> u64 {
        let count = self.0.get(rate.name).filter(|count| count.is_like(&Count::of(rate)));
        count.map_or(from, |count| count.earliest(rate.most, from))
    }
}

impl Count {
    fn of(rate: &Rate) -> Self {
        let window = millis(rate.within).saturating_add(slack(rate)).min(LONGEST);
        let width = if rate.most <= MOST_EXACT { 1 } else { window.div_ceil(SLOTS - 1).max(1) };
        Self { window, width, slots: Vec::new() }
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.window, self.width) == (other.window, other.width)
    }

    /// In how many slots in a row the turns of one window can lie: it begins and ends inside of a slot.
    fn span(&self) -> u64 {
        self.window.div_ceil(self.width).saturating_add(1)
    }

    fn add(&mut self, slot: u64, turns: u32) {
        match self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
            Ok(at) => {
                self.slots.iter_mut().skip(at).take(1).for_each(|(_, count)| *count = count.saturating_add(turns))
            }
            Err(at) => self.slots.insert(at, (slot, turns)),
        }
    }

    /// The earliest moment from `from` on at which one more turn leaves no window with more than `most`.
    ///
    /// Turns may lie in the future already: who is bound by several rates may have taken one that is far away. So a turn
    /// between others has to keep clear of those behind it, too.
    fn earliest(&self, most: u32, from: u64) -> u64 {
        let (span, first_slot) = (self.span(), from / self.width);
        let mut slot = first_slot;
        for (index, (first, _)) in self.slots.iter().enumerate() {
            let end = first.saturating_add(span);
            let mut turns = 0;
            let mut following = self.slots.iter().skip(index).take_while(|(slot, _)| *slot < end);
            let full = following.find(|(_, more)| {
                turns += u64::from(*more);
                turns >= u64::from(most.max(1))
            });
            // Neighbours are sorted, so nothing before this one closes what lies behind its end.
            if full.is_some_and(|(last, _)| slot.saturating_add(span) > *last) && slot < end {
                slot = end;
            }
        }
        if slot == first_slot { from } else { slot.saturating_mul(self.width) }
    }
}

#[cfg(test)]
mod tests;
