//! Words for what an authorization server, or the way to it, said no to.

use super::{Exit, Report, network};
use crate::oauth::{Class, Error, Why};
use crate::providers;

/// A provider's own word for what happened says more than the standard's.
pub(super) fn failed(connection: &str, error: &Error) -> Report {
    let report = standard(connection, error);
    match error.description().and_then(providers::advice) {
        Some(advice) => {
            let hints = report.hints.into_iter().take(1);
            Report { hints: [advice.replace("NAME", connection)].into_iter().chain(hints).collect(), ..report }
        }
        None => report,
    }
}

fn standard(connection: &str, error: &Error) -> Report {
    let message = format!("the login to `{connection}` did not succeed");
    let report = |exit, code| {
        let report = Report::new(exit, code, message.clone()).cause(error.to_string());
        match error.oauth_code() {
            Some(code) => report.oauth(code),
            None => report,
        }
    };
    let again = format!("`keyward login {connection}` tries again");
    match error {
        Error::Network(error) => network::failed_for(connection, &message, error),
        Error::Server { .. } => report(Exit::Server, "server_error").hint("try again later").retryable(),
        Error::Status { status: 407, .. } => report(Exit::Network, "proxy")
            .cause("a proxy on the way wants a user name and a password")
            .hint("`HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT` names both"),
        Error::Status { .. } | Error::Redirected { .. } | Error::NotJson { .. } | Error::Malformed { .. } => {
            report(Exit::Server, "wrong_answer").hint(address(connection))
        }
        Error::ResourceMismatch { .. }
        | Error::NoIssuer { .. }
        | Error::NoMetadata { .. }
        | Error::IssuerMismatch { .. }
        | Error::NoS256 { .. } => of_the_metadata(report, error, connection),
        Error::NoAuthMethod { .. } => report(Exit::Server, "unsupported")
            .hint("ask the administrator for a public client with the authorization code flow"),
        Error::BadEndpoint { why, .. } => report(Exit::Server, "bad_endpoint").hint(bad_endpoint(*why)),
        Error::NoRegistration { issuer } => super::client::id_needed(connection, issuer, None),
        Error::PublicClient { .. } => {
            super::client::secret_needed(report(Exit::Configuration, "client_secret_needed"), connection)
        }
        Error::Registration { status, sent, .. } => registration(report, connection, *status, sent),
        Error::RegistrationAltered { .. } => report(Exit::Server, "registration_altered").hint(again),
        Error::TimedOut { .. } => report(Exit::Network, "login_timed_out").hint(again).retryable(),
        Error::ResponseIssuer { .. } => report(Exit::Server, "issuer_mismatch")
            .cause("an answer of another issuer may be an attack, so nothing of it was used")
            .hint("log in again; if it happens twice, tell the provider's administrator"),
        Error::MalformedResponse { .. } => report(Exit::Server, "wrong_answer").hint(again),
        Error::Denied { .. } => report(Exit::Denied, "denied").cause("nothing was stored").hint(again),
        Error::AuthorizationError { class, code, .. } => by_class(report, *class, code, connection),
        Error::Interaction { .. } => report(Exit::LoginRequired, "login_required").hint(again),
        Error::TokenEndpoint { code, .. } => token_endpoint(report, code.as_deref(), connection),
        Error::Insists { .. } => report(Exit::Server, "unsupported")
            .hint("ask the administrator of the authorization server to allow `ES256`"),
        Error::Unusable { .. } => report(Exit::Configuration, "unusable_value")
            .hint(format!("`keyward config show` prints the values of `{connection}`")),
        Error::PortsBusy { .. }
        | Error::Shadowed { .. }
        | Error::NoLoopback { .. }
        | Error::LocalhostElsewhere { .. } => of_this_machine(report, error, connection),
        Error::IdToken { .. } | Error::NotBound { .. } | Error::AnotherAccount { .. } => {
            of_the_tokens(report, error, connection)
        }
        Error::NoDeviceLogin { .. } => {
            report(Exit::Configuration, "no_device_login").hint(format!("`keyward login {connection}` uses a browser"))
        }
        Error::DeviceExpired { .. } => report(Exit::LoginRequired, "code_expired").hint(again).retryable(),
        other => Report::new(Exit::Unexpected, "login_failed", message).cause(other.to_string()),
    }
}

