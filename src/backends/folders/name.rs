//! Names that mean something else than a file on one of the systems that keyward runs on. They are refused on all of them:
//! a file that is made here is synchronised to there.

use super::Fault;

/// Devices of Windows, whatever stands behind a point; the last ones with a digit.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// Refuses such a name.
pub(super) fn check(name: &str) -> Result<(), Fault> {
    match complaint(name) {
        Some(why) => Err(Fault::Name { why }),
        None => Ok(()),
    }
}

fn complaint(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Some("a name is text without control characters");
    }
    // `a:b` is a stream hidden in the file `a`, and `C:b` a file on another drive.
    if name.contains([':', '\\']) {
        return Some("`:` and `\\` have a meaning of their own on Windows; folders are separated by `/`");
    }
    // Windows leaves it away, and two names are one.
    if name.ends_with(['.', ' ']) {
        return Some("a name ends neither with a point nor with a space");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_numbered = |device: &&str| {
        let rest = stem.strip_prefix(*device).map(|rest| rest.chars().collect::<Vec<_>>());
        matches!(rest.as_deref(), Some(['0'..='9' | '¹' | '²' | '³']))
    };
    if DEVICES.contains(&stem.as_str()) || NUMBERED.iter().any(is_numbered) {
        return Some("Windows keeps that name for a device");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_file_somewhere_is_refused() {
        for name in [
            "",
            "a\0b",
            "a\nb",
            "a\u{7f}",
            "a:b",
            "a::$DATA",
            "C:",
            "a\\b",
            "..\\x",
            "a.",
            "a ",
            "...",
            "con",
            "CON",
            "nul.txt",
            "Nul.tar.gz",
            "aux .txt",
            "com1",
            "LPT9.log",
            "com¹",
            "conin$",
        ] {
            assert!(matches!(check(name), Err(Fault::Name { .. })), "{name:?}");
        }
        for name in
            ["a", ".a", "a.b", "a b", "console", "com", "com10", "comb.txt", "nul_", "xnul", "äöü 日本.txt", "#%&'"]
        {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }
}
