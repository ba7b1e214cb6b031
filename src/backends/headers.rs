//! Headers that go with every request of a connection to its service, besides the credential: what the configuration
//! says in clear, and secret values that somebody else keeps.

use std::sync::Arc;

use ::http::{HeaderName, HeaderValue};

use super::{Boxed, Unavailable};
use crate::secret::Secret;

/// The headers of a connection.
#[derive(Clone, Default)]
pub struct Headers {
    /// Those that are no secret.
    pub plain: Vec<(HeaderName, HeaderValue)>,
    /// Supplies those that are; `None` if there are none.
    pub secret: Option<Arc<dyn HeaderSource>>,
}

/// Secret values, each with the name of its header.
pub type Values = Arc<[(HeaderName, Secret)]>;

/// Supplies secret values.
pub trait HeaderSource: Send + Sync {
    /// All of them, for the connection's own service.
    fn values(&self) -> Boxed<'_, Result<Values, Unavailable>>;
    /// Those that have taken the place of what the service refused; `None` if they are the same still.
    fn replace<'a>(&'a self, rejected: &'a Values) -> Boxed<'a, Result<Option<Values>, Unavailable>>;
    /// Why a request that had nothing else to show was refused.
    fn refused(&self) -> Unavailable;
}

impl Headers {
    /// The secret values; none if there are none.
    pub(super) async fn values(&self) -> Result<Values, Unavailable> {
        match &self.secret {
            Some(source) => source.values().await,
            None => Ok(Values::default()),
        }
    }

    /// Others than these, if there are.
    pub(super) async fn replace(&self, rejected: &Values) -> Result<Option<Values>, Unavailable> {
        match &self.secret {
            Some(source) => source.replace(rejected).await,
            None => Ok(None),
        }
    }
}
