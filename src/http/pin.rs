//! One certificate that is expected of one host, instead of one that somebody trusted has signed.
//!
//! Appliances sign their certificates themselves, and a switch that turns the checks off would turn them off for whoever
//! stands in between as well. A pin is as strict as a signature: this certificate and no other.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::name;
use super::trust::{TlsFault, refusal};

/// A certificate, by the SHA-256 of its whole encoding: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pin([u8; 32]);

/// A text that is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is `sha256:` and 64 hexadecimal digits")]
pub struct NotAPin;

impl Pin {
    /// The pin of a certificate.
    pub(super) fn of(certificate: &[u8]) -> Self {
        let mut pin = [0; 32];
        pin.iter_mut()
            .zip(ring::digest::digest(&ring::digest::SHA256, certificate).as_ref())
            .for_each(|(to, from)| *to = *from);
        Self(pin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Pin {
    type Err = NotAPin;

    /// Takes colons between the digits, too: other programs show fingerprints so.
    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let digits = text.trim().strip_prefix("sha256:").ok_or(NotAPin)?;
        let digits: Vec<u32> =
            digits.chars().filter(|c| *c != ':').map(|c| c.to_digit(16).ok_or(NotAPin)).collect::<Result<_, _>>()?;
        let mut pin = [0; 32];
        if digits.len() != 64 {
            return Err(NotAPin);
        }
        for (byte, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
            let value = pair.iter().fold(0, |sum, digit| sum * 16 + digit);
            *byte = u8::try_from(value).map_err(|_| NotAPin)?;
        }
        Ok(Self(pin))
    }
}

/// What a host showed: enough for a person to compare. The names are a stranger's text, cut and cleaned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// The certificate.
    pub pin: Pin,
    /// Whose it says it is.
    pub subject: Option<String>,
    /// Who it says signed it.
    pub issuer: Option<String>,
    /// The last day of its time, as `YYYY-MM-DD`.
    pub until: Option<String>,
}

impl Presented {
    pub(super) fn of(certificate: &[u8]) -> Self {
        let names = name::names(certificate);
        Self {
            pin: Pin::of(certificate),
            subject: names.as_ref().and_then(|names| names.subject.clone()),
            issuer: names.as_ref().and_then(|names| names.issuer.clone()),
            until: names.and_then(|names| names.until),
        }
    }
}

/// Accepts the one certificate of the one host. Who signed it, for which name and until when does not count; that the
/// server has its key does.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) pin: Pin,
    /// The host's name, as a client names it to a server.
    pub(super) host: ServerName<'static>,
    /// Judges everybody else: a proxy on the way has a certificate, too. It also knows how signatures are checked.
    pub(super) inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *server_name != self.host {
            return self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        }
        let found = Pin::of(end_entity);
        match found == self.pin {
            true => Ok(ServerCertVerified::assertion()),
            false => {
                Err(refusal(TlsFault::Changed { expected: Box::new(self.pin), found: Box::new(found) }, end_entity))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_it_is_written_and_nothing_else_is_one() {
        let pin = Pin::of(b"a certificate");
        let text = pin.to_string();
        let digits = text.strip_prefix("sha256:").expect("digits");
        assert_eq!((text.len(), text.parse()), (71, Ok(pin)));
        let colons = format!(
            "sha256:{}",
            digits
                .to_uppercase()
                .as_bytes()
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).expect("text"))
                .collect::<Vec<_>>()
                .join(":")
        );
        assert_eq!(colons.parse(), Ok(pin));
        for bad in [
            "",
            "sha256:",
            digits,
            text.get(..70).expect("digits"),
            &format!("{text}0"),
            &text.replace(|c: char| c.is_ascii_digit(), "g"),
            "sha1:00",
        ] {
            assert_eq!(bad.parse::<Pin>(), Err(NotAPin), "{bad}");
        }
    }
}
