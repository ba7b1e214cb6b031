//! Cisco Support: bugs, end of life, security advisories, coverage, software, returns and cases, through the APIs that a
//! registered application may use.

pub mod fake;
