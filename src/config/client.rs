//! How a connection's client identifies itself at the provider, as far as a person configured it.

use url::Url;

use super::{Error, address, listed, written};

/// The client of a connection, besides its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// How it identifies itself, by the registered name of the method; `None` leaves it to what it has and to the server.
    pub method: Option<String>,
    /// The id of its key, where the server needs one to find the public half.
    pub key_id: Option<String>,
    /// To whom its assertions are addressed, where that is not the issuer.
    pub audience: Option<String>,
    /// The address of its metadata document, used as its id where the server takes such ids.
    pub document: Option<String>,
}

/// The registered names of the methods that are spoken here (RFC 7591 §2).
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

impl Client {
    pub(super) fn resolve(written: &written::Connection, key: &dyn Fn(&str) -> String) -> Result<Self, Error> {
        if let Some(method) = written.client_auth.as_deref().filter(|method| !METHODS.contains(method)) {
            let expected = format!("one of {}, not `{method}`", listed(METHODS.into_iter()));
            return Err(Error::Value { key: key("client_auth"), expected });
        }
        document(written.client_document.as_deref(), &key("client_document"))?;
        Ok(Self {
            method: written.client_auth.clone(),
            key_id: written.client_key_id.clone(),
            audience: written.client_audience.clone(),
            document: written.client_document.clone(),
        })
    }
}

/// Checks the address of a client id metadata document: it is the id, so a server compares it character by character
/// with the one in the document, and every spelling but the plain one would be another client.
pub(super) fn document(text: Option<&str>, key: &str) -> Result<(), Error> {
    let Some(text) = text else { return Ok(()) };
    let url: Url = address(text, key)?;
    let wrong = |expected: &str| Err(Error::Value { key: key.to_owned(), expected: expected.to_owned() });
    if url.path() == "/" {
        return wrong("an address with a path, such as `https://host/client.json`");
    }
    // The parser resolves `.` and `..`, lowers the host and drops the default port.
    if url.as_str() != text {
        return wrong(&format!("an address in its plain form, which is `{url}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_document_is_written_in_its_one_plain_form() {
        for (text, good) in [
            ("https://client.example/keyward.json", true),
            ("https://client.example/a/b?c=d", true),
            ("http://127.0.0.1:8080/client.json", true),
            ("https://client.example", false),
            ("https://client.example/", false),
            ("http://client.example/client.json", false),
            ("https://client.example/client.json#x", false),
            ("https://u@client.example/client.json", false),
            ("https://client.example/a/../client.json", false),
            ("https://client.example/./client.json", false),
            ("https://client.example/%2e%2e/client.json", false),
            ("https://Client.example/client.json", false),
            ("https://client.example:443/client.json", false),
            ("https://client.example/client json", false),
            ("client.json", false),
        ] {
            assert_eq!(document(Some(text), "k").is_ok(), good, "{text}");
        }
        assert_eq!(document(None, "k"), Ok(()));
    }

    #[test]
    fn a_method_nobody_speaks_is_refused() {
        for (method, good) in [("private_key_jwt", true), ("none", true), ("tls_client_auth", false), ("basic", false)]
        {
            let written = written::Connection { client_auth: Some(method.to_owned()), ..Default::default() };
            assert_eq!(Client::resolve(&written, &|last| format!("connections.x.{last}")).is_ok(), good, "{method}");
        }
    }
}
