//! Words for what is wrong with the configuration, a name or a folder.

use std::path::Path;

use super::{Exit, Report};
use crate::app::error::Off;
use crate::backends::{self, Backend};
use crate::config::Error;

pub(super) fn config(error: &Error) -> Report {
    let report = |message: String| Report::new(Exit::Configuration, "config", message);
    match error {
        Error::File { path, why } => report(format!("the configuration `{}` could not be used", path.display()))
            .cause(why.clone())
            .hint("`keyward config path` prints which file is used; `--config FILE` names another"),
        Error::Syntax { path, line, why } => report(format!("the configuration `{}` is not TOML", path.display()))
            .cause(format!("line {line}: {why}"))
            .hint("correct that line; `keyward config show` says whether the file can be read"),
        Error::UnknownKey { key, nearest } => {
            let report = report(format!("the configuration has an unknown key `{key}`"))
                .cause("unknown keys are refused so that no setting is silently ignored");
            let report = match nearest {
                Some(nearest) => report.hint(format!("the nearest known key is `{nearest}`")),
                None => report,
            };
            report.hint(format!("`keyward config unset {key}` removes it"))
        }
        Error::Value { key, expected } if key.starts_with("KEYWARD_") => {
            report(format!("the variable `{key}` cannot be used"))
                .cause(format!("it must be {expected}"))
                .hint(format!("unset `{key}`, or give it one of these values"))
        }
        Error::Value { key, expected } => {
            let setting = if key.matches('.').count() == 1 && key.starts_with("connections.") { "name" } else { "key" };
            report(format!("the configuration's {setting} `{key}` cannot be used"))
                .cause(format!("it must be {expected}"))
                .hint(match setting {
                    "name" => "rename the connection in the file that `keyward config path` prints".to_owned(),
                    _ => {
                        format!("`keyward config unset {key}` removes it, `keyward config set {key} VALUE` changes it")
                    }
                })
        }
        Error::SecretHeader { connection, header } => {
            report(format!("the configuration's key `connections.{connection}.headers` cannot be used"))
                .cause(format!("`{header}` seems to be a secret, and the file never holds one"))
                .hint(format!(
                    "`keyward config unset connections.{connection}.headers` takes the headers out of the file"
                ))
                .hint(format!("then `keyward login {connection} --header {header}` keeps its value in the store"))
        }
        Error::NoFolder => report("there is no place for the configuration".to_owned())
            .cause("the platform names no home folder for this user")
            .hint("`--config FILE` or `KEYWARD_CONFIG` names the file"),
    }
}

pub(super) fn unknown_connection(name: &str, nearest: Option<&str>) -> Report {
    let report = Report::new(Exit::Usage, "unknown_connection", format!("there is no connection `{name}`"))
        .cause("neither the configuration nor a backend has that name");
    match nearest {
        Some(nearest) => report.hint(format!("the nearest one is `{nearest}`; `keyward status` lists them")),
        None => report.hint("`keyward status` lists the connections; `keyward login https://host/mcp` makes one"),
    }
}

pub(super) fn unknown_tool(name: &str, nearest: Option<&str>) -> Report {
    let report = Report::new(Exit::Usage, "unknown_tool", format!("there is no tool `{name}`"))
        .cause("no connection that is configured here offers it");
    match nearest {
        Some(nearest) => report.hint(format!("the nearest one is `{nearest}`; `keyward tools` lists them")),
        None => report.hint("`keyward tools` lists them"),
    }
}

pub(super) fn no_tool_but_connection(name: &str) -> Report {
    Report::new(Exit::Usage, "unknown_tool", format!("there is no tool `{name}`"))
        .cause("that is a connection, which has tools of its own")
        .hint(format!("`keyward tools --only {name}` lists them"))
}

pub(super) fn tool_off(name: &str, by: &Off) -> Report {
    let report = Report::new(Exit::Configuration, "tool_off", format!("the tool `{name}` is switched off"));
    let unset = |key: String| format!("`keyward config unset {key}` takes all that stands there out");
    match by {
        Off::Toolset { connection, toolset } => {
            report.cause(format!("the toolset `{toolset}` of `{connection}` is not on")).hint(format!(
                "`keyward config set connections.{connection}.toolsets +{toolset}` switches it on with the usual ones"
            ))
        }
        Off::Denied { connection, pattern } => report
            .cause(format!("`connections.{connection}.deny` has `{pattern}`"))
            .hint(unset(format!("connections.{connection}.deny"))),
        Off::NotAllowed { connection } => report
            .cause(format!("`connections.{connection}.allow` has only others"))
            .hint(unset(format!("connections.{connection}.allow"))),
        Off::Disabled { pattern } => {
            report.cause(format!("`serve.disable` has `{pattern}`")).hint(unset("serve.disable".to_owned()))
        }
        Off::ReadOnly => report
            .cause("only what changes nothing is offered, and of a remote server only what `allow` names besides")
            .hint("`keyward config set serve.read_only false` offers the rest, too"),
    }
}

pub(super) fn no_address(connection: &str) -> Report {
    if backends::named(connection).is_some_and(Backend::is_local) {
        return Report::new(
            Exit::Configuration,
            "no_address",
            format!("`{connection}` has neither folders nor an address"),
        )
        .cause("the configuration does not say where they are")
        .hint(format!("`keyward config set connections.{connection}.folders /path/of/a/folder`"))
        .hint(format!("`keyward config set connections.{connection}.url https://host/path/index.json`"));
    }
    Report::new(Exit::Configuration, "no_address", format!("`{connection}` has no address"))
        .cause("every installation of this backend has its own")
        .hint(format!("`keyward config set connections.{connection}.url https://host/path`"))
}

pub(super) fn address(address: &str, why: &str) -> Report {
    Report::new(Exit::Usage, "address", format!("`{address}` cannot be used as an address"))
        .cause(format!("it must be {why}"))
        .hint("write it whole, for example `keyward login https://mcp.example.com/mcp`")
}

pub(super) fn state_folder(path: &Path, why: &str) -> Report {
    Report::new(Exit::Configuration, "state_folder", format!("`{}` cannot be used", path.display()))
        .cause(why.to_owned())
        .hint("it must be a folder of this user that nobody else can write to")
}
