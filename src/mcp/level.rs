//! How much a log message matters (RFC 5424 §6.2.1, in the words of MCP).

/// From the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// That something went its way.
    Info,
    /// Usual, and worth to be seen.
    Notice,
    /// Something that may lead to an error.
    Warning,
    /// Something failed.
    Error,
    /// A part of the whole failed.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

/// Every level, from the least to the most.
const ALL: [(Level, &str); 8] = [
    (Level::Debug, "debug"),
    (Level::Info, "info"),
    (Level::Notice, "notice"),
    (Level::Warning, "warning"),
    (Level::Error, "error"),
    (Level::Critical, "critical"),
    (Level::Alert, "alert"),
    (Level::Emergency, "emergency"),
];

impl Level {
    /// The level of this word.
    pub fn of(word: &str) -> Option<Self> {
        ALL.into_iter().find(|(_, known)| *known == word).map(|(level, _)| level)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        ALL.into_iter().find(|(level, _)| *level == self).map_or("", |(_, word)| word)
    }

    /// The level in this place of the order.
    pub(super) fn nth(place: u8) -> Option<Self> {
        ALL.get(usize::from(place)).map(|(level, _)| *level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_words_stand_in_order_and_lead_back() {
        let words = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
        let levels = words.map(|word| Level::of(word).expect("a level"));
        assert!(levels.is_sorted() && levels.windows(2).all(|two| two[0] != two[1]));
        assert_eq!(levels.map(Level::word), words);
        assert_eq!([0, 7].map(Level::nth), [Some(Level::Debug), Some(Level::Emergency)]);
        assert_eq!((Level::of("Debug"), Level::of("warn"), Level::of(""), Level::nth(8)), (None, None, None, None));
    }
}
