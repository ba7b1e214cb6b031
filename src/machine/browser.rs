//! Showing a page to the person.
//!
//! `BROWSER` comes first (a colon-separated list of programs; `%s` in one of their words becomes the address), then the
//! platform's own way. The address is always one argument of one program: no shell sees it. The program gets none of our
//! streams, and a process group of its own, so that Ctrl-C in our terminal does not close the person's browser. It gets none of the secrets of our environment either.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use url::Url;

use super::Environment;
use crate::http::is_loopback;

/// Opens pages.
pub trait Browser: Send + Sync {
    /// Asks the machine to show `page` and returns without waiting for the person, but after a moment in which a
    /// launcher that cannot do it has said so.
    fn open(&self, page: &Url) -> Result<(), BrowserError>;
}

/// Why no page was shown. Never holds the address: it carries the login's `state`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// The person said that no browser is wanted here (`KEYWARD_NO_BROWSER`).
    #[error("a browser is switched off by `KEYWARD_NO_BROWSER`")]
    Off,
    /// Only `https`, or `http` on this machine, is handed to a browser.
    #[error("the address is neither https nor on this machine")]
    Address,
    /// The system could not spare what asking takes.
    #[error("the browser could not be asked")]
    Unasked,
    /// No launcher could be started.
    #[error("{0}")]
    Launcher(String),
    /// A launcher gave up.
    #[error("{0}")]
    Ended(String),
}

/// The browser of this machine.
#[derive(Debug, Clone, Default)]
pub struct SystemBrowser {
    off: bool,
    programs: Vec<String>,
    /// Who named the programs.
    from: &'static str,
    /// Variables that no other program may see.
    secrets: Vec<String>,
}

/// How long a launcher is watched: one that fails does so at once, a browser in the foreground stays.
const WATCH: Duration = Duration::from_secs(2);

/// Ctrl-C in our console does not reach it.
#[cfg(windows)]
const OWN_GROUP: u32 = 0x0200;
/// A launcher that is a console program flashes no window.
#[cfg(windows)]
const NO_WINDOW: u32 = 0x0800_0000;

impl SystemBrowser {
    /// The program that `--browser` names, which goes before everything the environment says.
    pub fn of_program(program: &str, environment: &Environment) -> Self {
        let programs = vec![program.trim().to_owned()];
        Self { off: false, programs, from: "--browser", secrets: environment.secrets() }
    }

    /// Whether the environment names a program that opens pages.
    pub fn is_chosen(environment: &Environment) -> bool {
        !Self::new(environment).programs.is_empty()
    }

    /// Reads `BROWSER` and `KEYWARD_NO_BROWSER`.
    pub fn new(environment: &Environment) -> Self {
        let separator = if cfg!(windows) { ';' } else { ':' };
        let programs = environment.text("BROWSER").unwrap_or_default();
        Self {
            off: environment.text("KEYWARD_NO_BROWSER").is_some_and(|value| value != "0"),
            programs: programs.split(separator).map(str::trim).filter(|p| !p.is_empty()).map(String::from).collect(),
            from: "BROWSER",
            secrets: environment.secrets(),
        }
    }
}

