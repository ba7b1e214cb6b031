//! Lists of definitions, in pieces: what was there before the start goes out as it is, never copied. Of a list of tools that is
//! most.

use std::fmt::{self, Display};
use std::ops::Range;
use std::sync::Arc;

use super::writer::Part;

/// A shorter text is copied: to keep it apart would cost more.
const WORTH: usize = 200;

/// A JSON array of definitions, which grows piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    made: String,
    /// What was there before, each with the place in what was made before which it stands.
    fixed: Vec<(usize, &'static str)>,
}

impl Definitions {
    /// An empty text with room for so many bytes that are made.
    pub fn with_room(size: usize) -> Self {
        Self { made: String::with_capacity(size), fixed: Vec::new() }
    }

    /// Where text is added that is made; nothing is taken out of it.
    pub fn made(&mut self) -> &mut String {
        &mut self.made
    }

    /// Adds a text that was there before the start.
    pub fn add(&mut self, text: &'static str) {
        if text.len() < WORTH {
            self.made.push_str(text);
        } else {
            self.fixed.push((self.made.len(), text));
        }
    }

    /// The parts of a line that it is.
    pub(super) fn parts(self: Arc<Self>) -> impl Iterator<Item = Part> {
        let all = Arc::clone(&self);
        let one = move |at: usize| {
            let before = at.checked_sub(1).and_then(|at| all.fixed.get(at)).map_or(0, |(place, _)| *place);
            let (until, text) = all.fixed.get(at).copied().unwrap_or((all.made.len(), ""));
            [Part::Within(Arc::clone(&all), before..until), Part::Static(text)]
        };
        (0..=self.fixed.len()).flat_map(one)
    }

    /// A part of what was made.
    pub(super) fn within(&self, range: &Range<usize>) -> &str {
        self.made.get(range.clone()).unwrap_or_default()
    }
}

impl From<String> for Definitions {
    fn from(made: String) -> Self {
        Self { made, fixed: Vec::new() }
    }
}

impl Display for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = 0;
        for (place, text) in &self.fixed {
            f.write_str(self.within(&(at..*place)))?;
            f.write_str(text)?;
            at = *place;
        }
        f.write_str(self.within(&(at..self.made.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_in_the_order_in_which_they_were_added() {
        let long = |c: char| -> &'static str { String::leak(c.to_string().repeat(WORTH)) };
        let (x, y) = (long('x'), long('y'));
        for plan in [&["a", x, "b", "short", y][..], &[x, y, "c"], &[x], &["d"], &[], &[x, x, "e", y]] {
            let mut list = Definitions::with_room(0);
            for text in plan {
                if text.len() == 1 { list.made().push_str(text) } else { list.add(text) }
            }
            let expected = plan.concat();
            assert_eq!(list.to_string(), expected);
            let parts: String = Arc::new(list).parts().map(|part| part.as_str().to_owned()).collect();
            assert_eq!(parts, expected);
        }
    }
}
