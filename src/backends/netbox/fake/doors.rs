//! Who is asking: tokens of both versions, what their owners may do, and every way to be turned away with 403 (reference:
//! "Authentication").

use std::hash::{BuildHasher, Hasher, RandomState};

use serde_json::{Value, json};

use super::network::Net;
use super::schema::{self, Release, Type};
use super::world::{Row, World, empty, id_of, said};

/// What follows the key in every token of version 2 that is there at the start.
pub const SECRET: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";
pub(super) const NOT_ALLOWED: &str = "You do not have permission to perform this action.";
pub(super) const NO_CREDENTIALS: &str = "Authentication credentials were not provided.";
/// Where every request comes from.
const HERE: &str = "127.0.0.1";

/// Whoever is asking.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) user: u64,
    pub(super) name: String,
    pub(super) is_admin: bool,
    /// Their token lets them write.
    pub(super) writes: bool,
}

impl Who {
    pub(super) fn of(world: &World, user: u64, writes: bool) -> Self {
        let row = world.row("users.user", user);
        let is_admin = row.and_then(|row| row.get("is_superuser")) == Some(&true.into());
        Self { user, name: said(row.and_then(|row| row.get("username"))), is_admin, writes }
    }

    /// Whether they may do this with objects of the type at all.
    pub(super) fn may(&self, kind: &Type, reads: bool) -> bool {
        match self.name.as_str() {
            "nobody" => false,
            "reader" => reads && (kind.app != "users" || kind.model == "token"),
            _ if self.is_admin => true,
            _ => reads || kind.app != "users" || kind.model == "token",
        }
    }

    /// Whether this row is theirs to see.
    pub(super) fn owns(&self, kind: &Type, row: &Row) -> bool {
        kind.name != "users.token" || self.is_admin || id_of(row, "user") == Some(self.user)
    }
}

/// Whoever sent this header; the error is what NetBox says.
pub(super) fn admit(world: &World, release: Release, header: Option<&str>) -> Result<Who, String> {
    let no_credentials = || NO_CREDENTIALS.to_owned();
    let header = header.ok_or_else(no_credentials)?;
    let mut words = header.split_whitespace();
    let keyword = words.next().unwrap_or_default().to_ascii_lowercase();
    let is_new = release >= (4, 5);
    if keyword != "token" && !(is_new && keyword == "bearer") {
        return Err(no_credentials());
    }
    let (Some(text), None) = (words.next(), words.next()) else {
        return Err(match is_new {
            true => "Invalid authorization header: Must be in the form \"Bearer <key>.<token>\" or \"Token <token>\""
                .to_owned(),
            false => "Invalid token header. No credentials provided.".to_owned(),
        });
    };
    if !text.is_ascii() {
        return Err("Invalid authorization header: Token contains invalid characters".to_owned());
    }
    let row = match text.strip_prefix("nbt_").filter(|_| is_new) {
        Some(rest) => {
            let (key, secret) = rest.split_once('.').ok_or(
                "Invalid authorization header: Could not parse key from v2 token. Did you mean to use 'Token' instead of 'Bearer'?",
            )?;
            token(world, |row| said(row.get("key")) == key && of_row(row) == secret).ok_or("Invalid v2 token")?
        }
        None => {
            let wrong = if is_new { "Invalid v1 token" } else { "Invalid token" };
            token(world, |row| id_of(row, "version") == Some(1) && said(row.get("secret")) == text).ok_or(wrong)?
        }
    };
    good(world, row)
}

/// Whom the proxy in front names. NetBox holds that for a session of a browser, and wants the proof of its own pages with
/// every change.
pub(super) fn named(world: &World, name: &str, reads: bool) -> Result<Who, String> {
    let is_it = |row: &Row| said(row.get("username")) == name && row.get("is_active") == Some(&true.into());
    let user = world.rows("users.user").find(|(_, row)| is_it(row)).map(|(id, _)| id);
    let user = user.ok_or_else(|| NO_CREDENTIALS.to_owned())?;
    if reads { Ok(Who::of(world, user, true)) } else { Err("CSRF Failed: CSRF cookie not set.".to_owned()) }
}

