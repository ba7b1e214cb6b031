//! What is attached to a request: the token that is kept, behind the word that its version wants, or what an OAuth login
//! obtained for the proxy in front.

use std::sync::Arc;

use http::header::LOCATION;
use http::{Extensions, StatusCode};
use url::Url;

use super::refusal::Cause;
use super::token::Kept;
use crate::backends::http::host_of;
use crate::backends::{Boxed, Connection, Credential, CredentialSource, Error, Unavailable, Way};
use crate::http::Stream;

/// The connection, whose requests carry what NetBox takes.
pub(super) fn of(connection: &Connection) -> Connection {
    let kept = Arc::clone(&connection.credentials);
    let access = Access { kept, url: connection.url.clone(), is_token: connection.way == Way::Token };
    Connection { credentials: Arc::new(access), ..connection.clone() }
}

struct Access {
    kept: Arc<dyn CredentialSource>,
    url: Url,
    is_token: bool,
}

/// Marks a request that changes something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writes;

/// The generation of what comes from the environment.
const GIVEN: u64 = 0;

impl Access {
    fn header(&self, credential: Credential) -> Result<Credential, Unavailable> {
        if credential.header.is_some() {
            return Ok(credential);
        }
        let kept = Kept::decode(&credential.value).map_err(|why| {
            let said = format!("the token of this connection is none: {why}");
            Unavailable(Arc::new(Error::Rejected { host: host_of(&self.url), said }))
        })?;
        Ok(Credential { header: Some("authorization"), value: kept.token.header(), ..credential })
    }
}

impl CredentialSource for Access {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { self.kept.credential().await?.map(|credential| self.header(credential)).transpose() })
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(async move {
            match self.kept.replace(rejected).await {
                Ok(another) => another.map(|credential| self.header(credential)).transpose(),
                // There is no newer token, and the answer itself says best what is wrong with this one.
                Err(_) if self.is_token && rejected.generation != GIVEN => Ok(None),
                Err(why) => Err(why),
            }
        })
    }

    /// NetBox answers 403 to whatever is wrong with a token, and to what its owner may not do: the words tell. What
    /// stands in front of it answers 401, or sends to its login. A write is not sent again after that: many a program
    /// answers with a redirect to what it has done.
    fn is_refusal(&self, sent: &Extensions, answer: &Stream) -> bool {
        match answer.status {
            StatusCode::UNAUTHORIZED => true,
            StatusCode::FORBIDDEN => Cause::of(answer.ahead()).is_some_and(|cause| cause.is_of_token()),
            status if status.is_redirection() && sent.get::<Writes>().is_none() => {
                let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                // A missing slash, or http instead of https, leads to the same place.
                !to.and_then(|to| self.url.join(to).ok()).is_some_and(|to| to.path().contains("/api/"))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::tests::Tokens;
    use crate::secret::Secret;

    fn access() -> Access {
        let url = "https://netbox.example.com".parse().expect("an address");
        Access { kept: Tokens::new(None, None), url, is_token: true }
    }

    fn credential(header: Option<&'static str>, value: Secret) -> Credential {
        Credential { header, value, companion: None, generation: 1, proof: None }
    }

    #[test]
    fn what_is_kept_is_sent_behind_the_word_of_its_version() {
        const V1: &str = "0123456789abcdef0123456789abcdef01234567";
        const V2: &str = "nbt_Canary123456.0123456789abcdefABCDEF0123456789abcdefAB";
        for (token, header) in [(V1, format!("Token {V1}")), (V2, format!("Bearer {V2}"))] {
            let sent = access().header(credential(None, Kept::written(&Secret::new(token), None))).expect("a token");
            assert_eq!((sent.header, sent.value.expose()), (Some("authorization"), header.as_str()));
        }
        // What a login at a provider obtained is for the proxy, whatever it looks like.
        let sent = access().header(credential(Some("authorization"), Secret::new("Bearer x"))).expect("as it is");
        assert_eq!(sent.value.expose(), "Bearer x");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_in_words_that_do_not_repeat_it() {
        for kept in [Kept::written(&Secret::new("canary-short"), None), Secret::new("canary"), Secret::new("")] {
            let Err(Unavailable(why)) = access().header(credential(None, kept)) else { panic!("no token") };
            let Some(Error::Rejected { host, said }) = why.downcast_ref::<Error>() else { panic!("{why:?}") };
            assert_eq!(host, "netbox.example.com");
            assert!(said.starts_with("the token of this connection is none: ") && !said.contains("canary"), "{said}");
        }
    }
}
