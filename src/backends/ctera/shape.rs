//! The schemas of results, as tables.

pub(super) use crate::backends::schema::{Member, Shape, returns};

/// The members of [`super::item::Row`].
pub(super) const ROW: &[Member] = &[
    (
        "path",
        Shape::Text,
        false,
        "Where it is: what other tools take as `path`. Absent where the name has characters that show nothing.",
    ),
    ("name", Shape::Text, true, ""),
    ("is_folder", Shape::Flag, true, ""),
    ("deleted", Shape::Flag, false, "Present if it is deleted and can perhaps be recovered."),
    ("size", Shape::Whole, false, "In bytes."),
    ("modified", Shape::Text, false, "By the Portal's own clock."),
    ("id", Shape::Whole, false, "The Portal's own number of the file."),
    ("permission", Shape::Text, false, "What the person may do, where that is not everything."),
    ("shared", Shape::Flag, false, ""),
    ("has_links", Shape::Flag, false, "Present if there are public links to it."),
];

/// Some rows, and how to get the others.
pub(super) const ROWS: &str = returns!(&[
    ("path", Shape::Text, true, "What was looked at."),
    ("items", Shape::Rows(ROW), true, ""),
    ("next_offset", Shape::Whole, false, "There is more: call again with this `offset`."),
    ("unread", Shape::Texts, false, "Folders that were not read, or not to their end."),
    ("deeper_folders", Shape::Whole, false, "How many folders lie below the depth that was asked for."),
]);

/// The members of [`super::task::Outcome`].
pub(super) const OUTCOMES: &str = returns!(&[(
    "items",
    Shape::Rows(&[
        ("path", Shape::Text, true, ""),
        ("target", Shape::Text, false, "Where it went."),
        (
            "outcome",
            Shape::Text,
            true,
            "`done`; `skipped`; `conflict`: something is there already; `failed`: it was not done, or not wholly; `running`: look \
                 again with the task; `unknown`: look before trying again; `not_started`.",
        ),
        ("message", Shape::Text, false, "Why."),
        ("files", Shape::Whole, false, "How many files the Portal says it worked on."),
        ("conflicts", Shape::Whole, false, "How many conflicts were settled as `on_conflict` says."),
        ("task", Shape::Text, false, "The task, which can be asked about."),
    ]),
    true,
    "What became of each, in the order of the call.",
)]);
