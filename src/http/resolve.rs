//! Names to addresses, for requests that a stranger's document asked for.
//!
//! A name that anybody can register may have the address of a service inside the person's network (server-side request
//! forgery by DNS). The addresses are judged here, and the connection goes to exactly the addresses that were judged:
//! there is no second question that could be answered differently (DNS rebinding). Two limits: whoever controls the
//! name that the person configured decides which private network counts as near, and behind a proxy it is the proxy
//! that resolves names.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::Range;
use super::proxies::Proxies;

/// The addresses of a name, with port 0, which stands for the one that is asked for.
pub(super) type Found<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Looks names up.
pub(super) trait Lookup: Send + Sync {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// The system's resolver.
pub(super) struct System;

impl Lookup for System {
    fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Every address of the name is in a network that it may not lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads into a {} network", match self.0 { Range::Loopback => "loopback", Range::LinkLocal => "link-local", _ => "private" })]
pub(super) struct OutOfReach(pub(super) Range);

/// Hands out addresses of the public network, and of the networks that the configured hosts are in.
pub(super) struct Guarded {
    pub(super) lookup: Arc<dyn Lookup>,
    /// Hosts that the person configured.
    pub(super) near: Arc<[String]>,
    /// A proxy is configured, too; what it resolves is its own business.
    pub(super) proxies: Proxies,
}

impl Guarded {
    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut found = self.lookup.lookup(name).await?;
        if self.proxies.names_host(name) || self.near.iter().any(|host| host.eq_ignore_ascii_case(name)) {
            return Ok(found);
        }
        let Some(strange) = found.iter().map(|found| Range::of_ip(found.ip())).find(|range| *range != Range::Public)
        else {
            return Ok(found);
        };
        let near = self.ranges().await;
        found.retain(|found| {
            let range = Range::of_ip(found.ip());
            range == Range::Public || near.contains(&range)
        });
        if found.is_empty() { Err(OutOfReach(strange).into()) } else { Ok(found) }
    }

    /// The networks of the configured hosts. One that cannot be found is in none.
    async fn ranges(&self) -> BTreeSet<Range> {
        let mut ranges = BTreeSet::new();
        for host in self.near.iter() {
            match host.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(ip) => drop(ranges.insert(Range::of_ip(ip))),
                Err(_) => {
                    let found = self.lookup.lookup(host).await.unwrap_or_default();
                    ranges.extend(found.iter().map(|found| Range::of_ip(found.ip())));
                }
            }
        }
        ranges
    }
}

/// As the connector wants it.
#[derive(Clone)]
pub(super) enum Resolver {
    /// Whatever the name leads to.
    Open(Arc<dyn Lookup>),
    /// What is in reach.
    Guarded(Arc<Guarded>),
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let found = match &resolver {
                Self::Open(lookup) => lookup.lookup(name.as_str()).await?,
                Self::Guarded(guarded) => guarded.addresses(name.as_str()).await?,
            };
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A name service of its own; what it does not know does not exist.
    pub(crate) struct Book(pub(crate) BTreeMap<&'static str, Vec<&'static str>>);

    impl Lookup for Book {
        fn lookup<'a>(&'a self, name: &'a str) -> Found<'a> {
            let found = self
                .0
                .get(name)
                .map(|ips| ips.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0)).collect());
            Box::pin(std::future::ready(found.ok_or_else(|| io::ErrorKind::NotFound.into())))
        }
    }

    fn book() -> Book {
        Book(BTreeMap::from([
            ("as.example", vec!["93.184.216.34", "2606:4700::1111"]),
            ("mcp.corp.example", vec!["10.1.2.3"]),
            ("sso.corp.example", vec!["10.9.9.9"]),
            ("evil.example", vec!["10.0.0.1"]),
            ("metadata.example", vec!["169.254.169.254"]),
            ("rebound.example", vec!["127.0.0.1"]),
            ("mapped.example", vec!["::ffff:127.0.0.1"]),
            ("mixed.example", vec!["10.0.0.1", "93.184.216.34"]),
            ("proxy.corp.example", vec!["10.0.0.8"]),
        ]))
    }

    async fn addresses(near: &[&str], name: &str) -> Result<Vec<String>, String> {
        let environment = crate::machine::Environment::of([("HTTPS_PROXY", "http://proxy.corp.example:3128")]);
        let near = near.iter().map(ToString::to_string).collect();
        let guarded = Guarded { lookup: Arc::new(book()), near, proxies: Proxies::of(&environment) };
        let found = guarded.addresses(name).await.map_err(|error| error.to_string())?;
        Ok(found.iter().map(|found| found.ip().to_string()).collect())
    }

    #[tokio::test]
    async fn a_public_host_may_name_only_public_ones() {
        for (name, reached) in [
            ("as.example", true),
            ("evil.example", false),
            ("metadata.example", false),
            ("rebound.example", false),
            ("mapped.example", false),
            ("sso.corp.example", false),
            ("nowhere.example", false),
        ] {
            assert_eq!(addresses(&["as.example"], name).await.is_ok(), reached, "{name}");
        }
        let why = addresses(&["as.example"], "metadata.example").await;
        assert_eq!(why, Err("the name leads into a link-local network".to_owned()));
    }

    #[tokio::test]
    async fn a_private_host_may_name_others_in_its_kind_of_network_and_no_other_kind() {
        for (near, name, reached) in [
            ("mcp.corp.example", "mcp.corp.example", true),
            ("mcp.corp.example", "sso.corp.example", true),
            ("mcp.corp.example", "as.example", true),
            ("mcp.corp.example", "metadata.example", false),
            ("mcp.corp.example", "rebound.example", false),
            ("10.4.4.4", "sso.corp.example", true),
            ("[fd00::1]", "sso.corp.example", true),
            ("127.0.0.1", "rebound.example", true),
            ("127.0.0.1", "sso.corp.example", false),
            ("nowhere.example", "sso.corp.example", false),
        ] {
            assert_eq!(addresses(&[near], name).await.is_ok(), reached, "{near} {name}");
        }
        assert!(addresses(&["as.example", "mcp.corp.example"], "sso.corp.example").await.is_ok());
    }

    #[tokio::test]
    async fn of_mixed_addresses_only_those_in_reach_are_used() {
        assert_eq!(addresses(&["as.example"], "mixed.example").await, Ok(vec!["93.184.216.34".to_owned()]));
        assert_eq!(addresses(&["mcp.corp.example"], "mixed.example").await.map(|found| found.len()), Ok(2));
    }

    #[tokio::test]
    async fn the_proxy_that_the_person_named_is_in_reach() {
        assert!(addresses(&["as.example"], "proxy.corp.example").await.is_ok());
    }
}
