//! Requests to the gateway: one credential, turns taken before each, tried again where that helps.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use serde_json::Value;
use url::Url;

use super::api::Api;
use super::path;
use super::refusal::{Verdict, judge};
use crate::backends::http::{self as service, Kind};
use crate::backends::turns::TooFar;
use crate::backends::{Boxed, Connection, Error};
use crate::http::{Error as Network, Limits};

/// The largest answer: a page of a thousand end-of-life records is about one megabyte.
const LARGEST: usize = 8 << 20;
/// How long a call waits for its turn. Hosts give up after a minute.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often a request is sent: trouble of the network and of the service often passes at once.
const TRIES: u32 = 3;

/// A connection to Cisco's Support APIs.
#[derive(Clone)]
pub(super) struct Client {
    connection: Connection,
}

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) api: Api,
    /// Below the API's address, encoded, with a slash in front.
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    /// Sent as JSON with POST; GET without.
    pub(super) body: Option<Value>,
}

/// What was answered.
#[derive(Debug)]
pub(super) enum Answer {
    /// Records.
    Found(Value),
    /// There is nothing, in the service's words.
    Nothing(String),
}

impl Ask {
    /// A question without parameters.
    pub(super) fn get(api: Api, path: String) -> Self {
        Self { api, path, query: Vec::new(), body: None }
    }

    /// With one parameter more.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { connection: connection.clone() }
    }

    /// The gateway's host.
    pub(super) fn host(&self) -> String {
        service::host_of(&self.connection.url)
    }

    /// Asks. What passes by itself is tried again; each try takes a turn.
    pub(super) fn ask<'a>(&'a self, ask: &'a Ask) -> Boxed<'a, Result<Answer, Error>> {
        Box::pin(self.asked(ask))
    }

    async fn asked(&self, ask: &Ask) -> Result<Answer, Error> {
        let request = self.request(ask)?;
        // Without a login no turn is used up.
        self.connection.credentials.credential().await.map_err(Error::Credential)?;
        let mut tries = 0_u32;
        loop {
            self.turn(ask.api).await?;
            tries = tries.saturating_add(1);
            let (error, again) = match self.once(ask.api, &request).await {
                Verdict::Found(value) => return Ok(Answer::Found(value)),
                Verdict::Nothing(said) => return Ok(Answer::Nothing(said)),
                Verdict::Failed { error, again } => (error, again),
            };
            match again.filter(|wait| tries < TRIES && *wait <= LONGEST_WAIT) {
                Some(wait) => {
                    log::debug!("{} of {}: {error}; tried again", ask.api.title(), self.host());
                    tokio::time::sleep(wait.saturating_mul(tries).saturating_add(service::jitter(wait))).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn once(&self, api: Api, request: &Request<Vec<u8>>) -> Verdict {
        let limits = Limits { time: api.time(), body: LARGEST };
        // Every request here only reads, but each try is counted above: it is sent once.
        match service::send(&self.connection, request, Kind::Write, limits).await {
            Ok(answer) => judge(api, &self.host(), answer.status(), answer.headers(), answer.body()),
            Err(error) => {
                let passes = matches!(error, Error::Network(Network::Connect { .. } | Network::NotFound { .. }));
                Verdict::Failed { error, again: passes.then_some(Duration::from_millis(250)) }
            }
        }
    }

    async fn turn(&self, api: Api) -> Result<(), Error> {
        self.connection.turns.turn(api.rates(), PATIENCE).await.map_err(|TooFar { rate, wait }| Error::Limited {
            host: self.host(),
            said: format!(
                "{} requests in {} s are sent at most, by all programs of this person together; they are used up",
                rate.most,
                rate.within.as_secs()
            ),
            retry_after: Some(wait),
        })
    }

    fn request(&self, ask: &Ask) -> Result<Request<Vec<u8>>, Error> {
        let address = || Network::Address { host: self.host() };
        let base = self.connection.url.as_str().trim_end_matches('/');
        let text = format!("{base}/{}{}{}", ask.api.base(), ask.path, path::query(&ask.query));
        // Parsed once, so that what is sent is what is checked.
        let url = Url::parse(&text).map_err(|_| address())?;
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = url.as_str().parse().map_err(|_| address())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = &ask.body {
            *request.method_mut() = Method::POST;
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = body.to_string().into_bytes();
        }
        Ok(request)
    }
}

/// A longer wait is the caller's decision.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
