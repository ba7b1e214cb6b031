//! A change of one host's file: made by reading, shown, and then written or not.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::text::{Trouble, cut};
use super::{Entry, Error, Here, Host, NAME, Scope, Server, disk};
use crate::machine::own_program;

/// What would be done to a host's file.
#[derive(Debug)]
pub struct Plan {
    /// The host.
    pub host: &'static Host,
    /// The file.
    pub file: PathBuf,
    /// Other entries of that file that run keyward.
    pub others: Vec<String>,
    /// What our entry narrowed already, and goes on narrowing.
    pub kept: Vec<String>,
    /// From where on folders belong to the host.
    base: PathBuf,
    found: disk::Found,
    after: After,
    is_removal: bool,
    is_shared: bool,
    /// Our entry as it stands there, and as it will.
    entry: [Option<String>; 2],
}

#[derive(Debug, PartialEq, Eq)]
enum After {
    /// As it is.
    Same,
    /// This text.
    Text(String),
    /// No file: only we were in it.
    Gone,
}

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Where the file is kept as it was before keyward was in it.
    pub backup: Option<PathBuf>,
    /// The file is gone: only our entry was in it.
    pub is_gone: bool,
}

/// A file as it was read.
struct Read {
    found: disk::Found,
    file: PathBuf,
    base: PathBuf,
    text: String,
    said: Value,
}

impl Host {
    /// What would put our entry there. Reads, and writes nothing.
    pub fn plan(&'static self, scope: Scope, entry: &Entry, here: &Here) -> Result<Plan, Error> {
        let read = self.read(scope, here)?;
        let there = self.ours(&read)?;
        let narrows = there.and_then(|there| Server::read(NAME, there)).unwrap_or_default().args;
        let (entry, kept) = entry.as_narrow_as(&narrows);
        let wanted = self.wanted(&entry, there);
        if wanted.changes.is_empty() {
            return Ok(Plan { kept, ..self.planned(scope, read, After::Same, false) });
        }
        let after = self.format.put(&read.text, self.key, &wanted).map_err(|trouble| trouble.of(&read.file))?;
        let expected = self.expected(&read.said, &wanted);
        if self.format.read(&after) != Some(expected) {
            return Err(UNPROVED.of(&read.file));
        }
        Ok(Plan { kept, ..self.planned(scope, read, After::Text(after), false) })
    }

    /// What would take our entry away, and whatever was made for it. Reads, and writes nothing.
    pub fn removal(&'static self, scope: Scope, here: &Here) -> Result<Plan, Error> {
        let read = self.read(scope, here)?;
        let Some(there) = self.ours(&read)? else {
            return Ok(self.planned(scope, read, After::Same, true));
        };
        let backup = disk::backed_up(&read.file).and_then(|bytes| String::from_utf8(bytes).ok());
        // If nobody has changed anything since, what was there comes back letter by letter.
        let entry = Server::read(NAME, there).map(|server| Entry {
            command: server.command,
            args: server.args,
            env: server.env,
        });
        let again = |text: &str| {
            let put = self.format.put(text, self.key, &self.wanted(entry.as_ref()?, None)).ok()?;
            (put == read.text).then_some(())
        };
        let is_untouched = again(backup.as_deref().unwrap_or_default()).is_some();
        let after = match (is_untouched, backup) {
            (true, None) => After::Gone,
            (true, Some(text)) => After::Text(text),
            (false, backup) => {
                let said = backup.and_then(|text| self.format.read(&text));
                let was_there = said.is_some_and(|said| said.get(self.key).is_some());
                After::Text(self.without(&read, !was_there)?)
            }
        };
        Ok(self.planned(scope, read, after, true))
    }

    /// Our entry as it is there; `None` if there is none.
    pub fn installed(&'static self, scope: Scope, here: &Here) -> Result<Option<Server>, Error> {
        let read = self.read(scope, here)?;
        Ok(self.ours(&read)?.and_then(|there| Server::read(NAME, there)))
    }

