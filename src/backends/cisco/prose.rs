//! Text that Cisco writes as HTML, made plain: bug descriptions, advisory summaries, case notes.

use crate::backends::outside;

/// The text without markup and without characters that nobody sees; paragraphs stay apart.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        rest = match tag(from) {
            Some((name, behind)) => {
                if is_break(name) {
                    text.push('\n');
                }
                behind
            }
            None => match entity(from) {
                Some((c, behind)) => {
                    text.push(c);
                    behind
                }
                // A `<` or `&` that begins neither is meant as it is.
                None => {
                    let (character, behind) = from.split_at(1);
                    text.push_str(character);
                    behind
                }
            },
        };
    }
    text.push_str(rest);
    // Entities can stand for characters that would be removed.
    tidy(&outside::clean(text))
}

/// Characters of a tag, with the address of a link in it.
const LONGEST_TAG: usize = 300;
/// Characters of an entity.
const LONGEST_ENTITY: usize = 12;

/// The tag's name and what stands behind the tag. Commands of a command line are written as `<name>`, too: only what
/// HTML knows is a tag.
fn tag(from: &str) -> Option<(&str, &str)> {
    const NAMES: &[&str] = &[
        "a",
        "b",
        "i",
        "u",
        "p",
        "br",
        "em",
        "strong",
        "ul",
        "ol",
        "li",
        "div",
        "span",
        "pre",
        "code",
        "font",
        "tt",
        "h1",
        "h2",
        "h3",
        "h4",
        "table",
        "tbody",
        "thead",
        "tr",
        "td",
        "th",
        "hr",
        "sup",
        "sub",
        "img",
        "script",
        "style",
        "cr_section",
    ];
    let inside = from.strip_prefix('<')?;
    // A tag is short; looking further would take long in a text of nothing but brackets.
    let near = inside.char_indices().nth(LONGEST_TAG).map_or(inside, |(end, _)| inside.split_at(end).0);
    let (inside, behind) = inside.split_at(near.find('>')?);
    let behind = behind.strip_prefix('>')?;
    let inside = inside.strip_prefix('/').unwrap_or(inside);
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (name, more) = inside.split_at(end);
    let is_whole = more.is_empty() || more.starts_with([' ', '/', '\n', '\t']);
    (is_whole && NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))).then_some((name, behind))
}

fn is_break(name: &str) -> bool {
    ["p", "br", "li", "div", "tr", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "hr", "table"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

fn entity(from: &str) -> Option<(char, &str)> {
    let inside = from.strip_prefix('&')?;
    let near = inside.char_indices().nth(LONGEST_ENTITY).map_or(inside, |(end, _)| inside.split_at(end).0);
    let (name, behind) = inside.split_at(near.find(';')?);
    let behind = behind.strip_prefix(';')?;
    let c = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((c, behind))
}

/// No blanks at the ends of lines, at most one empty line between paragraphs.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0_usize;
    for line in text.lines().map(str::trim_end) {
        if line.trim_start().is_empty() {
            empty = empty.saturating_add(1);
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        tidy.push_str(line);
    }
    tidy
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        for (html, expected) in [
            ("<B>Symptom:</B>\ntext\n\n\n<B>Conditions:</B>\n", "Symptom:\ntext\n\nConditions:"),
            ("<p>One.</p><p>Two<br/>three</p>", "One.\n\nTwo\nthree"),
            ("a &lt; b &amp;&#38; c&nbsp;&#x41; &unknown; &", "a < b && c A &unknown; &"),
            ("interface <name> is < 5 and <1/0/1>", "interface <name> is < 5 and <1/0/1>"),
            ("<a href=\"https://x/?a>b\">link</a>", "b\">link"),
            ("plain", "plain"),
            ("&#x1b;[2Jclear &#8238;txet", "[2Jclear txet"),
            ("<script>alert(1)</script>x", "alert(1)x"),
        ] {
            assert_eq!(plain(html), expected, "{html}");
        }
    }

    #[test]
    fn a_text_of_nothing_but_beginnings_is_read_in_one_go() {
        for odd in ["<", "&", "<b", "&lt", "<a href="] {
            let text = odd.repeat(300_000);
            assert_eq!(plain(&text).len(), text.len());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_made_plain(html in "([<>&;#a-z/ \n]|br|p>|&lt;|&#x1b;|é){0,60}") {
            let text = plain(&html);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
