//! What is offered at which place, without any configuration, and what never is.

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

fn answer(before: &str, word: &str) -> String {
    let mut definition = crate::cli::definition();
    definition.build();
    let before = words(before);
    let place = Place::of(&definition, &before);
    let known = Known::nothing();
    place.answer(word, &known)
}

fn values(answer: &str) -> Vec<&str> {
    answer.lines().skip(1).filter_map(|line| line.split('\t').next()).collect()
}

#[test]
fn commands_and_options_come_from_the_definition() {
    assert_eq!(values(&answer("", "log")), ["login", "logout"]);
    assert_eq!(values(&answer("config", "un")), ["unset"]);
    assert_eq!(values(&answer("token --header", "--he")), ["--help"], "what was given is not offered again");
    assert!(values(&answer("login x", "--")).contains(&"--config"), "what every command takes");
    assert!(!answer("", "").contains("complete\t"), "what is hidden stays so");
}

#[test]
fn values_that_are_known_are_offered_after_and_in_the_option() {
    assert_eq!(values(&answer("login --backend", "net")), ["netbox"]);
    assert_eq!(values(&answer("login", "--backend=net")), ["--backend=netbox"]);
    assert_eq!(values(&answer("--color", "n")), ["never"]);
    assert_eq!(values(&answer("completions", "z")), ["zsh"]);
    assert_eq!(values(&answer("--config some", "log")), ["login", "logout"], "the value of an option is no command");
}

#[test]
fn where_a_file_stands_the_shell_is_asked() {
    assert_eq!(answer("login --config", "/e"), "files");
    assert_eq!(answer("", "--ca-file=/e"), "files");
}

#[test]
fn the_pages_of_the_manual_are_those_of_the_commands() {
    assert_eq!(values(&answer("man", "conf")), ["config"]);
    assert_eq!(values(&answer("man config", "s")), ["show", "set"]);
}

#[test]
fn what_a_shell_could_run_is_never_offered() {
    let odd =
        ["a;b", "a$(b)", "a`b`", "a b", "a'b", "a\"b", "a\\b", "a|b", "a&b", "a>b", "a\nb", "a*", "~a", "ä", "a!"];
    let candidates = odd.map(|name| (name.to_owned(), String::new())).into();
    assert_eq!(text(candidates, ""), "words");
}

#[test]
fn what_a_candidate_means_is_one_short_line() {
    let candidates = vec![("a".to_owned(), format!("x\u{1b}[2J\ty{}\nsecond", "z".repeat(200)))];
    let text = text(candidates, "");
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("words\na\tx[2Jyz") && text.chars().count() < 100, "{text:?}");
}

#[test]
fn nonsense_is_answered_with_nothing() {
    for before in ["nonsense", "--nonsense", "login --", "call", "config set", "login a b c d", "-", "-qv", "= : --=x"]
    {
        assert!(answer(before, "zzz").starts_with("words"), "{before}");
    }
}