    fn without(&self, read: &Read, table: bool) -> Result<String, Error> {
        let after = self.format.take(&read.text, self.key, table).map_err(|trouble| trouble.of(&read.file))?;
        let rest = |mut said: Value| {
            let servers = said.get_mut(self.key).and_then(Value::as_object_mut);
            let is_empty = servers.is_some_and(|servers| {
                servers.remove(NAME);
                servers.is_empty()
            });
            if is_empty && let Some(whole) = said.as_object_mut() {
                whole.remove(self.key);
            }
            said
        };
        let left = self.format.read(&after);
        let is_out =
            left.as_ref().is_some_and(|left| left.get(self.key).and_then(|servers| servers.get(NAME)).is_none());
        if !is_out || left.map(rest) != Some(rest(read.said.clone())) {
            return Err(UNPROVED.of(&read.file));
        }
        Ok(after)
    }

    fn read(&'static self, scope: Scope, here: &Here) -> Result<Read, Error> {
        let located = self.locate(scope, here).ok_or(Error::NoFile { host: self, scope })?;
        let (file, base) = (located.file, located.base);
        let unread = |error: io::Error| Error::Unreadable { file: file.clone(), why: error.to_string() };
        let found = disk::look(&file).map_err(unread)?;
        // Whoever wrote a project decides what is in it, and not which other files of the person are changed.
        if scope == Scope::Project && !disk::is_inside(&found.target, &base) {
            return Err(unread(io::Error::other("a link there leads out of the project")));
        }
        let bytes = found.bytes.clone().unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| Trouble::NotWhole(1).of(&file))?;
        self.format.check(&text, self.key).map_err(|trouble| trouble.of(&file))?;
        let said = self.format.read(&text).ok_or_else(|| Trouble::NotWhole(1).of(&file))?;
        let is_table = |value: &Value| value.is_object();
        if !(said.is_null() || is_table(&said)) || !said.get(self.key).is_none_or(is_table) {
            return Err(Trouble::Kind(self.key.to_owned()).of(&file));
        }
        Ok(Read { found, file, base, text, said })
    }

    /// The entry of our name, if it is ours.
    fn ours<'a>(&self, read: &'a Read) -> Result<Option<&'a Value>, Error> {
        let Some(there) = read.said.get(self.key).and_then(|servers| servers.get(NAME)) else { return Ok(None) };
        let command = there.get(self.shape.command).and_then(Value::as_str).map(String::from);
        // Whoever gave this program another name still has it there.
        let is_this = |command: &String| std::fs::canonicalize(command).is_ok_and(|path| own_program() == Some(path));
        // Another program may have the same name; ours is told to serve, or nothing yet.
        let is_told = |server: Server| {
            server.is_direct() && (server.args.is_empty() || server.args.iter().any(|word| word == "serve"))
        };
        if Server::read(NAME, there).is_some_and(is_told) || command.as_ref().is_some_and(is_this) {
            return Ok(Some(there));
        }
        Err(Error::Foreign { file: read.file.clone(), command })
    }

    fn planned(&'static self, scope: Scope, read: Read, after: After, is_removal: bool) -> Plan {
        let shown = |text: &str| self.format.span(text, self.key).map(|span| dedented(text, span));
        let was = shown(&read.text).map(|text| self.discreet(&read.text, text));
        let will = match &after {
            After::Text(text) => shown(text).map(|shown| self.discreet(text, shown)),
            After::Same | After::Gone => None,
        };
        let servers = self.servers(&read.text).unwrap_or_default();
        Plan {
            host: self,
            others: servers.into_iter().map(|server| server.name).filter(|name| name != NAME).collect(),
            kept: Vec::new(),
            file: read.file,
            base: read.base,
            found: read.found,
            is_shared: scope == Scope::Project,
            entry: [was, will],
            after,
            is_removal,
        }
    }

    /// The entry without the secrets that somebody wrote into it.
    fn discreet(&self, text: &str, shown: String) -> String {
        let servers = self.servers(text).unwrap_or_default();
        let ours = servers.into_iter().find(|server| server.name == NAME);
        let secret = |server: &Server| {
            let names: Vec<String> = server.secrets().map(String::from).collect();
            let values = server.env.iter().filter(|(name, _)| names.contains(name)).map(|(_, value)| value.clone());
            values.collect::<Vec<_>>()
        };
        ours.iter().flat_map(secret).fold(shown, |shown, value| {
            let written = Value::from(value.as_str()).to_string();
            shown.replace(written.trim_matches('"'), "…").replace(&value, "…")
        })
    }
}