fn of_row(row: &Row) -> String {
    let own = said(row.get("secret"));
    if own.is_empty() { SECRET.to_owned() } else { own }
}

fn token(world: &World, is_it: impl Fn(&Row) -> bool) -> Option<&Row> {
    world.rows("users.token").find(|(_, row)| is_it(row)).map(|(_, row)| row)
}

fn good(world: &World, row: &Row) -> Result<Who, String> {
    let allowed = row.get("allowed_ips").and_then(Value::as_array).filter(|allowed| !allowed.is_empty());
    let here = Net::read(HERE);
    let is_in = |net: &Value| net.as_str().and_then(Net::read).zip(here).is_some_and(|(net, here)| net.contains(here));
    if allowed.is_some_and(|allowed| !allowed.iter().any(is_in)) {
        return Err(format!("Source IP {HERE} is not permitted to authenticate using this token."));
    }
    if row.get("enabled") == Some(&false.into()) {
        return Err("Token disabled".to_owned());
    }
    let expires = said(row.get("expires"));
    if !expires.is_empty() && expires <= world.now() {
        return Err("Token expired".to_owned());
    }
    let user = id_of(row, "user").unwrap_or_default();
    let is_active = world.row("users.user", user).and_then(|user| user.get("is_active")) == Some(&true.into());
    if !is_active {
        return Err("User inactive".to_owned());
    }
    Ok(Who::of(world, user, row.get("write_enabled") == Some(&true.into())))
}

/// Something that nobody guesses.
pub(super) fn secret(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&format!("{:016x}", RandomState::new().build_hasher().finish()));
    }
    text.truncate(length);
    text
}

/// `POST users/tokens/provision/`: a token for name and password. Its id and its secret text, or what NetBox says.
pub(super) fn provision(world: &mut World, release: Release, body: &Value) -> Result<(u64, String), (u16, Value)> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let required = |name: &str| text(name).is_none().then(|| (name.to_owned(), json!(["This field is required."])));
    let missing: serde_json::Map<_, _> = ["username", "password"].into_iter().filter_map(required).collect();
    if !missing.is_empty() {
        return Err((400, missing.into()));
    }
    let (name, password) = (text("username").unwrap_or_default(), text("password").unwrap_or_default());
    let is_it = |row: &Row| said(row.get("username")) == name && row.get("is_active") == Some(&true.into());
    let user = world.rows("users.user").find(|(_, row)| is_it(row)).map(|(id, _)| id);
    let Some(user) = user.filter(|_| password == format!("{name}-p&ss%")) else {
        return Err((403, json!({ "detail": "Invalid username/password" })));
    };
    made(world, release, user, body).ok_or_else(|| (500, json!({ "error": "no such type" })))
}

/// Makes a token for somebody.
pub(super) fn made(world: &mut World, release: Release, user: u64, wish: &Value) -> Option<(u64, String)> {
    let kind = schema::named("users.token")?;
    let version = wish.get("version").and_then(Value::as_u64).filter(|_| release >= (4, 5));
    let version = version.unwrap_or(if release >= (4, 5) { 2 } else { 1 });
    let (key, secret) = (secret(12), secret(40));
    let mut row = empty(kind);
    for name in ["description", "expires", "write_enabled", "enabled", "allowed_ips"] {
        if let Some(value) = wish.get(name) {
            row.insert(name.to_owned(), value.clone());
        }
    }
    row.insert("user".to_owned(), user.into());
    row.insert("version".to_owned(), version.into());
    row.insert("secret".to_owned(), secret.clone().into());
    row.insert("created".to_owned(), world.tick().into());
    if version == 2 {
        row.insert("key".to_owned(), key.into());
    }
    Some((world.add(kind, row), secret))
}

/// How a token is shown that was made just now: with its text, for the only time.
pub(super) fn shown_once(mut shown: serde_json::Map<String, Value>, release: Release, secret: &str) -> Value {
    let name = if release >= (4, 5) { "token" } else { "key" };
    shown.insert(name.to_owned(), secret.into());
    shown.into()
}