impl Browser for SystemBrowser {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        if self.off {
            return Err(BrowserError::Off);
        }
        if !may_be_opened(page) {
            return Err(BrowserError::Address);
        }
        let mut last = None;
        for program in &self.programs {
            match self.start(program, page) {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        match last {
            // The person chose these programs: falling through to another browser would ignore the choice.
            Some(error) => Err(error),
            None => self.launch(page),
        }
    }
}

impl SystemBrowser {
    /// The platform's own launchers, in their order.
    fn launch(&self, page: &Url) -> Result<(), BrowserError> {
        let mut last = BrowserError::Launcher("no program to open a page was found".to_owned());
        for command in open::commands(page.as_str()) {
            // Explorer ends with 1 whether it has opened the page or not.
            let tells = command.get_program() != "explorer.exe";
            match self.run(command, "the system") {
                Err(BrowserError::Ended(_)) if !tells => return Ok(()),
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that starts a browser that the person names")]
    fn start(&self, program: &str, page: &Url) -> Result<(), BrowserError> {
        let words = words(program, page);
        let Some((name, arguments)) = words.split_first() else {
            return Err(BrowserError::Launcher(format!("`{}` names no program", self.from)));
        };
        let mut command = Command::new(name);
        command.args(arguments);
        self.run(command, &format!("`{}`", self.from))
    }

    #[expect(clippy::disallowed_methods, reason = "the wait is on a launcher's own exit")]
    fn run(&self, mut command: Command, from: &str) -> Result<(), BrowserError> {
        let name = command.get_program().to_string_lossy().into_owned();
        // The launcher gets none of our streams: standard output belongs to the protocol.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for secret in &self.secrets {
            command.env_remove(secret);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, OWN_GROUP | NO_WINDOW);
        let mut child = command
            .spawn()
            .map_err(|error| BrowserError::Launcher(format!("`{name}` from {from} did not start: {}", error.kind())))?;
        let started = Instant::now();
        while started.elapsed() < WATCH {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(BrowserError::Ended(format!("`{name}` from {from} ended with {status}")));
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
        Ok(())
    }
}

/// Asks on a thread of its own, so that whoever waits for the person goes on waiting for them meanwhile. Tests have
/// browsers that are people, who may take longer than a launcher.
pub async fn open(browser: Arc<dyn Browser>, page: Url) -> Result<(), BrowserError> {
    let (sender, opened) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("keyward-browser".to_owned())
        .spawn(move || sender.send(browser.open(&page)))
        .map_err(|_| BrowserError::Unasked)?;
    opened.await.unwrap_or(Err(BrowserError::Unasked))
}

/// Whether a page may be handed to a browser. A metadata document is a stranger's text: `file:`, `javascript:` and the
/// like must never reach a launcher.
pub fn may_be_opened(page: &Url) -> bool {
    page.scheme() == "https" || (page.scheme() == "http" && is_loopback(page))
}

/// The program and its arguments, of which one is or holds the address. No shell reads them: what looks like several
/// words, a quote or an operator in the address is one argument all the same.
fn words(program: &str, page: &Url) -> Vec<String> {
    // A path with spaces in it is one word.
    let mut words: Vec<String> = match std::path::Path::new(program).is_file() {
        true => vec![program.to_owned()],
        false => program.split_whitespace().map(String::from).collect(),
    };
    let mut placed = false;
    for word in words.iter_mut().skip(1) {
        if word.contains("%s") {
            *word = word.replace("%s", page.as_str());
            placed = true;
        }
    }
    if !placed && !words.is_empty() {
        words.push(page.as_str().to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_opened() {
        for (page, expected) in [
            ("https://login.example.com/authorize?a=b", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]:8080/x", true),
            ("http://localhost:8080/x", true),
            ("http://login.example.com/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("ssh://host/", false),
        ] {
            assert_eq!(Url::parse(page).map(|page| may_be_opened(&page)), Ok(expected), "{page}");
        }
    }

    fn page(text: &str) -> Url {
        Url::parse(text).expect("a valid address")
    }

    #[test]
    fn s39_a_hostile_address_is_one_argument_whatever_is_in_it() {
        for hostile in [
            "https://as.example/a?b=-rm&c=%20x&d=\"e'f`g`h$(i)j;k|l<m>n^o\\p*q?r",
            "https://as.example/--new-window?x=a b\tc\nd",
            "https://as.example/%COMSPEC%?x=%PATH%&calc.exe",
            &format!("https://as.example/{}", "a".repeat(8 << 10)),
        ] {
            let page = page(hostile);
            let found = words("firefox --new-window", &page);
            assert_eq!(found, ["firefox", "--new-window", page.as_str()]);
            assert!(!page.as_str().contains([' ', '"', '<', '>', '\n', '\t']), "{page}");
            assert!(page.as_str().starts_with("https://"), "{page}");
            assert_eq!(words("open-it --url=%s --quiet", &page)[1], format!("--url={page}"));
        }
        // The name of the program is never made of the address.
        assert_eq!(words("%s", &page("https://as.example/")), ["%s", "https://as.example/"]);
        assert_eq!(words(" ", &page("https://as.example/")), [""; 0]);
    }

    #[test]
    fn s39_what_is_no_web_address_reaches_no_launcher() {
        let browser = SystemBrowser::of_program("/nonexistent/browser", &Environment::default());
        for hostile in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "file://host/share/x.exe",
            "data:text/html,x",
            "ms-settings:x",
            "smb://host/x",
            "http://as.example/",
        ] {
            assert_eq!(browser.open(&page(hostile)), Err(BrowserError::Address), "{hostile}");
        }
        // Neither a network path nor an option is an address at all.
        for hostile in ["//host/share", "\\\\host\\share", "-x", "--help", "C:\\x.exe"] {
            assert!(Url::parse(hostile).map_or(true, |page| !may_be_opened(&page)), "{hostile}");
        }
    }

    #[test]
    fn a_missing_program_is_an_error_without_the_address() {
        for browser in [
            SystemBrowser::new(&Environment::of([("BROWSER", "/nonexistent/browser")])),
            SystemBrowser::of_program("/nonexistent/browser", &Environment::default()),
        ] {
            let error = browser.open(&page("https://login.example.com/?state=canary")).expect_err("nothing to start");
            assert!(!error.to_string().contains("canary"), "{error}");
            assert!(error.to_string().contains("/nonexistent/browser"), "{error}");
        }
    }

    #[test]
    fn the_flag_goes_before_a_browser_that_is_switched_off() {
        let environment = Environment::of([("KEYWARD_NO_BROWSER", "1"), ("BROWSER", "a:b c")]);
        assert_eq!(SystemBrowser::new(&environment).open(&page("https://as.example/")), Err(BrowserError::Off));
        assert!(SystemBrowser::is_chosen(&environment));
        assert!(!SystemBrowser::is_chosen(&Environment::default()));
        let error = SystemBrowser::of_program("/nonexistent/browser", &Environment::default())
            .open(&page("https://as.example/"));
        assert!(matches!(error, Err(BrowserError::Launcher(_))), "{error:?}");
    }

    #[cfg(unix)]
    mod launchers {
        use super::*;
        use std::os::unix::fs::PermissionsExt;

        fn script(folder: &tempfile::TempDir, text: &str) -> String {
            let path = folder.path().join("a browser");
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("runnable");
            path.to_str().expect("a path").to_owned()
        }

        #[test]
        fn r18_one_that_gives_up_says_so_and_one_that_stays_is_left_alone() {
            let folder = tempfile::tempdir().expect("a folder");
            let open = |text: &str| {
                SystemBrowser::of_program(&script(&folder, text), &Environment::default())
                    .open(&page("https://as.example/?state=canary"))
            };
            let gave_up = open("echo garbage; echo garbage >&2; exit 3").expect_err("it gave up").to_string();
            assert!(gave_up.contains("exit status: 3") && !gave_up.contains("canary"), "{gave_up}");
            assert_eq!(open("exec sleep 60"), Ok(()));
            assert_eq!(open("exit 0"), Ok(()));
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn it_gets_one_argument_none_of_our_streams_and_a_process_group_of_its_own() {
            let folder = tempfile::tempdir().expect("a folder");
            let told = folder.path().join("told");
            let text = format!(
                "exec 3>'{0}.part'\nstreams=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done)\n\
                 group=$(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 3)\n\
                 printf '%s\\n' $# \"$1\" \"$streams\" $group $$ >&3\nmv '{0}.part' '{0}'",
                told.display()
            );
            let page = page("https://as.example/a?b=$(id)&c='d'");
            assert_eq!(SystemBrowser::of_program(&script(&folder, &text), &Environment::default()).open(&page), Ok(()));
            let told = std::fs::read_to_string(&told).expect("it ran");
            let lines: Vec<&str> = told.lines().map(str::trim).collect();
            let [count, address, streams @ .., group, process] = lines.as_slice() else { panic!("{told}") };
            assert_eq!((*count, *address, streams), ("1", page.as_str(), ["/dev/null"; 3].as_slice()));
            assert_eq!(group, process);
        }
    }
}
