//! Cisco: an Okta server under a name of its own.

use super::{Issuers, Provider, okta};

pub(super) const PROVIDER: Provider = Provider {
    name: "cisco",
    title: "Cisco",
    issuers: &[Issuers::Host("id.cisco.com"), Issuers::Host("int-id.cisco.com")],
    ..okta::PROVIDER
};
