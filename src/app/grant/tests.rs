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
    assert!(key.belongs(Way::ApiKey, &url("https://api.example/other"), None));
    assert!(!key.belongs(Way::ApiKey, &url("https://evil.example/v1"), None));
    assert!(!key.belongs(Way::OAuth, &url("https://api.example/v1"), None));
    let token = Grant { way: Way::OAuth, ..pasted() };
    assert!(token.belongs(Way::OAuth, &url("https://api.example/v1"), None));
    for other in ["https://api.example/v2", "https://api.example:444/v1", "https://evil.example/v1"] {
        assert!(!token.belongs(Way::OAuth, &url(other), None), "{other}");
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