const UNPROVED: Trouble = Trouble::Unsure("the changed file would say something else than it should");

/// The part of the text from the beginning of its line, without the indentation that all lines have.
fn dedented(text: &str, span: std::ops::Range<usize>) -> String {
    let before = cut(text, 0..span.start);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let lead = if line.trim().is_empty() { line } else { "" };
    let whole = format!("{lead}{}", cut(text, span));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let depth = whole.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    whole.lines().map(|line| line.get(depth..).unwrap_or_default().trim_end()).collect::<Vec<_>>().join("\n")
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.after == After::Same
    }

    /// Whether our entry is taken out, and not put in.
    pub fn is_removal(&self) -> bool {
        self.is_removal
    }

    /// Whether our entry is there now.
    pub fn is_installed(&self) -> bool {
        let [was, _] = &self.entry;
        was.is_some()
    }

    /// What would change, for a person to read: the lines of our entry that go and come. Nothing of others is shown,
    /// because it may hold their secrets, and nothing of them changes.
    pub fn difference(&self) -> String {
        let [was, will] = &self.entry;
        let lines = |text: &Option<String>| text.as_deref().unwrap_or_default().lines().map(String::from).collect();
        let (old, new): (Vec<String>, Vec<String>) = (lines(was), lines(will));
        let same = |(a, b): &(&String, &String)| a == b;
        let head = old.iter().zip(&new).take_while(same).count();
        let tail = old.iter().skip(head).rev().zip(new.iter().skip(head).rev()).take_while(same).count();
        let about = match (&self.found.bytes, &self.after) {
            (None, _) => " (a new file)",
            (_, After::Gone) => " (goes: nothing else is in it)",
            _ => "",
        };
        let mut text = vec![format!("{}{about}", self.file.display()), format!("  {}", self.host.key)];
        let mut add = |mark: &str, lines: &[String]| text.extend(lines.iter().map(|line| format!("{mark}   {line}")));
        add(" ", new.get(..head).unwrap_or_default());
        add("-", old.get(head..old.len() - tail).unwrap_or_default());
        add("+", new.get(head..new.len() - tail).unwrap_or_default());
        add(" ", new.get(new.len() - tail..).unwrap_or_default());
        text.join("\n")
    }

    /// Writes it, unless somebody has changed the file since it was read.
    pub fn apply(self) -> Result<Written, Error> {
        let file = self.file.clone();
        let unwritten = |error: io::Error| Error::Unwritable { file: file.clone(), why: error.to_string() };
        if self.is_empty() {
            return Ok(Written { backup: None, is_gone: false });
        }
        if disk::look(&file).ok().as_ref() != Some(&self.found) {
            return Err(Error::Changed { file });
        }
        let target = &self.found.target;
        // Before a copy is made that nobody would need.
        disk::writable(target).map_err(unwritten)?;
        let is_first = !self.is_installed() || disk::backed_up(&file).is_none();
        let backup = match &self.found.bytes {
            // The copy is of the file before keyward was in it, so a later change leaves it alone.
            Some(bytes) if !self.is_removal && is_first => {
                if disk::is_taken(&file, bytes) {
                    let why = format!("`{}` is in the way: move it to another name", disk::backup(&file).display());
                    return Err(Error::Unwritable { file, why });
                }
                disk::keep(&file, target, bytes).map_err(unwritten)?;
                Some(disk::backup(&file))
            }
            _ => None,
        };
        match &self.after {
            After::Text(text) => {
                let new = disk::New { bytes: text.as_bytes(), is_shared: self.is_shared };
                if !disk::replace(&self.found, &new).map_err(unwritten)? {
                    if backup.is_some() {
                        disk::forget(&file);
                    }
                    return Err(Error::Changed { file });
                }
            }
            After::Gone => disk::remove(target, &file, &self.base).map_err(unwritten)?,
            After::Same => {}
        }
        if self.is_removal {
            disk::forget(&file);
        }
        Ok(Written { backup, is_gone: self.after == After::Gone })
    }
}
