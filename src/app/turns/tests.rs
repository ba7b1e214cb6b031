//! Turns in a file that several programs share: in paused time, on files that nobody wrote for us, and among real processes.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::backends::Turns as _;
use crate::machine::Timestamp;

const SECOND: Rate = Rate { name: "all", most: 4, within: Duration::from_secs(1) };
const DAY: Rate = Rate { name: "advisories-day", most: 3, within: Duration::from_secs(86_400) };
const NOW: u64 = 1_800_000_000_000;
const LONG: Duration = Duration::from_secs(60);

/// A clock that goes with the runtime's time, and can be set.
struct Ticking(Instant, AtomicU64);

impl Ticking {
    fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now(), AtomicU64::new(NOW)))
    }

    fn set(&self, now: u64) {
        self.1.store(now - millis(self.0.elapsed()), Ordering::SeqCst);
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.millis() / 1000).expect("a time of ours"))
    }

    fn millis(&self) -> u64 {
        self.1.load(Ordering::SeqCst) + millis(self.0.elapsed())
    }
}

fn url(path: &str) -> Url {
    Url::parse(&format!("https://api.example/{path}")).expect("an address")
}

/// The turns of one more process.
fn taken(shared: Option<&Path>, clock: &Arc<Ticking>) -> Arc<Taken> {
    AllTurns::default().of("box", &url(""), shared, &(Arc::clone(clock) as Arc<dyn Clock>))
}

fn file(shared: &Path) -> PathBuf {
    shared.join("turns").join(format!("{}.json", name("box", &url(""))))
}

/// So many turns in a row, counted from the start.
async fn moments(taken: &Taken, rates: &[Rate], count: usize) -> Vec<u64> {
    let mut moments = Vec::new();
    for _ in 0..count {
        moments.push(taken.turn_at(rates, LONG).await.expect("a turn") - NOW);
    }
    moments
}

const FIVE: [u64; 5] = [0, 0, 0, 0, 1051];

#[tokio::test(start_paused = true)]
async fn programs_that_share_a_folder_share_their_turns() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let (one, other) = (taken(Some(folder.path()), &clock), taken(Some(folder.path()), &clock));
    assert_eq!(moments(&one, &[SECOND], 3).await, [0, 0, 0]);
    assert_eq!(moments(&other, &[SECOND], 3).await, [0, 1051, 1051]);
    assert_eq!(moments(&one, &[SECOND], 3).await, [1051, 1051, 2102]);
}

#[tokio::test(start_paused = true)]
async fn connections_and_addresses_do_not_share() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let (all, clock) = (AllTurns::default(), clock as Arc<dyn Clock>);
    let services = [("box", url("")), ("box", url("other")), ("other", url("")), ("box", url("?v=2"))];
    for (connection, url) in &services {
        let taken = all.of(connection, url, Some(folder.path()), &clock);
        assert_eq!(moments(&taken, &[SECOND], 4).await, [0; 4], "{connection} {url}");
    }
    assert_eq!(fs::read_dir(folder.path().join("turns")).expect("files").count(), services.len());
}

#[tokio::test(start_paused = true)]
async fn callers_of_one_program_come_in_their_order() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let taken = taken(Some(folder.path()), &clock);
    let asked = (0..10).map(|_| {
        let taken = Arc::clone(&taken);
        tokio::spawn(async move { taken.turn_at(&[SECOND], LONG).await.expect("a turn") - NOW })
    });
    let mut moments = Vec::new();
    for caller in asked.collect::<Vec<_>>() {
        moments.push(caller.await.expect("no panic"));
    }
    assert_eq!(moments, [0, 0, 0, 0, 1051, 1051, 1051, 1051, 2102, 2102]);
    assert_eq!(clock.millis() - NOW, 2102, "they waited for their turns");
}

