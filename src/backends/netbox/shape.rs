//! The schemas of results.

pub(super) use crate::backends::schema::{Member, Shape};

/// Members that every result may have.
pub(super) const COMMON: &[Member] = &[
    ("origin", Shape::Text, true, "Whose words these are."),
    ("notes", Shape::Texts, false, "What could not be checked, was cut or left out."),
];

/// The schema of a result with these members and those that every one may have.
macro_rules! returns {
    ($table:expr) => {
        $crate::backends::schema::returns!($table, $crate::backends::netbox::shape::COMMON)
    };
}

pub(super) use returns;
