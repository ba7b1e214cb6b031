//! The first call over TLS: certificates are loaded, a handshake is made.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::figures::{Budget, Figures, OURS, Row, Unit, median};
use crate::host::Host;
use crate::start::settled;
use crate::{Bench, Outcome, service, wrong};

/// Where systems keep their certificate authorities: Debian, Fedora, Alpine.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

pub fn run(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let folder = bench.place("secure")?;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    // As many authorities as a machine has, and one more.
    let roots = folder.join("roots.pem");
    let system = BUNDLES.iter().find_map(|bundle| fs::read_to_string(bundle).ok());
    let system = system.ok_or_else(|| wrong("no bundle of the system's certificate authorities"))?;
    fs::write(&roots, system + &made.cert.pem())?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(wrong)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || serve(&listener, &Arc::new(config)));
    let address = format!("url = \"https://localhost:{port}\"");
    let program = bench.programs.whole_with(&address)?.calling("tavily_search");
    let program = program.with("SSL_CERT_FILE", roots.as_os_str());
    let mut held = Vec::new();
    for _ in 0..bench.rounds(5) {
        let mut host = Host::ready(&program, &bench.place("home")?)?;
        host.list()?;
        host.call()?;
        held.push(settled(host.id())?);
    }
    let row = Row::new(
        "memory after the first call over HTTPS, every backend configured, the system's authorities",
        Unit::Mebibytes,
    )
    .within(Budget::AtMost(12.0))
    .told();
    figures.add(row.with(OURS, median(&mut held)));
    Ok(())
}

fn serve(listener: &TcpListener, config: &Arc<ServerConfig>) {
    for stream in listener.incoming().flatten() {
        let config = Arc::clone(config);
        // Who breaks off is the other side's business.
        std::thread::spawn(move || drop(answer(stream, config)));
    }
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>) -> Outcome<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config)?, stream));
    loop {
        let (mut line, mut size) = (String::new(), 0);
        while stream.read_line(&mut line)? > 2 {
            if let Some((_, value)) =
                line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                size = value.trim().parse()?;
            }
            line.clear();
        }
        let mut body = vec![0; size];
        stream.read_exact(&mut body)?;
        let body = service::result(6_000);
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.get_mut().write_all((head + &body).as_bytes())?;
        stream.get_mut().flush()?;
    }
}
