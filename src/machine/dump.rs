//! Core dumps: a process that crashes must not leave its tokens in a file, or with whoever collects crashes.
//!
//! The limit alone is not enough on Linux: a program that collects crashes (systemd's, Ubuntu's, WSL's) is handed the
//! memory whatever the limit says. An empty filter keeps every piece of memory out of what it gets. Making the process
//! undumpable would do that, too, and would also hide from the keychain which program asks: KeePassXC looks that up in
//! `/proc` and warns the person of a client that it cannot find.

/// Keeps the memory of this process out of core dumps, as far as the platform lets a process decide that. Programs that
/// are started inherit it, and may raise the limit again.
pub fn without_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        // Lowering one's own limit is never refused.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), ..getrlimit(Resource::Core) });
    }
    // Absent where the kernel was built without core dumps.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/coredump_filter", "0");
}
