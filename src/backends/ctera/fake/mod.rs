//! The stand-in for a Portal.

use http::StatusCode;

use crate::backends::fake::{Fake, Place, Received, Reply, empty};

/// A Portal with one person's files.
#[derive(Default)]
pub struct Server;

impl Fake for Server {
    fn answer(&self, _: &Received, _: &Place<'_>) -> Reply {
        empty(StatusCode::NOT_FOUND)
    }
}
