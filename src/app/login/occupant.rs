//! Whose login is stored, and whether somebody else's is about to take its place: one answer for all ways to sign in.

use super::Swap;
use crate::app::grant::{Grant, Issued};
use crate::app::{Error, Parts};
use crate::backends::sign_in::Holder;
use crate::store::{self, Key};

/// Whose a login is, as whoever gave it says.
#[derive(Clone, Copy)]
pub(in crate::app) enum Whose<'a> {
    /// As a service says.
    Holder(&'a Holder),
    /// As a provider says. A subject is unique within its issuer only.
    Issued(&'a Issued),
}

impl<'a> Whose<'a> {
    /// `None` if nobody knows.
    fn of(grant: &'a Grant) -> Option<Self> {
        let issued = grant.issued.as_ref().filter(|issued| issued.subject.is_some()).map(Self::Issued);
        grant.holder.as_ref().map(Self::Holder).or(issued)
    }

    fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::Holder(one), Self::Holder(other)) => one.account == other.account && one.tenant == other.tenant,
            (Self::Issued(one), Self::Issued(other)) => one.issuer == other.issuer && one.subject == other.subject,
            (Self::Holder(holder), Self::Issued(issued)) | (Self::Issued(issued), Self::Holder(holder)) => {
                let names = [&issued.account, &issued.subject];
                names.into_iter().flatten().any(|name| is_named(name, &holder.account))
            }
        }
    }

    fn name(self) -> Option<String> {
        match self {
            Self::Holder(holder) => Some(holder.account.clone()),
            Self::Issued(issued) => issued.account.clone().or_else(|| issued.subject.clone()),
        }
    }

    /// With what tells two of the same name apart.
    fn full_name(self) -> String {
        match self {
            Self::Holder(Holder { account, tenant: Some(tenant), .. }) => format!("{account} of {tenant}"),
            Self::Holder(holder) => holder.account.clone(),
            Self::Issued(issued) => {
                let subject = issued.subject.as_deref().unwrap_or("nobody named");
                let name = issued.account.as_deref().unwrap_or(subject);
                format!("{name} ({subject} at {})", issued.issuer)
            }
        }
    }
}

/// Whether two names are one. Addresses differ in case only by accident.
pub(in crate::app) fn is_named(expected: &str, name: &str) -> bool {
    expected == name || (expected.contains('@') && expected.eq_ignore_ascii_case(name))
}

/// The question whether the new login may take the place of the stored one; `None` where nobody loses theirs. A stored
/// login that cannot be read may be anybody's, so that is an error; one that is damaged is nobody's any more.
pub(in crate::app) async fn swap(parts: &Parts, connection: &str, new: Whose<'_>) -> Result<Option<Swap>, Error> {
    let stored = load(parts, connection).await?;
    let Some(stored) = stored.as_ref().and_then(Whose::of).filter(|stored| !stored.is(new)) else { return Ok(None) };
    Ok(Some(between(connection, stored, new)))
}

/// The same where the person has named the account: the name alone is not the account where another tenant has it, too.
pub(in crate::app) async fn swap_of_tenant(
    parts: &Parts,
    connection: &str,
    new: &Holder,
) -> Result<Option<Swap>, Error> {
    let stored = load(parts, connection).await?.and_then(|stored| stored.holder);
    let stored = stored.filter(|stored| stored.tenant != new.tenant);
    Ok(stored.map(|stored| {
        let [stored, new] = [&stored, new].map(|holder| Whose::Holder(holder).full_name());
        Swap { connection: connection.to_owned(), stored, new }
    }))
}

async fn load(parts: &Parts, connection: &str) -> Result<Option<Grant>, Error> {
    match parts.store.load(&Key::grant(connection)).await {
        Ok(text) => Ok(text.and_then(|text| Grant::decode(&text).ok())),
        Err(store::Error::Damaged { .. }) => Ok(None),
        Err(error) => Err(Error::store(connection)(error)),
    }
}

