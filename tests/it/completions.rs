//! The committed completion scripts are those of this command line.

use keyward::report::Exit;

use crate::world::World;

#[test]
fn the_committed_scripts_have_not_drifted() {
    for (shell, file) in
        [("bash", "keyward.bash"), ("zsh", "_keyward"), ("fish", "keyward.fish"), ("powershell", "keyward.ps1")]
    {
        let ran = World::new().run(&["completions", shell]).failed(Exit::Done);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        // One environment variable rewrites every golden file.
        if std::env::var_os("KEYWARD_UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &ran.out).expect("written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == ran.out, "`{}` is stale: KEYWARD_UPDATE_GOLDEN=1 cargo test", path.display());
    }
}
