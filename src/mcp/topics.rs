//! The addresses that somebody watches. The server hears of the first who does and of the last who did, one thing about
//! one address at a time: whoever comes or goes meanwhile is counted, and what follows from it is told afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use super::news::NewsSender;

/// How many addresses are watched at once.
const MOST: usize = 10_000;

/// Who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The legacy client.
    Legacy,
    /// The listening request of this number.
    Listen(u64),
}

/// Something that the server is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) uri: Arc<str>,
    /// Whether it begins to be watched, or ends.
    pub(super) wanted: bool,
}

/// What came of wanting to watch an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// It is watched already.
    Now(Arc<str>),
    /// The server has to be asked.
    Later(Arc<str>),
    /// There are too many.
    Full,
}

#[derive(Debug, Default)]
pub(super) struct Topics {
    topics: HashMap<Arc<str>, Topic>,
    due: Vec<Turn>,
    news: NewsSender,
}

#[derive(Debug)]
struct Topic {
    holders: Vec<Holder>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Beginning,
    On,
    Ending,
}

impl Topics {
    pub(super) fn new(news: NewsSender) -> Self {
        Self { news, ..Self::default() }
    }

    pub(super) fn join(&mut self, uri: &str, holder: Holder) -> Joined {
        let key = self.topics.get_key_value(uri).map(|(key, _)| Arc::clone(key));
        if let (Some(uri), Some(topic)) = (key, self.topics.get_mut(uri)) {
            if !topic.holders.contains(&holder) {
                topic.holders.push(holder);
            }
            return if topic.state == State::On { Joined::Now(uri) } else { Joined::Later(uri) };
        }
        if self.topics.len() >= MOST {
            return Joined::Full;
        }
        let uri: Arc<str> = uri.into();
        self.topics.insert(Arc::clone(&uri), Topic { holders: vec![holder], state: State::Beginning });
        self.news.want(Arc::clone(&uri));
        self.due.push(Turn { uri: Arc::clone(&uri), wanted: true });
        Joined::Later(uri)
    }

    pub(super) fn leave(&mut self, uri: &str, holder: Holder) {
        let Some(topic) = self.topics.get_mut(uri) else { return };
        topic.holders.retain(|other| *other != holder);
        self.settle(uri);
    }

    /// Whoever has gone while the server was not asked anything is reason to tell it.
    fn settle(&mut self, uri: &str) {
        let Some((uri, _)) = self.topics.get_key_value(uri) else { return };
        let uri = Arc::clone(uri);
        if let Some(topic) = self.topics.get_mut(&uri)
            && topic.state == State::On
            && topic.holders.is_empty()
        {
            topic.state = State::Ending;
            self.due.push(Turn { uri, wanted: false });
        }
    }

    /// The server has answered. Returns who waited for it.
    pub(super) fn turned(&mut self, turn: &Turn, is_done: bool) -> Vec<Holder> {
        let Turn { uri, wanted } = turn;
        let Some(topic) = self.topics.get_mut(uri) else { return Vec::new() };
        match (*wanted, is_done) {
            (true, true) => {
                // Nobody who came while it began has it any earlier.
                let waited = topic.holders.clone();
                topic.state = State::On;
                self.settle(uri);
                waited
            }
            (false, _) if !topic.holders.is_empty() => {
                topic.state = State::Beginning;
                self.due.push(Turn { uri: Arc::clone(uri), wanted: true });
                Vec::new()
            }
            _ => {
                self.news.forget(uri);
                self.topics.remove(uri).map(|topic| topic.holders).unwrap_or_default()
            }
        }
    }

    /// Who hears of a change.
    pub(super) fn holders(&self, uri: &str) -> &[Holder] {
        let topic = self.topics.get(uri).filter(|topic| topic.state == State::On);
        topic.map(|topic| topic.holders.as_slice()).unwrap_or_default()
    }

    /// What one of them watches.
    pub(super) fn of(&self, holder: Holder) -> Vec<Arc<str>> {
        let watched = self.topics.iter().filter(|(_, topic)| topic.holders.contains(&holder));
        watched.map(|(uri, _)| Arc::clone(uri)).collect()
    }

