//! How commands for scripts end: a reader that goes away, an input that is not there, Ctrl-C and the system's request.
#![cfg(target_os = "linux")]

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::scripted;
use crate::stdio::keyward;

const CONFIG: &str = "[connections.forge]\nbackend = \"remote\"\nurl = \"https://git.example.com/mcp\"\n";

/// A home with this configuration, in which the environment supplies the token.
fn home(config: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("config.toml"), config).expect("written");
    home
}

fn command(home: &tempfile::TempDir, arguments: &[&str]) -> std::process::Command {
    let mut command = keyward(home, arguments);
    command.env("KEYWARD_CONFIG", home.path().join("config.toml")).env("KEYWARD_TOKEN_FORGE", "a-token");
    command
}

/// Every command that a script runs, with what it would read.
const COMMANDS: [&[&str]; 8] = [
    &["token", "forge"],
    &["token", "forge", "--json"],
    &["token", "forge", "--claims"],
    &["status"],
    &["status", "forge", "--json"],
    &["credential", "git", "forge", "get"],
    &["credential", "docker", "list"],
    &["credential", "kubectl", "forge"],
];

#[test]
fn a_reader_that_goes_away_has_what_it_wanted() {
    let home = home(CONFIG);
    for arguments in COMMANDS {
        // The pipe has no reader before the program starts.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = command(&home, arguments).stdin(Stdio::null()).stdout(writer).output().expect("it runs");
        assert_eq!(
            (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_failure_whose_reader_went_away_keeps_its_exit_code() {
    let home = home(CONFIG);
    for arguments in [&["status", "nothing"][..], &["status", "nothing", "--json"], &["lgoin"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let errors = writer.try_clone().expect("a pipe");
        let ended = command(&home, arguments).stdout(writer).stderr(errors).status().expect("it runs");
        assert_eq!(ended.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn an_input_that_is_not_there_is_an_empty_one() {
    let home = home(CONFIG);
    for (arguments, code, out) in [
        ("token forge", 0, "a-token\n"),
        ("credential git forge get", 0, ""),
        ("credential git forge erase", 0, ""),
        ("credential docker get", 1, "credentials not found in native keychain\n"),
        ("credential docker list", 0, "{\"https://git.example.com\":\"<token>\"}\n"),
    ] {
        let script = format!("exec <&-; exec {} {arguments}", env!("CARGO_BIN_EXE_keyward"));
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).env_clear().env("HOME", home.path());
        shell.env("KEYWARD_CONFIG", home.path().join("config.toml")).env("KEYWARD_TOKEN_FORGE", "a-token");
        let ended = shell.output().expect("a shell");
        assert_eq!(
            (ended.status.code(), String::from_utf8_lossy(&ended.stdout).as_ref()),
            (Some(code), out),
            "{arguments}"
        );
    }
}

/// Waits until the program has taken this signal into its own hands; before that, the system ends it.
fn heeds(child: &Child, signal: Signal) {
    let status = format!("/proc/{}/status", child.id());
    let bit = 1_u64 << (signal.as_raw() - 1);
    loop {
        let text = std::fs::read_to_string(&status).expect("it runs");
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
        if u64::from_str_radix(caught.trim(), 16).expect("a number") & bit != 0 {
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn whoever_waits_is_ended_by_a_signal_with_its_own_exit_code() {
    // The server takes the request and never answers; git keeps the input open and says nothing.
    let silent = scripted::each(|_, _, _| String::new());
    let home = home(&format!("[connections.forge]\nbackend = \"remote\"\nurl = \"http://{silent}/mcp\"\n"));
    for arguments in [
        &["credential", "git", "forge", "get"][..],
        &["credential", "docker", "get"],
        &["status", "forge", "--verify"],
        &["call", "forge_x"],
    ] {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let mut child = command(&home, arguments).spawn().expect("it starts");
            heeds(&child, signal);
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number")).expect("a process");
            kill_process(pid, signal).expect("sent");
            let input = child.stdin.take();
            let ended = child.wait_with_output().expect("it ends");
            drop(input);
            assert_eq!(
                (ended.status.code(), ended.stdout.len()),
                (Some(code), 0),
                "{arguments:?} {signal:?}: {ended:?}"
            );
        }
    }
}

#[test]
fn a_limit_for_files_is_an_error_and_not_the_end_of_the_process() {
    let home = home("");
    let program = env!("CARGO_BIN_EXE_keyward");
    let script = format!("ulimit -f 0; exec {program} config set connections.box.url https://box.example/mcp");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env_clear().env("HOME", home.path());
    let ended = shell.env("KEYWARD_CONFIG", home.path().join("config.toml")).output().expect("a shell");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code().is_some_and(|code| code > 0) && said.starts_with("error: "), "{ended:?}");
    let drafts = std::fs::read_dir(home.path()).expect("a folder").flatten();
    assert!(
        drafts.into_iter().all(|file| !file.file_name().to_string_lossy().starts_with(".config")),
        "no draft stays"
    );
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    let home = home("");
    for arguments in [&["--help"][..], &["--version"], &["login", "--help"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
        let ended = command(&home, arguments).stdout(full).output().expect("it runs");
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&ended.stderr).starts_with("error: the output could not be written"),
            "{ended:?}"
        );
    }
}

#[test]
fn a_pipe_in_the_place_of_a_list_of_tools_keeps_nobody_waiting() {
    let home = home("[connections.box]\nbackend = \"remote\"\nurl = \"http://127.0.0.1:9/mcp\"\n");
    let tools = home.path().join(".local/state/keyward/tools");
    std::fs::create_dir_all(&tools).expect("a folder");
    let pipe = std::process::Command::new("mkfifo").arg(tools.join("box.json")).status().expect("mkfifo");
    assert!(pipe.success());
    let ended = command(&home, &["tools"]).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn a_configuration_that_others_may_change_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home("");
    for (mode, is_told) in [(0o600, false), (0o644, false), (0o664, false), (0o666, true)] {
        let config = home.path().join("config.toml");
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(mode)).expect("changed");
        let ended = command(&home, &["status"]).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr).contains("can be changed by other users");
        assert_eq!((ended.status.code(), said), (Some(0), is_told), "{mode:o}");
    }
}
