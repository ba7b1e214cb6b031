//! How the released program is linked on Linux; every other build is linked as usual.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script what it builds by the environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/link");
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    if told("CARGO_CFG_TARGET_OS") != "linux" || told("PROFILE") != "release" {
        return;
    }
    let folder = Path::new(&told("CARGO_MANIFEST_DIR")).join("src/link");
    for script in ["unwinding.ld", "start.ld"] {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", folder.join(script).display());
    }
}
