//! Loopback: whether the answer of a login can arrive. A listener is opened for a moment on the addresses that a login
//! uses, and asked from here.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};

use super::{Check, Class};
use crate::config;

const NAME: &str = "loopback";
/// Long for a machine to answer itself.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn look(connections: &[config::Connection]) -> Vec<Check> {
    let mut checks = vec![four().await, six().await, name().await];
    for connection in connections.iter().filter(|connection| !connection.ports.is_empty()) {
        checks.push(ports(connection).await);
    }
    checks
}

async fn four() -> Check {
    match answers(IpAddr::V4(Ipv4Addr::LOCALHOST)).await {
        Ok(()) => Check::ok(NAME, "answers").about("127.0.0.1"),
        Err(error) => Check::fail(NAME, Class::Network, format!("does not answer: {error}"))
            .about("127.0.0.1")
            .hint("a firewall or another program stands before it: allow local connections"),
    }
}

async fn six() -> Check {
    match answers(IpAddr::V6(Ipv6Addr::LOCALHOST)).await {
        Ok(()) => Check::ok(NAME, "answers"),
        // Many machines have none, and no login needs it unless it is told to.
        Err(error) => Check::skip(NAME, format!("not there: {error}")),
    }
    .about("::1")
}

async fn name() -> Check {
    let found = lookup_host(("localhost", 0)).await.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>());
    match found {
        Ok(found) if found.iter().all(IpAddr::is_loopback) => Check::ok(NAME, "is this machine"),
        Ok(_) => {
            Check::warn(NAME, "leads to another machine").hint("correct the line of `localhost` in the file of hosts")
        }
        Err(_) => Check::warn(NAME, "has no address").hint("add `127.0.0.1 localhost` to the file of hosts"),
    }
    .about("localhost")
}

async fn answers(ip: IpAddr) -> io::Result<()> {
    let probe = async {
        let listener = TcpListener::bind((ip, 0)).await?;
        let address = listener.local_addr()?;
        let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (here, (_, from)) = (here?, there?);
        // Somebody else's answer on our own port would be somebody in between.
        if here.local_addr()? == from { Ok(()) } else { Err(io::Error::other("another program came in between")) }
    };
    tokio::time::timeout(PATIENCE, probe).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A provider that knows only these ports for the redirect needs one of them to be free.
async fn ports(connection: &config::Connection) -> Check {
    let mut busy = BTreeMap::new();
    for port in &connection.ports {
        if let Err(error) = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).await {
            busy.insert(*port, error.kind());
        }
    }
    let shown = busy.iter().map(|(port, why)| format!("{port} ({why})")).collect::<Vec<_>>().join(", ");
    let name = &connection.name;
    let check = if busy.is_empty() {
        Check::ok("ports", "free")
    } else if busy.len() == connection.ports.len() {
        Check::fail("ports", Class::Network, format!("none is free: {shown}"))
            .hint(format!("end the program that uses them, or `keyward config set connections.{name}.ports 8080,8081`"))
    } else {
        Check::warn("ports", format!("not free: {shown}"))
            .hint("the others do; end the program that uses it if a login complains")
    };
    check.about(name)
}
