//! What the system says about a process: its memory and its time.

use std::fs;

use crate::{Outcome, wrong};

/// Bytes of memory that a process holds now, and the most it held since it was last told to forget.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub now: u64,
    pub most: u64,
}

/// The memory of a process, with the pages of its program that are in use.
pub fn memory(id: u32) -> Outcome<Memory> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).map(|kilobytes| kilobytes << 10)
    };
    match (field("VmRSS"), field("VmHWM")) {
        (Some(now), Some(most)) => Ok(Memory { now, most }),
        _ => Err(wrong(format!("process {id} has no memory"))),
    }
}

/// The memory of a process and of everything it started.
pub fn memory_of_all(id: u32) -> Outcome<u64> {
    Ok(family(id).into_iter().filter_map(|id| memory(id).ok()).map(|memory| memory.now).sum())
}

/// The process and everything it started.
fn family(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        at += 1;
        let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
    }
    all
}

/// From here on the most is counted anew.
pub fn forget_the_most(id: u32) -> Outcome<()> {
    Ok(fs::write(format!("/proc/{id}/clear_refs"), "5")?)
}

/// Seconds for which the threads that a process has now were on a processor.
pub fn seconds(id: u32) -> Outcome<f64> {
    let mut nanoseconds = 0_u64;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(std::time::Duration::from_nanos(nanoseconds).as_secs_f64())
}

/// Seconds for which a process was on a processor, with the threads that have ended. The kernel tells hundredths.
pub fn spent(id: u32) -> Outcome<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, after) = text.rsplit_once(')').ok_or_else(|| wrong("no times of a process"))?;
    let ticks: Vec<u32> = after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse().ok()).collect();
    Ok(f64::from(ticks.iter().sum::<u32>()) / 100.0)
}