/// What the service or the provider publishes about itself does not do.
fn of_the_metadata(report: impl Fn(Exit, &'static str) -> Report, error: &Error, connection: &str) -> Report {
    let issuer = format!("`keyward config set connections.{connection}.issuer https://…` names the provider's issuer");
    let provider = format!(
        "`keyward config set connections.{connection}.provider WORD`, if it is one that the README lists, under a name of its own"
    );
    match error {
        Error::ResourceMismatch { .. } => report(Exit::Server, "resource_mismatch")
            .cause("a token for another resource is never asked for")
            .hint("use the address exactly as the service publishes it"),
        Error::NoIssuer { .. } => report(Exit::Server, "no_metadata").hint(issuer),
        Error::NoMetadata { .. } => report(Exit::Server, "no_metadata").hint(issuer).hint(provider),
        Error::IssuerMismatch { .. } => report(Exit::Server, "issuer_mismatch")
            .cause("a document that names another issuer may belong to an attacker")
            .hint(format!("`keyward config show` prints the addresses of `{connection}`")),
        _ => report(Exit::Server, "no_s256")
            .cause("without it a stolen code could be used by somebody else")
            .hint("the administrator of the authorization server has to enable PKCE with S256"),
    }
}

/// The way back to this machine is closed.
fn of_this_machine(report: impl Fn(Exit, &'static str) -> Report, error: &Error, connection: &str) -> Report {
    match error {
        Error::PortsBusy { .. } => report(Exit::Network, "ports_busy")
            .hint("end the program that uses the port")
            .hint(format!("`keyward config set connections.{connection}.ports 8080,8081` names others")),
        Error::LocalhostElsewhere { .. } => report(Exit::Network, "no_loopback")
            .hint("give `localhost` its addresses 127.0.0.1 and ::1 back in the hosts file of this machine")
            .hint(format!("`keyward login {connection} --redirect-host 127.0.0.1`, if the provider allows it")),
        _ => report(Exit::Network, "no_loopback")
            .hint("a firewall or another program stands before 127.0.0.1: allow local connections"),
    }
}

/// The tokens came, and must not be kept.
fn of_the_tokens(report: impl Fn(Exit, &'static str) -> Report, error: &Error, connection: &str) -> Report {
    match error {
        Error::NotBound { .. } => report(Exit::Server, "not_bound")
            .cause("the service takes only tokens that are of no use to a thief, so this one was not kept")
            .hint("the administrator of the authorization server has to enable DPoP for this client"),
        Error::AnotherAccount { .. } => report(Exit::LoginRequired, "another_account")
            .hint(format!("`keyward logout {connection}`, then `keyward login {connection}` as the person you want")),
        _ => report(Exit::Server, "id_token_refused")
            .cause("a token that does not hold may be an attack, so nothing was stored")
            .hint("check the clock of this machine and log in again; if it goes on, tell the provider's administrator"),
    }
}

fn registration(
    report: impl Fn(Exit, &'static str) -> Report,
    connection: &str,
    status: u16,
    sent: &[&'static str],
) -> Report {
    let report = report(Exit::Configuration, "registration_refused");
    let report = match status {
        401 | 403 => report.cause("this server lets only an administrator register clients"),
        _ => {
            report.cause(format!("sent were {}", sent.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ")))
        }
    };
    report.hint(format!(
        "`keyward config set connections.{connection}.client_id ID`, if an administrator registers clients"
    ))
}

fn by_class(report: impl Fn(Exit, &'static str) -> Report, class: Class, code: &str, connection: &str) -> Report {
    let again = format!("`keyward login {connection}` tries again");
    match class {
        Class::Denied => report(Exit::Denied, "denied").hint(again),
        Class::Server => report(Exit::Server, "server_error").hint("try again later").retryable(),
        Class::LoginRequired => report(Exit::LoginRequired, "login_required").hint(again),
        Class::Configuration if code == "invalid_request_uri" => report(Exit::LoginRequired, "request_ended")
            .cause("the provider keeps a pushed request for a short time and for one use")
            .hint(again),
        Class::Configuration => refused(report(Exit::Configuration, "authorization_refused"), code, connection),
    }
}

/// What an error of either endpoint says about the set-up (RFC 6749 §4.1.2.1, §5.2; RFC 8707 §2).
fn refused(report: Report, code: &str, connection: &str) -> Report {
    let shows = format!(
        "`keyward config show` prints the client, scopes and resource of `{connection}`; they must suit the server"
    );
    match code {
        "unauthorized_client" | "unsupported_grant_type" => report
            .cause("the client is not allowed to log in this way")
            .hint("the administrator of the authorization server has to allow it for this client"),
        "invalid_scope" => report
            .cause("a scope is unknown to the server or not allowed for this client")
            .hint(format!("`keyward config set connections.{connection}.scopes ONE,TWO` asks for others")),
        "invalid_target" => report
            .cause("the server issues no tokens for this resource")
            .hint(format!("`keyward config set connections.{connection}.resource https://…` names another")),
        _ => report.hint(shows),
    }
}

/// Every row of what a token endpoint may answer at a login (RFC 6749 §5.2, RFC 8628 §3.5, RFC 9449 §5).
fn token_endpoint(report: impl Fn(Exit, &'static str) -> Report, code: Option<&str>, connection: &str) -> Report {
    let again = format!("`keyward login {connection}` tries again");
    match code {
        Some("invalid_grant") => report(Exit::LoginRequired, "code_refused")
            .cause("the code had expired or was used already, or the answer was not meant for this login")
            .hint(again),
        Some("expired_token") => {
            report(Exit::LoginRequired, "login_timed_out").cause("the code was not entered in time").hint(again)
        }
        Some("access_denied") => report(Exit::Denied, "denied").cause("nothing was stored").hint(again),
        Some("invalid_client") | None => report(Exit::Configuration, "client_refused")
            .cause("the server does not know this client, or its secret or key is another")
            .hint(format!("`keyward login {connection} --client-secret`, or `--client-key`, keeps another"))
            .hint(format!("`keyward config show` prints the client id of `{connection}`")),
        Some("use_dpop_nonce" | "invalid_dpop_proof") => report(Exit::Server, "proof_refused")
            .cause("the server does not accept the proof of this machine's key")
            .hint("check the clock of this machine, then log in again"),
        Some(code) => refused(report(Exit::Configuration, "token_refused"), code, connection),
    }
}

fn address(connection: &str) -> String {
    format!(
        "check the address that `keyward status {connection}` shows; a proxy or a sign-in page of the network may be in between"
    )
}

fn bad_endpoint(why: Why) -> &'static str {
    match why {
        Why::Private => "an address inside a private network is used only if the connection's own address is in one",
        _ => "the administrator of the service has to publish an address that can be used",
    }
}
