//! A stand-in for Cisco's Support APIs and their gateway.

use http::StatusCode;

use crate::backends::fake::{Fake, Place, Received, Reply, empty};

/// Cisco's Support APIs on this machine.
#[derive(Debug, Default)]
pub struct Server;

impl Fake for Server {
    fn answer(&self, _: &Received, _: &Place<'_>) -> Reply {
        empty(StatusCode::NOT_FOUND)
    }
}
