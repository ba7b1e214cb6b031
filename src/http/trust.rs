//! Which certificates are trusted, and what is wrong with one that is not.
//!
//! The system's store is used, plus the certificates of one file that the person names. `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` replace the system's store, as they do for OpenSSL. Nothing here can be told to trust everybody.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, InvalidMessage, OtherError,
    PeerIncompatible, RootCertStore, SignatureScheme,
};

use super::pin::{Pin, Pinned, Presented};
use super::{Error, name};
use crate::machine::Environment;

/// What is wrong with the other side's certificate, or with its TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Nobody who is trusted here signed it.
    #[error("{}", unknown(issuer.as_deref()))]
    UnknownIssuer {
        /// Who signed it, as the certificate says: the last one of the chain that was presented.
        issuer: Option<String>,
    },
    /// It signed itself.
    #[error("its certificate is self-signed{}", issuer.as_ref().map(|name| format!(" by `{name}`")).unwrap_or_default())]
    SelfSigned {
        /// Its name.
        issuer: Option<String>,
    },
    /// Another one is expected of this host, and nothing else will do.
    #[error("its certificate is not the one that is pinned for it, but `{found}`")]
    Changed {
        /// The one that is expected.
        expected: Box<Pin>,
        /// The one that it showed.
        found: Box<Pin>,
    },
    /// Its time is over.
    #[error("its certificate has expired{}", days.map(|days| format!(", {days} days ago")).unwrap_or_default())]
    Expired {
        /// How many days ago, by this machine's clock.
        days: Option<u64>,
    },
    /// Its time has not come.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// It is for another host.
    #[error("its certificate is for {}", listed(names))]
    WrongHost {
        /// The hosts it is for; at most three.
        names: Vec<String>,
    },
    /// It was revoked.
    #[error("its certificate was revoked")]
    Revoked,
    /// It speaks TLS 1.1 or older, or nothing that is safe.
    #[error("it speaks no TLS that is safe: 1.2 or newer is needed")]
    TooOld,
    /// It does not speak TLS.
    #[error("it does not speak TLS on this port")]
    NotTls,
    /// It wants a certificate from us.
    #[error("it wants a certificate from its clients")]
    WantsCertificate,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

fn unknown(issuer: Option<&str>) -> String {
    match issuer {
        Some(issuer) => format!("its certificate was issued by `{issuer}`, whom this system does not know"),
        None => "its certificate was issued by somebody whom this system does not know".to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "another host".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Where trusted certificates come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Instead of the system's store: a file.
    pub file: Option<PathBuf>,
    /// Instead of the system's store: folders.
    pub folders: Vec<PathBuf>,
    /// On top of it.
    pub extra: Option<PathBuf>,
}

/// How many certificates there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// From `SSL_CERT_FILE` and `SSL_CERT_DIR`; `None` where the system's store is used.
    pub instead: Option<usize>,
    /// From the extra file.
    pub extra: usize,
}

type Certificates = Vec<CertificateDer<'static>>;

const FILE: &str = "SSL_CERT_FILE";
const FOLDER: &str = "SSL_CERT_DIR";
const EXTRA: &str = "--ca-file";

impl Trust {
    pub(super) fn of(environment: &Environment) -> Self {
        let folders = environment.path(FOLDER).map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
        let folders = folders.unwrap_or_default().into_iter().filter(|folder| !folder.as_os_str().is_empty()).collect();
        Self { file: environment.path(FILE), folders, extra: None }
    }

    /// Reads every file that is named and says how many certificates there are.
    pub fn count(&self) -> Result<Counted, Error> {
        let instead = self.instead()?.map(|certificates| certificates.len());
        Ok(Counted { instead, extra: self.extra()?.len() })
    }

    /// The certificates that replace the system's. A path that leads nowhere is an error: the system's own reader would
    /// silently trust nobody, and every request would blame the server.
    fn instead(&self) -> Result<Option<Certificates>, Error> {
        if self.file.is_none() && self.folders.is_empty() {
            return Ok(None);
        }
        let mut found = match &self.file {
            Some(path) => read(FILE, path)?,
            None => Vec::new(),
        };
        for folder in &self.folders {
            let failed = |why: String| Error::Certificates { from: FOLDER, path: folder.clone(), why };
            let entries = std::fs::read_dir(folder).map_err(|error| failed(error.kind().to_string()))?;
            // A folder holds other things, too: what is no certificate is passed over.
            found.extend(entries.flatten().filter_map(|entry| read(FOLDER, &entry.path()).ok()).flatten());
            if found.is_empty() {
                return Err(failed("no file in it holds a certificate in PEM form".to_owned()));
            }
        }
        // A folder often holds links to one file.
        found.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        found.dedup();
        Ok(Some(found))
    }

    fn extra(&self) -> Result<Certificates, Error> {
        self.extra.as_ref().map_or(Ok(Vec::new()), |path| read(EXTRA, path))
    }

