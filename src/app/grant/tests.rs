//! What a grant is good for, for how long, and how it survives the store.

use super::*;

fn pasted() -> Grant {
    Grant::pasted(Way::ApiKey, Secret::new("tvly-k"), &url("https://api.example/v1"), 7, Timestamp(100))
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

#[test]
fn a_key_belongs_to_its_service_and_a_token_to_its_resource() {
    let key = pasted();
    assert!(key.belongs(Way::ApiKey, &url("https://api.example/other"), |_| true));
    assert!(!key.belongs(Way::ApiKey, &url("https://evil.example/v1"), |_| true));
    assert!(!key.belongs(Way::OAuth, &url("https://api.example/v1"), |_| true));
    let token = Grant { way: Way::OAuth, ..pasted() };
    assert!(token.belongs(Way::OAuth, &url("https://api.example/v1"), |_| true));
    for other in ["https://api.example/v2", "https://api.example:444/v1", "https://evil.example/v1"] {
        assert!(!token.belongs(Way::OAuth, &url(other), |_| true), "{other}");
    }
}

#[test]
fn a_grant_survives_the_store() {
    let again = Grant::decode(&pasted().encode()).expect("readable");
    assert_eq!(again.encode().expose(), pasted().encode().expose());
    assert_eq!((again.way, again.generation, again.state), (Way::ApiKey, 7, State::Valid));
}

#[test]
fn a_grant_from_the_future_is_told_apart_from_a_damaged_one() {
    let newer = Secret::new("{\"version\":2,\"anything\":true}");
    assert_eq!(Grant::decode(&newer).err(), Some(Unreadable::Newer));
    for text in ["", "{}", "{\"version\":1}", "null", "{\"version\":1,\"way\":\"none\"", "\u{0}"] {
        assert_eq!(Grant::decode(&Secret::new(text)).err(), Some(Unreadable::Damaged), "{text:?}");
    }
}

fn issued() -> Issued {
    let address = |path: &str| url(&format!("https://id.example{path}"));
    Issued {
        issuer: "https://id.example".to_owned(),
        token_endpoint: address("/token"),
        revocation_endpoint: None,
        end_session_endpoint: Some(address("/end")),
        client: oauth::Client {
            id: "client".to_owned(),
            secret: None,
            key: None,
            method: oauth::AuthMethod::None,
            scopes: None,
            redirect_uris: Vec::new(),
            secret_expires_at: None,
            registration: None,
            ..oauth::Client::public("client")
        },
        flow: Flow::Device,
        resource: None,
        refresh_token: Some(Secret::new("canary-refresh")),
        refresh_expires_at: Some(Timestamp(900)),
        expires_at: Some(Timestamp(400)),
        scopes: vec!["a".to_owned()],
        subject: Some("ada".to_owned()),
        account: None,
        dpop: Some(Secret::new("canary-key")),
        claims: None,
        clock_skew: Some(-70),
    }
}

/// Obtained at 100 s for 300 s.
fn token() -> Grant {
    Grant { way: Way::OAuth, issued: Some(issued()), ..pasted() }
}

fn lasting(lifetime: Option<i64>) -> Grant {
    let expires_at = lifetime.map(|lifetime| Timestamp(100 + lifetime));
    Grant { issued: Some(Issued { expires_at, ..issued() }), ..token() }
}

#[test]
fn everything_that_a_login_and_its_renewals_know_survives_the_store() {
    let renewals = Renewals {
        recent: vec![Timestamp(90), Timestamp(95)],
        trouble: Some(Trouble { failures: 3, until: Timestamp(120), kind: Pause::Network }),
        spill_key: Some(Secret::new("canary-spill")),
    };
    let grant = Grant { state: State::RefreshStarted, renewals, ..token() };
    let again = Grant::decode(&grant.encode()).expect("readable");
    assert_eq!(again.encode().expose(), grant.encode().expose());
    assert_eq!(format!("{again:?}"), format!("{grant:?}"));
    assert!(!format!("{again:?}").contains("canary"), "{again:?}");
}

#[test]
fn a_grant_of_an_older_program_is_read_with_what_it_could_not_know() {
    let old = r#"{"version":1,"way":"oauth","access_token":"t","generation":7,"url":"https://api.example/v1",
        "obtained_at":100,"state":"refresh_started","issued":{"issuer":"https://id.example",
        "token_endpoint":"https://id.example/token","revocation_endpoint":null,"client":{"id":"c","secret":null,
        "method":"none","redirect_uris":[],"secret_expires_at":null,"management":null},"resource":null,
        "refresh_token":"r","expires_at":400,"scopes":[],"subject":null,"account":null}}"#;
    let grant = Grant::decode(&Secret::new(old)).expect("readable");
    let issued = grant.issued.as_ref().expect("OAuth");
    assert_eq!((issued.flow, issued.refresh_expires_at, issued.clock_skew), (Flow::Code, None, None));
    assert!(issued.dpop.is_none() && grant.renewals.spill_key.is_none() && grant.renewals.recent.is_empty());
}

