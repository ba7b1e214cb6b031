//! The schemas of results.

use crate::backends::schema::{self, Make};
pub(super) use crate::backends::schema::{Member, Shape};

/// A result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returns(pub(super) &'static [Member]);

/// Members that every result may have.
const COMMON: &[Member] = &[
    ("origin", Shape::Text, true, "Whose words these are."),
    ("notes", Shape::Texts, false, "What could not be checked, was cut or left out."),
];

impl Make for Returns {
    fn write(&self, out: &mut String) {
        schema::of_members(out, self.0.iter().chain(COMMON));
    }
}
