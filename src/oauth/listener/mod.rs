//! The loopback receiver of a login (RFC 8252 §7.3): waits for the one request that belongs to the attempt.
//!
//! Any local process and any web page can send requests here. Nothing but the right state ends the wait, nothing is
//! reflected, and the code leaves the address bar before the page is shown: the answer to the callback is a redirect to
//! a local path that holds a random word and nothing else, and the page waits there for the real outcome.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::attempt::Attempt;
use super::error::Error;
use super::response::{Outcome, Verdict};
use crate::http::Loopback;
use crate::secret::Secret;

mod accept;
mod bind;
mod checks;
mod connection;
mod page;
mod reply;
mod shared;
#[cfg(test)]
mod tests;

pub use page::Page;
use page::Word;
pub use shared::Notice;
use shared::{Door, Judge, Limits, Shared};

/// The path of the redirect URI of an authorization request. It has a segment, because some servers append a slash to an empty path.
const PATH: &str = "/callback";

/// An open loopback port, waiting for the browser to come back. Dropping it closes the port.
pub struct Listener {
    server: Server,
    host: Loopback,
    port: u16,
}

/// The one answer of a login, and the browser that waits for the outcome.
pub struct Callback {
    /// The code, or why there is none.
    pub outcome: Outcome,
    server: Server,
}

impl Listener {
    /// Opens the first free port of `ports` (any free port, if there are none or where one is 0) for a redirect to
    /// `host`. The port is kept from here on; it is proven to lead here.
    pub async fn bind(host: Loopback, ports: &[u16]) -> Result<Self, Error> {
        Self::bind_with(host, ports, (Door::Known, Limits::default())).await
    }

    /// As [`Listener::bind`], for a page that proves nothing to us: nobody but who was told can come back to here.
    pub async fn bind_secret(host: Loopback, ports: &[u16]) -> Result<Self, Error> {
        Self::bind_with(host, ports, (Door::Secret, Limits::default())).await
    }

    async fn bind_with(host: Loopback, ports: &[u16], (door, limits): (Door, Limits)) -> Result<Self, Error> {
        let mut trouble = None;
        for wanted in if ports.is_empty() { &[0] } else { ports } {
            let pair = match bind::pair(host, *wanted, &bind::open) {
                Ok(pair) => pair,
                Err(bind::Failed::Busy) => continue,
                Err(bind::Failed::Refused(kind)) => {
                    trouble = Some(Error::NoLoopback { host: host.text(), cause: kind.to_string() });
                    continue;
                }
            };
            let (port, families) = (pair.port, [pair.v4.is_some(), pair.v6.is_some()]);
            let server = Server::start(pair, Shared::new(&format!("{host}:{port}"), door, limits)?);
            let proof = async { server.proves_itself(&bind::addresses(host, families, port).await?).await };
            match proof.await {
                Ok(()) => return Ok(Self { server, host, port }),
                Err(error) => trouble = Some(error),
            }
        }
        Err(trouble.unwrap_or_else(|| Error::PortsBusy { ports: ports.to_vec() }))
    }

    /// Where the browser comes back to: what the authorization request and the token request name.
    pub fn redirect_uri(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.server.shared.callback())
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who is told about things that a person at a terminal should know. Without it they go to the log.
    pub fn notify(&self, receiver: impl Fn(Notice) + Send + Sync + 'static) {
        self.server.shared.notify(Box::new(receiver));
    }

    /// Waits for the answer to `attempt`. After an error, and when the wait is cancelled, the port is closed.
    pub async fn wait(self, attempt: &Attempt, limit: Duration) -> Result<Callback, Error> {
        let pending = Arc::clone(&attempt.pending);
        self.wait_for(Box::new(move |query| pending.judge(query)), limit).await
    }

    /// Waits until the browser brings something in which `read` finds what is wanted. There is one answer.
    pub async fn wait_to_read(self, read: fn(&str) -> Option<Secret>, limit: Duration) -> Result<Callback, Error> {
        let spent = AtomicBool::new(false);
        let judge = move |brought: &str| match read(brought) {
            None => Verdict::Malformed,
            Some(_) if spent.swap(true, Ordering::SeqCst) => Verdict::Spent,
            Some(found) => Verdict::Answer(Ok(found)),
        };
        self.wait_for(Box::new(judge), limit).await
    }

    async fn wait_for(self, judge: Judge, limit: Duration) -> Result<Callback, Error> {
        let (sender, receiver) = oneshot::channel();
        self.server.shared.expect(judge, sender);
        match tokio::time::timeout(limit, receiver).await {
            Ok(Ok(outcome)) => Ok(Callback { outcome, server: self.server }),
            Ok(Err(_)) | Err(_) => {
                self.server.shared.publish(Word::Late.html());
                self.server.close().await;
                Err(Error::TimedOut { after: limit })
            }
        }
    }
}

impl Callback {
    /// The code, or why there is none.
    pub fn code(&self) -> Result<&Secret, &Error> {
        self.outcome.as_ref()
    }

    /// Shows the outcome in the browser and closes the port. Returns when the page has arrived, or when no browser has
    /// asked for it within three seconds. Dropping the callback instead closes the port, too, and shows a page that
    /// claims nothing.
    pub async fn finish(self, page: Page) {
        self.server.shared.publish(page.html());
        self.server.shared.seen().await;
        self.server.close().await;
    }
}

/// The task behind an open port.
struct Server {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    fn start(pair: bind::Pair, shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept::run(pair.v4, pair.v6, Arc::clone(&shared), stopped));
        Self { shared, stop: Some(stop), task: Some(task) }
    }

    /// Sends one request to the port, by every address that the host's name leads to: a port that another program
    /// shadows would hand the code to that program. The proof is that our own handler has seen the random path, not
    /// what the answer says.
    async fn proves_itself(&self, addresses: &[SocketAddr]) -> Result<(), Error> {
        for address in addresses {
            let exchange = async {
                let mut stream = TcpStream::connect(address).await?;
                let (path, host) = (self.shared.probe_path(), self.shared.host());
                let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
                stream.write_all(request.as_bytes()).await?;
                stream.read_to_end(&mut Vec::new()).await
            };
            let answered = tokio::time::timeout(Duration::from_secs(3), exchange).await;
            if !matches!(answered, Ok(Ok(_))) || !self.shared.take_probe() {
                return Err(Error::Shadowed { port: address.port() });
            }
        }
        Ok(())
    }

    /// Closes the port and waits until open exchanges are over.
    async fn close(mut self) {
        self.shared.publish(Word::Ended.html());
        self.stop = None;
        if let Some(task) = self.task.take() {
            // The task only ends by itself; a panic in it has nothing to add here.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A browser that waits is told that there is no outcome; a page set before stays.
        self.shared.publish(Word::Ended.html());
    }
}