#[test]
fn a_token_is_renewed_a_tenth_of_its_life_ahead_within_bounds() {
    for (lifetime, skew) in
        [(0, 0), (1, 0), (2, 1), (19, 9), (20, 10), (100, 10), (300, 30), (3600, 300), (1 << 40, 300)]
    {
        assert_eq!(lasting(Some(lifetime)).skew(), skew, "{lifetime}");
    }
    assert_eq!(lasting(None).skew(), 0);
    let grant = lasting(Some(300));
    assert!(!grant.is_ripe(Timestamp(369)) && grant.is_ripe(Timestamp(370)));
    assert!(!lasting(Some(0)).is_ripe(Timestamp(500)) && !lasting(None).is_ripe(Timestamp(500)));
}

#[test]
fn a_token_lasts_to_its_end_and_one_of_unknown_end_until_it_is_refused() {
    let grant = lasting(Some(300));
    assert!(grant.lasts(Timestamp(399), 0) && !grant.lasts(Timestamp(400), 0) && !grant.lasts(Timestamp(390), 10));
    assert!(lasting(None).lasts(Timestamp(i64::MAX), 1000));
    let ended = State::NeedsLogin("invalid_grant".to_owned());
    assert!(!Grant { state: ended.clone(), ..lasting(None) }.lasts(Timestamp(100), 0));
    assert!(Grant { state: ended, ..lasting(Some(300)) }.lasts(Timestamp(399), 0), "its end is known");
    assert!(pasted().lasts(Timestamp(i64::MAX), 1000), "a key has no end");
}

#[test]
fn of_a_token_from_the_future_no_end_is_known() {
    let grant = lasting(Some(300));
    assert!(!grant.lasts(Timestamp(-200), 1000), "5 min are what clocks differ by");
    assert!(grant.lasts(Timestamp(-201), 1000));
    let ended = State::NeedsLogin("invalid_grant".to_owned());
    assert!(!Grant { state: ended, ..grant }.lasts(Timestamp(-201), 0));
}

#[test]
fn a_token_that_was_over_when_it_came_lasts_for_a_minute_after_a_renewal() {
    let login = lasting(Some(0));
    assert!(!login.lasts(Timestamp(100), 0), "its first use renews it");
    let mut renewed = login;
    renewed.renewals.recent = vec![Timestamp(99)];
    assert!(renewed.lasts(Timestamp(159), 0) && !renewed.lasts(Timestamp(160), 0));
    renewed.renewals.recent = vec![Timestamp(101)];
    assert!(!renewed.lasts(Timestamp(110), 0), "that renewal brought nothing");
}

#[test]
fn a_grant_is_renewed_with_what_it_has() {
    let with = |change: fn(&mut Issued)| {
        let mut grant = token();
        change(grant.issued.as_mut().expect("OAuth"));
        grant
    };
    assert!(token().renews(Timestamp(899)) && !token().renews(Timestamp(900)), "the refresh token has an end");
    assert!(with(|issued| issued.refresh_expires_at = None).renews(Timestamp(i64::MAX)));
    assert!(!with(|issued| issued.refresh_token = None).renews(Timestamp(100)));
    let client = |issued: &mut Issued| (issued.flow, issued.refresh_token) = (Flow::ClientCredentials, None);
    assert!(with(client).renews(Timestamp(i64::MAX)), "a client asks again");
    let ended = State::NeedsLogin("invalid_grant".to_owned());
    assert!(!Grant { state: ended, ..token() }.renews(Timestamp(100)));
    assert!(!pasted().renews(Timestamp(100)));
}

#[test]
fn the_end_of_a_grant_says_what_ended_it() {
    let ended = |code: &str| State::NeedsLogin(code.to_owned()).ended();
    assert_eq!(ended("invalid_grant"), Some(Ended::Revoked { code: "invalid_grant".to_owned() }));
    assert_eq!(ended(INTERRUPTED), Some(Ended::Interrupted));
    assert_eq!(ended(ACCOUNT_CHANGED), Some(Ended::OtherAccount));
    assert_eq!((State::Valid.ended(), State::RefreshStarted.ended()), (None, None));
}
