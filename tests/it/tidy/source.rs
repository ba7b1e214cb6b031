//! Reading Rust sources without a parser: comments and literals blanked, tests cut off, words told apart.

use std::path::{Path, PathBuf};

/// One source file: where it is, what it says, and its code alone.
pub struct Source {
    /// Below the project's folder, with `/` between the parts.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The text without its trailing test module, with comments and literals blanked. Lines stay where they are.
    pub code: String,
}

impl Source {
    /// A file with this text at this path.
    pub fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&blank(text)).to_owned();
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Whether the whole file is tests: they may import what they like and be as long as they like.
    pub fn is_tests(&self) -> bool {
        !self.path.starts_with("src/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The module that the file is: `src/store/lock.rs` is `store`, `lock`; the crate itself is empty.
    pub fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<String> = inner.split('/').map(String::from).collect();
        if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            parts.pop();
        }
        parts
    }
}

/// Every file below the folder whose name ends with this, in a stable order.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = folder.read_dir() else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text with the inside of comments and literals replaced by blanks; line breaks stay.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(length) = raw_literal(rest).filter(|_| !is_word(before)) {
            length
        } else if next == '"' {
            quoted(rest, '"')
        } else if next == '\'' {
            character(rest)
        } else {
            0
        };
        if length == 0 {
            out.push(next);
            before = next;
            rest = rest.split_at(next.len_utf8()).1;
        } else {
            let (literal, after) = rest.split_at(length);
            out.extend(literal.chars().map(|c| if c == '\n' { c } else { ' ' }));
            before = ' ';
            rest = after;
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How long the nested block comment at the start is.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at.min(text.len())
}

/// How long the raw literal at the start is: `r"…"`, `br#"…"#`.
fn raw_literal(text: &str) -> Option<usize> {
    let open = text.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let hashes = open.len() - open.trim_start_matches('#').len();
    let body = open.get(hashes..)?.strip_prefix('"')?;
    let prefix = text.len() - body.len();
    let close = format!("\"{}", "#".repeat(hashes));
    Some(prefix + body.find(&close).map_or(body.len(), |at| at + close.len()))
}

/// How long the quoted literal at the start is, escapes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// How long the character literal at the start is; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut after = text.chars().skip(1);
    match (after.next(), after.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// The code up to a test module that ends the file.
pub fn without_tests(code: &str) -> &str {
    let Some((before, tests)) = code.rfind("#[cfg(test)]\nmod tests").map(|at| code.split_at(at)) else { return code };
    let mut depth = 0_usize;
    for (at, c) in tests.char_indices() {
        match c {
            // The module is a file of its own.
            ';' if depth == 0 => break,
            '{' => depth += 1,
            '}' if depth == 1 => {
                // Something after it: then it does not end the file, and everything counts.
                return if tests.split_at(at + 1).1.trim().is_empty() { before } else { code };
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code
}

/// The code as words and single signs.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(length);
        found.push(token);
        rest = after.trim_start();
    }
    found
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let text = r####"let a = "crate::b \" // no"; // crate::c
let d = 'x'; let e: &'static str = r#"crate::"f"# ; /* crate /* :: */ g */ h('"', b"i", '\'')"####;
    let code = blank(text);
    assert_eq!(tokens(&code).join(" "), "let a = ; let d = ; let e : & ' static str = ; h ( , b , )");
    assert_eq!((code.len(), code.lines().count()), (text.len(), 2));
}

#[test]
fn only_a_test_module_that_ends_the_file_is_cut_off() {
    let tests = "#[cfg(test)]\nmod tests { fn a() { } }\n";
    assert_eq!(without_tests(&format!("fn b() {{}}\n{tests}")), "fn b() {}\n");
    let followed = format!("{tests}fn b() {{}}\n");
    assert_eq!(without_tests(&followed), followed);
    let elsewhere = "fn b() {}\n#[cfg(test)]\nmod tests;\n";
    assert_eq!(without_tests(elsewhere), elsewhere);
}

#[test]
fn a_file_knows_its_module() {
    for (path, module) in [
        ("src/lib.rs", vec![]),
        ("src/secret.rs", vec!["secret"]),
        ("src/store/mod.rs", vec!["store"]),
        ("src/backends/tavily/fake.rs", vec!["backends", "tavily", "fake"]),
    ] {
        assert_eq!(Source::new(path, "").module(), module, "{path}");
    }
}
