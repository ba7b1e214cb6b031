//! `keyward man`: pages of the manual, made from the definition of the command line.

use clap::builder::StyledStr;
use clap::{Arg, Command};

use super::{Console, Outcome};
use crate::report::{Exit, Report};

/// Print a page of the manual
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward man login | man -l -`")]
pub(super) struct Arguments {
    /// The command the page is about; the program itself if absent
    command: Vec<String>,
}

/// What the exit codes mean, in the order of the codes.
const EXITS: [(&str, &str); 12] = [
    ("0", "done"),
    ("1", "something that should not happen"),
    ("2", "the command line is wrong"),
    ("3", "a login is required"),
    ("4", "denied, by the person or the server"),
    ("5", "the configuration is wrong, here or at the provider"),
    ("6", "the store is locked, absent or full"),
    ("7", "network, TLS or time-out"),
    ("8", "the server answered wrongly"),
    ("9", "another program is at it"),
    ("130", "interrupted"),
    ("143", "terminated"),
];
/// What is read from the environment.
const VARIABLES: [(&str, &str); 9] = [
    ("KEYWARD_CONFIG", "the configuration file"),
    ("KEYWARD_STORE", "where logins are kept"),
    ("KEYWARD_STORE_PASSPHRASE", "the passphrase of the encrypted file"),
    ("KEYWARD_TOKEN_<CONNECTION>", "a token that is used as it is, never renewed or stored"),
    ("KEYWARD_NO_BROWSER", "never open a browser"),
    ("BROWSER", "the browser to open"),
    ("NO_COLOR", "no colours"),
    ("HTTPS_PROXY, NO_PROXY", "the proxy, and what is reached without it"),
    ("SSL_CERT_FILE", "the certificate authorities to trust"),
];

pub(super) fn run(arguments: &Arguments, console: &Console) -> Outcome {
    let mut root = super::definition();
    root.build();
    let mut command = &root;
    for name in &arguments.command {
        let inner = command.find_subcommand(name).filter(|inner| !inner.is_hide_set());
        command = inner.ok_or_else(|| unknown(name, command))?;
    }
    console.print(page(command, &root).trim_end());
    Ok(Exit::Done)
}

fn unknown(name: &str, within: &Command) -> Report {
    let names = within.get_subcommands().map(Command::get_name);
    let report = Report::new(Exit::Usage, "usage", format!("`{name}` has no page in the manual"));
    match crate::config::nearest::of(name, names) {
        Some(nearest) => report.hint(format!("the nearest command is `{nearest}`")),
        None => report.hint("`keyward --help` lists the commands"),
    }
}

/// The page of one command, in roff.
fn page(command: &Command, root: &Command) -> String {
    let title = command.get_bin_name().unwrap_or("keyward").replace(' ', "-");
    let version = root.get_version().unwrap_or_default();
    // Commands are to be pasted: no word is broken, no line is stretched.
    let mut page =
        format!(".TH \"{}\" 1 \"\" \"keyward {version}\" \"keyward\"\n.nh\n.ad l\n", escaped(&title.to_uppercase()));
    page += &format!(".SH NAME\n{} \\- {}\n", escaped(&title), prose(&styled(command.get_about())));
    page += &format!(".SH SYNOPSIS\n{}\n", synopsis(command));
    if let Some(long) = command.get_long_about() {
        page += &format!(".SH DESCRIPTION\n{}\n", prose(&long.to_string()));
    }
    let inner: Vec<&Command> =
        command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help").collect();
    section(
        &mut page,
        "COMMANDS",
        inner.iter().map(|inner| (bold(inner.get_name()), prose(&styled(inner.get_about())))),
    );
    section(&mut page, "ARGUMENTS", command.get_positionals().map(described));
    let is_everywhere = |arg: &&Arg| arg.is_global_set();
    let options = || command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    section(&mut page, "OPTIONS", options().filter(|arg| !is_everywhere(arg)).map(described));
    section(&mut page, "OPTIONS OF EVERY COMMAND", options().filter(is_everywhere).map(described));
    if command.get_name() == root.get_name() {
        let rows = |(word, means): &(&str, &str)| (bold(word), prose(means));
        section(&mut page, "ENVIRONMENT", VARIABLES.iter().map(rows));
        section(&mut page, "EXIT STATUS", EXITS.iter().map(rows));
    }
    if let Some(after) = command.get_after_help() {
        page += &format!(".SH NOTES\n{}\n", prose(&after.to_string()));
    }
    page += &also(command, root, &title, &inner);
    page
}

/// A list of terms, if there are any.
fn section(page: &mut String, heading: &str, rows: impl Iterator<Item = (String, String)>) {
    let rows: String = rows.map(|(term, text)| format!(".TP\n{term}\n{text}\n")).collect();
    if !rows.is_empty() {
        *page += &format!(".SH {heading}\n{rows}");
    }
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let lines = usage.lines().map(|line| escaped(line.trim()));
    lines.collect::<Vec<_>>().join("\n.br\n")
}

/// An argument as a term, and all that is known of it.
fn described(arg: &Arg) -> (String, String) {
    let names = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    let mut term: Vec<String> = names.into_iter().flatten().map(|name| bold(&name)).collect();
    let value = arg.get_value_names().unwrap_or_default().iter().map(|name| italic(name)).collect::<Vec<_>>().join(" ");
    let takes_value = arg.get_action().takes_values();
    if term.is_empty() {
        term.push(value);
    } else if takes_value && let Some(last) = term.last_mut() {
        *last += &if arg.is_require_equals_set() { format!("[={value}]") } else { format!(" {value}") };
    }
    let mut text = styled(arg.get_long_help().or_else(|| arg.get_help()));
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes_value && !values.is_empty() {
        text += &format!(". One of {}", values.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !arg.is_hide_default_value_set() && !defaults.is_empty() {
        text += &format!(". Usually `{}`", defaults.join(","));
    }
    (term.join(", "), prose(&text))
}

/// The pages above, beside and below this one.
fn also(command: &Command, root: &Command, title: &str, inner: &[&Command]) -> String {
    let mut names: Vec<String> = inner.iter().map(|inner| format!("{title}-{}", inner.get_name())).collect();
    if command.get_name() != root.get_name() {
        names.insert(0, title.rsplit_once('-').map_or(title, |(above, _)| above).to_owned());
    }
    let pages = names.iter().map(|name| format!("{}(1)", bold(name)));
    let pages: Vec<String> = pages.collect();
    if pages.is_empty() { String::new() } else { format!(".SH SEE ALSO\n{}\n", pages.join(",\n")) }
}

fn styled(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// Text in which nothing is a command of roff.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '\\' => safe += "\\e",
            '-' => safe += "\\-",
            // Typewriter quotes; roff would make typographic ones, which cannot be pasted into a shell.
            '\'' => safe += "\\(aq",
            '`' => safe += "\\(ga",
            '"' => safe += "\\(dq",
            '^' => safe += "\\(ha",
            '~' => safe += "\\(ti",
            letter => safe.push(letter),
        }
    }
    if safe.starts_with('.') { format!("\\&{safe}") } else { safe }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", escaped(text))
}

/// Sentences, in which what stands between backquotes is typed as it is. A line break is one.
fn prose(text: &str) -> String {
    let line = |line: &str| -> String {
        let parts = line.trim().split('`').enumerate();
        parts.map(|(at, part)| if at % 2 == 1 { bold(part) } else { escaped(part) }).collect()
    };
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(line).collect();
    lines.join("\n.br\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_command_of_roff() {
        assert_eq!(escaped(".so /etc/passwd"), "\\&.so /etc/passwd");
        assert_eq!(escaped("'sh -c \\x"), "\\(aqsh \\-c \\ex");
        assert_eq!(prose("a `b-c` d\n.e"), "a \\fBb\\-c\\fR d\n.br\n\\&.e");
    }

    #[test]
    fn the_codes_of_the_manual_are_the_exit_codes() {
        let codes = [
            Exit::Done,
            Exit::Unexpected,
            Exit::Usage,
            Exit::LoginRequired,
            Exit::Denied,
            Exit::Configuration,
            Exit::Store,
            Exit::Network,
            Exit::Server,
            Exit::Busy,
            Exit::Interrupted,
            Exit::Terminated,
        ];
        assert_eq!(codes.map(|code| (code as u8).to_string()), EXITS.map(|(code, _)| code));
    }
}
