//! Secrets that can be recognised are planted everywhere, and found nowhere (S44).

use std::path::Path;
use std::sync::Arc;

use super::meddler::Meddler;
use super::tokens::protected;
use crate::wire::bare;
use crate::world::{Ran, World};

const CANARY: &str = "canary";

#[track_caller]
fn silent(ran: &Ran) {
    assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{ran:?}");
}

/// Every file below the folder, looked at as bytes.
fn files(folder: &Path, found: &mut Vec<String>) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += files(&path, found);
        } else {
            count += 1;
            let bytes = std::fs::read(&path).expect("a file");
            if bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    count
}

fn every_command(world: &World) {
    for line in [
        &["status", "-vv"][..],
        &["status", "-vv", "--json"],
        &["status", "box", "--verify", "-vv"],
        &["tools", "-vv"],
        &["tools", "--refresh", "-vv"],
        &["call", "box_anything", "-vv"],
        &["config", "show", "-vv"],
        &["config", "show", "--json"],
        &["doctor", "-vv", "--json"],
        &["token", "nobody", "-vv"],
        &["login", "box", "--dry-run", "-vv"],
        &["token", "box", "--min-validity", "86400", "-vv"],
        &["logout", "box", "-vv", "--json"],
        &["logout", "--all", "-vv"],
    ] {
        silent(&world.run(line));
    }
}

#[test]
fn s44_planted_secrets_are_in_no_output_and_in_no_file() {
    for store in ["keychain", "file"] {
        let wire = protected(|_| bare("404 Not Found", ""));
        let world = World::new()
            .person(crate::person::Press::Allow)
            .environment("KEYWARD_STORE", store)
            .environment("KEYWARD_STORE_PASSPHRASE", "canary-passphrase");
        let url = format!("{}/mcp", wire.url());
        let ran = world.run(&["login", &url, "--name", "box", "--timeout", "15", "-vv"]).done();
        silent(&ran);
        // Printing the token is what this command is for; the others of the login are not printed even here.
        let ran = world.run(&["token", "box", "-vv"]).done();
        assert!(ran.out.contains("canary-access") && !ran.out.contains("canary-refresh"), "{ran:?}");
        assert!(!ran.err.contains(CANARY), "{ran:?}");
        let mut found = Vec::new();
        assert!(files(world.folder.path(), &mut found) > 0, "something was written");
        assert_eq!(found, Vec::<String>::new(), "{store}");
        every_command(&world);
        // The audit log and whatever else the commands have left.
        files(world.folder.path(), &mut found);
        assert_eq!(found, Vec::<String>::new(), "{store}");
    }
}

#[test]
fn s44_a_pasted_key_and_a_refused_answer_are_shown_nowhere() {
    let world = World::new().piping("canary-key\n");
    silent(&world.run(&["login", "tavily", "--api-key", "-vv"]).done());
    let mut found = Vec::new();
    files(world.folder.path(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    // A token answer that cannot be used holds the secrets all the same.
    let wire = protected(|_| bare("404 Not Found", ""));
    let meddler = Arc::new(Meddler::new(|login| login.arrive(&format!("code=canary-code&state={}", login.state()))));
    let world = World::new();
    world.clock.forward(-2_000_000_000);
    let line = ["login", &format!("{}/mcp", wire.url()), "--name", "box", "--timeout", "15", "-vv", "--json"];
    let ran = world.run_in(Arc::clone(&meddler) as _, &line);
    meddler.join();
    silent(&ran);
    let sent = wire.received("/token");
    assert!(sent.len() == 1 && sent[0].body.contains("canary-code"), "{sent:?}");
    files(world.folder.path(), &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn s44_what_a_service_repeats_of_the_token_is_not_shown() {
    for status in ["400 Bad Request", "403 Forbidden", "404 Not Found", "429 Too Many Requests", "500 Oh"] {
        let said = serde_json::json!({ "message": "Bearer canary-access is not allowed" });
        let wire = protected(move |_| crate::wire::json(status, &said));
        let world = World::new().person(crate::person::Press::Allow);
        let url = format!("{}/mcp", wire.url());
        silent(&world.run(&["login", &url, "--name", "box", "--timeout", "15", "-vv"]).done());
        for line in [&["status", "box", "--verify"][..], &["tools", "--refresh"], &["call", "box_any"]] {
            let ran = world.run(line);
            silent(&ran);
            assert!(ran.err.contains("Bearer [secret] is not allowed"), "{status}: {ran:?}");
        }
    }
}

#[test]
#[cfg(unix)]
fn s44_a_browser_that_is_started_sees_none_of_our_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_sandbox();
    let folder = tempfile::tempdir().expect("a folder");
    let (script, told) = (folder.path().join("browser"), folder.path().join("told"));
    let text = format!("#!/bin/sh\nenv > {0}.part\nmv {0}.part {0}\n", told.display());
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("executable");
    for named in ["flag", "BROWSER"] {
        let resource = world.resource();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.args(["login", &resource, "--name", "box", "--timeout", "20"]);
        command
            .env_clear()
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("ORDINARY", "seen");
        command.env("KEYWARD_STORE", "file").env("KEYWARD_STORE_PASSPHRASE", "planted in the store");
        command.env("KEYWARD_TOKEN_OTHER", "planted.in.another");
        match named {
            "flag" => command.arg("--browser").arg(&script),
            _ => command.env("BROWSER", &script),
        };
        let null = std::process::Stdio::null;
        let mut login = command.stdin(null()).stdout(null()).stderr(null()).spawn().expect("it starts");
        let started = std::time::Instant::now();
        while !told.exists() {
            assert!(started.elapsed().as_secs() < 20, "{named}: the browser was started");
            std::thread::yield_now();
        }
        let arguments = std::fs::read(format!("/proc/{}/cmdline", login.id())).unwrap_or_default();
        login.kill().and_then(|()| login.wait()).expect("it ends");
        let seen = std::fs::read_to_string(&told).expect("the environment of the browser");
        assert!(seen.contains("ORDINARY=seen"), "{named}: {seen}");
        assert!(!seen.contains("planted"), "{named}: {seen}");
        assert!(!String::from_utf8_lossy(&arguments).contains("planted"), "{named}");
        std::fs::remove_file(&told).expect("removed");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn s44_a_process_that_crashes_leaves_its_memory_nowhere() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use rustix::process::{Pid, Signal, kill_process};

    let home = tempfile::tempdir().expect("a folder");
    // As many cores as the machine allows.
    let script = "ulimit -S -c \"$(ulimit -H -c)\"; exec \"$0\" serve";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_keyward")]).current_dir(home.path());
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    let mut serve = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = serve.stdin.take().expect("a pipe");
    input.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").expect("written");
    let answer = BufReader::new(serve.stdout.take().expect("a pipe")).lines().next().expect("a line");
    assert!(answer.expect("text").contains("\"id\":1"), "it runs");
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", serve.id())).expect("it runs");
    let limits = read("limits");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).expect("a limit");
    assert_eq!(limit.split_whitespace().next(), Some("0"), "{limits}");
    // Who collects crashes through a pipe is not asked for the limit.
    assert_eq!(read("coredump_filter").trim(), "00000000");
    let pid = Pid::from_raw(i32::try_from(serve.id()).expect("a number")).expect("a process");
    kill_process(pid, Signal::ABORT).expect("sent");
    let ended = serve.wait().expect("it ends");
    assert_eq!(ended.signal(), Some(Signal::ABORT.as_raw()), "{ended}");
    assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 0, "no core is left");
}
