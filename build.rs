//! How the released program is linked on Linux; every other build is linked as usual.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script what it builds by the environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/link");
    let told = |name: &str| env::var(name).unwrap_or_default();
    if told("CARGO_CFG_TARGET_OS") != "linux" || told("PROFILE") != "release" {
        return;
    }
    let folder = Path::new(&told("CARGO_MANIFEST_DIR")).join("src/link");
    for script in ["unwinding.ld", "start.ld"] {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", folder.join(script).display());
    }
    // What follows asks this machine, which says nothing about another one, nor about a linker of somebody's own choice.
    if told("CARGO_CFG_TARGET_ENV") != "gnu" || told("HOST") != told("TARGET") || !told("RUSTC_LINKER").is_empty() {
        return;
    }
    if reads_packed_relocations() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let out = told("OUT_DIR");
    if has_static_unwinder() && fs::write(Path::new(&out).join("libgcc_s.so"), "INPUT(-lgcc_eh)\n").is_ok() {
        println!("cargo:rustc-link-search=native={out}");
    }
}

/// Whether the C library applies relocations that are packed (`DT_RELR`): of the 16,000 that make a position independent
/// program ready each takes 24 bytes otherwise, a twentieth of the program. An older one would refuse to start it.
fn reads_packed_relocations() -> bool {
    let version = said("getconf", &["GNU_LIBC_VERSION"]);
    let minor = version.strip_prefix("glibc 2.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= 36)
}

/// Whether the compiler has an archive of what is otherwise loaded as `libgcc_s.so`, at every start, for the sake of an
/// unwinding that never takes place.
fn has_static_unwinder() -> bool {
    Path::new(&said("cc", &["-print-file-name=libgcc_eh.a"])).is_absolute()
}

/// What a program says; nothing if there is no such program.
#[expect(clippy::disallowed_methods, reason = "a build script asks the machine that builds")]
fn said(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().map(|done| done.stdout).unwrap_or_default();
    String::from_utf8_lossy(&done).trim().to_owned()
}
