//! The wire under the `oauth2` crate: sends once, follows nothing, and hands the crate an answer in the one form it reads.
//!
//! The crate refuses answers that real servers give and loses the status, `Retry-After` and `Date`. Both are mended
//! here, so that it only ever sees a plain success; every failure passes through it as our own error.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Response, StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse, RequestTokenError};
use tokio::time::Instant;

use super::answer::{self, Warning};
use super::{Tokens, Wire};
use crate::http::{Http, Limits};
use crate::oauth::error::Error;
use crate::oauth::foreign::{date, host_of};

/// One exchange.
pub(in crate::oauth) struct Line<'a> {
    http: &'a Http,
    heard: Mutex<Option<Heard>>,
}

/// What the crate has no place for.
pub(super) struct Heard {
    pub(super) took: Duration,
    pub(super) server_date: Option<i64>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Line<'a> {
    pub(in crate::oauth) fn new(http: &'a Http) -> Self {
        Self { http, heard: Mutex::new(None) }
    }

    /// Puts together what the crate parsed and what it lost.
    pub(in crate::oauth) fn tokens(
        self,
        answer: Result<Wire, RequestTokenError<Error, oauth2::basic::BasicErrorResponse>>,
    ) -> Result<Tokens, Error> {
        let heard = self.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (answer, heard) {
            (Ok(wire), Some(heard)) => Ok(Tokens::of(&wire, heard)),
            (Err(RequestTokenError::Request(error)), _) => Err(error),
            // The crate's other errors keep the raw body: they must not travel on.
            _ => Err(Error::Malformed { host: "the token endpoint".to_owned(), what: "the request cannot be made" }),
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let host = host_of(request.uri());
        let started = Instant::now();
        let answer = match self.http.send(request.clone(), Limits::TOKEN).await {
            Err(error) if error.nothing_was_sent() => self.http.send(request, Limits::TOKEN).await?,
            outcome => outcome?,
        };
        let (members, warnings) = answer::read(&host, &answer)?;
        let heard = Heard { took: started.elapsed(), server_date: date(answer.headers()), warnings };
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        let mut plain = Response::new(serde_json::Value::Object(members).to_string().into_bytes());
        *plain.status_mut() = StatusCode::OK;
        plain.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Ok(plain)
    }
}

impl<'c> AsyncHttpClient<'c> for Line<'_> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}