#[tokio::test(start_paused = true)]
async fn no_file_is_touched_before_the_first_turn_and_what_is_made_is_for_the_person_alone() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let shared = folder.path().join("shared");
    let taken = taken(Some(&shared), &clock);
    taken.turn(&[], LONG).await.expect("no rate, no limit");
    assert!(!shared.exists());
    taken.turn(&[SECOND], LONG).await.expect("a turn");
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
        assert_eq!((mode(&file(&shared)), mode(&shared.join("turns"))), (0o600, 0o700));
    }
    let text = fs::read_to_string(file(&shared)).expect("a file");
    let slots = format!("{{\"all\":{{\"window\":1050,\"width\":1,\"slots\":[[{NOW},1]]}}}}");
    assert_eq!(text, format!("{{\"version\":1,\"url\":\"https://api.example/\",\"rates\":{slots}}}"));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_too_far_away_leaves_the_file_as_it_was() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let taken = taken(Some(folder.path()), &clock);
    moments(&taken, &[SECOND, DAY], 3).await;
    let before = fs::read(file(folder.path())).expect("a file");
    let refused = taken.turn(&[SECOND, DAY], LONG).await.expect_err("three a day");
    assert_eq!(refused, TooFar { rate: DAY, wait: DAY.within + Duration::from_millis(1001) });
    assert_eq!(fs::read(file(folder.path())).expect("a file"), before);
    taken.turn(&[SECOND], Duration::ZERO).await.expect("the fourth within a second");
    let refused = taken.turn(&[SECOND], Duration::from_secs(1)).await.expect_err("the fifth");
    assert_eq!(refused, TooFar { rate: SECOND, wait: Duration::from_millis(1051) });
    assert_eq!(clock.millis(), NOW, "nobody waited");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_no_program_wrote_counts_as_absent_and_is_replaced() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    moments(&taken(Some(folder.path()), &clock), &[SECOND], 4).await;
    let file = file(folder.path());
    let whole = fs::read_to_string(&file).expect("a file");
    let later = NOW + millis(FURTHEST) + 1;
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole.as_bytes()[..end].to_vec()).collect();
    damaged.extend([
        whole.replace("\"version\":1", "\"version\":2").into_bytes(),
        whole.replace("api.example", "other.example").into_bytes(),
        whole.replace(&NOW.to_string(), &later.to_string()).into_bytes(),
        whole.replace(&NOW.to_string(), "18446744073709551615").into_bytes(),
        whole.replace("\"width\":1", "\"width\":0").into_bytes(),
        b"[[[[".repeat(100_000),
        vec![b' '; 1 << 20],
        vec![0xff; 300],
        b"null".to_vec(),
    ]);
    for bytes in damaged {
        fs::write(&file, &bytes).expect("written");
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert_eq!(moments(&taken(Some(folder.path()), &clock), &[SECOND], 1).await, [0], "{shown}");
        let text = fs::read_to_string(&file).expect("a file");
        assert_eq!(text, whole.replace(",4]", ",1]"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_blocks_nobody() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let own = taken(Some(folder.path()), &clock);
    moments(&own, &[SECOND, DAY], 3).await;
    clock.set(NOW - 60_000);
    assert_eq!(own.turn(&[SECOND], Duration::ZERO).await, Ok(()), "by a minute");
    clock.set(NOW - 86_400_000);
    assert_eq!(own.turn(&[SECOND, DAY], Duration::ZERO).await, Ok(()), "by a day");
    let other = taken(None, &clock);
    other.turn(&[DAY; 1], Duration::ZERO).await.expect("a turn");
    clock.set(NOW - 4 * 86_400_000);
    for _ in 0..3 {
        assert_eq!(other.turn(&[DAY], Duration::ZERO).await, Ok(()), "what is in memory counts as little");
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_file_can_be_kept_the_turns_of_this_program_are_counted() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    assert_eq!(moments(&taken(None, &clock), &[SECOND], 5).await, FIVE, "no folder");

    let shared = folder.path().join("a-file");
    fs::write(&shared, "in the way").expect("written");
    clock.set(NOW);
    assert_eq!(moments(&taken(Some(&shared), &clock), &[SECOND], 5).await, FIVE, "no lock");

    let shared = folder.path().join("in-the-way");
    fs::create_dir_all(file(&shared)).expect("a folder where the file should be");
    clock.set(NOW);
    let own = taken(Some(&shared), &clock);
    assert_eq!(moments(&own, &[SECOND], 5).await, FIVE, "no file");
    fs::remove_dir(file(&shared)).expect("removed");
    let text = || fs::read_to_string(file(&shared)).expect("a file");
    assert_eq!(moments(&own, &[SECOND], 1).await, [1051]);
    assert!(text().contains(&format!("[{},2]", NOW + 1051)), "what was not written is written later: {}", text());
    assert_eq!(moments(&taken(Some(&shared), &clock), &[SECOND], 3).await, [1051, 1051, 2102], "and once");
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_link_or_a_pipe_in_the_place_of_the_file_is_replaced_and_not_followed() {
    use std::os::unix::fs::symlink;

    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let (file, target) = (file(folder.path()), folder.path().join("target"));
    fs::create_dir(folder.path().join("turns")).expect("a folder");
    fs::write(&target, "theirs").expect("written");
    symlink(&target, &file).expect("a link");
    symlink(&target, file.with_extension("new")).expect("a link");
    let own = taken(Some(folder.path()), &clock);
    assert_eq!(moments(&own, &[SECOND], 5).await, FIVE);
    assert_eq!(fs::read_to_string(&target).expect("it is there"), "theirs");
    assert!(fs::symlink_metadata(&file).expect("it is there").is_file());
    fs::remove_file(&file).expect("removed");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, mode).expect("a pipe");
    assert_eq!(moments(&own, &[SECOND], 1).await, [1051]);
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_lock_for_long_makes_others_give_up_and_nothing_is_handed_out() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let own = taken(Some(folder.path()), &clock);
    let lock = format!("turns-{}", name("box", &url("")));
    let guard = lock::acquire(&folder.path().join("locks"), &lock, Duration::ZERO).await.expect("the lock");
    let refused = TooFar { rate: SECOND, wait: LOCK_WAIT };
    let callers = (0..3).map(|_| {
        let own = Arc::clone(&own);
        tokio::spawn(async move { own.turn(&[SECOND], Duration::ZERO).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.expect("no panic"), Err(refused));
    }
    assert_eq!(clock.millis() - NOW, millis(LOCK_WAIT), "all of them at once");
    assert!(!file(folder.path()).exists());
    drop(guard);
    assert_eq!(own.turn(&[SECOND], Duration::ZERO).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_slept_through_is_not_used_late() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let own = taken(Some(folder.path()), &clock);
    moments(&own, &[SECOND], 4).await;
    let sleeper = Arc::clone(&own);
    let waiting = tokio::spawn(async move { sleeper.turn_at(&[SECOND], LONG).await });
    sleep(Duration::from_millis(500)).await;
    // The machine was asleep: its clock has gone on, and the time of the runtime has not.
    clock.set(NOW + 3_600_000);
    let at = waiting.await.expect("no panic").expect("a turn");
    assert_eq!(at, NOW + 3_600_000 + 551 + 1000, "the next one, with a lead");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_wastes_its_turn_and_no_other() {
    let (folder, clock) = (tempfile::tempdir().expect("a folder"), Ticking::new());
    let own = taken(Some(folder.path()), &clock);
    moments(&own, &[SECOND], 4).await;
    let late = timeout(Duration::from_millis(100), own.turn(&[SECOND], LONG)).await;
    assert!(late.is_err(), "it waits");
    assert_eq!(moments(&own, &[SECOND], 4).await, [1051, 1051, 1051, 2102]);
}

mod processes {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::machine::Machine;

    const RATE: Rate = Rate { name: "all", most: 8, within: Duration::from_millis(500) };
    const FOLDER: &str = "TURNS_CHILD_FOLDER";
    const PROCESSES: usize = 16;
    const TURNS: usize = 3;

    #[expect(clippy::disallowed_methods, reason = "the other process is a real one")]
    fn child(folder: &Path) -> Child {
        Command::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "--ignored", "--nocapture", "app::turns::tests::processes::child::takes_turns"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    }

    mod child {
        use super::*;

        /// What the other processes do: they take turns, and say for which moments.
        #[tokio::test]
        #[ignore = "started by a test that needs other processes"]
        #[expect(clippy::disallowed_methods, reason = "it is told by the environment where to work")]
        async fn takes_turns() {
            let folder = PathBuf::from(std::env::var_os(FOLDER).expect("started by another test"));
            let own = AllTurns::default().of("box", &url(""), Some(&folder), &Machine::real().clock);
            let mut left = TURNS;
            while left > 0 {
                // On a busy machine a caller may be told to come again.
                if let Ok(at) = own.turn_at(&[RATE], LONG).await {
                    writeln!(std::io::stdout(), "turn {at}").expect("a pipe");
                    left -= 1;
                }
            }
        }
    }

    /// The moments that the process was given, up to `most` of them.
    fn given(child: &mut Child, most: usize) -> Vec<u64> {
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        // The test harness writes on the same lines.
        let turns = lines.filter_map(|line| line.split_once("turn ")?.1.parse().ok());
        turns.take(most).collect()
    }

    #[test]
    fn sixteen_processes_together_stay_below_the_limit_also_when_one_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut children: Vec<Child> = (0..PROCESSES).map(|_| child(folder.path())).collect();
        let mut killed = child(folder.path());
        let mut turns = given(&mut killed, 1);
        killed.kill().expect("killed");
        killed.wait().expect("gone");
        for child in &mut children {
            turns.extend(given(child, usize::MAX));
            assert!(child.wait().expect("it ends").success());
        }
        assert_eq!(turns.len(), PROCESSES * TURNS + 1);
        turns.sort_unstable();
        // The moments are those of the turns, whenever the processes came to use them.
        let most = usize::try_from(RATE.most).expect("a number");
        let spans: Vec<u64> = turns.windows(most + 1).map(|turns| turns[most] - turns[0]).collect();
        assert!(spans.iter().all(|span| *span >= millis(RATE.within)), "{turns:?}");
    }
}
