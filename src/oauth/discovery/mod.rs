//! From a resource to its authorization server, and from an issuer to its endpoints.

mod fetch;
mod issuer;
mod resource;
#[cfg(test)]
mod tests;

pub(super) use fetch::{Found, fetch};
pub use issuer::{Endpoints, Policy, Server, discover_issuer};
pub use resource::{Discovery, Probe, Resource, discover_resource};
