//! Words for what is wrong with a file of this machine that a tool was to use.

use super::{Exit, Report};
use crate::http;

/// What was noticed while it was being sent.
pub(super) fn unread(message: &str, error: &http::Error) -> Report {
    Report::new(Exit::Unexpected, "unread", message)
        .cause(error.to_string())
        .hint("check that the file can be read and is not being changed, then try again")
}
