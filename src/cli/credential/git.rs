//! git's credential protocol (gitcredentials(7), git-credential(1)): lines of `name=value` in, lines of `name=value` out.
//!
//! Where git can send a token as such (`capability[]=authtype`, git 2.46), it gets one as `Bearer`; otherwise as the
//! password of a user. It gets nothing for any address but the connection's own, so that a repository with a hostile
//! submodule or redirect cannot ask for somebody else's token.

use std::fmt::Write as _;

use url::Url;

use super::{Console, Outcome, bearer, input};
use crate::app::token::Token;
use crate::app::{App, token};
use crate::report::{Exit, Report};
use crate::secret::Secret;

/// Answer git as its credential helper
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `git config --global credential.https://git.example.com.helper \
    '!keyward credential git NAME'`. git adds the operation. A token that the server refused is renewed before the next \
    use.")]
pub(super) struct Arguments {
    /// The connection; git gets its token for the connection's own host only
    connection: String,
    /// What git wants: get, store or erase
    operation: String,
    /// The user whose password the token is, where git or the server knows no other form
    #[arg(long, value_name = "NAME", default_value = "oauth2", value_parser = word)]
    username: String,
}

/// What git said.
#[derive(Default)]
struct Request {
    protocol: String,
    host: String,
    username: Option<String>,
    /// The token that git used before, in either form.
    token: Option<Secret>,
    knows_authtype: bool,
    /// The schemes that the server offered, in small letters.
    schemes: Vec<String>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let connection = app.connection(&arguments.connection).map_err(|error| Report::from(&error))?;
    let (is_get, is_erase) = (arguments.operation == "get", arguments.operation == "erase");
    if !is_get && !is_erase {
        // Nothing that git could store is news to us, and what it may ask one day is to be ignored (gitcredentials(7)).
        return Ok(Exit::Done);
    }
    let request = Request::read(&input(app).await?)?;
    if !request.address().is_some_and(|address| app.is_at(connection, &address)) {
        return Ok(Exit::Done);
    }
    if is_erase {
        if let Some(refused) = &request.token {
            token::refuse(app, connection, refused).await.map_err(|error| Report::from(&error))?;
        }
        return Ok(Exit::Done);
    }
    match bearer(app, connection).await {
        Ok(token) => {
            console.print(&answer(&request, &token, &arguments.username));
            Ok(Exit::Done)
        }
        Err(report) => {
            // Without this git would go on and ask the person for a password, which this server does not take.
            console.print("quit=1");
            Err(report)
        }
    }
}

impl Request {
    fn read(text: &str) -> Result<Self, Report> {
        let mut request = Self::default();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once('=') else {
                return Err(Report::new(Exit::Usage, "input", "git's request cannot be read")
                    .cause("a line of it is not `name=value`")
                    .hint("`keyward credential git --help` says how git is set up"));
            };
            match name {
                "protocol" => value.clone_into(&mut request.protocol),
                "host" => value.clone_into(&mut request.host),
                "username" => request.username = Some(value.to_owned()).filter(|name| !name.is_empty()),
                "password" | "credential" => request.token = Some(Secret::new(value)),
                "capability[]" => request.knows_authtype |= value == "authtype",
                "wwwauth[]" => {
                    let scheme = value.split([' ', ',']).next().unwrap_or_default();
                    request.schemes.push(scheme.to_ascii_lowercase());
                }
                _ => {}
            }
        }
        Ok(request)
    }

    /// Where git wants to go. The host comes from an address that a stranger may have written: only what cannot be
    /// read in two ways is an address.
    fn address(&self) -> Option<Url> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let is_web = matches!(self.protocol.as_str(), "http" | "https");
        (is_web && !self.host.is_empty() && self.host.chars().all(is_plain))
            .then(|| Url::parse(&format!("{}://{}/", self.protocol, self.host)).ok())
            .flatten()
    }

    /// Whether git and the server take a token as such. A server that offers `Basic` alone gets it as a password.
    fn takes_bearer(&self) -> bool {
        self.knows_authtype && (self.schemes.is_empty() || self.schemes.iter().any(|scheme| scheme == "bearer"))
    }
}

fn answer(request: &Request, token: &Token, username: &str) -> String {
    let mut text = String::new();
    let secret = token.token.expose();
    if request.takes_bearer() {
        // `ephemeral` keeps other helpers from writing the token into a file of theirs.
        let _ = write!(text, "capability[]=authtype\nauthtype=Bearer\ncredential={secret}\nephemeral=1");
    } else {
        let _ = write!(text, "username={}\npassword={secret}", request.username.as_deref().unwrap_or(username));
    }
    if let Some(end) = token.expires_at {
        let _ = write!(text, "\npassword_expiry_utc={}", end.0);
    }
    text
}

/// A line break in it would start another line of the protocol.
fn word(text: &str) -> Result<String, String> {
    let is_line = !text.is_empty() && !text.chars().any(char::is_control);
    if is_line { Ok(text.to_owned()) } else { Err("a name is one line".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Request {
        Request::read(text).unwrap_or_default()
    }

    #[test]
    fn only_a_plain_host_is_an_address() {
        let address = |protocol: &str, host: &str| {
            read(&format!("protocol={protocol}\nhost={host}\n")).address().map(|url| url.to_string())
        };
        assert_eq!(address("https", "git.example.com").as_deref(), Some("https://git.example.com/"));
        assert_eq!(address("https", "git.example.com:443").as_deref(), Some("https://git.example.com/"));
        assert_eq!(address("http", "127.0.0.1:80").as_deref(), Some("http://127.0.0.1/"));
        for (protocol, host) in [
            ("ssh", "git.example.com"),
            ("cert", ""),
            ("https", ""),
            ("https", "evil.example@git.example.com"),
            ("https", "git.example.com/x"),
            ("https", "git.example.com?"),
            ("https", "git.example.com#"),
            ("https", "git.example.com\\"),
            ("https", "git%2eexample.com"),
            ("https", "git.example.com:port"),
            ("", "git.example.com"),
        ] {
            assert_eq!(address(protocol, host), None, "{protocol} {host}");
        }
    }

    #[test]
    fn the_form_is_what_git_and_the_server_both_take() {
        for (text, bearer) in [
            ("", false),
            ("capability[]=authtype\n", true),
            ("capability[]=state\n", false),
            ("capability[]=authtype\nwwwauth[]=Bearer realm=\"x\"\n", true),
            ("capability[]=authtype\nwwwauth[]=Basic realm=\"x\"\n", false),
            ("capability[]=authtype\nwwwauth[]=Basic realm=\"x\"\nwwwauth[]=bearer\n", true),
            ("wwwauth[]=Bearer\n", false),
        ] {
            assert_eq!(read(text).takes_bearer(), bearer, "{text:?}");
        }
    }

    #[test]
    fn what_follows_an_empty_line_is_not_read_and_a_line_without_a_name_is_refused() {
        assert_eq!(read("host=a\n\nhost=b\n").host, "a");
        assert!(Request::read("host=a\nnonsense\n").is_err());
    }
}
