//! Cisco: an Okta server under a name of its own.
//!
//! It has been seen to refuse a client as unknown and to take it a moment later.

use std::time::Duration;

use super::{Issuers, Provider, okta};

pub(super) const PROVIDER: Provider = Provider {
    name: "cisco",
    title: "Cisco",
    issuers: &[Issuers::Host("id.cisco.com"), Issuers::Host("int-id.cisco.com")],
    second_try: Some(Duration::from_secs(1)),
    ..okta::PROVIDER
};
