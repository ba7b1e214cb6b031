//! `keyward tools`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::table::Table;
use super::{Console, Outcome, call};
use crate::app::{App, Error};
use crate::backends;
use crate::report::{Exit, Report};
use crate::serve::{Catalog, Choice};

mod one;

/// List the tools that `serve` offers, or show what one of them takes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: `keyward tools tavily_search`, `keyward tools --only tavily --json`")]
pub(super) struct Arguments {
    /// Show everything about this tool
    #[arg(conflicts_with_all = ["only", "read_only"])]
    tool: Option<String>,
    /// Only these connections
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// Only tools that change nothing
    #[arg(long)]
    read_only: bool,
    /// Ask the remote servers for their tools first
    #[arg(long)]
    refresh: bool,
}

#[derive(Serialize)]
struct Shown {
    schema_version: u32,
    tools: Box<RawValue>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &Arc<App>) -> Outcome {
    let choice = Choice { only: arguments.only.clone(), read_only: arguments.read_only };
    if arguments.refresh {
        refresh(console, app, &choice).await?;
    }
    let catalog = Catalog::new(Arc::clone(app), &choice).map_err(|error| Report::from(&error))?;
    let one = match &arguments.tool {
        Some(name) => Some(call::find(name, app).await.map_err(|error| Report::from(&error))?),
        None => None,
    };
    if console.json {
        let definitions =
            one.as_deref().map_or_else(|| catalog.definitions(), |entry| Catalog::definition(entry).into());
        let tools = RawValue::from_string(definitions.to_string());
        let tools = tools.map_err(|error| {
            Report::new(Exit::Unexpected, "schema", "a tool's schema is not JSON").cause(error.to_string())
        })?;
        console.print_json(&Shown { schema_version: 1, tools });
        return Ok(Exit::Done);
    }
    if let Some(entry) = &one {
        console.print(&one::text(entry, console.width));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["TOOL", "CONNECTION", "CHANGES", "WHAT IT DOES"]);
    for entry in catalog.entries() {
        let first = entry.tool.description.lines().next().unwrap_or_default();
        let summary = first.split_inclusive(". ").next().unwrap_or_default().trim();
        table.row([
            entry.tool.name.clone(),
            entry.connection.clone().unwrap_or_else(|| "-".to_owned()),
            if entry.tool.effect.read_only { "nothing" } else { "something" }.to_owned(),
            short(summary),
        ]);
    }
    console.print(&table.text(console.width));
    Ok(Exit::Done)
}

/// At most 90 letters, cut between words.
fn short(text: &str) -> String {
    if text.chars().count() <= 90 {
        return text.to_owned();
    }
    let cut: String = text.chars().take(89).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head))
}

async fn refresh(console: &Console, app: &App, choice: &Choice) -> Result<(), Report> {
    for connection in &app.config.connections {
        let is_chosen = choice.only.is_empty() || choice.only.contains(&connection.name);
        if !is_chosen || connection.backend.name != backends::remote::BACKEND.name {
            continue;
        }
        let service = app.service(connection).map_err(|error| Report::from(&error))?;
        let asking = |passed| format!("Asking `{}` for its tools ({passed} s)", connection.name);
        if let Err(error) = console.line.during(asking, backends::remote::learn(&service)).await {
            let error = Error::Service { connection: connection.name.clone(), error };
            let report = Report::from(&error);
            // One server that is down must not hide the tools of the others.
            console.say(&format!(
                "The tools of `{}` could not be listed: {}",
                connection.name,
                report.causes.join("; ")
            ));
        }
    }
    Ok(())
}