    /// What decides about every connection of the process, or about those to a host of which one certificate is expected.
    pub(super) fn config(&self, pinned: Option<(Pin, ServerName<'static>)>) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let wrong = |error: rustls::Error| Error::NoTrust { cause: error.to_string() };
        let inner = self.verifier(&provider)?;
        // The judgement is the system's or webpki's; what is added is the reason.
        let explaining = Arc::new(Explaining(inner));
        let verifier: Arc<dyn ServerCertVerifier> = match pinned {
            Some((pin, host)) => Arc::new(Pinned { pin, host, inner: explaining }),
            None => explaining,
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
        let extra = self.extra()?;
        let Some(instead) = self.instead()? else {
            let made = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(provider));
            let failed = |error: rustls::Error| match (&error, &self.extra) {
                (rustls::Error::InvalidCertificate(_), Some(path)) => damaged(EXTRA, path),
                _ => Error::NoTrust { cause: error.to_string() },
            };
            return made.map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>).map_err(failed);
        };
        let mut roots = RootCertStore::empty();
        let path = self.file.as_ref().or(self.folders.first()).cloned().unwrap_or_default();
        let from = if self.file.is_some() { FILE } else { FOLDER };
        let (added, _) = roots.add_parsable_certificates(instead);
        if added == 0 {
            return Err(damaged(from, &path));
        }
        for certificate in extra {
            roots.add(certificate).map_err(|_| damaged(EXTRA, &self.extra.clone().unwrap_or_default()))?;
        }
        let made = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        made.map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
            .map_err(|error| Error::NoTrust { cause: error.to_string() })
    }
}

fn damaged(from: &'static str, path: &Path) -> Error {
    Error::Certificates { from, path: path.to_path_buf(), why: "a certificate in it is damaged".to_owned() }
}

fn read(from: &'static str, path: &Path) -> Result<Certificates, Error> {
    let failed = |why: String| Error::Certificates { from, path: path.to_path_buf(), why };
    let bytes = std::fs::read(path).map_err(|error| failed(error.kind().to_string()))?;
    let found: Result<Certificates, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err(failed("it holds no certificate in PEM form".to_owned())),
        Ok(found) => Ok(found),
        Err(_) => Err(failed("it is not whole: a certificate in PEM form is cut or damaged".to_owned())),
    }
}

/// Adds to a refusal who issued the certificate that was refused.
#[derive(Debug)]
struct Explaining(Arc<dyn ServerCertVerifier>);

/// The refusal as it travels through the TLS library's error, with what was refused.
#[derive(Debug)]
struct Refused(TlsFault, Presented);

/// The TLS library's error for that refusal.
pub(super) fn refusal(fault: TlsFault, certificate: &[u8]) -> rustls::Error {
    let refused = Refused(fault, Presented::of(certificate));
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verdict.map_err(|error| refusal(explain(&error, end_entity, intermediates), end_entity))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn explain(error: &rustls::Error, end_entity: &[u8], intermediates: &[CertificateDer<'_>]) -> TlsFault {
    use CertificateError as C;
    let own = name::names(end_entity);
    let rustls::Error::InvalidCertificate(why) = error else { return TlsFault::Other(error.to_string()) };
    let age = |now: &UnixTime, end: &UnixTime| now.as_secs().checked_sub(end.as_secs()).map(|age| age / 86_400);
    match why {
        C::Expired => TlsFault::Expired { days: None },
        C::ExpiredContext { time, not_after } => TlsFault::Expired { days: age(time, not_after) },
        C::NotValidYet | C::NotValidYetContext { .. } => TlsFault::NotYetValid,
        C::NotValidForName => TlsFault::WrongHost { names: Vec::new() },
        C::NotValidForNameContext { presented, .. } => {
            TlsFault::WrongHost { names: presented.iter().take(3).map(|name| host_in(name)).collect() }
        }
        C::Revoked => TlsFault::Revoked,
        // A certificate that signed itself is either unknown or, made with the usual command, an authority in the
        // place of a server.
        _ if own.as_ref().is_some_and(|names| names.is_self_signed) => {
            TlsFault::SelfSigned { issuer: own.and_then(|names| names.issuer) }
        }
        C::UnknownIssuer => {
            // The last of the chain names the authority that is missing here.
            let last = intermediates.last().and_then(|last| name::names(last)).and_then(|names| names.issuer);
            TlsFault::UnknownIssuer { issuer: last.or_else(|| own.and_then(|names| names.issuer)) }
        }
        _ => TlsFault::Other(error.to_string()),
    }
}

/// The name itself, of a text such as `DnsName("host")`.
fn host_in(presented: &str) -> String {
    let inner = presented.split('"').nth(1).unwrap_or(presented);
    inner.chars().filter(|c| c.is_ascii_graphic() && *c != '`').take(80).collect()
}

/// The fault behind an error of the TLS library.
pub(super) fn fault(error: &rustls::Error) -> TlsFault {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(CertificateError::Other(OtherError(inner))) => match inner.downcast_ref::<Refused>() {
            Some(Refused(fault, _)) => fault.clone(),
            None => TlsFault::Other(error.to_string()),
        },
        E::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity)
        | E::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => TlsFault::TooOld,
        E::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            TlsFault::NotTls
        }
        E::AlertReceived(AlertDescription::CertificateRequired) => TlsFault::WantsCertificate,
        other => TlsFault::Other(other.to_string()),
    }
}

/// The certificate that was refused, if a person may decide about it: nobody vouches for one whose key is lost.
pub(super) fn presented(error: &rustls::Error) -> Option<Presented> {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error else { return None };
    match inner.downcast_ref::<Refused>()? {
        Refused(TlsFault::Revoked, _) => None,
        Refused(_, presented) => Some(presented.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_certificate_is_not_shown_for_a_decision() {
        let refused = refusal(TlsFault::Revoked, b"a certificate");
        assert_eq!((fault(&refused), presented(&refused)), (TlsFault::Revoked, None));
        assert!(presented(&refusal(TlsFault::NotYetValid, b"a certificate")).is_some());
    }
}
