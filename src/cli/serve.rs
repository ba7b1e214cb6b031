//! `keyward serve`.

use std::sync::Arc;

use super::Outcome;
use crate::app::App;
use crate::machine;
use crate::report::{Exit, Report};
use crate::serve::{Choice, Server};

/// Serve the tools of the connections to an MCP host over standard input and output
#[derive(Debug, clap::Args)]
#[command(after_help = "Example entry of an MCP host: {\"command\": \"keyward\", \"args\": [\"serve\"]}")]
pub(super) struct Arguments {
    /// Only these connections
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    only: Vec<String>,
    /// Only tools that change nothing; of other MCP servers those that `allow` names, too
    #[arg(long)]
    read_only: bool,
}

impl Arguments {
    pub(super) fn choice(&self) -> Choice {
        Choice { only: self.only.clone(), read_only: self.read_only }
    }
}

pub(super) async fn run(arguments: Arguments, app: &Arc<App>) -> Outcome {
    let server = Server::new(Arc::clone(app), &arguments.choice()).map_err(|error| Report::from(&error))?;
    let in_flight = server.in_flight();
    machine::before_the_end(move || in_flight.fail());
    let terminal = &app.machine.terminal;
    crate::serve::run(terminal.input(), terminal.output(), terminal.handles(), server).await;
    Ok(Exit::Done)
}
