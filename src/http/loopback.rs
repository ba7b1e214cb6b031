//! The three names under which this machine can call itself back (RFC 8252 §7.3, §8.3).

use std::fmt;
use std::str::FromStr;

/// The host of a loopback redirect. Providers compare it as text, so the three are not the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// `127.0.0.1`: means this machine whatever the resolver says.
    #[default]
    V4,
    /// `localhost`: for providers that register no address; a resolver may map it elsewhere.
    Name,
    /// `[::1]`: for machines without IPv4.
    V6,
}

impl Loopback {
    /// Every one of them, the recommended one first.
    pub const ALL: [Self; 3] = [Self::V4, Self::Name, Self::V6];

    /// The host as it stands in an address and in a `Host` header.
    pub const fn text(self) -> &'static str {
        match self {
            Self::V4 => "127.0.0.1",
            Self::Name => "localhost",
            Self::V6 => "[::1]",
        }
    }
}

impl fmt::Display for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// It is not one of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be `127.0.0.1`, `localhost` or `[::1]`")]
pub struct NotLoopback;

impl FromStr for Loopback {
    type Err = NotLoopback;

    /// Reads one of the three, with or without the brackets of an IPv6 address.
    fn from_str(text: &str) -> Result<Self, NotLoopback> {
        let text = if text == "::1" { "[::1]" } else { text };
        Self::ALL.into_iter().find(|host| host.text() == text).ok_or(NotLoopback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_three_names_of_this_machine_are_read() {
        for host in Loopback::ALL {
            assert_eq!(host.text().parse(), Ok(host));
        }
        assert_eq!("::1".parse(), Ok(Loopback::V6));
        for other in ["", "0.0.0.0", "::", "[::]", "127.0.0.2", "localhost.", "LOCALHOST", "evil.example", "127.1"] {
            assert_eq!(other.parse::<Loopback>(), Err(NotLoopback), "{other}");
        }
    }
}
