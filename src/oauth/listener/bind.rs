//! Which sockets a redirect needs, so that nobody else can answer in its name (RFC 8252 §8.3).
//!
//! | host | 127.0.0.1 | ::1 |
//! |---|---|---|
//! | `127.0.0.1` | needed | taken where it can be |
//! | `[::1]` | taken where it can be | needed |
//! | `localhost` | needed, unless the machine has no IPv4 | needed, unless the machine has no IPv6 |
//!
//! A browser may try either address of `localhost` first. A port of which another program holds one half is therefore
//! given up, although we could bind the other.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::http::Loopback;
use crate::oauth::error::Error;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// How often a free port is looked for whose other half is free, too.
const TRIES: usize = 16;

/// The sockets of one port.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) v4: Option<TcpListener>,
    pub(super) v6: Option<TcpListener>,
    pub(super) port: u16,
}

/// Why a port cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Somebody else has it, or half of it.
    Busy,
    /// The system said no.
    Refused(ErrorKind),
}

/// Opens one address; a parameter, because machines without one of the two families are rare.
pub(super) type Open<'a> = &'a (dyn Fn(SocketAddr) -> io::Result<TcpListener> + Sync);

/// Binds `port` for a redirect to `host`; 0 is any free one.
pub(super) fn pair(host: Loopback, port: u16, open: Open<'_>) -> Result<Pair, Failed> {
    let (first, second) = if host == Loopback::V6 { (V6, V4) } else { (V4, V6) };
    let mut last = Failed::Busy;
    for _ in 0..if port == 0 { TRIES } else { 1 } {
        let own = match open((first, port).into()) {
            Ok(own) => own,
            // A name leads to whatever family there is.
            Err(error) if host == Loopback::Name && is_absent(&error) => {
                let only = open((second, port).into()).map_err(|error| failed(&error))?;
                return assemble(None, Some(only));
            }
            Err(error) => return Err(failed(&error)),
        };
        let taken = own.local_addr().map_err(|error| failed(&error))?.port();
        // Nobody else should answer to `localhost` on our port; without the other family nobody can.
        match open((second, taken).into()) {
            Ok(other) if first == V4 => return assemble(Some(own), Some(other)),
            Ok(other) => return assemble(Some(other), Some(own)),
            Err(error) if host == Loopback::Name && !is_absent(&error) => last = failed(&error),
            Err(_) if first == V4 => return assemble(Some(own), None),
            Err(_) => return assemble(None, Some(own)),
        }
    }
    Err(last)
}

fn assemble(v4: Option<TcpListener>, v6: Option<TcpListener>) -> Result<Pair, Failed> {
    let Some(one) = v4.as_ref().or(v6.as_ref()) else { return Err(Failed::Busy) };
    let port = one.local_addr().map_err(|error| failed(&error))?.port();
    Ok(Pair { v4, v6, port })
}

/// The machine has no such address family, or it is switched off.
fn is_absent(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) {
        return true;
    }
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
}

fn failed(error: &io::Error) -> Failed {
    match error.kind() {
        ErrorKind::AddrInUse => Failed::Busy,
        kind => Failed::Refused(kind),
    }
}

/// The addresses to which a browser may go for this host. A name that leads anywhere else is refused: the code would go
/// there.
pub(super) async fn addresses(host: Loopback, pair: [bool; 2], port: u16) -> Result<Vec<SocketAddr>, Error> {
    let found = match host {
        Loopback::V4 => vec![V4],
        Loopback::V6 => vec![V6],
        Loopback::Name => {
            let found = tokio::net::lookup_host((host.text(), port)).await;
            check(found.map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default(), pair)?
        }
    };
    Ok(found.into_iter().map(|ip| (ip, port).into()).collect())
}

/// Of what the resolver says, the addresses that are bound; a family that the machine does not have leads nowhere.
fn check(found: Vec<IpAddr>, [v4, v6]: [bool; 2]) -> Result<Vec<IpAddr>, Error> {
    if let Some(address) = found.iter().find(|address| **address != V4 && **address != V6) {
        return Err(Error::LocalhostElsewhere { address: *address });
    }
    // Browsers know the name even where the resolver does not.
    let found = if found.is_empty() { vec![V4, V6] } else { found };
    Ok(found.into_iter().filter(|address| if *address == V4 { v4 } else { v6 }).collect())
}