    /// What the server has not been told yet.
    pub(super) fn due(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: Holder = Holder::Listen(1);
    const TWO: Holder = Holder::Listen(2);

    fn turn(wanted: bool) -> Turn {
        Turn { uri: "a".into(), wanted }
    }

    #[test]
    fn the_server_hears_of_the_first_and_of_the_last() {
        let mut topics = Topics::default();
        assert_eq!(topics.join("a", ONE), Joined::Later("a".into()));
        assert_eq!(topics.join("a", TWO), Joined::Later("a".into()));
        assert_eq!(topics.due(), [turn(true)]);
        assert_eq!(topics.holders("a"), []);
        assert_eq!(topics.turned(&turn(true), true), [ONE, TWO]);
        assert_eq!(topics.join("a", Holder::Legacy), Joined::Now("a".into()));
        assert_eq!(topics.join("a", Holder::Legacy), Joined::Now("a".into()));
        for holder in [ONE, ONE, Holder::Legacy] {
            topics.leave("a", holder);
            assert_eq!(topics.due(), []);
        }
        topics.leave("a", TWO);
        topics.leave("a", TWO);
        assert_eq!(topics.due(), [turn(false)]);
        assert_eq!((topics.turned(&turn(false), false), topics.topics.len()), (vec![], 0));
    }

    #[test]
    fn who_comes_and_goes_while_the_server_is_busy_is_told_of_afterwards() {
        let mut topics = Topics::default();
        topics.join("a", ONE);
        topics.due();
        topics.leave("a", ONE);
        assert_eq!(topics.due(), [], "it is still beginning");
        assert_eq!(topics.turned(&turn(true), true), []);
        assert_eq!(topics.due(), [turn(false)]);
        assert_eq!(topics.join("a", TWO), Joined::Later("a".into()));
        assert_eq!(topics.due(), [], "it is still ending");
        assert_eq!(topics.turned(&turn(false), true), []);
        assert_eq!(topics.due(), [turn(true)]);
        assert_eq!(topics.turned(&turn(true), true), [TWO]);
        assert_eq!(topics.holders("a"), [TWO]);
    }

    #[test]
    fn a_failure_is_everybodys_and_leaves_nothing() {
        let mut topics = Topics::default();
        topics.join("a", ONE);
        topics.join("a", TWO);
        topics.due();
        assert_eq!(topics.turned(&turn(true), false), [ONE, TWO]);
        assert_eq!((topics.due(), topics.topics.len()), (vec![], 0));
        assert_eq!(topics.join("a", ONE), Joined::Later("a".into()));
        assert_eq!(topics.due(), [turn(true)]);
    }

    #[test]
    fn addresses_are_bounded() {
        let mut topics = Topics::default();
        for number in 0..MOST {
            assert!(matches!(topics.join(&number.to_string(), ONE), Joined::Later(_)));
        }
        assert_eq!(topics.join("a", ONE), Joined::Full);
        assert_eq!(topics.join("7", TWO), Joined::Later("7".into()));
    }

    proptest! {
        #[test]
        fn the_server_is_asked_one_thing_at_a_time_and_last_what_holds(
            steps in prop::collection::vec((0_u8..4, 1_u64..4, any::<bool>()), 0..60)
        ) {
            let (mut topics, mut asked) = (Topics::default(), Vec::<Turn>::new());
            let mut is_on = false;
            let mut answer = |topics: &mut Topics, asked: &mut Vec<Turn>, is_done: bool| {
                asked.extend(topics.due());
                assert!(asked.len() <= 1, "{asked:?}");
                let Some(turn) = asked.pop() else { return };
                assert_ne!(turn.wanted, is_on);
                is_on = turn.wanted && is_done;
                topics.turned(&turn, is_done);
            };
            for (step, number, is_done) in steps {
                match step {
                    0 => { topics.join("a", Holder::Listen(number)); }
                    1 => topics.leave("a", Holder::Listen(number)),
                    _ => answer(&mut topics, &mut asked, is_done),
                }
            }
            for _ in 0..3 {
                answer(&mut topics, &mut asked, true);
            }
            prop_assert!(asked.is_empty() && topics.due().is_empty());
            prop_assert_eq!(is_on, topics.topics.contains_key("a"));
            prop_assert_eq!(is_on, !topics.holders("a").is_empty());
        }
    }
}
