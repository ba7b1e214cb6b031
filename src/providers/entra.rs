//! Microsoft Entra ID, the v2.0 endpoints.
//!
//! Asked for no particular tenant, its metadata has an issuer with `{tenantid}` in it, and the tokens name theirs. The
//! redirect is `http://localhost`, of which the port does not count; the target is in the scopes, also at a renewal, and
//! a `resource` that they do not begin with is refused. There is no registration and no revocation. Source: Microsoft
//! identity platform documentation, OAuth 2.0 authorization code flow; error codes, "AADSTS error codes".

use super::{Granted, Issuers, Offline, Provider, Redirect, Renewal, STANDARD, Target, TokenIssuer};
use crate::http::Loopback;

pub(super) const PROVIDER: Provider = Provider {
    name: "entra",
    title: "Microsoft Entra ID",
    issuers: &[
        Issuers::Host("login.microsoftonline.com"),
        Issuers::Host("login.microsoftonline.us"),
        Issuers::Host("login.partner.microsoftonline.cn"),
    ],
    s256_unsaid: true,
    offline: Offline::Scope,
    target: Target::Scope,
    redirect: Redirect { host: Loopback::Name, ports: &[] },
    granted: Granted { silent: &["openid", "profile", "email", "offline_access"], ..STANDARD.granted },
    token_issuer: TokenIssuer::Tenant,
    renewal: Renewal { repeats_scopes: true, ..STANDARD.renewal },
    sessions: Some("https://mysignins.microsoft.com"),
    advice: ADVICE,
    ..STANDARD
};

const ADVICE: &[(&str, &str)] = &[
    (
        "AADSTS50011",
        "register `http://localhost/callback` for the app, under `Mobile and desktop applications`; its port does not count",
    ),
    ("AADSTS50058", "log in again in the browser: the provider wants to see you"),
    ("AADSTS50076", "log in again: the provider wants a second factor"),
    ("AADSTS50079", "log in again: the provider wants you to set up a second factor"),
    ("AADSTS50173", "log in again: your password has changed since"),
    ("AADSTS53003", "ask your administrator: a conditional access policy does not allow this device or place"),
    ("AADSTS65001", "an administrator has to consent to the app, or you at the next login"),
    ("AADSTS65004", "you have not given your consent; log in again if that was not meant"),
    ("AADSTS70008", "log in again: the refresh token has expired"),
    ("AADSTS700082", "log in again: the refresh token was not used for too long"),
    ("AADSTS700016", "check the client id and the tenant in the issuer: this tenant does not know the app"),
    (
        "AADSTS7000218",
        "switch `Allow public client flows` on for the app, or keep its secret with `keyward login NAME --client-secret`",
    ),
    ("AADSTS9010010", "the scopes must begin with the resource, such as `api://APP/.default`"),
    ("AADSTS28000", "all scopes of one login must belong to one resource"),
];