/// Binds and listens. The address is not shared with anybody.
pub(super) fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Linux this only means that connections of the previous login, still ageing in the kernel, do not block a fixed
    // port; a listening port is never shared. Elsewhere the option allows sharing, so it stays off.
    #[cfg(target_os = "linux")]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(family: IpAddr) -> impl Fn(SocketAddr) -> io::Result<TcpListener> {
        move |address| if address.ip() == family { Err(ErrorKind::AddrNotAvailable.into()) } else { open(address) }
    }

    fn bound(pair: &Pair) -> (bool, bool) {
        for (listener, ip) in [(&pair.v4, V4), (&pair.v6, V6)] {
            let address = listener.as_ref().map(|listener| listener.local_addr().expect("an address"));
            assert!(address.is_none_or(|address| address == (ip, pair.port).into()), "{pair:?}");
        }
        (pair.v4.is_some(), pair.v6.is_some())
    }

    #[tokio::test]
    async fn every_host_takes_both_families_where_there_are_both() {
        for host in Loopback::ALL {
            assert_eq!(bound(&pair(host, 0, &open).expect("a port")), (true, true), "{host}");
        }
    }

    #[tokio::test]
    async fn a_machine_without_ipv6_has_the_other_two() {
        assert_eq!(pair(Loopback::V4, 0, &without(V6)).map(|pair| bound(&pair)), Ok((true, false)));
        assert_eq!(pair(Loopback::Name, 0, &without(V6)).map(|pair| bound(&pair)), Ok((true, false)));
        let refused = pair(Loopback::V6, 0, &without(V6)).map(|pair| bound(&pair));
        assert_eq!(refused, Err(Failed::Refused(ErrorKind::AddrNotAvailable)));
    }

    #[tokio::test]
    async fn a_machine_with_ipv6_only_has_the_other_two() {
        assert_eq!(pair(Loopback::V6, 0, &without(V4)).map(|pair| bound(&pair)), Ok((false, true)));
        assert_eq!(pair(Loopback::Name, 0, &without(V4)).map(|pair| bound(&pair)), Ok((false, true)));
        let refused = pair(Loopback::V4, 0, &without(V4)).map(|pair| bound(&pair));
        assert_eq!(refused, Err(Failed::Refused(ErrorKind::AddrNotAvailable)));
    }

    #[tokio::test]
    async fn a_port_of_which_another_program_has_half_is_not_used_for_the_name() {
        for (half, other) in [(V4, Loopback::V6), (V6, Loopback::V4)] {
            let holder = open((half, 0).into()).expect("half a port");
            let port = holder.local_addr().expect("an address").port();
            assert_eq!(pair(Loopback::Name, port, &open).map(|pair| bound(&pair)), Err(Failed::Busy), "{half}");
            // An address of its own has nothing to fear from the other family.
            assert!(pair(other, port, &open).is_ok(), "{half}");
        }
    }

    #[tokio::test]
    async fn any_port_for_the_name_is_one_with_two_free_halves() {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let third = |address: SocketAddr| {
            let busy = address.ip() == V6 && calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
            if busy { Err(ErrorKind::AddrInUse.into()) } else { open(address) }
        };
        assert_eq!(pair(Loopback::Name, 0, &third).map(|pair| bound(&pair)), Ok((true, true)));
        let never = |address: SocketAddr| {
            if address.ip() == V6 { Err(ErrorKind::AddrInUse.into()) } else { open(address) }
        };
        assert_eq!(pair(Loopback::Name, 0, &never).map(|pair| bound(&pair)), Err(Failed::Busy));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let at = |ip: &str| -> IpAddr { ip.parse().expect("an address") };
        assert_eq!(check(vec![V4, V6], [true, true]), Ok(vec![V4, V6]));
        assert_eq!(check(vec![V4, V6], [true, false]), Ok(vec![V4]));
        assert_eq!(check(Vec::new(), [false, true]), Ok(vec![V6]));
        for elsewhere in ["10.0.0.1", "127.0.0.2", "0.0.0.0", "::", "fe80::1", "::ffff:127.0.0.1"] {
            let expected = Err(Error::LocalhostElsewhere { address: at(elsewhere) });
            assert_eq!(check(vec![V4, at(elsewhere)], [true, true]), expected, "{elsewhere}");
        }
    }
}
