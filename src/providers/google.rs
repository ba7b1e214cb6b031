//! Google: a refresh token comes by `access_type`, and for sure only after a consent; scopes come back under other names;
//! the secret of a desktop client is none and must be sent. Either token ends the whole login. Resources may name the
//! issuer with a slash. Source: Google Identity, "OAuth 2.0 for iOS & Desktop Apps".

use super::{Granted, Issuers, Offline, Provider, Revocation, STANDARD, Secret, Target, TokenIssuer};

pub(super) const PROVIDER: Provider = Provider {
    name: "google",
    title: "Google",
    issuers: &[Issuers::Host("accounts.google.com")],
    named_with_slash: true,
    s256_unsaid: true,
    offline: Offline::Parameters(&[("access_type", "offline"), ("prompt", "consent")]),
    target: Target::Nothing,
    secret: Secret::Always,
    granted: Granted {
        renamed: &[
            ("email", "https://www.googleapis.com/auth/userinfo.email"),
            ("profile", "https://www.googleapis.com/auth/userinfo.profile"),
        ],
        ..STANDARD.granted
    },
    token_issuer: TokenIssuer::Bare,
    revocation: Revocation::Login,
    sessions: Some("https://myaccount.google.com/connections"),
    ..STANDARD
};
