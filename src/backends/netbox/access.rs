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
    /// stands in front of it answers 401, or sends to its login.
    fn is_refusal(&self, _: &Extensions, answer: &Stream) -> bool {
        match answer.status {
            StatusCode::UNAUTHORIZED => true,
            StatusCode::FORBIDDEN => Cause::of(answer.ahead()).is_some_and(|cause| cause.is_of_token()),
            status if status.is_redirection() => {
                let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                // A missing slash, or http instead of https, leads to the same place.
                !to.and_then(|to| self.url.join(to).ok()).is_some_and(|to| to.path().contains("/api/"))
            }
            _ => false,
        }
    }
}
