//! GitHub: no metadata, scopes with commas, errors with status 200, a secret for every exchange of a code and no
//! revocation without it. Its answers are JSON because every request of ours asks for JSON. Source: GitHub documentation,
//! "Authorizing OAuth apps"; an Enterprise server needs `provider = "github"`.

use super::{Endpoints, Granted, Issuers, Offline, Provider, STANDARD, Secret, Target};

pub(super) const PROVIDER: Provider = Provider {
    name: "github",
    title: "GitHub",
    issuers: &[Issuers::Host("github.com")],
    endpoints: Some(Endpoints {
        after: "/login/oauth",
        authorization: "/login/oauth/authorize",
        token: "/login/oauth/access_token",
        device_authorization: "/login/device/code",
    }),
    s256_unsaid: true,
    offline: Offline::Unasked,
    target: Target::Nothing,
    secret: Secret::ForCodes,
    granted: Granted { commas: true, ..STANDARD.granted },
    sessions: Some("https://github.com/settings/applications"),
    ..STANDARD
};
