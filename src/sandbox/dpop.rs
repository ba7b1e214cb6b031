//! Proof of possession (RFC 9449): whether a request was made by the holder of the key that its proof shows.

use super::answer::{Refusal, bad};
use super::jose::{Jws, thumbprint};
use super::jwt::fingerprint;
use super::state::State;
use crate::backends::fake::Received;

/// How far a proof's time may be off, in seconds.
const WINDOW: i64 = 120;
/// A nonce is offered for this long and accepted for twice as long.
const NONCE: i64 = 120;
const LONGEST_ID: usize = 256;

/// A proof that cannot be believed.
const WRONG: Refusal = bad("invalid_dpop_proof", "the proof is not of its form, not for this request or was used");
/// A proof without a fresh nonce (§8). The answer carries one.
pub(super) const NONCE_WANTED: Refusal = bad("use_dpop_nonce", "the proof needs the nonce of this answer");

/// The thumbprint of the key that made the request to this address, or `None` if it brought no proof.
pub(super) fn proof(
    state: &State,
    request: &Received,
    url: &str,
    token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let mut headers = request.headers().get_all("dpop").iter();
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(WRONG);
    }
    let jws = header.to_str().ok().and_then(Jws::of).ok_or(WRONG)?;
    let key = jws.key().filter(|key| jws.is_signed_by(key)).ok_or(WRONG)?;
    let now = state.now();
    let issued = jws.number("iat").ok_or(WRONG)?;
    let id = jws.text("jti").filter(|id| !id.is_empty() && id.len() <= LONGEST_ID).ok_or(WRONG)?;
    let fits = jws.header("typ") == Some("dpop+jwt")
        && jws.text("htm") == Some(request.method().as_str())
        && jws.text("htu").is_some_and(|sent| is_address(sent, url))
        && (-WINDOW..=WINDOW).contains(&now.0.saturating_sub(issued))
        // A proof for a resource is for one token, so that it cannot carry another one (§4.3).
        && token.is_none_or(|token| jws.text("ath") == Some(fingerprint(token).as_str()));
    if !fits {
        return Err(WRONG);
    }
    let wants_nonce = state.desk.faults().dpop_nonce;
    match jws.text("nonce") {
        Some(nonce) if nonces(state).iter().any(|good| good == nonce) => {}
        None if !wants_nonce => {}
        _ => return Err(NONCE_WANTED),
    }
    let thumbprint = thumbprint(key).ok_or(WRONG)?;
    let (id, until) = (format!("dpop {thumbprint} {id}"), now.after(2 * WINDOW));
    if state.ledger().is_new(id, until, now) { Ok(Some(thumbprint)) } else { Err(WRONG) }
}

/// The nonce to be used now, and the one before it.
fn nonces(state: &State) -> [String; 2] {
    let period = state.now().0.div_euclid(NONCE);
    [period, period.saturating_sub(1)].map(|period| state.keys.seal(&format!("nonce {period}")))
}

/// The nonce for the next proof, if proofs need one.
pub(super) fn nonce(state: &State) -> Option<String> {
    let [current, _] = nonces(state);
    state.desk.faults().dpop_nonce.then_some(current)
}

/// Whether `sent` is this address, which has neither query nor fragment (§4.2); the host may be in capitals.
fn is_address(sent: &str, url: &str) -> bool {
    url::Url::parse(sent).is_ok_and(|sent| url::Url::parse(url).is_ok_and(|url| sent == url))
}