fn between(connection: &str, stored: Whose<'_>, new: Whose<'_>) -> Swap {
    let is_elsewhere =
        matches!((stored, new), (Whose::Issued(one), Whose::Issued(other)) if one.issuer != other.issuer);
    let [stored, new] = match stored.name() == new.name() || is_elsewhere {
        // The same name twice would be no question.
        true => [stored, new].map(Whose::full_name),
        // Where it was known who had signed in, nobody may take their place without a name.
        false => [stored, new].map(|whose| whose.name().unwrap_or_else(|| "somebody without a name".to_owned())),
    };
    Swap { connection: connection.to_owned(), stored, new }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::app::{Audit, Owned};
    use crate::http::Http;
    use crate::machine::{Clock, Environment, Timestamp};
    use crate::secret::Secret;
    use crate::store::Store as _;
    use crate::store::memory::Memory;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp(1000)
        }
    }

    fn parts(store: &Memory) -> Parts {
        Parts {
            http: Http::new(&Environment::default()),
            store: Arc::new(store.clone()),
            clock: Arc::new(Noon),
            state: None,
            shared: None,
            owned: Owned::default(),
            audit: Audit::new(None, Arc::new(Noon)),
        }
    }

    fn holder(account: &str, tenant: &str) -> Holder {
        Holder { account: account.to_owned(), tenant: Some(tenant.to_owned()), role: None }
    }

    fn grant(subject: Option<&str>, account: Option<&str>, holder: Option<Holder>) -> Grant {
        let client = json!({"id": "client", "method": "none", "redirect_uris": []});
        let issued = json!({
            "issuer": "https://as.example", "token_endpoint": "https://as.example/token", "revocation_endpoint": null,
            "client": client, "resource": null, "refresh_token": null, "expires_at": null, "scopes": [],
            "subject": subject, "account": account
        });
        let text = json!({
            "version": 1, "way": "oauth", "access_token": "t", "generation": 1, "url": "https://mcp.example/mcp",
            "obtained_at": 0, "state": "valid", "issued": if holder.is_some() { json!(null) } else { issued },
            "holder": holder
        });
        Grant::decode(&Secret::new(text.to_string())).expect("a grant")
    }

    async fn holding(grant: &Grant) -> Parts {
        let store = Memory::new();
        store.save(&Key::grant("box"), &grant.encode()).await.expect("kept");
        parts(&store)
    }

    async fn asked(stored: &Grant, new: Whose<'_>) -> bool {
        swap(&holding(stored).await, "box", new).await.expect("readable").is_some()
    }

    #[tokio::test]
    async fn another_account_is_asked_about_whichever_way_either_has_signed_in() {
        let alice = holder("alice@example.com", "acme");
        let by_token = |name| grant(Some("s1"), Some(name), None);
        for (account, is_asked) in
            [("alice@example.com", false), ("Alice@Example.com", false), ("bob@example.com", true), ("alice", true)]
        {
            let oauth = by_token(account);
            assert_eq!(asked(&oauth, Whose::Holder(&alice)).await, is_asked, "{account}");
            let issued = oauth.issued.as_ref().expect("issued");
            assert_eq!(
                asked(&grant(None, None, Some(alice.clone())), Whose::Issued(issued)).await,
                is_asked,
                "{account}"
            );
        }
        let nameless = grant(None, None, None);
        let issued = nameless.issued.as_ref().expect("issued");
        assert!(asked(&grant(None, None, Some(alice.clone())), Whose::Issued(issued)).await);
        assert!(!asked(&nameless, Whose::Holder(&alice)).await, "nobody knows whose the stored one is");
    }

    #[tokio::test]
    async fn a_name_is_another_account_where_another_tenant_has_it() {
        let parts = holding(&grant(None, None, Some(holder("alice", "acme")))).await;
        let ours = swap_of_tenant(&parts, "box", &holder("alice", "acme")).await.expect("readable");
        assert_eq!(ours, None);
        let theirs = swap_of_tenant(&parts, "box", &holder("alice", "rival")).await.expect("readable");
        let theirs = theirs.map(|swap| (swap.stored, swap.new));
        assert_eq!(theirs, Some(("alice of acme".to_owned(), "alice of rival".to_owned())));
        assert_eq!(
            swap(&parts, "box", Whose::Holder(&holder("alice", "rival"))).await.expect("readable").map(|s| s.new),
            Some("alice of rival".to_owned())
        );
    }

    #[tokio::test]
    async fn a_login_that_cannot_be_read_is_not_nobodys() {
        let store = Memory::new();
        store.fail_loads(Some(store::Error::Locked));
        let parts = parts(&store);
        let alice = holder("alice", "acme");
        assert!(matches!(swap(&parts, "box", Whose::Holder(&alice)).await, Err(Error::Store { .. })));
        assert!(matches!(swap_of_tenant(&parts, "box", &alice).await, Err(Error::Store { .. })));
    }
}
